// The newest end of windows that begin in a tier: raw samples behind its last bucket, as rows that end at the ends of
// the windows, so that each window is a run of whole rows again.
//
//   buckets   ├────┼────┼────┤ tail from here
//   rows                     ├─┼────┼────┤           one for each end of a window
import type { Selection, SeriesBatch } from '../../storage/interface.ts'
import { BucketBuffer } from '../../storage/tier/bucket-buffer.ts'
import type { BucketColumn } from '../../storage/tier/bucket.ts'
import { putRow, sumsOf } from '../../storage/tier/row-sums.ts'
import type { Budget } from './budget.ts'

/** Columns of doubles. */
const ROW_BYTES = 13 * 8

export interface BucketTail {
  /** Series s is refs[s] of the selection. */
  rows: BucketBuffer
  /** Samples read. */
  samples: number
  /** To be given back to the budget. */
  bytes: number
}

/** `ends`: ascending, Unix ms; the first row begins at `fromMs`. Native histograms are passed over, as in all tiers. */
export function readTail(
  selection: Selection, place: { fromMs: number; ends: Float64Array }, wanted: readonly BucketColumn[], budget: Budget,
): BucketTail {
  const rows = new BucketBuffer()
  const bytes = selection.refs.length * place.ends.length * ROW_BYTES
  budget.addBytes(bytes)
  rows.shape(selection.refs.length, place.ends.length)
  rows.t.set(place.ends)
  for (let s = 0; s < rows.seriesCount; s++) rows.index[s] = s
  const filler = new RowsFiller(rows, place.fromMs, sumsOf(wanted))
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    budget.check()
    for (let s = 0; s < batch.seriesCount; s++) filler.fill(batch, s)
  }
  return { rows, samples: filler.samples, bytes }
}

class RowsFiller {
  samples = 0
  readonly #rows: BucketBuffer
  readonly #fromMs: number
  readonly #sums: number
  /** Live samples of the row at work. */
  #live = new Float64Array(256)

  constructor(rows: BucketBuffer, fromMs: number, sums: number) {
    this.#rows = rows
    this.#fromMs = fromMs
    this.#sums = sums
  }

  fill(batch: SeriesBatch, s: number): void {
    const { n, t } = batch
    const { t: ends, n: rowCount } = this.#rows
    if (this.#live.length < n) this.#live = new Float64Array(n)
    let k = 0
    while (k < n && t[k]! <= this.#fromMs) k++
    for (let i = 0; i < rowCount; i++) {
      const from = k
      while (k < n && t[k]! <= ends[i]!) k++
      if (k > from) this.#put(batch, s, { from, to: k }, batch.index[s]! * rowCount + i)
    }
  }

  #put(batch: SeriesBatch, s: number, { from, to }: { from: number; to: number }, row: number): void {
    const { n, t, v, hasGaps, present, stale, histograms, histogramBits } = batch
    const { count, firstT, lastT, staleAtEnd } = this.#rows.columns
    const live = this.#live
    const words = s * ((n + 31) >>> 5)
    const isWhole = hasGaps[s] === 0
    let samples = 0
    for (let k = from; k < to; k++) {
      const word = words + (k >>> 5)
      if (!isWhole && (present[word]! >>> (k & 31) & 1) === 0) continue
      staleAtEnd[row] = isWhole ? 0 : stale[word]! >>> (k & 31) & 1
      if (staleAtEnd[row] === 1 || (histograms !== null && (histogramBits[word]! >>> (k & 31) & 1) === 1)) continue
      if (samples === 0) firstT[row] = t[k]!
      lastT[row] = t[k]!
      live[samples++] = v[s * n + k]!
    }
    count[row] = samples
    this.samples += samples
    if (samples > 0) putRow(live, 0, samples, this.#rows.columns, row, this.#sums)
  }
}
