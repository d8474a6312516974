// The contract of range functions: one call per series computes every step.

/** The windows of a range vector over one timestamp column, worked out once per group of series. */
export interface Windows {
  /** Number of steps. */
  count: number
  /** Sample positions [lo[i], hi[i]) lie in the window of step i: (startMs[i], endMs[i]]. */
  lo: Int32Array
  hi: Int32Array
  /** Window bounds, Unix ms, after offset and @. */
  startMs: Float64Array
  endMs: Float64Array
  rangeMs: number
  /** Evaluation time of step i, Unix ms (before offset; the same as endMs without one). */
  evalMs: Float64Array
  /** What rate and its like work out once for all series of a column (rate.ts); null until asked for after each `locate`. */
  stretch: Stretch | null
}

/** How far the change inside each window is to be stretched by one function, whatever the values, in seconds (extrapolation.ts). */
export interface Stretch {
  sampled: Float64Array
  start: Float64Array
  end: Float64Array
  /** (sampled + start + end) / sampled / divisor: what the change is multiplied by unless a counter was near zero. */
  factor: Float64Array
}

/** Whether more than `windowsMin` windows hold the same sample, as the last window tells: whether working it out for all at once pays. */
export function isShared({ count, lo, hi }: Windows, windowsMin: number): boolean {
  // No sample is in more windows than there are, however few came since the first.
  if (count <= windowsMin) return false
  const windowSamples = hi[count - 1]! - lo[count - 1]!
  return windowSamples * (count - 1) > windowsMin * (hi[count - 1]! - hi[0]!)
}

/** The query's budget as kernels see it. Throws when the query is over. */
export interface Pace {
  /** To be told of each window before its samples are looked at one by one: a series may have windows for minutes. */
  spend(samples: number): void
}

/**
 * Computes out[at + i] and sets kinds[at + i] = FLOAT for every step i with a result; leaves others untouched
 * (the caller has zeroed kinds). t and v hold live samples only: sample k is t[k], v[vAt + k]. `args` are the scalar
 * arguments per step: args[a][i]. What is not O(samples) tells `pace` of its work.
 */
export type RangeKernel = (
  w: Windows, t: Float64Array, v: Float64Array, vAt: number,
  out: Float64Array, kinds: Uint8Array, at: number, args: readonly Float64Array[], pace: Pace,
) => void

/**
 * As a RangeKernel, v and startTimes from position 0 on: startTimes[k] is the Unix ms at which what sample k counts
 * began, 0 where not known. Returns in how many windows a sample's start lies within what an earlier one counted.
 */
export type StartTimesKernel = (
  w: Windows, t: Float64Array, v: Float64Array, startTimes: Float64Array,
  out: Float64Array, kinds: Uint8Array, at: number, pace: Pace,
) => number
