// Quantiles and fractions of classic histograms: cumulative counts by upper bound (prometheus promql/quantile.go).
//
//   count ┤        ┌──▶ +Inf: all observations
//    rank ┤┄┄┄┄┄┌──┘
//         ┤  ┌──┘╎       a rank is read back from the stairs, on a straight line within its step
//         └──┴───╎──────▶ le

export interface Bucket {
  upperBound: number
  /** Observations at or below the bound. */
  count: number
}

/** What had to be mended so that counts do not fall with the bound. */
export interface MonotonicityFix {
  bucketMin: number
  bucketMax: number
  differenceMax: number
}

/** Relative difference of two counts up to which they are taken as equal: summing rates leaves such dust. */
const SMALL_DELTA = 1e-12
const NORMAL_MIN = 2.2250738585072014e-308

function isAlmostEqual(a: number, b: number): boolean {
  const sum = Math.abs(a) + Math.abs(b)
  const difference = Math.abs(a - b)
  if (a === 0 || b === 0 || sum < NORMAL_MIN) return difference < SMALL_DELTA * NORMAL_MIN
  return difference / Math.min(sum, Number.MAX_VALUE) < SMALL_DELTA
}

/** Ascending by bound, equal bounds (`1` and `1.0`) added up; null where the highest bound is not +Inf. */
function coalesce(buckets: readonly Bucket[]): Bucket[] | null {
  const merged: Bucket[] = []
  for (const { upperBound, count } of buckets.toSorted((a, b) => compareBounds(a.upperBound, b.upperBound))) {
    const last = merged.at(-1)
    if (last !== undefined && last.upperBound === upperBound) last.count += count
    else merged.push({ upperBound, count })
  }
  return merged.at(-1)?.upperBound === Infinity ? merged : null
}

/** Numbers ascending, NaN before them, as Go's cmp.Compare; a difference would be NaN for two infinities. */
function compareBounds(a: number, b: number): number {
  if (a !== a) return b !== b ? 0 : -1
  return b !== b || a > b ? 1 : a < b ? -1 : 0
}

/** Raises counts to the one before where they fall, in place; small differences either way without a word. */
function forceMonotonic(buckets: Bucket[]): MonotonicityFix | null {
  let fix: MonotonicityFix | null = null
  let previous = buckets[0]!.count
  for (const bucket of buckets) {
    const { count, upperBound } = bucket
    if (count === previous) continue
    if (isAlmostEqual(previous, count)) {
      bucket.count = previous
    } else if (count < previous) {
      fix ??= { bucketMin: Infinity, bucketMax: -Infinity, differenceMax: 0 }
      fix.bucketMin = Math.min(fix.bucketMin, upperBound)
      fix.bucketMax = Math.max(fix.bucketMax, upperBound)
      fix.differenceMax = Math.max(fix.differenceMax, previous - count)
      bucket.count = previous
    } else {
      previous = count
    }
  }
  return fix
}

export interface BucketQuantile {
  value: number
  fix: MonotonicityFix | null
}

/** The q-quantile; -Inf and +Inf for q outside [0, 1], NaN without a +Inf bucket, a second one, or observations. */
export function bucketQuantile(q: number, given: readonly Bucket[]): BucketQuantile {
  if (q !== q) return { value: NaN, fix: null }
  if (q < 0 || q > 1) return { value: q < 0 ? -Infinity : Infinity, fix: null }
  const buckets = coalesce(given)
  if (buckets === null) return { value: NaN, fix: null }
  const fix = forceMonotonic(buckets)
  return { value: quantileOf(q, buckets), fix }
}

function quantileOf(q: number, buckets: readonly Bucket[]): number {
  const top = buckets.length - 1
  const observations = buckets[top]!.count
  if (top < 1 || observations === 0) return NaN
  let rank = q * observations
  let b = 0
  while (b < top && !(buckets[b]!.count >= rank)) b++
  if (b === top) return buckets[top - 1]!.upperBound
  const { upperBound } = buckets[b]!
  if (b === 0 && upperBound <= 0) return upperBound
  let lowerBound = 0
  let { count } = buckets[b]!
  if (b > 0) {
    const below = buckets[b - 1]!
    lowerBound = below.upperBound
    count -= below.count
    rank -= below.count
  }
  return lowerBound + (upperBound - lowerBound) * (rank / count)
}

/** The share of observations between two values; NaN without a +Inf bucket or observations, or for a NaN value. */
export function bucketFraction(lower: number, upper: number, given: readonly Bucket[]): number {
  const buckets = coalesce(given)
  if (buckets === null) return NaN
  const observations = buckets.at(-1)!.count
  if (observations === 0 || lower !== lower || upper !== upper) return NaN
  if (lower >= upper) return 0
  return (rankOf(upper, buckets) - rankOf(lower, buckets)) / observations
}

/** How many observations lie below `value`; never more than there are. */
function rankOf(value: number, buckets: readonly Bucket[]): number {
  const observations = buckets.at(-1)!.count
  let lowerBound = buckets[0]!.upperBound > 0 ? 0 : -Infinity
  let rank = 0
  for (const { upperBound, count } of buckets) {
    if (lowerBound >= value) return Math.min(rank, observations)
    if (upperBound > value) {
      // Nothing is known within a bucket without a lower bound: all of it counts.
      const within = lowerBound === -Infinity ? count : rank + (count - rank) * (value - lowerBound) / (upperBound - lowerBound)
      return Math.min(within, observations)
    }
    rank = count
    lowerBound = upperBound
  }
  return observations
}
