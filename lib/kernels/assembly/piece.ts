// Decimals and XOR runs of a piece, decoded (twins: decodeDecimal in storage/codec/piece-decode.ts, decodeXorRun in xor-run.ts;
// FORMAT.md, "Piece"). Whatever is unusual or wrong is left to the twin: the functions give 0 then, else how many bytes they read.
//
// Bits of eight values are whole bytes, so four of them begin at the first or fifth bit of a byte at the most:
//
//   16 bytes ─swizzle─▶ 4 words, each value in its own ─multiply─▶ at bit 7 of each ─shift, mask─▶ 4 values ─sums─▶ f64x2
import { POWERS_OF_TEN } from './bits'
import { PIECE, PIECE_BYTES, PIECE_ROWS, PIECE_VALUES, RESIDUALS, WIDTHS } from './memory'
import { MINIBLOCK, MINIBLOCK_EXCEPTIONS } from './miniblocks'

/** Wider values do not lie in a word whatever bit they begin at. */
const WIDTH_MAX: i32 = 25
const ORDER_SHIFT: i32 = 4
const DECIMAL_SPARSE: i32 = 64
const DECIMAL_PATCHED: i32 = 128
/** Sums of two integers up to here are exact, and of three up to half of it. */
const EXACT: f64 = 4503599627370496

let at: usize = 0
let end: usize = 0
/** Of the piece at work, or of its miniblock. */
let isOdd: bool = false
let reference: f64 = 0
let width: i32 = 0
let exceptionsAt: usize = 0

/** Sets isOdd where the number is not one that the twin would read so. */
function readVarint(): f64 {
  let value: u64 = 0
  for (let shift: u64 = 0; shift < 56; shift += 7) {
    const byte = <u64>load<u8>(at++)
    value |= (byte & 127) << shift
    if (byte < 128) {
      if (value > 1 << 53) isOdd = true
      return <f64>(<i64>value)
    }
  }
  isOdd = true
  return 0
}

function readSigned(): f64 {
  const value = <i64>readVarint()
  return <f64>((value >> 1) ^ -(value & 1))
}

/** Makes what unpacking needs for a width: for each half of eight values, the places of its bytes and the factors. */
function prepare(w: i32): usize {
  const table = WIDTHS + (<usize>w << 6)
  // The second byte of the first value.
  if (load<u8>(table, 1) !== 0) return table
  for (let lane = 0; lane < 8; lane++) {
    const bit = lane * w
    const byte = (bit >> 3) - (lane < 4 ? 0 : (w * 4) >> 3)
    const half = table + <usize>(lane < 4 ? 0 : 32)
    for (let b = 0; b < 4; b++) store<u8>(half + <usize>((lane & 3) * 4 + b), <u8>(byte + b))
    store<u32>(half + 16 + <usize>((lane & 3) << 2), 1 << (7 - (bit & 7)))
  }
  return table
}

// @ts-ignore: decorator
@inline
function unpackHalf(from: usize, table: usize, mask: v128): v128 {
  const words = i8x16.swizzle(v128.load(from), v128.load(table))
  return v128.and(i32x4.shr_u(i32x4.mul(words, v128.load(table, 16)), 7), mask)
}

/** Reads the head of a miniblock of n residuals; false where the twin must see to it. */
function readHead(n: i32): bool {
  const head = <i32>load<u8>(at++)
  width = head & ~MINIBLOCK_EXCEPTIONS
  reference += readSigned()
  exceptionsAt = 0
  if ((head & MINIBLOCK_EXCEPTIONS) !== 0) {
    exceptionsAt = at
    for (let left = readVarint(); left > 0; left--) {
      at++
      readVarint()
      if (at > end || isOdd) return false
    }
  }
  return width <= WIDTH_MAX && !isOdd && abs(reference) < EXACT && at + ((n * width + 7) >> 3) <= end
}

/** Unpacks n residuals to `to`, up to 7 too many, and moves behind them. False as readHead. */
function unpack(n: i32, to: usize): bool {
  const ref = f64x2.splat(reference)
  if (width === 0) {
    for (let i = 0; i < n; i += 2) v128.store(to + (<usize>i << 3), ref)
  } else {
    const table = prepare(width)
    const mask = i32x4.splat((1 << width) - 1)
    const second = <usize>((width * 4) >> 3)
    let from = at
    for (let i = 0; i < n; i += 8) {
      const place = to + (<usize>i << 3)
      const a = unpackHalf(from, table, mask)
      const b = unpackHalf(from + second, table + 32, mask)
      v128.store(place, f64x2.add(f64x2.convert_low_i32x4_u(a), ref))
      v128.store(place, f64x2.add(f64x2.convert_low_i32x4_u(highHalf(a)), ref), 16)
      v128.store(place, f64x2.add(f64x2.convert_low_i32x4_u(b), ref), 32)
      v128.store(place, f64x2.add(f64x2.convert_low_i32x4_u(highHalf(b)), ref), 48)
      from += width
    }
  }
  at += (n * width + 7) >> 3
  if (exceptionsAt === 0) return true
  const behind = at
  at = exceptionsAt
  for (let left = readVarint(); left > 0; left--) {
    const i = <i32>load<u8>(at++)
    if (i >= n) return false
    const place = to + (<usize>i << 3)
    store<f64>(place, load<f64>(place) + readSigned())
  }
  at = behind
  return true
}

