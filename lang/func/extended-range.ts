// anchored and smoothed ranges over floats (prometheus promql/functions.go, extendedRate, pickFirstSampleIndices): no
// extrapolation. The window reaches beyond the range, for the samples that say what the value was at its ends.
//
//   range              (────────────────]
//   anchored      ·────┤   ·    ·     · │        from the last sample at or before the start, else the first inside
//   smoothed      ·────┼───·    ·     ·─┼─·      straight lines to both neighbours; a counter that fell began at 0
import { extendedHistogramRate } from './extended-histogram.ts'
import { rangeEnds, type ExtendedKind } from './range-ends.ts'
import { hasFloats, hasHistograms, type FloatColumn, type SampleWindow, type WindowFunc } from './sample-window.ts'

/** rate, increase or delta of a window of either kind. */
export function extendedRate(kind: ExtendedKind): WindowFunc {
  return (w, notes) => {
    if (hasFloats(w) && hasHistograms(w)) {
      notes.mixOfFloatsAndHistograms()
      return null
    }
    return hasHistograms(w) ? extendedHistogramRate(w, notes, kind) : extendedFloatRate(w, kind)
  }
}

function extendedFloatRate(w: SampleWindow, { isSmoothed, isCounter, isRate }: ExtendedKind): number | null {
  const { t, v } = w.floats
  const ends = rangeEnds(t, w.floatFrom, w.floatTo, { ...w, isSmoothed })
  if (ends === null) return null
  let { first, last } = ends
  const left = isSmoothed && t[first]! < w.startMs ? interpolated(w.floats, first, w.startMs, isCounter) : v[first]!
  const right = isSmoothed && last > w.floatFrom && t[last]! > w.endMs ? interpolated(w.floats, last - 1, w.endMs, isCounter) : v[last]!
  let result = right - left
  if (isCounter) {
    // The ends themselves have been dealt with.
    if (t[first]! <= w.startMs) first++
    if (t[last]! >= w.endMs) last--
    let correction = 0
    let previous = left
    for (let k = first; k <= last; k++) {
      if (v[k]! < previous) correction += previous
      previous = v[k]!
    }
    if (right < previous) correction += previous
    result += correction
  }
  return isRate ? result / (w.rangeMs / 1000) : result
}

/** The value at `ms` on the line from sample k to k + 1. */
export function interpolated({ t, v }: FloatColumn, k: number, ms: number, isCounter: boolean): number {
  const after = v[k + 1]!
  const before = isCounter && after < v[k]! ? 0 : v[k]!
  return before + (after - before) * (ms - t[k]!) / (t[k + 1]! - t[k]!)
}
