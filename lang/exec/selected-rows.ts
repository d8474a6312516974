// Selection → rows: walks the store's batches series by series and hands up rows in chunks of bounded size. What a
// row says of a series is left to a RowFiller: the newest sample of each step, or a function of each window.
import type { Selection, SeriesBatch } from '../../storage/interface.ts'
import type { Budget } from './budget.ts'
import type { LabelTable } from './label-table.ts'
import type { Operator, RowBatch, Steps } from './operator.ts'
import { makeBatch, releaseBatch } from './row-batch.ts'
import type { StepSamples } from './step-samples.ts'
import type { TierUse } from './tier-use.ts'

export interface RowFiller {
  /** Called before the first series of each batch of the store. */
  startBatch(batch: SeriesBatch): void
  /**
   * Writes the row of series `s` of the batch to values and kinds from `at` on; kinds are zeroed. Returns the
   * number of points it counted as loaded, or 0 for an empty row.
   */
  fill(batch: SeriesBatch, s: number, row: { values: Float64Array; kinds: Uint8Array; at: number }): number
  /** Tells of the samples looked at for each step of the row filled last, which is `first` steps behind the query's first. */
  countSteps(row: { values: Float64Array; kinds: Uint8Array; at: number }, first: number, steps: StepSamples): void
  /** Samples looked at so far, where they are others than those loaded: those of all windows. */
  readonly samplesRead?: number
}

const NONE = new Float64Array(0)
const NO_KINDS = new Uint8Array(0)

/** The set of each series of a selection. */
export function selectedSets(selection: Selection, labels: LabelTable, budget: Budget): Uint32Array {
  const sets = budget.ints(selection.refs.length)
  for (let i = 0; i < sets.length; i++) sets[i] = labels.ofSeries(selection.refs[i]!)
  return sets
}

/** Empty rows are left out. */
export class SelectedRows implements Operator {
  readonly #selection: Selection
  readonly #series: Uint32Array
  readonly #filler: RowFiller
  readonly #budget: Budget
  readonly #tierUse: TierUse | null
  readonly #steps: Steps
  #out: RowBatch | null = null
  readonly #row: { values: Float64Array; kinds: Uint8Array; at: number } = { values: NONE, kinds: NO_KINDS, at: 0 }
  #batch: SeriesBatch | null = null
  #position = 0
  /** Paid for what the store decodes its samples to. */
  #batchBytes = 0
  #isDone = false

  constructor(selection: Selection, series: Uint32Array, filler: RowFiller, place: { steps: Steps; budget: Budget; tierUse: TierUse | null }) {
    const { steps, budget } = place
    this.#selection = selection
    this.#series = series
    this.#filler = filler
    this.#budget = budget
    this.#tierUse = place.tierUse
    this.#steps = steps
  }

  series(): Uint32Array {
    return this.#series
  }

  next(): RowBatch | null {
    if (this.#isDone) return this.#end()
    this.#budget.check()
    const out = this.#out ??= this.#start()
    out.kinds.fill(0)
    let rows = 0
    while (rows < out.index.length) {
      const batch = this.#currentBatch()
      if (batch === null) break
      rows = this.#fillFrom(batch, out, rows)
    }
    out.rows = rows
    return rows === 0 ? this.#end() : out
  }

  #start(): RowBatch {
    const out = makeBatch(this.#steps, this.#series.length, this.#budget)
    this.#row.values = out.values
    this.#row.kinds = out.kinds
    return out
  }

  /** The store's buffer is as large as its largest batch. */
  #pay(bytes: number): void {
    if (bytes <= this.#batchBytes) return
    this.#budget.addBytes(bytes - this.#batchBytes)
    this.#batchBytes = bytes
  }

  #end(): null {
    if (this.#out !== null) releaseBatch(this.#out, this.#budget)
    this.#out = null
    this.#budget.releaseBytes(this.#batchBytes)
    this.#batchBytes = 0
    return null
  }

  #currentBatch(): SeriesBatch | null {
    if (this.#batch !== null && this.#position < this.#batch.seriesCount) return this.#batch
    this.#batch = this.#selection.next()
    this.#position = 0
    if (this.#batch === null) {
      this.#isDone = true
      return null
    }
    this.#budget.check()
    this.#pay(this.#batch.n * this.#batch.seriesCount * 8)
    this.#filler.startBatch(this.#batch)
    return this.#batch
  }

  #fillFrom(batch: SeriesBatch, { index }: RowBatch, from: number): number {
    const row = this.#row
    const width = this.#steps.count
    const rowsMax = index.length
    const filler = this.#filler
    const { stepSamples } = this.#budget
    let rows = from
    let s = this.#position
    let loaded = 0
    const readBefore = filler.samplesRead
    for (; s < batch.seriesCount && rows < rowsMax; s++) {
      row.at = rows * width
      const points = filler.fill(batch, s, row)
      if (stepSamples !== null) filler.countSteps(row, 0, stepSamples)
      if (points === 0) continue
      loaded += points
      index[rows++] = batch.index[s]!
    }
    this.#position = s
    const read = readBefore === undefined ? loaded : filler.samplesRead! - readBefore
    this.#budget.addSamples(loaded, read)
    this.#tierUse?.addRows('raw', read)
    return rows
  }
}