// @ts-ignore: decorator
@inline
function highHalf(words: v128): v128 {
  return v128.shuffle<i32>(words, words, 2, 3, 2, 3)
}

function unpackAll(count: i32): bool {
  reference = 0
  for (let from = 0; from < count; from += MINIBLOCK) {
    const n = min(MINIBLOCK, count - from)
    if (!readHead(n) || !unpack(n, RESIDUALS + (<usize>from << 3))) return false
  }
  return true
}

/** Decodes the decimals at PIECE[0, size), n ≤ PIECE_ROWS of them, to PIECE_VALUES. */
export function decodeDecimals(size: i32, n: i32): i32 {
  if (n > PIECE_ROWS || <usize>size > PIECE_BYTES) return 0
  at = PIECE
  end = PIECE + size
  isOdd = false
  const shape = <i32>load<u8>(at++)
  const e = shape & 15
  const order = (shape >> ORDER_SHIFT) & 3
  if (e > 14 || order > 2 || n <= order) return 0
  const p = load<f64>(POWERS_OF_TEN + (<usize>e << 3))
  const patchesAt = at
  if ((shape & DECIMAL_PATCHED) !== 0) {
    for (let left = readVarint(); left > 0; left--) {
      readVarint()
      at += 8
      if (at > end || isOdd) return 0
    }
  }
  const first = readSigned()
  const g = readVarint()
  const step = order === 2 ? readSigned() : 0
  const isSparse = (shape & DECIMAL_SPARSE) !== 0
  if (isOdd || abs(first) > EXACT) return 0
  if (isSparse) {
    if (order !== 1 || !sumSparse(n, first, g, p)) return 0
  } else if (order === 1) {
    if (!sumMiniblocks(n, first, g, p)) return 0
  } else {
    if (!unpackAll(n - order)) return 0
    if (order === 0) sumNone(n, first, g, p)
    else sumTwice(n, first, step * g, g, p)
  }
  if (isOdd || at > end) return 0
  const behind = at
  if ((shape & DECIMAL_PATCHED) !== 0 && !patch(patchesAt, n)) return 0
  return <i32>(behind - PIECE)
}

function patch(from: usize, n: i32): bool {
  at = from
  let row: f64 = 0
  for (let left = readVarint(); left > 0; left--) {
    row += readVarint()
    if (row >= <f64>n) return false
    // As bits: a signalling NaN stays what it is.
    store<u64>(PIECE_VALUES + (<usize>(<i32>row) << 3), load<u64>(at))
    at += 8
  }
  return true
}

function sumNone(n: i32, first: f64, g: f64, p: f64): void {
  const start = f64x2.splat(first)
  const factor = f64x2.splat(g)
  const scale = f64x2.splat(p)
  for (let i: usize = 0; i < <usize>n << 3; i += 16) {
    v128.store(PIECE_VALUES + i, f64x2.div(f64x2.add(f64x2.mul(v128.load(RESIDUALS + i), factor), start), scale))
  }
}

function sumTwice(n: i32, first: f64, step: f64, g: f64, p: f64): void {
  let m = first
  let d = step
  store<f64>(PIECE_VALUES, m / p)
  m += d
  store<f64>(PIECE_VALUES, m / p, 8)
  for (let i: usize = 16; i < <usize>n << 3; i += 8) {
    d += g * load<f64>(RESIDUALS + i - 16)
    m += d
    store<f64>(PIECE_VALUES + i, m / p)
  }
}

/** First differences, most of them 0. */
function sumSparse(n: i32, first: f64, g: f64, p: f64): bool {
  const bitmap = at
  const bytes = <usize>((n + 6) >> 3)
  let count = 0
  for (let i: usize = 0; i < bytes; i++) count += popcnt<i32>(<i32>load<u8>(bitmap + i))
  at += bytes
  if (count > n - 1 || at > end || !unpackAll(count)) return false
  let m = first
  let x = first / p
  let k = RESIDUALS
  store<f64>(PIECE_VALUES, x)
  for (let i = 1; i < n; i++) {
    if (((<u32>load<u8>(bitmap + ((i - 1) >> 3)) >> ((i - 1) & 7)) & 1) !== 0) {
      m += g * load<f64>(k)
      k += 8
      x = m / p
    }
    store<f64>(PIECE_VALUES + (<usize>i << 3), x)
  }
  return true
}

