// Sums, differences and multiples of native histograms, and what tells that a counter started over. After Prometheus'
// model/histogram/float_histogram.go. Two histograms are brought to one layout first: the coarser schema, the wider
// zero bucket, the custom bounds both have. Empty buckets stay; callers compact what Prometheus does.
import { exponentialBound } from './histogram-bounds.ts'
import { HistogramSum, reduceBuckets, sharedBounds, sharedIndex } from './histogram-sum.ts'
import {
  HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, isCustom, isSameArray, isSameBuckets, NO_BUCKETS,
  type Buckets, type CounterResetHint, type FloatHistogram,
} from './histogram.ts'

export { HistogramSum } from './histogram-sum.ts'

export interface Combined {
  readonly histogram: FloatHistogram
  /** One was marked as reset, the other as not reset. */
  readonly isCollision: boolean
  /** Custom bounds differed; only the shared ones are left. */
  readonly isReconciled: boolean
}

/** a + b; null if one is exponential and the other has custom bounds. */
export function addHistograms(a: FloatHistogram, b: FloatHistogram): Combined | null {
  const sum = new HistogramSum(a)
  const met = sum.add(b, true)
  return met && { histogram: sum.uncompensated(), ...met }
}

/** a − b, a gauge; null if one is exponential and the other has custom bounds. */
export function subtractHistograms(a: FloatHistogram, b: FloatHistogram): Combined | null {
  const sum = new HistogramSum(a)
  const met = sum.add(withHint(scaleHistogram(b, -1), b.hint), true)
  return met && { histogram: withHint(sum.uncompensated(), HINT_GAUGE), ...met }
}

/** Every count times `factor`; a negative factor makes a gauge. */
export function scaleHistogram(h: FloatHistogram, factor: number): FloatHistogram {
  return {
    ...h, zeroCount: h.zeroCount * factor, count: h.count * factor, sum: h.sum * factor, hint: factor < 0 ? HINT_GAUGE : h.hint,
    positive: mapCounts(h.positive, (count) => count * factor), negative: mapCounts(h.negative, (count) => count * factor),
  }
}

/** Every count through `divisor`; through 0 leaves no buckets, a negative divisor makes a gauge. */
export function divideHistogram(h: FloatHistogram, divisor: number): FloatHistogram {
  const total = { ...h, zeroCount: h.zeroCount / divisor, count: h.count / divisor, sum: h.sum / divisor }
  if (divisor === 0) return { ...total, positive: NO_BUCKETS, negative: NO_BUCKETS }
  return {
    ...total, hint: divisor < 0 ? HINT_GAUGE : h.hint,
    positive: mapCounts(h.positive, (count) => count / divisor), negative: mapCounts(h.negative, (count) => count / divisor),
  }
}

function mapCounts(buckets: Buckets, change: (count: number) => number): Buckets {
  return { index: buckets.index, count: buckets.count.map(change) }
}

/** The same observations in the coarser buckets of `schema`, at most the histogram's own; custom bounds have no coarser ones. */
export function reduceSchema(h: FloatHistogram, schema: number): FloatHistogram {
  if (schema === h.schema) return h
  return { ...h, schema, positive: reduceBuckets(h.positive, h.schema - schema), negative: reduceBuckets(h.negative, h.schema - schema) }
}

export function withHint(h: FloatHistogram, hint: CounterResetHint): FloatHistogram {
  return h.hint === hint ? h : { ...h, hint }
}

/** Equal as `==` of PromQL has it: all but the hint, bit for bit (NaN equals NaN). */
export function equalHistograms(a: FloatHistogram, b: FloatHistogram): boolean {
  return a.schema === b.schema && Object.is(a.count, b.count) && Object.is(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold && Object.is(a.zeroCount, b.zeroCount) && isSameArray(a.customValues, b.customValues) &&
    isSameBuckets(a.positive, b.positive) && isSameBuckets(a.negative, b.negative)
}

/** Whether the counter started over between two samples: by its hint, else by any count that fell or any finer layout. */
export function isCounterReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (current.hint === HINT_RESET) return true
  if (current.hint === HINT_NOT_RESET) return false
  if (current.count < previous.count || isCustom(current) !== isCustom(previous)) return true
  if (isCustom(current)) return hasLostCustom(current, previous)
  // A finer layout comes only from a process that started over.
  if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true
  const widened = current.zeroThreshold === previous.zeroThreshold
    ? { count: previous.zeroCount, threshold: previous.zeroThreshold }
    : new HistogramSum(previous).zeroCountFor(current.zeroThreshold)
  // The new threshold within a bucket of the old histogram: that one cannot have grown into this one.
  if (widened.threshold !== current.zeroThreshold || current.zeroCount < widened.count) return true
  const before = reduceSchema(previous, current.schema)
  const start = current.zeroThreshold
  return hasLost(current.positive, outside(before.positive, current.schema, start)) ||
    hasLost(current.negative, outside(before.negative, current.schema, start))
}

/** Buckets that end beyond the zero bucket. */
function outside(buckets: Buckets, schema: number, zeroThreshold: number): Buckets {
  let from = 0
  while (from < buckets.index.length && exponentialBound(buckets.index[from]!, schema) <= zeroThreshold) from++
  return from === 0 ? buckets : { index: buckets.index.subarray(from), count: buckets.count.subarray(from) }
}

/** Whether any bucket of `before` that was not empty is gone or holds less now. */
function hasLost(now: Buckets, before: Buckets): boolean {
  let at = 0
  for (let k = 0; k < before.index.length; k++) {
    const index = before.index[k]!
    if (before.count[k] === 0) continue
    while (at < now.index.length && now.index[at]! < index) at++
    if (at === now.index.length || now.index[at] !== index || now.count[at]! < before.count[k]!) return true
  }
  return false
}

function hasLostCustom(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (isSameArray(current.customValues, previous.customValues)) return hasLost(current.positive, previous.positive)
  const bounds = sharedBounds(current.customValues, previous.customValues)
  const now = countsWithin(current, bounds)
  return countsWithin(previous, bounds).some((count, i) => now[i]! < count)
}

/** Counts between the bounds, the last one up to +∞. */
function countsWithin(h: FloatHistogram, bounds: Float64Array): Float64Array {
  const counts = new Float64Array(bounds.length + 1)
  h.positive.index.forEach((index, k) => {
    counts[sharedIndex(index, h.customValues, bounds)]! += h.positive.count[k]!
  })
  return counts
}
