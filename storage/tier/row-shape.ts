// What rows of buckets look like to their encoder and their decoder (FORMAT.md, "Rows of buckets"). A bucket of few samples
// is stored as these: what its row says, exactly, is as much as they are, and they take fewer bytes.

/** Rows of up to so many samples are stored as their samples: a minute at a scrape every five seconds. */
export const SAMPLES_MAX = 12
/** p99 lies between the two largest of up to so many samples. */
export const TWO_LARGEST_MAX = 101

/** Head of a shape. */
export const SHAPE_STATES = 1
export const SHAPE_OWN_TIMES = 2
/** State of a row beside those of presence.ts: samples, and a staleness marker as the newest entry. */
export const LIVE_THEN_STALE = 3

/** Head of a spread. */
export const SPREAD_FLOATS = 1
export const SPREAD_ALL = 2
export const SPREAD_P99 = 4
/** Rows of few samples are stored as samples even where all are the same number. */
export const SPREAD_DENSE = 8

/** p99 of a bucket of `count` ≤ TWO_LARGEST_MAX samples, as quantile_over_time interpolates. */
export function p99Of(count: number, second: number, max: number): number {
  const rank = 0.99 * (count - 1)
  const weight = rank - Math.floor(rank)
  return second * (1 - weight) + max * weight
}
