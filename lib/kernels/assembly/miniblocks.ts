// Integers in miniblocks of 128 (twin: storage/codec/miniblocks.ts, to the bit).
import { packBits, writeVarint, zigzag } from './bits'
import { MINIBLOCK_VALUES, WIDTH_COUNTS } from './memory'

export const MINIBLOCK: i32 = 128
export const MINIBLOCK_EXCEPTIONS: i32 = 128
const TOO_WIDE: i32 = 55

let bestWidth: i32 = 0
let bestExceptions: i32 = 0
let bestCost: i32 = 0

/** Bits of a non-negative integer. */
// @ts-ignore: decorator
@inline
export function integerWidth(value: f64): i32 {
  // The exponent says it, but of 0.
  return max<i32>(0, <i32>(reinterpret<u64>(value) >> 52) - 1022)
}

/** Writes `count` values at `values`; returns the place behind them. */
export function writeMiniblocks(values: usize, count: i32, at: usize): usize {
  let refBefore: f64 = 0
  for (let i = 0; i < count; i += MINIBLOCK) {
    const n = min(MINIBLOCK, count - i)
    const from = values + (<usize>i << 3)
    const ref = chooseReference(from, n)
    const w = bestWidth
    store<u8>(at, <u8>(bestExceptions > 0 ? w | MINIBLOCK_EXCEPTIONS : w))
    at = writeVarint(zigzag(ref - refBefore), at + 1)
    refBefore = ref
    if (bestExceptions > 0) {
      at = writeExceptions(from, n, ref, <f64>(<u64>1 << w), at)
      at = packBits(MINIBLOCK_VALUES, n, 0, w, at)
    } else {
      at = packBits(from, n, ref, w, at)
    }
  }
  return at
}

/** Lists what does not fit below the limit, and fills MINIBLOCK_VALUES with what does. */
function writeExceptions(from: usize, n: i32, ref: f64, limit: f64, at: usize): usize {
  at = writeVarint(bestExceptions, at)
  for (let i = 0; i < n; i++) {
    const over = load<f64>(from + (<usize>i << 3)) - ref
    const fits = over >= 0 && over < limit
    store<f64>(MINIBLOCK_VALUES + (<usize>i << 3), fits ? over : 0)
    if (fits) continue
    store<u8>(at, <u8>i)
    at = writeVarint(zigzag(over), at + 1)
  }
  return at
}

/** The reference of n values, and in `bestWidth` the width, that take the fewest bytes. */
function chooseReference(from: usize, n: i32): f64 {
  const pivot = v128.load64_splat(from)
  let least = pivot
  let most = pivot
  let sums = f64x2.splat(0)
  let squares = f64x2.splat(0)
  const end = from + (<usize>n << 3)
  for (let at = from; at < end; at += 16) {
    let two = v128.load(at)
    // An odd one is looked at with the pivot.
    if (at + 8 === end) two = v128.shuffle<f64>(two, pivot, 0, 2)
    least = f64x2.pmin(least, two)
    most = f64x2.pmax(most, two)
    const off = f64x2.sub(two, pivot)
    sums = f64x2.add(sums, off)
    squares = f64x2.add(squares, f64x2.mul(off, off))
  }
  const low = Math.min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1))
  const range = Math.max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1)) - low
  const sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1)
  const square = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1)
  bestWidth = integerWidth(range)
  bestExceptions = 0
  if (bestWidth <= 32 && (range === 0 || n < 8 || (square - sum * sum / <f64>n) * 40 > range * range * <f64>n)) return low
  return outlierReference(from, n)
}

/** As chooseReference, where some may lie far from the rest. */
function outlierReference(from: usize, n: i32): f64 {
  let s0: f64 = Infinity
  let s1: f64 = Infinity
  let s2: f64 = Infinity
  let s3: f64 = Infinity
  let most: f64 = 0
  let votes = 0
  for (let at = from, end = from + (<usize>n << 3); at < end; at += 8) {
    const r = load<f64>(at)
    if (r === most) {
      votes++
    } else if (votes === 0) {
      most = r
      votes = 1
    } else {
      votes--
    }
    if (r >= s3) continue
    if (r >= s2) {
      s3 = r
      continue
    }
    s3 = s2
    if (r >= s1) {
      s2 = r
      continue
    }
    s2 = s1
    if (r >= s0) {
      s1 = r
      continue
    }
    s1 = s0
    s0 = r
  }
  chooseWidth(from, n, s0)
  const other = votes > n >> 1 ? most : s2 - s1 > 4 * (s3 - s2) + 4 ? s2 : s1 - s0 > 4 * (s3 - s1) + 4 ? s1 : s0
  if (other === s0) return s0
  const cost = bestCost
  const width = bestWidth
  const exceptions = bestExceptions
  chooseWidth(from, n, other)
  if (bestCost < cost) return other
  bestWidth = width
  bestExceptions = exceptions
  return s0
}

/** Sets bestWidth, bestExceptions and bestCost (bytes) for a reference. */
function chooseWidth(from: usize, n: i32, ref: f64): void {
  memory.fill(WIDTH_COUNTS, 0, <usize>TOO_WIDE + 1)
  for (let at = from, end = from + (<usize>n << 3); at < end; at += 8) {
    const over = load<f64>(at) - ref
    const place = WIDTH_COUNTS + <usize>(over < 0 ? TOO_WIDE : integerWidth(over))
    store<u8>(place, load<u8>(place) + 1)
  }
  let exceptions = 0
  let cost = 0
  bestCost = i32.MAX_VALUE
  for (let w = TOO_WIDE; w >= 0; w--) {
    if (w <= 32) {
      const total = ((n * w + 7) >> 3) + cost + i32(exceptions > 0)
      if (total < bestCost) {
        bestCost = total
        bestWidth = w
        bestExceptions = exceptions
      }
    }
    const here = <i32>load<u8>(WIDTH_COUNTS + <usize>w)
    exceptions += here
    // Its place, and a varint of one bit more, for the sign.
    cost += here * (1 + (w + 7) / 7)
  }
}
