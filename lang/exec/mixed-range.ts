// A range function over one series that has native histograms or known start times, or whose windows are extended
// (anchored, smoothed): the second, slower path beside a kernel over the store's own columns.
//
//   floats      · · ·       · ·       the function's kernel, as ever
//   histograms        # # #           then its window function wherever a window holds one; functions without one
//   window         (───────]          ignore histograms, and say so where there are floats as well
import type { SampleWindow, WindowFunc } from '../func/sample-window.ts'
import type { Windows } from '../func/range-kernel.ts'
import { samplesOf } from './histogram-samples.ts'
import { MixedSamples } from './mixed-samples.ts'
import { ABSENT, FLOAT, HISTOGRAM, type Steps } from './operator.ts'
import type { RangeCall } from './range-contract.ts'
import type { StepSamples } from './step-samples.ts'
import { extendedShift } from './time-shift.ts'
import { locate, makeWindows, samplesIn, type TimeShift } from './windows.ts'

interface Row {
  values: Float64Array
  kinds: Uint8Array
  at: number
}

/** What a histogram costs, in samples: it has tens of buckets. */
const HISTOGRAM_SAMPLES = 32

export class MixedRange {
  readonly samples: MixedSamples = new MixedSamples()
  readonly #called: RangeCall
  /** Where samples are looked for: wider than the range where it is extended. */
  readonly #floatWindows: Windows
  readonly #histogramWindows: Windows
  readonly #startMs: Float64Array
  readonly #endMs: Float64Array
  readonly #window: SampleWindow

  constructor(called: RangeCall, place: { steps: Steps; shift: TimeShift }) {
    this.#called = called
    const range = makeWindows(place.steps, place.shift)
    this.#floatWindows = makeWindows(place.steps, extendedShift(place.shift, called.extension))
    this.#histogramWindows = { ...this.#floatWindows, lo: new Int32Array(range.count), hi: new Int32Array(range.count) }
    this.#startMs = range.startMs
    this.#endMs = range.endMs
    const { floats, histograms } = this.samples
    this.#window = {
      floats, histograms, floatFrom: 0, floatTo: 0, histogramFrom: 0, histogramTo: 0, startMs: 0, endMs: 0, rangeMs: range.rangeMs,
    }
  }

  /** Writes the row of `samples`, the series with label set `set`; kinds are zeroed. */
  fill(set: number, row: Row): void {
    const { notes, extended, func } = this.#called
    const { floatCount, histogramCount, floats, histograms } = this.samples
    notes.enter(set)
    locate(this.#floatWindows, floats.t, floatCount)
    locate(this.#histogramWindows, histograms.t, histogramCount)
    if (extended !== null) {
      this.#eachWindow(extended, row, false)
      return
    }
    if (floatCount > 0) this.#runKernel(row)
    if (histogramCount === 0) return
    if (func.window !== undefined) this.#eachWindow(func.window, row, true)
    else this.#ignoreHistograms()
  }

  /** Samples in the windows of the series filled last, a histogram by its size. */
  samplesRead(): number {
    let samples = this.samples.floatCount === 0 ? 0 : samplesIn(this.#floatWindows)
    this.#eachHistogramWindow((_, size) => (samples += size))
    return samples
  }

  /** The same by the step, of which the first is `first`; those of a subquery were read by what is in it. */
  countSteps(first: number, steps: StepSamples, isSubquery: boolean): void {
    if (this.samples.floatCount > 0) steps.addWindows(this.#floatWindows, first, isSubquery)
    this.#eachHistogramWindow((i, size, newSize) => steps.add(first + i, size, isSubquery ? 0 : newSize))
  }

  /** `newSize`: of those that the window before does not have. */
  #eachHistogramWindow(tell: (step: number, size: number, newSize: number) => void): void {
    const { histograms, histogramCount } = this.samples
    if (histogramCount === 0) return
    const { lo, hi, count } = this.#histogramWindows
    const sizes = new Float64Array(histogramCount + 1)
    for (let k = 0; k < histogramCount; k++) sizes[k + 1] = sizes[k]! + samplesOf(histograms.h[k]!)
    for (let i = 0; i < count; i++) {
      const newFrom = i === 0 ? lo[i]! : Math.max(lo[i]!, hi[i - 1]!)
      tell(i, sizes[hi[i]!]! - sizes[lo[i]!]!, sizes[hi[i]!]! - sizes[newFrom]!)
    }
  }

  #runKernel({ values, kinds, at }: Row): void {
    const { func, args, notes, pace } = this.#called
    const { t, v, startTimes } = this.samples.floats
    if (startTimes !== null && func.startTimesKernel !== undefined) {
      const windows = this.samples.histogramCount > 0 && func.window !== undefined ? this.#pureWindows() : this.#floatWindows
      const overlaps = func.startTimesKernel(windows, t, v, startTimes, values, kinds, at, pace)
      if (overlaps > 0) notes.overlappingStartTime(overlaps)
    } else {
      func.kernel(this.#floatWindows, t, v, 0, values, kinds, at, args, pace)
    }
  }

  /** Those of floats alone; the others are empty, since what is found in them is overruled. */
  #pureWindows(): Windows {
    const { lo: histogramLo, hi: histogramHi } = this.#histogramWindows
    const { lo, hi } = this.#floatWindows
    return { ...this.#floatWindows, hi: hi.map((end, i) => (histogramHi[i]! > histogramLo[i]! ? lo[i]! : end)) }
  }

  /** `needsHistogram`: only windows that hold one, whose points of the kernel are then overruled. */
  #eachWindow(evaluate: WindowFunc, { values, kinds, at }: Row, needsHistogram: boolean): void {
    const { notes, histograms, pace } = this.#called
    const { lo, hi, count } = this.#floatWindows
    const { lo: histogramLo, hi: histogramHi } = this.#histogramWindows
    const w = this.#window
    for (let i = 0; i < count; i++) {
      w.histogramFrom = histogramLo[i]!
      w.histogramTo = histogramHi[i]!
      const hasHistograms = w.histogramTo > w.histogramFrom
      if (!hasHistograms && (needsHistogram || hi[i]! <= lo[i]!)) continue
      pace.spend(hi[i]! - lo[i]! + (w.histogramTo - w.histogramFrom) * HISTOGRAM_SAMPLES)
      w.floatFrom = lo[i]!
      w.floatTo = hi[i]!
      w.startMs = this.#startMs[i]!
      w.endMs = this.#endMs[i]!
      const result = evaluate(w, notes)
      if (result === null) {
        kinds[at + i] = ABSENT
      } else if (typeof result === 'number') {
        values[at + i] = result
        kinds[at + i] = FLOAT
      } else {
        values[at + i] = histograms.put(result)
        kinds[at + i] = HISTOGRAM
      }
    }
  }

  #ignoreHistograms(): void {
    const { lo, hi, count } = this.#floatWindows
    const { lo: histogramLo, hi: histogramHi } = this.#histogramWindows
    const { func, args, notes } = this.#called
    let isTold = false
    for (let i = 0; i < count; i++) {
      if (histogramHi[i]! <= histogramLo[i]!) continue
      func.checkIgnored?.(args, i)
      if (hi[i]! > lo[i]! && !isTold) {
        notes.ignoredHistograms()
        isTold = true
      }
    }
  }
}
