// What a native histogram says of the observations below or above a value: PromQL's `</` and `>/`. Buckets that the
// value cuts are interpolated as histogram_quantile does, exponentially, or linearly with custom bounds and in the
// zero bucket; the sum is estimated anew from the middles of what is left. Prometheus: FloatHistogram.TrimBuckets.
import { log2 } from '../std/go-log.ts'
import { lowerBound, upperBound } from './histogram-bounds.ts'
import { isCustom, NO_BUCKETS, type Buckets, type FloatHistogram } from './histogram.ts'

/** Keeps observations below `cut` (`isUpper`, `h </ cut`) or above it (`h >/ cut`). Returns `h` itself if nothing goes. */
export function trimHistogram(h: FloatHistogram, cut: number, isUpper: boolean): FloatHistogram {
  const totals: Totals = { count: 0, sum: 0, isTrimmed: false }
  const positive = trimSide(h, h.positive, { cut, isUpper, sign: 1 }, totals)
  const negative = trimSide(h, h.negative, { cut, isUpper, sign: -1 }, totals)
  const zeroCount = h.zeroCount > 0 ? trimZero(h, cut, isUpper, totals) : h.zeroCount
  if (!totals.isTrimmed) return h
  return { ...h, positive, negative, zeroCount, count: totals.count, sum: totals.sum }
}

/** Of what is left. */
interface Totals {
  count: number
  sum: number
  isTrimmed: boolean
}

interface Cut {
  cut: number
  isUpper: boolean
  /** Side of the buckets. */
  sign: 1 | -1
}

interface Interval {
  lower: number
  upper: number
}

function trimSide(h: FloatHistogram, side: Buckets, cut: Cut, totals: Totals): Buckets {
  const index: number[] = []
  const count: number[] = []
  for (let k = 0; k < side.index.length; k++) {
    const [near, far] = [lowerBound(h, side.index[k]!), upperBound(h, side.index[k]!)]
    const interval = cut.sign === 1 ? { lower: near, upper: far } : { lower: -far, upper: -near }
    const { kept, middle } = trimBucket(interval, side.count[k]!, cut, isCustom(h))
    if (kept !== side.count[k]) totals.isTrimmed = true
    totals.count += kept
    totals.sum += middle * kept
    if (kept === 0) continue
    index.push(side.index[k]!)
    count.push(kept)
  }
  return index.length === 0 ? NO_BUCKETS : { index: Int32Array.from(index), count: Float64Array.from(count) }
}

interface Kept {
  kept: number
  /** Where the kept observations are taken to be. */
  middle: number
}

const NOTHING: Kept = { kept: 0, middle: 0 }

function trimBucket({ lower, upper }: Interval, count: number, { cut, isUpper, sign }: Cut, isLinear: boolean): Kept {
  const isWhole = isUpper ? upper <= cut : lower >= cut
  if (isWhole) return { kept: count, middle: middleOf({ lower, upper }, sign, isLinear) }
  const isCut = isUpper ? lower < cut : upper > cut
  if (!isCut) return NOTHING
  if (lower === -Infinity) return trimFromBelow(upper, count, cut, isUpper)
  // How observations spread up to +Inf is not known: none is below the cut, all are above it.
  if (upper === Infinity) return isUpper ? NOTHING : { kept: count, middle: cut }
  const below = count * shareBelow({ lower, upper }, cut, isLinear)
  return isUpper
    ? { kept: below, middle: middleOf({ lower, upper: cut }, sign, isLinear) }
    : { kept: count - below, middle: middleOf({ lower: cut, upper }, sign, isLinear) }
}

/** The bucket from −Inf to the first custom bound. If that is positive, observations are taken to start at 0. */
function trimFromBelow(upper: number, count: number, cut: number, isUpper: boolean): Kept {
  const isFromZero = upper > 0 && upper < Infinity
  if (isUpper) {
    if (isFromZero && cut > 0) return { kept: count * cut / upper, middle: cut / 2 }
    return upper <= 0 ? { kept: count, middle: cut } : NOTHING
  }
  return isFromZero && cut >= 0 ? { kept: count * (1 - cut / upper), middle: (cut + upper) / 2 } : NOTHING
}

/** The share of a bucket of finite bounds that lies below `cut`, which is within it. */
function shareBelow({ lower, upper }: Interval, cut: number, isLinear: boolean): number {
  if (isLinear) return (cut - lower) / (upper - lower)
  const [low, high, at] = [lower, upper, cut].map((bound) => log2(Math.abs(bound))) as [number, number, number]
  return cut > 0 ? (at - low) / (high - low) : 1 - (at - high) / (low - high)
}

/** The geometric mean, or the arithmetic one; with an infinite bound the finite one, or half of it above zero. */
function middleOf({ lower, upper }: Interval, sign: 1 | -1, isLinear: boolean): number {
  if (lower === -Infinity) {
    if (upper === Infinity) return 0
    return upper > 0 ? upper / 2 : upper
  }
  if (upper === Infinity) return lower
  return isLinear ? (lower + upper) / 2 : sign * Math.sqrt(Math.abs(lower * upper))
}

/** The zero bucket reaches only to the side where there are observations, if there are on one side alone. */
function trimZero(h: FloatHistogram, cut: number, isUpper: boolean, totals: Totals): number {
  const hasPositive = h.positive.count.some(isThere)
  const hasNegative = h.negative.count.some(isThere)
  const lower = hasPositive && !hasNegative ? 0 : -h.zeroThreshold
  const upper = hasNegative && !hasPositive ? 0 : h.zeroThreshold
  let share = 0
  let middle = 0
  // A zero bucket without width lies above a cut at 0.
  const isAbove = cut <= lower
  const isBelow = cut >= upper && !isAbove
  if (isUpper ? isBelow : isAbove) {
    share = 1
    middle = (lower + upper) / 2
  } else if (!isAbove && !isBelow) {
    share = (isUpper ? cut - lower : upper - cut) / (upper - lower)
    middle = ((isUpper ? lower : upper) + cut) / 2
  }
  const kept = h.zeroCount * share
  if (kept !== h.zeroCount) totals.isTrimmed = true
  totals.count += kept
  totals.sum += middle * kept
  return kept
}

function isThere(count: number): boolean {
  return count !== 0
}
