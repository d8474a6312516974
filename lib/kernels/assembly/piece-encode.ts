// Pieces of blocks, encoded (twin: encodeBody, storage/codec/piece-encode.ts, whose bytes these are; FORMAT.md, "Piece").
import { writeDiffering, writeVarint, zigzag } from './bits'
import { base, patches, reduce, scale } from './decimal-scale'
import { LISTED, PATCHES, PIECE, PIECE_VALUES, RESIDUALS, SCALED } from './memory'
import { MINIBLOCK, integerWidth, writeMiniblocks } from './miniblocks'

// As storage/codec/chunk-encode.ts and piece-shape.ts have them.
const KIND_DECIMAL: u8 = 1
const KIND_XOR: u8 = 2
const ORDER_SHIFT: i32 = 4
const DECIMAL_SPARSE: i32 = 64
const DECIMAL_PATCHED: i32 = 128

const SPARSE_CHOSEN: i32 = 4

let denseBits: i32 = 0
let sparseBits: i32 = 0

/** Encodes the n values at PIECE_VALUES, 1 < n ≤ PIECE_ROWS and not all the same: their kind at PIECE, the body behind it. Returns the bytes of both. */
export function encodePiece(n: i32): i32 {
  const end = PIECE_VALUES + (<usize>n << 3)
  // Values are looked at in twos; behind an odd one it stands once more.
  store<f64>(end, load<f64>(end - 8))
  const e = scale(n)
  const divisor = e < 0 ? 0 : reduce(n)
  store<u8>(PIECE, divisor === 0 ? KIND_XOR : KIND_DECIMAL)
  return <i32>((divisor === 0 ? encodeXorRun(n, PIECE + 1) : encodeDecimal(n, e, divisor, PIECE + 1)) - PIECE)
}

/** Residuals i and i + 1 of an order, of the k at `at`. */
// @ts-ignore: decorator
@inline
function residuals(order: i32, at: usize): v128 {
  const k = v128.load(at)
  if (order === 0) return k
  const next = v128.load(at, 8)
  const first = f64x2.sub(next, k)
  return order === 1 ? first : f64x2.sub(f64x2.sub(v128.load(at, 16), next), first)
}

/** The order | isSparse << 2 of what takes the fewest bits, by the spread of every other miniblock. */
function chooseOrder(n: i32): i32 {
  let best = 0
  let bestBits = i32.MAX_VALUE
  for (let order = 0; order < 3 && order < n; order++) {
    denseBits = 0
    sparseBits = 0
    const count = n - order
    for (let i = 0; i < count; i += 2 * MINIBLOCK) {
      const m = min(count - i, MINIBLOCK)
      const from = SCALED + (<usize>i << 3)
      if (order === 0) estimate(0, from, m)
      else if (order === 1) estimate(1, from, m)
      else estimate(2, from, m)
    }
    if (denseBits < bestBits) {
      bestBits = denseBits
      best = order
    }
    if (sparseBits < bestBits) {
      bestBits = sparseBits
      best = order | SPARSE_CHOSEN
    }
  }
  return best
}

/** Adds what n residuals would take as they are, and with a bitmap of those that are not 0. */
// @ts-ignore: decorator
@inline
function estimate(order: i32, from: usize, n: i32): void {
  const zero = f64x2.splat(0)
  let before = f64x2.splat(f64x2.extract_lane(residuals(order, from), 0))
  let least = before
  let most = before
  // Of each lane, less than none.
  let zeros = i64x2.splat(0)
  let repeats = i64x2.splat(0)
  const end = from + (<usize>n << 3)
  for (; from < end; from += 16) {
    let two = residuals(order, from)
    // Behind an odd one it stands once more.
    if (from + 8 === end) two = f64x2.splat(f64x2.extract_lane(two, 0))
    least = f64x2.pmin(least, two)
    most = f64x2.pmax(most, two)
    zeros = i64x2.add(zeros, f64x2.eq(two, zero))
    repeats = i64x2.add(repeats, f64x2.eq(two, v128.shuffle<f64>(before, two, 1, 2)))
    before = two
  }
  const odd = n & 1
  let others = n + <i32>(i64x2.extract_lane(zeros, 0) + i64x2.extract_lane(zeros, 1))
  if (odd !== 0 && f64x2.extract_lane(before, 0) === 0) others++
  // The first repeats itself here.
  const changes = 1 + n + odd + <i32>(i64x2.extract_lane(repeats, 0) + i64x2.extract_lane(repeats, 1))
  const w = integerWidth(Math.max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1)) - Math.min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1)))
  const dense = n * w
  const apart = order === 0 ? dense : (changes >> 1) * (w + 14)
  denseBits += min(dense, apart) + 16
  sparseBits += others * w + n
}

