// Quantiles over windows of one series' rows: of the samples themselves where all rows of a window keep these, else of their
// sketches, added as the window moves on and taken away behind it.
//
//   rows       ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
//   window i        [─────────────]            the sum holds these rows
//   window i+1           [─────────────]       less those before, and those that came
import { quantile } from '../../lib/model/quantile.ts'
import type { QuantileRow, QuantileWindows } from './bucket.ts'
import { SketchSum, binKey } from './sketch.ts'

/** Rows of a series: those [first, first + n) of lists that may hold others', too, in order of time. */
export interface SketchedRows {
  first: number
  n: number
  /** Unix ms, t[0, n): ends of buckets, not descending. */
  t: Float64Array
  /** Samples of row i: samples[sampleAt[i], sampleAt[i + 1]). */
  samples: Float64Array
  sampleAt: Uint32Array
  /** The sketch of row i, the same way: empty where it has samples. */
  sketches: Uint8Array
  sketchAt: Uint32Array
}

export class WindowQuantiles {
  readonly #windows: QuantileWindows
  readonly #row: QuantileRow
  readonly #sum = new SketchSum()
  /** The rows in the sum. */
  #from = 0
  #to = 0
  #scratch: Float64Array = new Float64Array(0)

  constructor(windows: QuantileWindows) {
    this.#windows = windows
    this.#row = { index: 0, rows: 0, values: new Float64Array(windows.qs.length), found: new Uint8Array(windows.qs.length) }
  }

  /** The quantiles of series `index`; the result is used again. Throws RangeError where a sketch is none. */
  of(index: number, rows: SketchedRows): QuantileRow {
    const { qs, from, to } = this.#windows
    const { first, n, t, sampleAt, sketchAt } = rows
    const { values, found } = this.#row
    this.#row.index = index
    this.#row.rows = n
    this.#sum.clear()
    this.#from = this.#to = 0
    let lo = 0
    let hi = 0
    for (let i = 0; i < qs.length; i++) {
      while (lo < n && t[lo]! <= from[i]!) lo++
      while (hi < n && t[hi]! <= to[i]!) hi++
      const [begin, end] = [first + lo, first + Math.max(lo, hi)]
      const isSketched = sketchAt[end]! > sketchAt[begin]!
      found[i] = isSketched || sampleAt[end]! > sampleAt[begin]! ? 1 : 0
      if (found[i] === 0) values[i] = NaN
      else if (isSketched) values[i] = this.#moved(rows, lo, hi).quantile(qs[i]!)
      else values[i] = quantile(qs[i]!, this.#copy(rows.samples, sampleAt[begin]!, sampleAt[end]!))
    }
    return this.#row
  }

  /** The sum of rows [lo, hi), made of those of the window before. */
  #moved(rows: SketchedRows, lo: number, hi: number): SketchSum {
    const sum = this.#sum
    // Anew where that adds less than is to be taken away.
    if (lo - this.#from > hi - lo) {
      sum.clear()
      this.#from = this.#to = lo
    }
    for (; this.#to < hi; this.#to++) addRow(rows, this.#to, sum, 1)
    for (; this.#from < lo; this.#from++) addRow(rows, this.#from, sum, -1)
    return sum
  }

  #copy(samples: Float64Array, from: number, to: number): Float64Array {
    // Kept from one window to the next, which mostly are equally long.
    if (this.#scratch.length !== to - from) this.#scratch = new Float64Array(to - from)
    const scratch = this.#scratch
    for (let i = from; i < to; i++) scratch[i - from] = samples[i]!
    return scratch
  }
}

function addRow({ first, samples, sampleAt, sketches, sketchAt }: SketchedRows, i: number, sum: SketchSum, times: 1 | -1): void {
  const row = first + i
  if (sketchAt[row + 1]! > sketchAt[row]!) sum.add(sketches, sketchAt[row]!, sketchAt[row + 1]!, times)
  else for (let k = sampleAt[row]!; k < sampleAt[row + 1]!; k++) sum.addBin(binKey(samples[k]!), times)
}
