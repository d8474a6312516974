// Quantiles, fractions and variance of one native histogram (prometheus promql/quantile.go, functions.go). Within an
// exponential bucket observations are taken to be spread evenly on a logarithmic scale, within the zero bucket and
// custom ones on a linear scale:
//
//   0.25       0.5             1                              2
//    ├──────────┼──────────────┼──────────────────────────────┤   three buckets of one width in log2
import { bucketAt, bucketTotal, countAt, type Bucket } from '../../lib/model/histogram-bounds.ts'
import { isCustom, type FloatHistogram } from '../../lib/model/histogram.ts'
import { compensation } from '../../lib/model/kahan.ts'
import { exp2 } from '../../lib/std/go-exp.ts'
import { log2 } from '../../lib/std/go-log.ts'

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
    const k = isForward ? step : total - 1 - step
    const count = countAt(h, k)
    if (count === 0) continue
    at = k
    seen += count
  }
  const reached = at < 0 ? NO_BUCKET : bucketAt(h, at)
  if (isCustom(h) && reached.lower === -Infinity && reached.upper <= 0) return { value: reached.upper, effect: '' }
  if (isCustom(h) && reached.lower !== -Infinity && reached.upper === Infinity) return { value: reached.lower, effect: '' }
  const bucket = fromZero(h, reached)
  const count = Math.min(seen, h.count)
  if (count < wanted) return hasNaN ? { value: NaN, effect: 'result is NaN' } : { value: bucket.upper, effect: '' }
  const rank = isForward ? wanted - (count - bucket.count) : count - wanted
  if (!hasNaN) return { value: interpolated(h, bucket, rank), effect: '' }
  // Looking for observations that are in no bucket, Prometheus walks on to the last one, and interpolates there.
  const last = at < total - 1 ? bucketAt(h, total - 1) : bucket
  let observed = count
  for (let k = at + 1; k < total; k++) observed += countAt(h, k)
  return { value: interpolated(h, last, rank), effect: observed < h.count ? 'result is skewed higher' : '' }
}

/** All observations that are in a bucket; a sum of NaN may also come from opposite infinities. */
function bucketSum(h: FloatHistogram): number {
  const total = bucketTotal(h)
  let sum = 0
  for (let k = 0; k < total; k++) sum += countAt(h, k)
  return sum
}

/** The bucket without the half of it that nothing can be in: all observations positive, or none. */
function fromZero(h: FloatHistogram, bucket: Bucket): Bucket {
  if (isCustom(h)) return bucket.lower === -Infinity ? { ...bucket, lower: 0 } : bucket
  return bucket.lower < 0 && bucket.upper > 0 ? oneSided(h, bucket) : bucket
}

function oneSided(h: FloatHistogram, bucket: Bucket): Bucket {
  if (isOneSided(h.negative.index, h.positive.index)) return { ...bucket, lower: 0 }
  return isOneSided(h.positive.index, h.negative.index) ? { ...bucket, upper: 0 } : bucket
}

/** The value `rank` observations into a bucket. */
function interpolated(h: FloatHistogram, { lower, upper, count }: Bucket, rank: number): number {
  const fraction = rank / count
  if (isCustom(h) || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction
  const logLower = log2(Math.abs(lower))
  const logUpper = log2(Math.abs(upper))
  if (lower > 0) return exp2(logLower + (logUpper - logLower) * fraction)
  return -exp2(logUpper + (logLower - logUpper) * (1 - fraction))
}

function isOneSided(none: Int32Array, some: Int32Array): boolean {
  return none.length === 0 && some.length > 0
}

export interface NativeFraction {
  value: number
  /** NaN observations are in no fraction. */
  hasNaN: boolean
}

/** The share of observations between two values; NaN without observations and for a NaN value. */
export function nativeFraction(lower: number, upper: number, h: FloatHistogram): NativeFraction {
  if (h.count === 0 || lower !== lower || upper !== upper) return { value: NaN, hasNaN: false }
  if (lower >= upper) return { value: 0, hasNaN: false }
  const count = h.sum === h.sum ? h.count : bucketSum(h)
  return { value: (rankOf(h, upper, count) - rankOf(h, lower, count)) / h.count, hasNaN: count < h.count }
}

/** How many observations lie below `value`; never more than `count`. */
function rankOf(h: FloatHistogram, value: number, count: number): number {
  const total = bucketTotal(h)
  let rank = 0
  for (let k = 0; k < total; k++) {
    const whole = bucketAt(h, k)
    const holdsZero = whole.lower <= 0 && whole.upper >= 0
    // Of custom buckets, too: where none is negative, observations start at 0.
    const { lower, upper, count: own } = holdsZero ? oneSided(h, whole) : whole
    if (lower >= value) return Math.min(rank, count)
    if (upper > value) {
      // Within a bucket without a lower bound nothing can be told apart: all of it counts.
      if (lower === -Infinity) return Math.min(own, count)
      const share = isCustom(h) || holdsZero ? (value - lower) / (upper - lower) : logarithmicShare(lower, upper, value)
      return Math.min(rank + own * share, count)
    }
    rank += own
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
    if (bucket.count === 0) continue
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
