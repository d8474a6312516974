// How far the change between the first and the last sample of a window is stretched over its gaps at both ends
// (prometheus promql/functions.go, extrapolatedRate), in its order of operations.
//
//   window start     first                      last      window end
//      |─ to start ──|───────── sampled ─────────|─ to end ──|
//
// A gap of 1.1 average intervals or more counts as half an interval; a counter is not stretched below the time where
// it was zero. All spans are in seconds.

/** A gap this many intervals long is no longer taken to be sampled like the rest. */
const GAP_MAX = 1.1

/** What has no zero point to stop at. */
export const NO_ZERO: number = Infinity

/** How far into a gap of `gap` seconds a series goes on that has a sample every `interval` seconds. */
export function stretched(gap: number, interval: number): number {
  return gap >= interval * GAP_MAX ? interval / 2 : gap
}

/**
 * The factor for samples over `sampled` seconds that go on for `start` and `end` seconds. `zeroShare`: first value ÷
 * change, by which share of `sampled` a counter lay above zero at its first sample; NO_ZERO where that is meaningless.
 */
export function extrapolationFactor(sampled: number, start: number, end: number, zeroShare: number): number {
  const toZero = sampled * zeroShare
  return (sampled + (toZero < start ? toZero : start) + end) / sampled
}

/**
 * The factor where the counter is known to have been zero `sinceStart` seconds before the last sample: nothing is
 * stretched to the left, and to the right by the samples' own interval, 0 where there is one sample only.
 */
export function factorSinceStart(sinceStart: number, interval: number, toEnd: number): number {
  const end = toEnd >= interval * GAP_MAX ? interval / 2 : toEnd
  return sinceStart === 0 ? 1 : (sinceStart + end) / sinceStart
}