/** The usual case, first differences one and all. */
function sumMiniblocks(n: i32, first: f64, g: f64, p: f64): bool {
  let m = first
  store<f64>(PIECE_VALUES, m / p)
  reference = 0
  for (let from = 1; from < n; from += MINIBLOCK) {
    const count = min(MINIBLOCK, n - from)
    if (!readHead(count)) return false
    const to = PIECE_VALUES + (<usize>from << 3)
    const step = g * reference
    if (exceptionsAt > 0) {
      if (!unpack(count, RESIDUALS)) return false
      for (let i: usize = 0; i < <usize>count << 3; i += 8) {
        m += g * load<f64>(RESIDUALS + i)
        store<f64>(to + i, m / p)
      }
    } else {
      // Else the sums below could lose their last bits.
      if (abs(step) * 128 > EXACT / 2 || g * <f64>(<i64>1 << <i64>(width + 7)) > EXACT / 2 || abs(m) > EXACT / 2) return false
      m = width === 0 ? sumSteps(count, m, step, p, to) : sumPacked(count, m, step, g, p, to)
      at += (count * width + 7) >> 3
    }
  }
  return true
}

function sumSteps(n: i32, m: f64, step: f64, p: f64, to: usize): f64 {
  let sums = f64x2.replace_lane(f64x2.splat(m + step), 1, m + step + step)
  const two = f64x2.splat(step + step)
  const scale = f64x2.splat(p)
  for (let i: usize = 0; i < <usize>n << 3; i += 16) {
    v128.store(to + i, f64x2.div(sums, scale))
    sums = f64x2.add(sums, two)
  }
  return m + step * <f64>n
}

/** Adds up n packed values, each with `step`: sums of the bits in 32-bit lanes, those of the steps beside them. Writes up to 7 too many. */
function sumPacked(n: i32, m: f64, step: f64, g: f64, p: f64, to: usize): f64 {
  const table = prepare(width)
  const mask = i32x4.splat((1 << width) - 1)
  const second = <usize>((width * 4) >> 3)
  const factor = f64x2.splat(g)
  const scale = f64x2.splat(p)
  const two = f64x2.splat(step + step)
  let line = f64x2.replace_lane(f64x2.splat(m + step), 1, m + step + step)
  let sum = i32x4.splat(0)
  let from = at
  for (let i = 0; i < n; i += 8) {
    const place = to + (<usize>i << 3)
    for (let half = 0; half < 2; half++) {
      const values = half === 0 ? unpackHalf(from, table, mask) : unpackHalf(from + second, table + 32, mask)
      const pairs = i32x4.add(values, v128.shuffle<i32>(i32x4.splat(0), values, 0, 4, 5, 6))
      sum = i32x4.add(i32x4.add(pairs, v128.shuffle<i32>(i32x4.splat(0), pairs, 0, 1, 4, 5)), v128.shuffle<i32>(sum, sum, 3, 3, 3, 3))
      const low = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(sum), factor), line)
      line = f64x2.add(line, two)
      const high = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(highHalf(sum)), factor), line)
      line = f64x2.add(line, two)
      v128.store(place + <usize>(half << 5), p === 1 ? low : f64x2.div(low, scale))
      v128.store(place + <usize>(half << 5), p === 1 ? high : f64x2.div(high, scale), 16)
    }
    from += width
  }
  // Of no use where fewer than eight are left: there are no more miniblocks then.
  return m + step * <f64>n + g * <f64>(<u32>i32x4.extract_lane(sum, 3))
}

/** Decodes the XOR run at PIECE[0, size), 0 < n ≤ PIECE_ROWS values, to PIECE_VALUES, bit by bit. */
export function decodeXor(size: i32, n: i32): i32 {
  if (n > PIECE_ROWS || <usize>size > PIECE_BYTES) return 0
  const end = PIECE + size
  let at = PIECE + 8
  let value = load<u64>(PIECE)
  store<u64>(PIECE_VALUES, value)
  const bitmap = at
  at += (n + 6) >> 3
  for (let i = 1; i < n; i++) {
    if (((<u32>load<u8>(bitmap + ((i - 1) >> 3)) >> ((i - 1) & 7)) & 1) !== 0) {
      const control = <u64>load<u8>(at++)
      const bits = (control & 15) << 3
      const shift = (control >> 4) << 3
      if (bits === 0 || bits + shift > 64) return 0
      // Bytes behind those of the value fall off at the top.
      value ^= ((load<u64>(at) << (64 - bits)) >> (64 - bits)) << shift
      at += <usize>(bits >> 3)
      if (at > end) return 0
    }
    store<u64>(PIECE_VALUES + (<usize>i << 3), value)
  }
  return at > end ? 0 : <i32>(at - PIECE)
}
