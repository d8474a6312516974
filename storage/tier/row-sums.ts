// What a row says of the samples of its bucket: the numbers that *_over_time gives for the bucket as a window (lang/func), NaN
// and infinities included.
import { compensatedSum, squaredDistances } from '../../lib/model/kahan.ts'
import { quantile } from '../../lib/model/quantile.ts'
import type { BucketColumn } from './bucket.ts'
import type { TierColumns } from './bucket-buffer.ts'
import { SAMPLES_MAX, TWO_LARGEST_MAX, p99Of } from './row-shape.ts'

/** Columns that take a pass of their own over the samples; first and last do not. */
const SUM = 1
const M2 = 2
const P99 = 4
const CORRECTION = 8
const RANGE = 16
export const EVERY_SUM: number = SUM | M2 | P99 | CORRECTION | RANGE
/** What tells rows of one number from others. */
export const RANGE_ALONE: number = RANGE

const SUMS: Partial<Record<BucketColumn, number>> = { sum: SUM, m2: M2, p99: P99 | RANGE, correction: CORRECTION, min: RANGE, max: RANGE }

export function sumsOf(wanted: readonly BucketColumn[]): number {
  return wanted.reduce((sums, key) => sums | (SUMS[key] ?? 0), 0)
}

let order = new Float64Array(256)

/** Writes a row of v[from, from + count), count ≥ 1, but for its count and times: first, last, and `sums`. */
export function putRow(v: Float64Array, from: number, count: number, c: TierColumns, row: number, sums: number): void {
  c.first[row] = v[from]!
  c.last[row] = v[from + count - 1]!
  if ((sums & RANGE) !== 0) putRange(v, from, count, c, row)
  if ((sums & SUM) !== 0) c.sum[row] = compensatedSum(v, from, from + count)
  if ((sums & M2) !== 0) c.m2[row] = count <= SAMPLES_MAX ? squaresOfFew(v, from, count) : squaredDistances(v, from, from + count)
  if ((sums & CORRECTION) !== 0) c.correction[row] = correctionOf(v, from, count)
  if ((sums & P99) === 0) return
  const max = c.max[row]!
  const second = secondOf(v, from, count, max)
  c.second[row] = second
  c.p99[row] = count <= TWO_LARGEST_MAX ? p99Of(count, second, max) : longP99(v, from, count)
}

/**
 * Sum of the squared distances of a few samples from their mean: two passes, the second of which corrects for what the mean
 * is off by (Chan, Golub and LeVeque, 1983). As close as squaredDistances, without a division a sample.
 */
function squaresOfFew(v: Float64Array, from: number, count: number): number {
  const end = from + count
  let sum = 0
  for (let i = from; i < end; i++) sum += v[i]!
  const mean = sum / count
  let distances = 0
  let squares = 0
  for (let i = from; i < end; i++) {
    const distance = v[i]! - mean
    distances += distance
    squares += distance * distance
  }
  return Math.max(0, squares - distances * distances / count)
}

function putRange(v: Float64Array, from: number, count: number, c: TierColumns, row: number): void {
  let min = v[from]!
  let max = min
  for (let i = from + 1; i < from + count; i++) {
    const x = v[i]!
    if (x < min || min !== min) min = x
    if (x > max || max !== max) max = x
  }
  c.min[row] = min
  c.max[row] = max
}

/** Sum of the values before each drop. */
function correctionOf(v: Float64Array, from: number, count: number): number {
  let sum = 0
  for (let i = from + 1; i < from + count; i++) if (v[i]! < v[i - 1]!) sum += v[i - 1]!
  return sum
}

/** The second largest; NaN, which is below all, where it is the largest but one. */
function secondOf(v: Float64Array, from: number, count: number, max: number): number {
  if (count === 1) return v[from]!
  let second = NaN
  let isPassed = false
  for (let i = from; i < from + count; i++) {
    const x = v[i]!
    if (x === max && !isPassed) isPassed = true
    else if (x > second || second !== second) second = x
  }
  return second
}

function longP99(v: Float64Array, from: number, count: number): number {
  if (order.length !== count) order = new Float64Array(count)
  for (let i = 0; i < count; i++) order[i] = v[from + i]!
  return quantile(0.99, order)
}
