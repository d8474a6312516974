// Chunks of the head: columns of up to 32 rows, encoded one behind the other (FORMAT.md, "Chunk"; twin: encodeChunk,
// storage/codec/chunk-encode.ts, whose bytes these are). All values are live floats; rows stand as they do in the head.
import { packBits, powerOf, writeDiffering, writeVarint, zigzag } from './bits'
import { CHUNKS, CHUNK_COLUMN, CHUNK_DELTAS, CHUNK_ENDS, CHUNK_HINTS, CHUNK_MANTISSAS, CHUNK_SECONDS, CHUNK_VALUES } from './memory'

// As storage/codec/chunk-encode.ts has them.
const KIND_CONSTANT: u8 = 0
const KIND_DECIMAL: u8 = 1
const KIND_XOR: u8 = 2
const KIND_ZERO: u8 = 3
const ORDER_SHIFT: i32 = 3
const HEAD_SPARSE: i32 = 32
const HINT_XOR: i32 = 15
const MANTISSA_MAX: f64 = 4503599627370496
const MINUS_ZERO: u64 = 1 << 63

/** Of the differences made last. */
let least: f64 = 0

/** Encodes `columns` columns of the rows at CHUNK_VALUES, with their hints and for the next ones'; returns how many bytes that were. */
export function encodeChunks(columns: i32, rows: i32): i32 {
  let at = CHUNKS
  const stride = <usize>columns << 3
  for (let c = 0; c < columns; c++) {
    let from = CHUNK_VALUES + (<usize>c << 3)
    const first = load<u64>(from)
    let differing: u64 = 0
    for (let i = 0; i < rows; i++) {
      const bits = load<u64>(from)
      differing |= bits ^ first
      store<u64>(CHUNK_COLUMN + (<usize>i << 3), bits)
      from += stride
    }
    at = encodeColumn(rows, differing === 0, CHUNK_HINTS + c, at)
    store<u32>(CHUNK_ENDS + (<usize>c << 2), <u32>(at - CHUNKS))
  }
  return <i32>(at - CHUNKS)
}

function encodeColumn(n: i32, isSame: bool, hintAt: usize, at: usize): usize {
  const first = load<f64>(CHUNK_COLUMN)
  if (isSame && (first === first || n === 1)) {
    if (load<u64>(CHUNK_COLUMN) === 0) {
      store<u8>(at, KIND_ZERO)
      store<u8>(hintAt, 0)
      return at + 1
    }
    store<u8>(at, KIND_CONSTANT)
    store<u64>(at, load<u64>(CHUNK_COLUMN), 1)
    return at + 9
  }
  const hint = <i32>load<u8>(hintAt)
  const e = hint === HINT_XOR ? -1 : scale(n, hint)
  if (e < 0) {
    store<u8>(hintAt, <u8>(hint === HINT_XOR ? 0 : HINT_XOR))
    return encodeXor(n, at)
  }
  store<u8>(hintAt, <u8>e)
  return encodeDecimal(e, n, at)
}

/** Math.round of each: halves go up. */
// @ts-ignore: decorator
@inline
function rounded(x: v128): v128 {
  const up = f64x2.ceil(x)
  return v128.bitselect(f64x2.sub(up, f64x2.splat(1)), up, f64x2.gt(f64x2.sub(up, f64x2.splat(0.5)), x))
}

// @ts-ignore: decorator
@inline
function areExact(x: v128, power: v128, mantissas: v128): v128 {
  return v128.and(f64x2.eq(f64x2.div(mantissas, power), x), f64x2.le(f64x2.abs(mantissas), f64x2.splat(MANTISSA_MAX)))
}

/** Fills CHUNK_MANTISSAS and returns the least exponent (from the hint up) at which every value is m / 10^e, or -1. */
function scale(n: i32, hint: i32): i32 {
  // Values are looked at in twos; behind an odd one it stands once more.
  const end = CHUNK_COLUMN + (<usize>n << 3)
  store<u64>(end, load<u64>(end - 8))
  let e = hint
  let power = powerOf(e)
  for (let at = CHUNK_COLUMN; at < end; at += 16) {
    const two = v128.load(at)
    if (i64x2.all_true(areExact(two, power, rounded(f64x2.mul(two, power))))) continue
    // One after the other, as the exponent that the first needs may not do for the second.
    for (let k: usize = 0; k < 16; k += 8) {
      const one = v128.load64_splat(at + k)
      while (!i64x2.all_true(areExact(one, power, rounded(f64x2.mul(one, power))))) {
        if (++e === 15) return -1
        power = powerOf(e)
      }
    }
  }
  let areGood = i64x2.splat(-1)
  for (let at: usize = 0; at < <usize>n << 3; at += 16) {
    const two = v128.load(CHUNK_COLUMN + at)
    const mantissas = rounded(f64x2.mul(two, power))
    areGood = v128.and(areGood, v128.andnot(areExact(two, power, mantissas), i64x2.eq(two, i64x2.splat(MINUS_ZERO))))
    v128.store(CHUNK_MANTISSAS + at, mantissas)
  }
  return i64x2.all_true(areGood) ? e : -1
}

