// sum, avg, stddev and stdvar over rows of buckets. The rows' sums are right to their last digits, so what is added up
// here is, too, unless it cancels: then a digit of a row's sum is many of the result's, and the samples must be asked.
import { countSamples, type BucketKernel, type BucketRun, type BucketWindows } from './bucket-kernel.ts'
import { sumOverTime } from './over-time.ts'
import type { Pace } from './range-kernel.ts'
import { ScratchColumn } from './scratch.ts'

const EPSILON = 2 ** -53
/** Results may differ from those of the samples by this part of themselves. */
const TOLERANCE = 1e-12
/** A sum this small a part of what was added up may be off by more: two roundings a row, here and in the scan of samples. */
const CANCELED = 4 * EPSILON / TOLERANCE
/** Deviations this small a part of the mean are made of its last digits. */
const STEADY = 1e-3
/** Values beyond might overflow when squared. */
const SQUARE_MAX = 1e140

const NO_ARGS: readonly Float64Array[] = []

/** What was added up to get the sums of rows [0, k), without signs. */
const addedScratch = new ScratchColumn()

/** Whether sums of rows [from, to) can cancel, or did overflow; NaN stays NaN. */
function areInDoubt({ at, columns: { sum } }: BucketRun, from: number, to: number): boolean {
  let isAbove = false
  let isBelow = false
  for (let k = at + from; k < at + to; k++) {
    const x = sum[k]!
    if (x > 0) isAbove = true
    else if (x < 0) isBelow = true
    if (x === Infinity || x === -Infinity) return true
  }
  return isAbove && isBelow
}

/** Whether the sum of some window is small beside what was added up, or none any more. */
function cancels(w: BucketWindows, { at, columns: { sum } }: BucketRun, sums: Float64Array, sumsAt: number): boolean {
  const { count, lo, hi } = w
  const base = lo[0]!
  const length = hi[count - 1]! - base
  const addedTo = addedScratch.of(length + 1)
  let added = 0
  addedTo[0] = 0
  for (let k = 0; k < length; k++) {
    const x = Math.abs(sum[at + base + k]!)
    added += x === x ? x : 0
    addedTo[k + 1] = added
  }
  if (added === Infinity) return true
  const lost = added * length * EPSILON
  for (let i = 0; i < count; i++) {
    if (hi[i]! > lo[i]! && Math.abs(sums[sumsAt + i]!) < CANCELED * (addedTo[hi[i]! - base]! - addedTo[lo[i]! - base]! + lost)) return true
  }
  return false
}

/** Sums of the windows, unscaled; returns whether some are in doubt. */
function addUp(w: BucketWindows, rows: BucketRun, out: Float64Array, kinds: Uint8Array, at: number, pace: Pace): boolean {
  sumOverTime(w, rows.t, rows.columns.sum, rows.at, out, kinds, at, NO_ARGS, pace)
  if (w.count === 0) return false
  for (let i = 0; i < w.count; i++) if (kinds[at + i] === 1 && Math.abs(out[at + i]!) === Infinity) return true
  return areInDoubt(rows, w.lo[0]!, w.hi[w.count - 1]!) && cancels(w, rows, out, at)
}

export const bucketSum: BucketKernel = (w, rows, out, kinds, at, pace) => {
  const isInDoubt = addUp(w, rows, out, kinds, at, pace)
  for (let i = 0; i < w.count; i++) out[at + i]! *= w.scale[i]!
  return isInDoubt
}

export const bucketAvg: BucketKernel = (w, rows, out, kinds, at, pace) => {
  const { count, lo, hi } = w
  const isInDoubt = addUp(w, rows, out, kinds, at, pace)
  const samples = countSamples(w, rows)
  const base = count > 0 ? lo[0]! : 0
  for (let i = 0; i < count; i++) {
    if (hi[i]! > lo[i]!) out[at + i]! /= samples[hi[i]! - base]! - samples[lo[i]! - base]!
  }
  return isInDoubt
}

/**
 * Population variance of each window: squares within the rows and of the rows' means from the window's (T. F. Chan,
 * G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", 1983). An error of the window's mean only
 * counts squared. Returns whether some are in doubt.
 */
function variances(w: BucketWindows, rows: BucketRun, out: Float64Array, kinds: Uint8Array, at: number, pace: Pace): boolean {
  const { count, lo, hi } = w
  const { columns } = rows
  const { min, max, m2, sum, count: samples } = columns
  bucketAvg(w, rows, out, kinds, at, pace)
  let isInDoubt = false
  for (let i = 0; i < count; i++) {
    const from = rows.at + lo[i]!
    const to = rows.at + hi[i]!
    if (to <= from) continue
    pace.spend(to - from)
    const mean = out[at + i]!
    let n = 0
    let squares = 0
    let isSteady = true
    let isLarge = false
    for (let k = from; k < to; k++) {
      const difference = sum[k]! / samples[k]! - mean
      squares += m2[k]! + difference * difference * samples[k]!
      n += samples[k]!
      if (min[k]! !== min[from]! || max[k]! !== min[from]!) isSteady = false
      if (max[k]! > SQUARE_MAX || min[k]! < -SQUARE_MAX) isLarge = true
    }
    // Min and max leave out NaN, which the squares do not.
    const variance = isSteady && (isLarge || !Number.isNaN(squares)) ? 0 : squares / n
    out[at + i] = variance
    if (isLarge || (!isSteady && variance < mean * mean * (STEADY * STEADY))) isInDoubt = true
  }
  return isInDoubt
}

export const bucketStdvar: BucketKernel = (w, rows, out, kinds, at, pace) => variances(w, rows, out, kinds, at, pace)

export const bucketStddev: BucketKernel = (w, rows, out, kinds, at, pace) => {
  const isInDoubt = variances(w, rows, out, kinds, at, pace)
  for (let i = 0; i < w.count; i++) out[at + i] = Math.sqrt(out[at + i]!)
  return isInDoubt
}