function fillResiduals(order: i32, n: i32): void {
  const size = <usize>(n - order) << 3
  if (order === 1) for (let i: usize = 0; i < size; i += 16) v128.store(RESIDUALS + i, residuals(1, SCALED + i))
  else for (let i: usize = 0; i < size; i += 16) v128.store(RESIDUALS + i, residuals(2, SCALED + i))
}

function encodeDecimal(n: i32, e: i32, divisor: f64, at: usize): usize {
  const choice = chooseOrder(n)
  const order = choice & 3
  const isSparse = (choice & SPARSE_CHOSEN) !== 0
  store<u8>(at++, <u8>(e | (order << ORDER_SHIFT) | (isSparse ? DECIMAL_SPARSE : 0) | (patches > 0 ? DECIMAL_PATCHED : 0)))
  if (patches > 0) at = writePatches(at)
  at = writeVarint(zigzag(base), at)
  at = writeVarint(<u64>divisor, at)
  if (order === 2) at = writeVarint(zigzag(load<f64>(SCALED, 8)), at)
  if (order > 0) fillResiduals(order, n)
  const values = order === 0 ? SCALED : RESIDUALS
  return isSparse ? writeSparse(values, n - order, at) : writeMiniblocks(values, n - order, at)
}

function writePatches(at: usize): usize {
  at = writeVarint(patches, at)
  let before: u32 = 0
  for (let i = 0; i < patches; i++) {
    const row = load<u32>(PATCHES + (<usize>i << 2))
    at = writeVarint(row - before, at)
    store<u64>(at, load<u64>(PIECE_VALUES + (<usize>row << 3)))
    at += 8
    before = row
  }
  return at
}

/** A bitmap of the residuals that are not 0, and those. */
function writeSparse(values: usize, count: i32, at: usize): usize {
  let listed = LISTED
  for (let i = 0; i < count; i += 8) {
    let bits: u32 = 0
    for (let b = 0, n = min(8, count - i); b < n; b++) {
      const r = load<f64>(values + (<usize>(i + b) << 3))
      store<f64>(listed, r)
      const isOther = u32(r !== 0)
      bits |= isOther << b
      listed += <usize>(isOther << 3)
    }
    store<u8>(at++, <u8>bits)
  }
  return writeMiniblocks(LISTED, <i32>((listed - LISTED) >> 3), at)
}

/** Those that differ from the one before, as the bytes in which they do. */
function encodeXorRun(n: i32, at: usize): usize {
  let before = load<u64>(PIECE_VALUES)
  store<u64>(at, before)
  const bitmap = at + 8
  at = bitmap + <usize>((n + 6) >> 3)
  memory.fill(bitmap, 0, at - bitmap)
  for (let i = 1; i < n; i++) {
    const bits = load<u64>(PIECE_VALUES + (<usize>i << 3))
    const differing = bits ^ before
    before = bits
    if (differing === 0) continue
    const place = bitmap + <usize>((i - 1) >> 3)
    store<u8>(place, <u8>(<i32>load<u8>(place) | (1 << ((i - 1) & 7))))
    at = writeDiffering(differing, at)
  }
  return at
}
