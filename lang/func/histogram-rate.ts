// rate, increase, delta, irate and idelta of windows that hold native histograms (prometheus promql/functions.go,
// histogramRate, extrapolatedRate, instantValue). The results are gauges.
import {
  addHistograms, divideHistogram, isCounterReset, reduceSchema, scaleHistogram, subtractHistograms, withHint,
} from '../../lib/model/histogram-arithmetic.ts'
import { compacted, EMPTY_HISTOGRAM, HINT_GAUGE, isCustom, type FloatHistogram } from '../../lib/model/histogram.ts'
import { extrapolationFactor, factorSinceStart, NO_ZERO, stretched } from './extrapolation.ts'
import type { RangeNotes } from './range-notes.ts'
import { hasFloats, type HistogramColumn, type SampleWindow, type WindowFunc } from './sample-window.ts'
import { isStartInside, isStartOverlap, isStartReset } from './start-times.ts'

interface RateKind {
  isCounter: boolean
  isRate: boolean
}

/** rate, increase and delta. */
export function histogramRate({ isCounter, isRate }: RateKind): WindowFunc {
  return (w, notes) => {
    if (hasFloats(w)) {
      notes.mixOfFloatsAndHistograms()
      return null
    }
    const { t, h, startTimes } = w.histograms
    const first = w.histogramFrom
    const last = w.histogramTo - 1
    let change = last > first ? changeOf(w.histograms, first, last, isCounter, notes) : null
    if (last > first && change === null) return null
    const toEnd = (w.endMs - t[last]!) / 1000
    const sampled = (t[last]! - t[first]!) / 1000
    const start = isCounter && startTimes !== null ? startTimes[first]! : 0
    let factor: number
    if (isStartInside(start, w.startMs, t[first]!)) {
      change = change === null ? h[first]! : combined(addHistograms(change, h[first]!), 'addition', notes)
      if (change === null) return null
      factor = factorSinceStart((t[last]! - start) / 1000, last > first ? sampled / (last - first) : 0, toEnd)
    } else {
      if (change === null) return null
      const hasZero = isCounter && change.count > 0 && h[first]!.count >= 0
      const zeroShare = hasZero ? h[first]!.count / change.count : NO_ZERO
      const interval = sampled / (last - first)
      factor = extrapolationFactor(sampled, stretched((t[first]! - w.startMs) / 1000, interval), stretched(toEnd, interval), zeroShare)
    }
    return compacted(scaleHistogram(change, isRate ? factor / (w.rangeMs / 1000) : factor))
  }
}

/** Last minus first, plus what was lost at each reset; null, with a warning, where the histograms do not go together. */
function changeOf({ t, h, startTimes }: HistogramColumn, first: number, last: number, isCounter: boolean, notes: RangeNotes): FloatHistogram | null {
  const isReset = (k: number, previous: FloatHistogram): boolean => {
    return (startTimes !== null && isStartReset(t, startTimes, k)) || isCounterReset(h[k]!, previous)
  }
  if (isCounter && (h[first]!.hint === HINT_GAUGE || h[last]!.hint === HINT_GAUGE)) notes.notCounter()
  // Of a first sample ahead of a reset nothing is left, its layout included.
  const begin = isCounter && isReset(first + 1, h[first]!) ? emptyLike(h[first + 1]!) : h[first]!
  const schema = commonSchema(h, { first, last }, begin, isCounter ? notes : null)
  if (schema === null) {
    notes.mixOfSchemas()
    return null
  }
  let change = combined(subtractHistograms(reduceSchema(h[last]!, schema), begin), 'subtraction', notes)
  if (!isCounter && (h[first]!.hint !== HINT_GAUGE || h[last]!.hint !== HINT_GAUGE)) notes.notGauge()
  if (isCounter) {
    let previous = begin
    let hasOverlap = false
    for (let k = first + 1; k <= last && change !== null; k++) {
      hasOverlap ||= startTimes !== null && isStartOverlap(t, startTimes, k)
      if (isReset(k, previous)) change = combined(addHistograms(change, previous), 'addition', notes)
      previous = h[k]!
    }
    if (hasOverlap) notes.overlappingStartTime(1)
  }
  return change === null ? null : withHint(change, HINT_GAUGE)
}

