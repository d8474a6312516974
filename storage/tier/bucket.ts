// Aggregates of raw samples over buckets of a fixed width: what the 1-minute and the 1-hour tier hold, and the waist between
// them and who asks.
//
//   raw samples ─▶ bucket rows ─▶ 1m: blocks │ 1h: Parquet ─▶ BucketSelection ─▶ PromQL's tier operators
//
// A bucket of width w that ends at t (a multiple of w) covers (t - w, t], as the window m[w] at t does. Staleness markers are
// no samples; only `staleAtEnd` tells of them. `sum` is added up with compensation, so that it is right to the last digits
// unless values cancel inside the bucket; m2 is that of the raw samples within 1e-12. All else is exact, the order of equals,
// NaN and signs of zero as in PromQL's functions over the bucket's samples.
import type { Matcher } from '../../lib/model/matcher.ts'

/** Finest first. */
export const TIER_NAMES = ['raw', '1m', '1h'] as const
export type TierName = (typeof TIER_NAMES)[number]

/** Bucket widths, ms. */
export const TIER_MS: Readonly<Record<Exclude<TierName, 'raw'>, number>> = { '1m': 60_000, '1h': 3_600_000 }

/** What a row says of its bucket, one element per series and bucket. Where `count` is 0 only `staleAtEnd` has a meaning. */
export interface BucketColumns {
  count: Float64Array
  sum: Float64Array
  /** Sum of squared distances from the mean (Welford's M2), so that stddev needs no difference of large numbers. */
  m2: Float64Array
  min: Float64Array
  max: Float64Array
  first: Float64Array
  last: Float64Array
  /** Sum of the values before each drop inside the bucket: increase = last - first + correction. */
  correction: Float64Array
  /** quantile_over_time(0.99) of the bucket's samples. */
  p99: Float64Array
  /** Unix ms of the first and last sample. */
  firstT: Float64Array
  lastT: Float64Array
  /** 1: the newest entry of the bucket is a staleness marker. */
  staleAtEnd: Uint8Array
}

export type BucketColumn = keyof BucketColumns

/**
 * Series that share a column of bucket ends. Buffers belong to the selection, valid until its next call; no series appears
 * in two batches of a selection.
 */
export interface BucketBatch {
  n: number
  /** t[0..n): Unix ms, ends of buckets, strictly ascending, multiples of the width. */
  t: Float64Array
  seriesCount: number
  /** Position of series s in `BucketSelection.refs`. */
  index: Uint32Array
  /** columns.X[s * n + i]: series s in the bucket that ends at t[i]. Columns nobody asked for may be empty. */
  columns: BucketColumns
}

export interface BucketSelection {
  /** All series that match, ascending, whether or not they have rows. */
  readonly refs: Uint32Array
  next(): BucketBatch | null
}

/** What part of time a tier answers for. */
export interface TierCoverage {
  name: TierName
  /** Bucket width, ms; 0 for raw. */
  widthMs: number
  /**
   * Of the matching series nothing that was ever stored in (from, to] is missing here or differs from it, but for deleted
   * samples, which are gone everywhere. Raw: `to` is Infinity. Buckets touched by samples that came too late for the rows
   * lie outside until the rows are written anew.
   */
  from: number
  to: number
  /** Unix ms: rows of buckets that end before are past their series' own retention and not to be shown, though some may still be there. */
  keptFrom: number
  /** Unix ms: rows of buckets that begin at or behind it are on this machine; those before must be fetched. */
  localFrom: number
  /** Matching series have native histograms in (from, to], which rows of buckets leave out; the rest holds for floats. */
  lacksHistograms: boolean
}

/** The tiers of a store, beside Querier's raw samples. */
export interface TierQuerier {
  /** Of no series raw samples behind this, Unix ms, are gone by retention. Cheap: asked for every selector. */
  readonly rawFrom: number
  /**
   * Matchers of parts that select, together, what these do, no series twice: all series of a part are kept as long in each
   * tier. These alone where no rule of retention tells series apart.
   */
  keptAlike(matchers: readonly Matcher[]): readonly (readonly Matcher[])[]
  /** Finest first, raw included; those without data are left out. Where series differ, because of their own retention, the narrowest. */
  tiers(matchers: readonly Matcher[]): readonly TierCoverage[]
  /** Rows of buckets that end in (mint, maxt], with the columns `wanted`; `count` and `staleAtEnd` are always there. */
  selectBuckets(
    name: Exclude<TierName, 'raw'>, matchers: readonly Matcher[], mint: number, maxt: number, wanted: readonly BucketColumn[],
  ): BucketSelection
  /** Quantiles of `refs` (ascending) over windows, from the sketches; series that have no rows there are left out. */
  quantiles(name: Exclude<TierName, 'raw'>, refs: Uint32Array, windows: QuantileWindows): Iterable<QuantileRow>
}

/** At least one; of window i quantile qs[i] (0..1) is asked, of all samples of buckets that end in (from[i], to[i]]. Neither bound descends. */
export interface QuantileWindows {
  qs: Float64Array
  from: Float64Array
  to: Float64Array
}

/** One element per window. Belongs to who gives it, valid until the next. */
export interface QuantileRow {
  /** Position of the series in the refs that were asked for. */
  index: number
  /** How many rows of buckets it has from the first window to the last. */
  rows: number
  /**
   * Off by at most 0.01 of the larger magnitude of the two samples that it lies between. NaN where it would be of the samples,
   * and where there are none.
   */
  values: Float64Array
  /** 1: there are samples. */
  found: Uint8Array
}
