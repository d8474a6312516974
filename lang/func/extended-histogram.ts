// anchored and smoothed ranges over native histograms (prometheus promql/functions.go, extendedHistogramRate), as
// extended-range.ts does over floats.
import {
  addHistograms, divideHistogram, isCounterReset, scaleHistogram, subtractHistograms, withHint,
} from '../../lib/model/histogram-arithmetic.ts'
import { compacted, HINT_GAUGE, HINT_UNKNOWN, isCustom, type FloatHistogram } from '../../lib/model/histogram.ts'
import { combined } from './histogram-rate.ts'
import { rangeEnds, type ExtendedKind } from './range-ends.ts'
import type { RangeNotes } from './range-notes.ts'
import type { HistogramColumn, SampleWindow } from './sample-window.ts'

/** Positions of the samples that say what the value was at the range's ends. */
interface Ends {
  first: number
  last: number
}

/** rate, increase or delta of a window of histograms only. */
export function extendedHistogramRate(w: SampleWindow, notes: RangeNotes, kind: ExtendedKind): FloatHistogram | null {
  const { isSmoothed, isCounter, isRate } = kind
  const { t, h } = w.histograms
  const ends = rangeEnds(t, w.histogramFrom, w.histogramTo, { ...w, isSmoothed })
  if (ends === null || !areAlike(h, ends, isCounter, notes)) return null
  const { first, last } = ends
  const left = isSmoothed && t[first]! < w.startMs ? interpolatedHistogram(w.histograms, first, w.startMs, isCounter, notes) : h[first]!
  if (left === null) return null
  const isBehind = isSmoothed && last > w.histogramFrom && t[last]! > w.endMs
  const right = isBehind ? interpolatedHistogram(w.histograms, last - 1, w.endMs, isCounter, notes) : h[last]!
  if (right === null) return null
  if (!isCounter && (left.hint !== HINT_GAUGE || right.hint !== HINT_GAUGE)) notes.notGauge()
  let result = combined(subtractHistograms(right, left), 'subtraction', notes)
  if (result === null) return null
  if (isCounter) {
    let correction: FloatHistogram | null = null
    for (const lost of lostAtResets(w, ends, { left, right }, isSmoothed)) {
      correction = correction === null ? lost : combined(addHistograms(correction, lost), 'addition', notes)
      if (correction === null) return null
    }
    if (correction !== null) result = combined(addHistograms(result, correction), 'addition', notes)
    if (result === null) return null
  }
  return withHint(compacted(isRate ? divideHistogram(result, w.rangeMs / 1000) : result), HINT_GAUGE)
}

/** Whether all have the same kind of buckets; warns where not, and of gauges among counters. */
function areAlike(h: readonly FloatHistogram[], { first, last }: Ends, isCounter: boolean, notes: RangeNotes): boolean {
  for (let k = first; k <= last; k++) {
    if (isCustom(h[k]!) !== isCustom(h[first]!)) {
      notes.mixOfSchemas()
      return false
    }
    if (isCounter && h[k]!.hint === HINT_GAUGE) notes.notCounter()
  }
  return true
}

/** What the counter had reached at each reset between the ends of the range. */
function lostAtResets(w: SampleWindow, { first, last }: Ends, ends: { left: FloatHistogram; right: FloatHistogram }, isSmoothed: boolean): FloatHistogram[] {
  const { t, h } = w.histograms
  const lost: FloatHistogram[] = []
  let previous = ends.left
  let from = first + 1
  if (isSmoothed && t[first]! < w.startMs && isCounterReset(h[first + 1]!, h[first]!)) {
    // The left end lies on the line that begins at this reset: it is dealt with.
    previous = h[first + 1]!
    from++
  }
  // The last sample is left to `right`, which is it or inherits its hint: a hint must not be heeded twice.
  if (from > last) return lost
  for (let k = from; k < last; k++) {
    if (isCounterReset(h[k]!, previous)) lost.push(previous)
    previous = h[k]!
  }
  if (isCounterReset(ends.right, previous)) lost.push(previous)
  return lost
}

/**
 * The histogram at `ms` on the line from sample k to k + 1; a counter that started over began at nothing. Null, with a
 * warning, where the two do not go together.
 */
export function interpolatedHistogram({ t, h }: HistogramColumn, k: number, ms: number, isCounter: boolean, notes: RangeNotes): FloatHistogram | null {
  const before = h[k]!
  const after = h[k + 1]!
  if (ms === t[k]!) return before
  if (ms === t[k + 1]!) return after
  const share = (ms - t[k]!) / (t[k + 1]! - t[k]!)
  if (isCounter && isCounterReset(after, before)) return scaleHistogram(after, share)
  const change = combined(subtractHistograms(after, before), 'subtraction', notes)
  const between = change && combined(addHistograms(scaleHistogram(change, share), before), 'addition', notes)
  return between && withHint(between, before.hint === HINT_GAUGE || after.hint === HINT_GAUGE ? HINT_GAUGE : HINT_UNKNOWN)
}
