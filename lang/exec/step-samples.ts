// How many samples a query read, by its steps: what `stats` tells (prometheus util/stats: QuerySamples). There are two counts.
//
//   queryable   a sample counts at each step whose window it is in; what is evaluated once for all steps counts at each too,
//               and what a subquery reads inside does not: its windows are counted instead (budget.ts, readTimes)
//   read        a sample counts at the first step that sees it; what is evaluated once counts at the first step, what a subquery
//               reads inside at the step that uses it first, its windows not at all
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
  /** By the steps of what was evaluated. */
  readonly read: Float64Array
}

/** For each step of what is evaluated apart, the step of those around it at which its reads count; -1: at none. */
export type ReadPlaces = Int32Array

/** What is evaluated once is read at the first step. */
export const AT_FIRST_STEP: ReadPlaces = new Int32Array(1)

export class StepSamples {
  readonly #steps: Steps
  #counts: Float64Array
  #forAll = 0
  #meant: Meant = 'own'
  /** How often what is read counts where it stands for all steps. */
  #times = 1
  /** By the steps of what is being evaluated. */
  #read: Float64Array

  constructor(steps: Steps) {
    this.#steps = steps
    this.#counts = new Float64Array(steps.count)
    this.#read = new Float64Array(steps.count)
  }

  /** What `work` reads is queryable `times` over: once for each step, or not at all. `places`: where it is read; null: nowhere. */
  readTimes<T>(times: number, work: () => T, places: ReadPlaces | null): T {
    const [before, timesBefore] = [this.#meant, this.#times]
    const around = this.#read
    if (times === 0) this.#meant = 'none'
    else if (before === 'own') this.#meant = 'all'
    else this.#times *= times
    const inner = places === null ? around.slice() : new Float64Array(places.length)
    this.#read = inner
    try {
      return work()
    } finally {
      this.#meant = before
      this.#times = timesBefore
      this.#read = around
      if (places !== null) for (let i = 0; i < places.length; i++) if (places[i]! >= 0) around[places[i]!]! += inner[i]!
    }
  }

  /** Also says what `work` read, as if its steps were those of the query. */
  recorded<T>(work: () => T): { result: T; reads: StepReads } {
    const [counts, forAll, meant, times, read] = [this.#counts, this.#forAll, this.#meant, this.#times, this.#read]
    this.#counts = new Float64Array(counts.length)
    this.#read = new Float64Array(read.length)
    this.#forAll = 0
    this.#meant = 'own'
    this.#times = 1
    const result = work()
    const reads = { counts: this.#counts, forAll: this.#forAll, read: this.#read }
    this.#counts = counts
    this.#read = read
    this.#forAll = forAll
    this.#meant = meant
    this.#times = times
    this.count(reads)
    return { result, reads }
  }

  /** Counts what was read once more, for what it stands here. */
  count({ counts, forAll, read }: StepReads): void {
    for (let i = 0; i < read.length; i++) this.#read[i]! += read[i]!
    if (this.#meant === 'none') return
    this.#forAll += forAll * this.#times
    if (this.#meant === 'own') for (let i = 0; i < counts.length; i++) this.#counts[i]! += counts[i]!
    // Evaluated at one step for all.
    else this.#forAll += counts[0]! * this.#times
  }

  /** `samples` were seen at step i of what is being evaluated, `read` of them for the first time. */
  add(i: number, samples: number, read: number): void {
    this.#read[i]! += read
    if (this.#meant === 'own') this.#counts[i]! += samples
    else if (this.#meant === 'all') this.#forAll += samples * this.#times
  }

  /** The samples in the windows of steps from `first` on; those of a subquery were read by what is in it. */
  addWindows({ lo, hi, count }: Windows, first: number, isSubquery: boolean): void {
    for (let i = 0; i < count; i++) this.add(first + i, hi[i]! - lo[i]!, isSubquery ? 0 : hi[i]! - (i === 0 ? lo[i]! : Math.max(lo[i]!, hi[i - 1]!)))
  }

  /** The points of `count` steps from `first` on, a histogram by its size. */
  addRow({ values, kinds, at }: { values: Float64Array; kinds: Uint8Array; at: number }, count: number, first: number, histograms: HistogramTable): void {
    for (let i = 0; i < count; i++) {
      const kind = kinds[at + i]!
      if (kind === ABSENT) continue
      const samples = kind === HISTOGRAM ? samplesOf(histograms.get(values[at + i]!)) : 1
      this.add(first + i, samples, samples)
    }
  }

  /** All that were read. */
  get readTotal(): number {
    return this.#read.reduce((sum, read) => sum + read, 0)
  }

  /** [Unix seconds, queryable samples] of each step. */
  queryable(): [number, number][] {
    return this.#list(this.#counts, this.#forAll)
  }

  /** [Unix seconds, samples read] of each step. */
  read(): [number, number][] {
    return this.#list(this.#read, 0)
  }

  #list(counts: Float64Array, forAll: number): [number, number][] {
    const { startMs, stepMs } = this.#steps
    return Array.from(counts, (count, i) => [(startMs + i * stepMs) / 1000, count + forAll])
  }
}