/** Writes the differences of neighbours, `count` of them; returns max − min, or Infinity where one leaves 2^52. */
function differences(from: usize, to: usize, count: i32): f64 {
  let min = f64x2.splat(Infinity)
  let max = f64x2.splat(-Infinity)
  const end = from + ((<usize>count & ~1) << 3)
  for (; from < end; from += 16, to += 16) {
    const two = f64x2.sub(v128.load(from, 8), v128.load(from))
    v128.store(to, two)
    min = f64x2.pmin(min, two)
    max = f64x2.pmax(max, two)
  }
  if ((count & 1) !== 0) {
    const one = f64x2.splat(load<f64>(from, 8) - load<f64>(from))
    v128.store(to, one)
    min = f64x2.pmin(min, one)
    max = f64x2.pmax(max, one)
  }
  return spread(min, max)
}

/** The same of the mantissas themselves. */
function mantissaSpread(n: i32): f64 {
  let min = f64x2.splat(Infinity)
  let max = f64x2.splat(-Infinity)
  for (let i = 0; i < n; i++) {
    const one = v128.load64_splat(CHUNK_MANTISSAS + (<usize>i << 3))
    min = f64x2.pmin(min, one)
    max = f64x2.pmax(max, one)
  }
  return spread(min, max)
}

// @ts-ignore: decorator
@inline
function spread(min: v128, max: v128): f64 {
  least = Math.min(f64x2.extract_lane(min, 0), f64x2.extract_lane(min, 1))
  const most = Math.max(f64x2.extract_lane(max, 0), f64x2.extract_lane(max, 1))
  return most > MANTISSA_MAX || least < -MANTISSA_MAX ? Infinity : most - least
}

function encodeDecimal(e: i32, n: i32, headAt: usize): usize {
  let order = 1
  let values = CHUNK_DELTAS
  let width = differences(CHUNK_MANTISSAS, CHUNK_DELTAS, n - 1)
  let ref = least
  if (n > 3) {
    const second = differences(CHUNK_DELTAS, CHUNK_SECONDS, n - 2)
    if (second * 2 < width && abs(load<f64>(CHUNK_DELTAS)) <= MANTISSA_MAX) {
      order = 2
      values = CHUNK_SECONDS
      width = second
      ref = least
    } else {
      const raw = mantissaSpread(n)
      if (raw * 1.5 < width) {
        order = 0
        values = CHUNK_MANTISSAS
        width = raw
        ref = least
      }
    }
  }
  if (!(width < 4294967296)) return encodeXor(n, headAt)
  let at = headAt + 2
  if (order > 0) at = writeVarint(zigzag(load<f64>(CHUNK_MANTISSAS)), at)
  if (order > 1) at = writeVarint(zigzag(load<f64>(CHUNK_DELTAS)), at)
  const count = n - order
  let others = 0
  for (let i = 0; i < count; i++) others += i32(load<f64>(values + (<usize>i << 3)) !== 0)
  const w = 32 - clz(<u32>width)
  const isSparse = order > 0 && count + others * w < w * count
  store<u8>(headAt, <u8>(KIND_DECIMAL | (order << ORDER_SHIFT) | (isSparse ? HEAD_SPARSE : 0)))
  store<u8>(headAt, <u8>e, 1)
  return isSparse ? writeSparse(values, count, at) : writeResiduals(values, count, ref, w, at)
}

function writeSparse(values: usize, count: i32, at: usize): usize {
  let bits: u32 = 0
  let n = 0
  let min: f64 = Infinity
  let max: f64 = -Infinity
  for (let i = 0; i < count; i++) {
    const r = load<f64>(values + (<usize>i << 3))
    if (r === 0) continue
    bits |= 1 << i
    store<f64>(CHUNK_COLUMN + (<usize>n << 3), r)
    n++
    min = Math.min(min, r)
    max = Math.max(max, r)
  }
  store<u32>(at, bits)
  return writeResiduals(CHUNK_COLUMN, n, n === 0 ? 0 : min, n === 0 ? 0 : 32 - clz(<u32>(max - min)), at + ((count + 7) >> 3))
}

/** Width, least value, and each less that in as many bits. */
function writeResiduals(values: usize, n: i32, ref: f64, w: i32, at: usize): usize {
  store<u8>(at, <u8>w)
  return packBits(values, n, ref, w, writeVarint(zigzag(ref), at + 1))
}

/** The first value, then of each other the bytes that differ from the one before. */
function encodeXor(n: i32, headAt: usize): usize {
  store<u8>(headAt, KIND_XOR)
  let before = load<u64>(CHUNK_COLUMN)
  store<u64>(headAt, before, 1)
  let at = headAt + 9
  for (let i = 1; i < n; i++) {
    const bits = load<u64>(CHUNK_COLUMN + (<usize>i << 3))
    const differing = bits ^ before
    before = bits
    if (differing === 0) {
      store<u8>(at++, 0)
      continue
    }
    at = writeDiffering(differing, at)
  }
  return at
}
