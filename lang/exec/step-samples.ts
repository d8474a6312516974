// How many samples were read for each step of a query: what `stats=all` adds with promql-per-step-stats (prometheus
// util/stats: QuerySamples). A sample in the windows of several steps counts at each. What is evaluated once for all steps
// counts at each too, and what a subquery reads inside does not: its windows are counted instead (budget.ts, readTimes).
import type { Windows } from '../func/range-kernel.ts'
import { samplesOf } from './histogram-samples.ts'
import type { HistogramTable } from './histogram-table.ts'
import { ABSENT, HISTOGRAM, type Steps } from './operator.ts'

/** What is read stands for its own steps, for all steps of the query, or for none. */
type Meant = 'own' | 'all' | 'none'

/** Samples read by step, and those that count at each. */
export interface StepReads {
  readonly counts: Float64Array
  readonly forAll: number
}

export class StepSamples {
  readonly #steps: Steps
  #counts: Float64Array
  #forAll = 0
  #meant: Meant = 'own'

  constructor(steps: Steps) {
    this.#steps = steps
    this.#counts = new Float64Array(steps.count)
  }

  /** What `work` reads counts `times` over: once for each step, or not at all. */
  readTimes<T>(times: number, work: () => T): T {
    const before = this.#meant
    if (times === 0) this.#meant = 'none'
    else if (before === 'own') this.#meant = 'all'
    try {
      return work()
    } finally {
      this.#meant = before
    }
  }

  /** Also says what `work` read, as if its steps were those of the query. */
  recorded<T>(work: () => T): { result: T; reads: StepReads } {
    const [counts, forAll, meant] = [this.#counts, this.#forAll, this.#meant]
    this.#counts = new Float64Array(counts.length)
    this.#forAll = 0
    this.#meant = 'own'
    const result = work()
    const reads = { counts: this.#counts, forAll: this.#forAll }
    this.#counts = counts
    this.#forAll = forAll
    this.#meant = meant
    this.count(reads)
    return { result, reads }
  }

  /** Counts what was read once more, for what it stands here. */
  count({ counts, forAll }: StepReads): void {
    if (this.#meant === 'none') return
    this.#forAll += forAll
    if (this.#meant === 'own') for (let i = 0; i < counts.length; i++) this.#counts[i]! += counts[i]!
    // Evaluated at one step for all.
    else this.#forAll += counts[0]!
  }

  /** `samples` were read for step i of what is being evaluated. */
  add(i: number, samples: number): void {
    if (this.#meant === 'own') this.#counts[i]! += samples
    else if (this.#meant === 'all') this.#forAll += samples
  }

  /** The samples in the windows of steps from `first` on. */
  addWindows({ lo, hi, count }: Windows, first: number): void {
    for (let i = 0; i < count; i++) this.add(first + i, hi[i]! - lo[i]!)
  }

  /** The points of `count` steps from `first` on, a histogram by its size. */
  addRow({ values, kinds, at }: { values: Float64Array; kinds: Uint8Array; at: number }, count: number, first: number, histograms: HistogramTable): void {
    for (let i = 0; i < count; i++) {
      const kind = kinds[at + i]!
      if (kind !== ABSENT) this.add(first + i, kind === HISTOGRAM ? samplesOf(histograms.get(values[at + i]!)) : 1)
    }
  }

  /** [Unix seconds, samples] of each step. */
  list(): [number, number][] {
    const { startMs, stepMs } = this.#steps
    return Array.from(this.#counts, (count, i) => [(startMs + i * stepMs) / 1000, count + this.#forAll])
  }
}
