// One series' rows of buckets as kernels want them: those that hold something, side by side, and behind them those made
// of raw samples (bucket-tail.ts).
import type { BucketBatch, BucketColumn, BucketColumns } from '../../storage/tier/bucket.ts'
import type { BucketRun } from '../func/bucket-kernel.ts'

const NONE = new Float64Array(0)

function emptyColumns(): BucketColumns {
  return {
    count: NONE, sum: NONE, m2: NONE, min: NONE, max: NONE, first: NONE, last: NONE, correction: NONE, p99: NONE,
    firstT: NONE, lastT: NONE, staleAtEnd: new Uint8Array(0),
  }
}

/** Scratch that grows and is used again for every series. */
export class RunScratch implements BucketRun {
  t: Float64Array = NONE
  at = 0
  columns: BucketColumns = emptyColumns()
  /** Rows without those of the tail. */
  tierRows = 0
  readonly #wanted: readonly Exclude<BucketColumn, 'staleAtEnd'>[]
  readonly #own = emptyColumns()
  #ownT: Float64Array = NONE
  #kept = new Uint32Array(0)

  /** `wanted`: columns to copy, beside `count` and `staleAtEnd`. */
  constructor(wanted: readonly BucketColumn[]) {
    this.#wanted = [...new Set<BucketColumn>(['count', ...wanted])].filter((name) => name !== 'staleAtEnd')
  }

  /**
   * Takes series `s` of a batch, and of `tail` series `tailS`; returns how many rows. `keepsStale`: rows without a sample
   * stay where they tell of a staleness marker.
   */
  load(batch: BucketBatch, s: number, tail: { batch: BucketBatch; s: number } | null, keepsStale: boolean): number {
    const { n, t, columns } = batch
    if (this.#kept.length < n) this.#kept = new Uint32Array(n)
    const live = keepOf(batch, s, keepsStale, this.#kept)
    this.tierRows = live
    if (live === n && tail === null) {
      // Fast path: the columns as they are.
      this.t = t
      this.at = s * n
      this.columns = columns
      return n
    }
    const size = live + (tail === null ? 0 : tail.batch.n)
    this.#reserve(size)
    this.t = this.#ownT
    this.at = 0
    this.columns = this.#own
    this.#copy(batch, s, live, 0)
    if (tail === null) return live
    if (this.#kept.length < tail.batch.n) this.#kept = new Uint32Array(tail.batch.n)
    const behind = keepOf(tail.batch, tail.s, keepsStale, this.#kept)
    this.#copy(tail.batch, tail.s, behind, live)
    return live + behind
  }

  /** Copies the rows in #kept[0..rows) to position `to` on. */
  #copy(batch: BucketBatch, s: number, rows: number, to: number): void {
    const kept = this.#kept
    const from = s * batch.n
    for (let j = 0; j < rows; j++) this.#ownT[to + j] = batch.t[kept[j]!]!
    for (const name of this.#wanted) {
      const source = batch.columns[name]
      const target = this.#own[name]
      for (let j = 0; j < rows; j++) target[to + j] = source[from + kept[j]!]!
    }
    const { staleAtEnd } = batch.columns
    for (let j = 0; j < rows; j++) this.#own.staleAtEnd[to + j] = staleAtEnd[from + kept[j]!]!
  }

  #reserve(rows: number): void {
    if (this.#ownT.length >= rows) return
    const size = Math.max(rows, this.#ownT.length * 2)
    this.#ownT = new Float64Array(size)
    for (const name of this.#wanted) this.#own[name] = new Float64Array(size)
    this.#own.staleAtEnd = new Uint8Array(size)
  }
}

function keepOf({ n, columns }: BucketBatch, s: number, keepsStale: boolean, kept: Uint32Array): number {
  const { count, staleAtEnd } = columns
  const from = s * n
  let rows = 0
  for (let k = 0; k < n; k++) {
    if (count[from + k]! > 0 || (keepsStale && staleAtEnd[from + k] === 1)) kept[rows++] = k
  }
  return rows
}
