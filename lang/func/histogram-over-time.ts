// The …_over_time functions, changes and resets of windows that hold native histograms (prometheus
// promql/functions.go).
import { equalHistograms, HistogramSum, isCounterReset } from '../../lib/model/histogram-arithmetic.ts'
import { HistogramMean } from '../../lib/model/histogram-mean.ts'
import { HINT_NOT_RESET, HINT_RESET, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { Met } from '../../lib/model/histogram-sum.ts'
import type { RangeNotes } from './range-notes.ts'
import { hasFloats, type SampleWindow, type WindowFunc } from './sample-window.ts'
import { isStartReset } from './start-times.ts'

/** What gathers histograms: a sum or a mean. */
interface Gatherer {
  add(h: FloatHistogram): Met | null
  result(): FloatHistogram
}

function gathered(w: SampleWindow, notes: RangeNotes, start: (first: FloatHistogram) => Gatherer): FloatHistogram | null {
  if (hasFloats(w)) {
    notes.mixOfFloatsAndHistograms()
    return null
  }
  const { h } = w.histograms
  const gatherer = start(h[w.histogramFrom]!)
  let isReconciled = false
  let seenReset = false
  let seenNotReset = false
  for (let k = w.histogramFrom; k < w.histogramTo; k++) {
    seenReset ||= h[k]!.hint === HINT_RESET
    seenNotReset ||= h[k]!.hint === HINT_NOT_RESET
    if (k === w.histogramFrom) continue
    const met = gatherer.add(h[k]!)
    if (met === null) {
      notes.mixOfSchemas()
      return null
    }
    isReconciled ||= met.isReconciled
  }
  if (seenReset && seenNotReset) notes.conflictingResets()
  if (isReconciled) notes.reconciledBounds('aggregation')
  return gatherer.result()
}

/** The sum; floats beside histograms are a warning and no result. */
export const histogramSumOverTime: WindowFunc = (w, notes) => gathered(w, notes, (first) => new HistogramSum(first))

/** The mean; floats beside histograms are a warning and no result. */
export const histogramAvgOverTime: WindowFunc = (w, notes) => gathered(w, notes, (first) => new HistogramMean(first))

/** Samples of both kinds. */
export const mixedCountOverTime: WindowFunc = (w) => w.floatTo - w.floatFrom + (w.histogramTo - w.histogramFrom)

/** 1: the window holds at least one histogram. */
export const mixedPresentOverTime: WindowFunc = () => 1

/** The oldest sample, whatever it is. */
export const mixedFirstOverTime: WindowFunc = (w) => {
  const { floats, histograms } = w
  if (hasFloats(w) && floats.t[w.floatFrom]! < histograms.t[w.histogramFrom]!) return floats.v[w.floatFrom]!
  return histograms.h[w.histogramFrom]!
}

/** The newest sample, whatever it is. */
export const mixedLastOverTime: WindowFunc = (w) => {
  const { floats, histograms } = w
  if (hasFloats(w) && floats.t[w.floatTo - 1]! > histograms.t[w.histogramTo - 1]!) return floats.v[w.floatTo - 1]!
  return histograms.h[w.histogramTo - 1]!
}

/** Unix seconds of the oldest sample. */
export const mixedTsOfFirst: WindowFunc = (w) => {
  const histogramT = w.histograms.t[w.histogramFrom]!
  return Math.min(hasFloats(w) ? w.floats.t[w.floatFrom]! : Infinity, histogramT) / 1000
}

/** Unix seconds of the newest sample. */
export const mixedTsOfLast: WindowFunc = (w) => {
  const histogramT = w.histograms.t[w.histogramTo - 1]!
  return Math.max(hasFloats(w) ? w.floats.t[w.floatTo - 1]! : -Infinity, histogramT) / 1000
}

/** Counts neighbours of either kind: a change of kind counts always. */
type IsCounted = (w: SampleWindow, k: number) => boolean

function countNeighbours(w: SampleWindow, isFloatCounted: IsCounted, isHistogramCounted: IsCounted): number {
  const { t: floatT } = w.floats
  const { t: histogramT } = w.histograms
  let pairs = 0
  let f = w.floatFrom
  let h = w.histogramFrom
  let previous: 'none' | 'float' | 'histogram' = 'none'
  while (f < w.floatTo || h < w.histogramTo) {
    const isFloat = h === w.histogramTo || (f < w.floatTo && floatT[f]! < histogramT[h]!)
    if (isFloat) {
      if (previous === 'histogram' || (previous === 'float' && isFloatCounted(w, f))) pairs++
      previous = 'float'
      f++
    } else {
      if (previous === 'float' || (previous === 'histogram' && isHistogramCounted(w, h))) pairs++
      previous = 'histogram'
      h++
    }
  }
  return pairs
}

const isFloatChange: IsCounted = ({ floats: { v } }, k) => v[k] !== v[k - 1] && (v[k] === v[k] || v[k - 1] === v[k - 1])

const isHistogramChange: IsCounted = ({ histograms: { h } }, k) => !equalHistograms(h[k]!, h[k - 1]!)

const isFloatReset: IsCounted = ({ floats: { t, v, startTimes } }, k) => {
  return v[k]! < v[k - 1]! || (startTimes !== null && isStartReset(t, startTimes, k))
}

const isHistogramReset: IsCounted = ({ histograms: { t, h, startTimes } }, k) => {
  return (startTimes !== null && isStartReset(t, startTimes, k)) || isCounterReset(h[k]!, h[k - 1]!)
}

/** How often the value, or its kind, changed. */
export const mixedChanges: WindowFunc = (w) => countNeighbours(w, isFloatChange, isHistogramChange)

/** How often a counter started over; a change of kind is a reset. */
export const mixedResets: WindowFunc = (w) => countNeighbours(w, isFloatReset, isHistogramReset)

/** The same from the last sample at or before the range on; null where no sample lies in the range itself. */
function anchored(count: WindowFunc): WindowFunc {
  return (w, notes) => {
    const { t: floatT } = w.floats
    const { t: histogramT } = w.histograms
    let f = w.floatFrom
    let h = w.histogramFrom
    while (f < w.floatTo && floatT[f]! <= w.startMs) f++
    while (h < w.histogramTo && histogramT[h]! <= w.startMs) h++
    if (f === w.floatTo && h === w.histogramTo) return null
    const floatAnchorT = f > w.floatFrom ? floatT[f - 1]! : -Infinity
    const histogramAnchorT = h > w.histogramFrom ? histogramT[h - 1]! : -Infinity
    if (floatAnchorT !== -Infinity && floatAnchorT >= histogramAnchorT) f--
    else if (histogramAnchorT !== -Infinity) h--
    return count({ ...w, floatFrom: f, histogramFrom: h }, notes)
  }
}

export const anchoredChanges: WindowFunc = anchored(mixedChanges)
export const anchoredResets: WindowFunc = anchored(mixedResets)
