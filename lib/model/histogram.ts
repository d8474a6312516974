// A native histogram as PromQL sees it: buckets of exponential or custom bounds that hold floats. Immutable: every
// operation (histogram-arithmetic.ts, histogram-quantile.ts) makes a new one, so that points, windows and the store
// share them freely. After Prometheus' model/histogram and the native histogram specification.
//
//   schema n in −4..8   bucket i covers (2^((i−1)·2^−n), 2^(i·2^−n)], the negative side mirrored, zero bucket [−w, w]
//   schema −53          bucket i covers (custom[i−1], custom[i]], the first from −∞, one more up to +∞; no negative side

/** Why a count may be lower than the one before; Prometheus' CounterResetHint. */
export const HINT_UNKNOWN = 0
export const HINT_RESET = 1
export const HINT_NOT_RESET = 2
/** Not a counter at all. */
export const HINT_GAUGE = 3

export type CounterResetHint = typeof HINT_UNKNOWN | typeof HINT_RESET | typeof HINT_NOT_RESET | typeof HINT_GAUGE

export const EXPONENTIAL_SCHEMA_MIN = -4
export const EXPONENTIAL_SCHEMA_MAX = 8
/** Buckets with bounds of their own (NHCB). */
export const CUSTOM_SCHEMA = -53

/** Bounds of its own that a histogram may have, and buckets that one from outside may have: some 400 times what clients make. */
export const HISTOGRAM_BUCKETS_MAX = 65_536

/**
 * One side's buckets: index[k] ascends strictly, count[k] is that bucket's own count (not cumulative). One of 0 is there
 * all the same, as in Prometheus: NaN and Inf times 0 is NaN, and a quantile may look at the side's last bucket.
 */
export interface Buckets {
  readonly index: Int32Array
  readonly count: Float64Array
}

export interface FloatHistogram {
  readonly schema: number
  /** Half the width of the zero bucket; 0 with custom bounds. */
  readonly zeroThreshold: number
  readonly zeroCount: number
  /** Of all observations, NaN ones included. */
  readonly count: number
  readonly sum: number
  readonly hint: CounterResetHint
  readonly positive: Buckets
  readonly negative: Buckets
  /** Upper bounds with CUSTOM_SCHEMA, ascending, +Inf left out; otherwise empty. */
  readonly customValues: Float64Array
}

export const NO_BUCKETS: Buckets = { index: new Int32Array(0), count: new Float64Array(0) }
export const NO_CUSTOM_VALUES: Float64Array = new Float64Array(0)

/** Of what `{{}}` writes: no observations. */
export const EMPTY_HISTOGRAM: FloatHistogram = {
  schema: 0, zeroThreshold: 0, zeroCount: 0, count: 0, sum: 0, hint: HINT_UNKNOWN,
  positive: NO_BUCKETS, negative: NO_BUCKETS, customValues: NO_CUSTOM_VALUES,
}

/** Whether the buckets have bounds of their own. */
export function isCustom(histogram: FloatHistogram): boolean {
  return histogram.schema === CUSTOM_SCHEMA
}

/** Buckets of counts that stand side by side from bucket `offset` on. */
export function denseBuckets(offset: number, counts: readonly number[]): Buckets {
  if (counts.length === 0) return NO_BUCKETS
  return { index: Int32Array.from(counts, (_, i) => offset + i), count: Float64Array.from(counts) }
}

/** The histogram without its empty buckets (Prometheus: Compact). */
export function compacted(h: FloatHistogram): FloatHistogram {
  const positive = withoutEmpty(h.positive)
  const negative = withoutEmpty(h.negative)
  return positive === h.positive && negative === h.negative ? h : { ...h, positive, negative }
}

function withoutEmpty(buckets: Buckets): Buckets {
  const { index, count } = buckets
  if (!count.includes(0)) return buckets
  const kept = index.filter((_, k) => count[k] !== 0)
  return kept.length === 0 ? NO_BUCKETS : { index: kept, count: count.filter((c) => c !== 0) }
}

/** Same observations, bit for bit (NaN equals NaN), hint included: what the store takes for a resend. */
export function isSameHistogram(a: FloatHistogram, b: FloatHistogram): boolean {
  return a.schema === b.schema && a.hint === b.hint && Object.is(a.zeroThreshold, b.zeroThreshold) &&
    Object.is(a.zeroCount, b.zeroCount) && Object.is(a.count, b.count) && Object.is(a.sum, b.sum) &&
    isSameBuckets(a.positive, b.positive) && isSameBuckets(a.negative, b.negative) && isSameArray(a.customValues, b.customValues)
}

/** Equal indexes and counts, by Object.is. */
export function isSameBuckets(a: Buckets, b: Buckets): boolean {
  return isSameArray(a.index, b.index) && isSameArray(a.count, b.count)
}

/** Equal length and elements, by Object.is. */
export function isSameArray(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false
  return true
}

/** Bytes it takes in memory, about. */
export function histogramBytes(histogram: FloatHistogram): number {
  return 200 + 12 * (histogram.positive.index.length + histogram.negative.index.length) + 8 * histogram.customValues.length
}