/**
 * The coarsest schema among `begin` and the samples behind it, null if some have custom bounds and others not. What
 * lies between the ends only counts for counters, whose notes are then given.
 */
function commonSchema(h: readonly FloatHistogram[], { first, last }: { first: number; last: number }, begin: FloatHistogram, notes: RangeNotes | null): number | null {
  if (isCustom(h[last]!) !== isCustom(begin)) return null
  let schema = Math.min(h[last]!.schema, begin.schema)
  for (let k = first + 1; k < last && notes !== null; k++) {
    const histogram = h[k]!
    if (histogram.hint === HINT_GAUGE) notes.notCounter()
    if (isCustom(histogram) !== isCustom(begin)) return null
    schema = Math.min(schema, histogram.schema)
  }
  return schema
}

function emptyLike({ schema, customValues }: FloatHistogram): FloatHistogram {
  return { ...EMPTY_HISTOGRAM, schema, customValues }
}

/** The histogram of a sum or difference; null, with a warning, where there is none. */
export function combined(
  result: { histogram: FloatHistogram; isReconciled: boolean } | null, during: 'addition' | 'subtraction', notes: RangeNotes,
): FloatHistogram | null {
  if (result === null) {
    notes.mixOfSchemas()
    return null
  }
  if (result.isReconciled) notes.reconciledBounds(during)
  return result.histogram
}

/** irate and idelta: the window's last two samples, of either kind. */
export function instantChange(isRate: boolean): WindowFunc {
  return (w, notes) => {
    const { t: floatT } = w.floats
    const { t, h, startTimes } = w.histograms
    const last = w.histogramTo - 1
    // Samples of both kinds at one time do not occur; the newest float decides which two are the last.
    const floatsBehind = countBehind(floatT, w.floatFrom, w.floatTo, t[last]!)
    if (floatsBehind >= 2) return instantFloats(w, isRate)
    const isMixed = floatsBehind === 1 || (hasFloats(w) && (last === w.histogramFrom || floatT[w.floatTo - 1]! > t[last - 1]!))
    if (isMixed) {
      notes.mixOfFloatsAndHistograms()
      return null
    }
    if (last === w.histogramFrom) return null
    const current = h[last]!
    const previous = h[last - 1]!
    const areGauges = current.hint === HINT_GAUGE && previous.hint === HINT_GAUGE
    if (isRate && (current.hint === HINT_GAUGE || previous.hint === HINT_GAUGE)) notes.notCounter()
    if (!isRate && !areGauges) notes.notGauge()
    let change: FloatHistogram | null = current
    const isReset = isRate && ((startTimes !== null && isStartReset(t, startTimes, last)) || isCounterReset(current, previous))
    if (!isReset) change = combined(subtractHistograms(current, previous), 'subtraction', notes)
    if (change === null) return null
    const gauge = withHint(compacted(change), HINT_GAUGE)
    return isRate ? divideHistogram(gauge, (t[last]! - t[last - 1]!) / 1000) : gauge
  }
}

function instantFloats(w: SampleWindow, isRate: boolean): number {
  const { t, v, startTimes } = w.floats
  const last = w.floatTo - 1
  const isReset = isRate && (v[last]! < v[last - 1]! || (startTimes !== null && isStartReset(t, startTimes, last)))
  const change = isReset ? v[last]! : v[last]! - v[last - 1]!
  return isRate ? change / ((t[last]! - t[last - 1]!) / 1000) : change
}

/** How many of t[from..to) lie behind `ms`, at most 2. */
function countBehind(t: Float64Array, from: number, to: number, ms: number): number {
  let count = 0
  while (count < 2 && to - 1 - count >= from && t[to - 1 - count]! > ms) count++
  return count
}
