// Quantiles, fractions and variance of one native histogram (prometheus promql/quantile.go, functions.go). Within an
// exponential bucket observations are taken to be spread evenly on a logarithmic scale, within the zero bucket and
// custom ones on a linear scale:
//
//   0.25       0.5             1                              2
//    ├──────────┼──────────────┼──────────────────────────────┤   three buckets of one width in log2
import { bucketAt, bucketTotal, countAt, type Bucket } from '../../lib/model/histogram-bounds.ts'
import { isCustom, type FloatHistogram } from '../../lib/model/histogram.ts'
import { compensation } from './kahan.ts'
import { exp2, log2 } from './log-scale.ts'

/** What NaN among the observations does to a quantile: they count, but are in no bucket. */
export type NaNEffect = '' | 'result is NaN' | 'result is skewed higher'

export interface NativeQuantile {
  value: number
  effect: NaNEffect
}

/** What a histogram without buckets has for its last one. */
const NO_BUCKET: Bucket = { lower: 0, upper: 0, isLowerInclusive: true, isUpperInclusive: true, count: 0 }

/** The q-quantile; -Inf and +Inf for q outside [0, 1]; NaN for q NaN and without observations. */
export function nativeQuantile(q: number, h: FloatHistogram): NativeQuantile {
  if (q < 0) return { value: -Infinity, effect: '' }
  if (q > 1) return { value: Infinity, effect: '' }
  if (h.count === 0 || q !== q) return { value: NaN, effect: '' }
  const hasNaN = h.sum !== h.sum
  // From the nearer end: less is added up, and less is lost. NaN observations are missing at the upper end.
  const isForward = hasNaN || q < 0.5
  const wanted = (isForward ? q : 1 - q) * h.count
  const total = bucketTotal(h)
  let seen = 0
  let at = -1
  for (let step = 0; step < total && !(at >= 0 && seen >= wanted); step++) {
    at = isForward ? step : total - 1 - step
    seen += countAt(h, at)
  }
  const bucket = at < 0 ? NO_BUCKET : bucketAt(h, at)
  const count = Math.min(seen, h.count)
  if (count < wanted) return hasNaN ? { value: NaN, effect: 'result is NaN' } : { value: bucket.upper, effect: '' }
  const rank = isForward ? wanted - (count - bucket.count) : count - wanted
  const isSkewed = hasNaN && bucketSum(h) < h.count
  return { value: within(h, bucket, rank / bucket.count), effect: isSkewed ? 'result is skewed higher' : '' }
}

/** All observations that are in a bucket; a sum of NaN may also come from opposite infinities. */
function bucketSum(h: FloatHistogram): number {
  const total = bucketTotal(h)
  let sum = 0
  for (let k = 0; k < total; k++) sum += countAt(h, k)
  return sum
}

/** The value a fraction of the way through a bucket. */
function within(h: FloatHistogram, bucket: Bucket, fraction: number): number {
  let { lower, upper } = bucket
  if (isCustom(h)) {
    if (lower === -Infinity) {
      if (upper <= 0) return upper
      lower = 0
    } else if (upper === Infinity) {
      return lower
    }
    return lower + (upper - lower) * fraction
  }
  if (lower <= 0 && upper >= 0) {
    if (isOneSided(h.negative.index, h.positive.index)) lower = 0
    else if (isOneSided(h.positive.index, h.negative.index)) upper = 0
    return lower + (upper - lower) * fraction
  }
  const logLower = log2(Math.abs(lower))
  const logUpper = log2(Math.abs(upper))
  if (lower > 0) return exp2(logLower + (logUpper - logLower) * fraction)
  return -exp2(logUpper + (logLower - logUpper) * (1 - fraction))
}

function isOneSided(none: Int32Array, some: Int32Array): boolean {
  return none.length === 0 && some.length > 0
}

/** The share of observations between two values; NaN without observations and for a NaN value. */
export function nativeFraction(lower: number, upper: number, h: FloatHistogram): number {
  if (h.count === 0 || lower !== lower || upper !== upper) return NaN
  if (lower >= upper) return 0
  // NaN observations lie between no two values.
  const count = h.sum === h.sum ? h.count : bucketSum(h)
  return (rankOf(h, upper, count) - rankOf(h, lower, count)) / h.count
}

/** How many observations lie below `value`; never more than `count`. */
function rankOf(h: FloatHistogram, value: number, count: number): number {
  const total = bucketTotal(h)
  let rank = 0
  for (let k = 0; k < total; k++) {
    const bucket = bucketAt(h, k)
    let { lower, upper } = bucket
    const holdsZero = lower <= 0 && upper >= 0
    const isLinear = isCustom(h) || holdsZero
    // Of custom buckets, too: where none is negative, observations start at 0.
    if (holdsZero) {
      if (isOneSided(h.negative.index, h.positive.index)) lower = 0
      else if (isOneSided(h.positive.index, h.negative.index)) upper = 0
    }
    if (lower >= value) return Math.min(rank, count)
    if (upper > value) {
      const below = isLinear ? bucket.count * (value - lower) / (upper - lower) : bucket.count * logarithmicShare(lower, upper, value)
      // Within a bucket without a lower bound nothing can be told apart: all of it counts.
      return Math.min(lower === -Infinity ? bucket.count : rank + below, count)
    }
    rank += bucket.count
  }
  return count
}

function logarithmicShare(lower: number, upper: number, value: number): number {
  const logLower = log2(Math.abs(lower))
  const logUpper = log2(Math.abs(upper))
  const logValue = log2(Math.abs(value))
  return value > 0 ? (logValue - logLower) / (logUpper - logLower) : 1 - (logValue - logUpper) / (logLower - logUpper)
}

/** The variance, every observation taken to lie in the middle of its bucket. */
export function nativeVariance(h: FloatHistogram): number {
  const mean = h.sum / h.count
  const total = bucketTotal(h)
  let squares = 0
  let c = 0
  for (let k = 0; k < total; k++) {
    const bucket = bucketAt(h, k)
    const distance = middle(h, bucket) - mean
    const square = bucket.count * distance * distance
    const next = squares + square
    c = compensation(c, squares, square, next)
    squares = next
  }
  return (squares + c) / h.count
}

function middle(h: FloatHistogram, { lower, upper }: Bucket): number {
  if (isCustom(h)) return (upper + lower) / 2
  if (lower <= 0 && upper >= 0) return 0
  const geometric = Math.sqrt(upper * lower)
  return upper < 0 ? -geometric : geometric
}
