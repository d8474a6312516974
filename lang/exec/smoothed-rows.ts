// The rows of `m smoothed`: at every step the value on the straight line between the samples around it, up to a
// lookback away on either side; without a later sample the earlier one stands (prometheus promql/engine.go,
// smoothSeries).
//
//   ·───×───·        ·   ×          × a step
import { HINT_GAUGE, HINT_NOT_RESET, HINT_UNKNOWN, isCustom, type FloatHistogram } from '../../lib/model/histogram.ts'
import { withHint } from '../../lib/model/histogram-arithmetic.ts'
import type { SeriesBatch } from '../../storage/interface.ts'
import { interpolatedHistogram } from '../func/extended-histogram.ts'
import { interpolated } from '../func/extended-range.ts'
import type { Windows } from '../func/range-kernel.ts'
import type { RangeNotes } from '../func/range-notes.ts'
import { samplesInRow } from './histogram-samples.ts'
import type { HistogramTable } from './histogram-table.ts'
import { MixedSamples } from './mixed-samples.ts'
import { FLOAT, HISTOGRAM, type Steps } from './operator.ts'
import type { RowFiller } from './selected-rows.ts'
import { extendedShift } from './time-shift.ts'
import { locate, makeWindows, type TimeShift } from './windows.ts'

export class SmoothedRows implements RowFiller {
  /** Prometheus forgets to count what is read here. */
  readonly samplesRead = 0
  readonly #sets: Uint32Array
  readonly #notes: RangeNotes
  readonly #histograms: HistogramTable
  readonly #samples = new MixedSamples()
  /** From a lookback before each step to a lookback behind it; evaluated at `#at`. */
  readonly #floatWindows: Windows
  readonly #histogramWindows: Windows
  readonly #at: Float64Array

  /** `shift.rangeMs` is the lookback; `sets` the label set of each series of the selection. */
  constructor(place: { steps: Steps; shift: TimeShift }, sets: Uint32Array, notes: RangeNotes, histograms: HistogramTable) {
    const { steps, shift } = place
    this.#sets = sets
    this.#notes = notes
    this.#histograms = histograms
    this.#floatWindows = makeWindows(steps, extendedShift(shift, { beforeMs: 0, behindMs: shift.rangeMs }))
    this.#histogramWindows = { ...this.#floatWindows, lo: new Int32Array(steps.count), hi: new Int32Array(steps.count) }
    this.#at = makeWindows(steps, shift).endMs
  }

  startBatch(_batch: SeriesBatch): void {}

  fill(batch: SeriesBatch, s: number, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    const samples = this.#samples
    samples.load(batch, s, false)
    this.#notes.enter(this.#sets[batch.index[s]!]!)
    const { floats, histograms } = samples
    const { lo, hi, count } = this.#floatWindows
    const { lo: histogramLo, hi: histogramHi } = this.#histogramWindows
    locate(this.#floatWindows, floats.t, samples.floatCount)
    locate(this.#histogramWindows, histograms.t, samples.histogramCount)
    for (let i = 0; i < count; i++) {
      const hasFloats = hi[i]! > lo[i]!
      if (histogramHi[i]! > histogramLo[i]!) {
        if (hasFloats) this.#notes.mixOfFloatsAndHistograms()
        else this.#fillHistogram(i, row)
      } else if (hasFloats) {
        this.#fillFloat(i, row)
      }
    }
    return samplesInRow(row, count, this.#histograms)
  }

  countSteps(): void {}

  #fillFloat(i: number, { values, kinds, at }: { values: Float64Array; kinds: Uint8Array; at: number }): void {
    const { floats } = this.#samples
    const { lo, hi } = this.#floatWindows
    const ms = this.#at[i]!
    const next = firstFrom(floats.t, lo[i]!, hi[i]!, ms)
    const isBehind = next < hi[i]!
    if (isBehind && floats.t[next]! === ms) values[at + i] = floats.v[next]!
    else if (next === lo[i]!) return
    else values[at + i] = isBehind ? interpolated(floats, next - 1, ms, false) : floats.v[next - 1]!
    kinds[at + i] = FLOAT
  }

  #fillHistogram(i: number, { values, kinds, at }: { values: Float64Array; kinds: Uint8Array; at: number }): void {
    const { lo, hi } = this.#histogramWindows
    const next = firstFrom(this.#samples.histograms.t, lo[i]!, hi[i]!, this.#at[i]!)
    const histogram = this.#histogramAt(this.#at[i]!, { next, from: lo[i]!, to: hi[i]! })
    if (histogram === null) return
    values[at + i] = this.#histograms.put(histogram)
    kinds[at + i] = HISTOGRAM
  }

  #histogramAt(ms: number, { next, from, to }: { next: number; from: number; to: number }): FloatHistogram | null {
    const { histograms } = this.#samples
    const { t, h } = histograms
    if (next < to && t[next]! === ms) return h[next]!
    if (next === from) return null
    const before = h[next - 1]!
    // A hint speaks of two neighbours, not of a value carried on.
    if (next === to) return withHint(before, HINT_UNKNOWN)
    const after = h[next]!
    if (isCustom(before) !== isCustom(after)) {
      this.#notes.mixOfSchemas()
      return null
    }
    const isCounter = before.hint !== HINT_GAUGE || after.hint !== HINT_GAUGE
    const between = interpolatedHistogram(histograms, next - 1, ms, isCounter, this.#notes)
    return between && isCounter ? withHint(between, HINT_NOT_RESET) : between
  }
}

/** The first position in [from, to) at or behind `ms`; `to` for none. By halving: a lookback may hold any number of samples. */
function firstFrom(t: Float64Array, from: number, to: number, ms: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (t[middle]! < ms) low = middle + 1
    else high = middle
  }
  return low
}
