// Range functions over rows of buckets instead of samples: the contract, and the functions whose answer is one column's.
// A window then is a run of whole buckets. Where its bounds had to be moved outwards to make it one, what grows with a
// window's length is scaled back to the length that was asked for.
import type { BucketColumns } from '../../storage/tier/bucket.ts'
import { maxOverTime, minOverTime } from './extreme-over-time.ts'
import { firstOverTime, lastOverTime, presentOverTime, tsOfFirstOverTime, tsOfLastOverTime } from './over-time.ts'
import type { Pace, RangeKernel, Windows } from './range-kernel.ts'
import { ScratchColumn } from './scratch.ts'

/** Windows whose bounds are bounds of rows; lo and hi are positions of rows. */
export interface BucketWindows extends Windows {
  /** Asked length of window i over its own; 1 where the bounds are those asked for. */
  scale: Float64Array
}

/** The rows of a series that have samples: row k ends at t[k], its columns are columns.X[at + k]. */
export interface BucketRun {
  t: Float64Array
  at: number
  columns: BucketColumns
}

/**
 * As a RangeKernel. Returns whether some result may differ from that of the samples by more than 1e-12: values so large
 * that sums overflow, or that cancel but for their last digits.
 */
export type BucketKernel = (w: BucketWindows, rows: BucketRun, out: Float64Array, kinds: Uint8Array, at: number, pace: Pace) => boolean

const NO_ARGS: readonly Float64Array[] = []

export const bucketMin: BucketKernel = (w, rows, out, kinds, at, pace) => {
  minOverTime(w, rows.t, rows.columns.min, rows.at, out, kinds, at, NO_ARGS, pace)
  return false
}

export const bucketMax: BucketKernel = (w, rows, out, kinds, at, pace) => {
  maxOverTime(w, rows.t, rows.columns.max, rows.at, out, kinds, at, NO_ARGS, pace)
  return false
}

export const bucketFirst: BucketKernel = (w, rows, out, kinds, at, pace) => {
  firstOverTime(w, rows.t, rows.columns.first, rows.at, out, kinds, at, NO_ARGS, pace)
  return false
}

export const bucketLast: BucketKernel = (w, rows, out, kinds, at, pace) => {
  lastOverTime(w, rows.t, rows.columns.last, rows.at, out, kinds, at, NO_ARGS, pace)
  return false
}

export const bucketPresent: BucketKernel = (w, rows, out, kinds, at, pace) => {
  presentOverTime(w, rows.t, rows.columns.count, rows.at, out, kinds, at, NO_ARGS, pace)
  return false
}

/** The 99th percentile of windows of one bucket. */
export const bucketP99: BucketKernel = (w, rows, out, kinds, at, pace) => {
  lastOverTime(w, rows.t, rows.columns.p99, rows.at, out, kinds, at, NO_ARGS, pace)
  return false
}

/** Unix seconds of the window's oldest sample. */
export const bucketTsOfFirst: BucketKernel = (w, rows, out, kinds, at, pace) => {
  timeOf(tsOfFirstOverTime, w, rows, rows.columns.firstT, out, kinds, at, pace)
  return false
}

/** Unix seconds of the window's newest sample. */
export const bucketTsOfLast: BucketKernel = (w, rows, out, kinds, at, pace) => {
  timeOf(tsOfLastOverTime, w, rows, rows.columns.lastT, out, kinds, at, pace)
  return false
}

/** The kernel looks at times only, and takes them from position 0 on. */
function timeOf(
  kernel: RangeKernel, w: BucketWindows, rows: BucketRun, times: Float64Array, out: Float64Array, kinds: Uint8Array, at: number, pace: Pace,
): void {
  kernel(w, times.subarray(rows.at), times, rows.at, out, kinds, at, NO_ARGS, pace)
}

/** Samples in rows [0, k) of those counted last. */
const samplesTo = new ScratchColumn()

/** Samples before each of the rows that the windows hold, counted from the first window's start on. */
export function countSamples(w: BucketWindows, { at, columns }: BucketRun): Float64Array {
  const from = w.count > 0 ? w.lo[0]! : 0
  const to = w.count > 0 ? w.hi[w.count - 1]! : 0
  const { count } = columns
  const out = samplesTo.of(to - from + 1)
  let samples = 0
  out[0] = 0
  for (let k = from; k < to; k++) {
    samples += count[at + k]!
    out[k - from + 1] = samples
  }
  return out
}

export const bucketCount: BucketKernel = (w, rows, out, kinds, at) => {
  const { count, lo, hi, scale } = w
  const samples = countSamples(w, rows)
  const base = count > 0 ? lo[0]! : 0
  for (let i = 0; i < count; i++) {
    if (hi[i]! <= lo[i]!) continue
    out[at + i] = (samples[hi[i]! - base]! - samples[lo[i]! - base]!) * scale[i]!
    kinds[at + i] = 1
  }
  return false
}
