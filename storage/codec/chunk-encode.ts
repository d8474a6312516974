// Encodes up to 32 values of a column (128 where none is missing, value-list.ts), bit-exactly (FORMAT.md, "Chunk"): decimals as scaled integers in delta or
// delta-of-delta, bit-packed; everything else as XOR with the value before. The decimal idea is ALP's (Afroozeh,
// Kuffó, Boncz, 2023), the deltas are ours: counters dominate here.
import { bitWidth, packBits, writeVarint, zigzag } from './bits.ts'

export const KIND_CONSTANT = 0
export const KIND_DECIMAL = 1
export const KIND_XOR = 2
export const KIND_ZERO = 3
export const HEAD_GAPS = 4
export const HEAD_ORDER_SHIFT = 3
export const HEAD_SPARSE = 32
export const HEAD_HISTOGRAMS = 64
export const HEAD_START_TIMES = 128

/** Rows a chunk holds at the most: one u32 of presence bits. */
export const CHUNK_ROWS = 32
/** Values of a chunk without gaps at the most (value-list.ts). */
export const STRETCH_VALUES = 128
/** Bytes a chunk of 32 rows takes at the most: head, gaps, first value, then control byte and 8 bytes for each further value. */
export const CHUNK_BYTES_MAX: number = 1 + 8 + 8 + (CHUNK_ROWS - 1) * 9 + 7

/** Powers of ten that are exact in a double and that decimals are tried with. */
export const POW10: Float64Array = Float64Array.from({ length: 15 }, (_, e) => 10 ** e)
/** Hint that a column's last chunk was no decimal: do not search again at once. */
export const HINT_XOR = 15
const MANTISSA_MAX = 2 ** 52

const mantissas = new Float64Array(STRETCH_VALUES)
const residuals = new Float64Array(STRETCH_VALUES)
const candidate = new Float64Array(STRETCH_VALUES)
const xorValue = new Float64Array(1)
const xorBytes = new Uint8Array(xorValue.buffer)
const xorBefore = new Uint8Array(8)

/** The exponent or HINT_XOR that the last encodeChunk call found; a good first guess for the column's next chunk. */
export let lastHint = 0

/**
 * Writes the chunk of src[from, from + n), n ≤ STRETCH_VALUES, to out at `at`; returns the position behind it. All values
 * are live. `out` needs CHUNK_BYTES_MAX bytes of room for up to 32 values. `hint`: lastHint of the column's previous chunk, or 0.
 */
export function encodeChunk(src: Float64Array, from: number, n: number, out: Uint8Array, at: number, hint: number): number {
  return encodeBody(src, from, n, out, at, hint, 0, at + 1)
}

/** As encodeChunk for a column with gaps: `n` live values are already packed together, the bitmaps say where they belong. */
export function encodeGappedChunk(
  src: Float64Array, n: number, out: Uint8Array, at: number, hint: number, present: number, stale: number,
): number {
  return encodeBody(src, 0, n, out, at, hint, HEAD_GAPS, writeU32(stale, out, writeU32(present, out, at + 1)))
}

/** Rows of a column that are not all floats. */
export interface MixedRows {
  rows: number
  /** Bits of rows; without gaps all are present and none stale. */
  present: number
  stale: number
  hasGaps: boolean
  /** Rows that are native histograms, and their column (histogram-column.ts). */
  histograms: number
  histogramColumn: Uint8Array
  /** Value list of the rows' start times; empty if none is known. */
  startTimes: Uint8Array
}

/** Bytes that encodeMixedChunk takes at the most. */
export function mixedChunkBytesMax({ histogramColumn, startTimes }: MixedRows): number {
  return CHUNK_BYTES_MAX + 4 + 16 + histogramColumn.length + startTimes.length
}

/** As encodeGappedChunk for a column that has native histograms or start times too; the `n` values are those of live floats. */
export function encodeMixedChunk(src: Float64Array, n: number, out: Uint8Array, at: number, hint: number, mixed: MixedRows): number {
  const { histogramColumn, startTimes } = mixed
  let flags = 0
  let p = at + 1
  if (mixed.hasGaps) {
    flags |= HEAD_GAPS
    p = writeU32(mixed.stale, out, writeU32(mixed.present, out, p))
  }
  if (mixed.histograms !== 0) {
    flags |= HEAD_HISTOGRAMS
    p = writeVarint(out, writeU32(mixed.histograms, out, p), histogramColumn.length)
    out.set(histogramColumn, p)
    p += histogramColumn.length
  }
  if (startTimes.length > 0) {
    flags |= HEAD_START_TIMES
    p = writeVarint(out, p, startTimes.length)
    out.set(startTimes, p)
    p += startTimes.length
  }
  return encodeBody(src, 0, n, out, at, hint, flags, p)
}

function writeU32(value: number, out: Uint8Array, at: number): number {
  for (let shift = 0; shift < 32; shift += 8) out[at++] = (value >>> shift) & 255
  return at
}

function encodeBody(
  src: Float64Array, from: number, n: number, out: Uint8Array, headAt: number, hint: number, flags: number, at: number,
): number {
  const first = n > 0 ? src[from]! : 0
  if (isConstant(src, from, n, first)) {
    if (n === 0 || (first === 0 && 1 / first > 0)) {
      out[headAt] = KIND_ZERO | flags
      lastHint = 0
      return at
    }
    return encodeConstant(first, out, headAt, flags, at, hint)
  }
  const exponent = hint === HINT_XOR ? -1 : scale(src, from, n, hint)
  if (exponent < 0) {
    // The search is dear for full mantissas: the hint skips it once, then it is tried again.
    lastHint = hint === HINT_XOR ? 0 : HINT_XOR
    out[headAt] = KIND_XOR | flags
    return encodeXor(src, from, n, out, at)
  }
  lastHint = exponent
  return encodeDecimal(exponent, n, out, headAt, flags, at)
}

/** Same bits all along; -0 and NaN are left to the XOR kind, which compares bytes. */
function isConstant(src: Float64Array, from: number, n: number, first: number): boolean {
  for (let i = 1; i < n; i++) if (src[from + i] !== first) return false
  if (first !== first) return n === 1
  if (first === 0) for (let i = 0; i < n; i++) if (1 / src[from + i]! !== 1 / first) return false
  return true
}

function encodeConstant(value: number, out: Uint8Array, headAt: number, flags: number, at: number, hint: number): number {
  lastHint = hint
  xorValue[0] = value
  out[headAt] = KIND_CONSTANT | flags
  for (let i = 0; i < 8; i++) out[at + i] = xorBytes[i]!
  return at + 8
}

/** Fills `mantissas` and returns the least exponent (from the hint up) at which every value is m / 10^e, or -1. */
function scale(src: Float64Array, from: number, n: number, hint: number): number {
  let e = hint
  for (let i = 0; i < n; i++) {
    const x = src[from + i]!
    while (e < 15 && !isExact(x, e)) e++
    if (e === 15) return -1
  }
  const p = POW10[e]!
  for (let i = 0; i < n; i++) {
    const x = src[from + i]!
    const m = Math.round(x * p)
    if (m / p !== x || m > MANTISSA_MAX || m < -MANTISSA_MAX || (m === 0 && 1 / x < 0)) return -1
    mantissas[i] = m
  }
  return e
}

function isExact(x: number, e: number): boolean {
  const p = POW10[e]!
  const m = Math.round(x * p)
  return m / p === x && m <= MANTISSA_MAX && m >= -MANTISSA_MAX
}

/** Residuals of the given order into `into`; returns max − min, or Infinity where one leaves 2^52. */
function spread(order: number, n: number, into: Float64Array): number {
  let min = Infinity
  let max = -Infinity
  for (let i = order; i < n; i++) {
    const m = mantissas[i]!
    const r = order === 0 ? m : order === 1 ? m - mantissas[i - 1]! : m - 2 * mantissas[i - 1]! + mantissas[i - 2]!
    into[i - order] = r
    if (r < min) min = r
    if (r > max) max = r
  }
  return max > MANTISSA_MAX || min < -MANTISSA_MAX ? Infinity : max - min
}

function encodeDecimal(e: number, n: number, out: Uint8Array, headAt: number, flags: number, at: number): number {
  let order = 1
  let width = spread(1, n, residuals)
  if (n > 3) {
    const second = spread(2, n, candidate)
    // The first delta is stored too, so it must fit as the residuals do.
    if (second * 2 < width && Math.abs(mantissas[1]! - mantissas[0]!) <= MANTISSA_MAX) {
      order = 2
      width = second
      residuals.set(candidate)
    } else {
      const raw = spread(0, n, candidate)
      if (raw * 1.5 < width) {
        order = 0
        width = raw
        residuals.set(candidate)
      }
    }
  }
  if (!(width < 4294967296)) {
    out[headAt] = KIND_XOR | flags
    for (let i = 0; i < n; i++) mantissas[i] = mantissas[i]! / POW10[e]!
    return encodeXor(mantissas, 0, n, out, at)
  }
  out[at++] = e
  if (order > 0) at = writeVarint(out, at, zigzag(mantissas[0]!))
  if (order > 1) at = writeVarint(out, at, zigzag(mantissas[1]! - mantissas[0]!))
  const count = n - order
  let nonZero = 0
  for (let i = 0; i < count; i++) if (residuals[i] !== 0) nonZero++
  const dense = bitWidth(width) * count
  const isSparse = order > 0 && count + nonZero * bitWidth(width) < dense
  out[headAt] = KIND_DECIMAL | flags | (order << HEAD_ORDER_SHIFT) | (isSparse ? HEAD_SPARSE : 0)
  return isSparse ? writeSparse(count, out, at) : writeResiduals(residuals, count, out, at)
}

function writeSparse(count: number, out: Uint8Array, at: number): number {
  const bytes = (count + 7) >>> 3
  for (let i = 0; i < bytes; i++) out[at + i] = 0
  let n = 0
  for (let i = 0; i < count; i++) {
    if (residuals[i] === 0) continue
    out[at + (i >>> 3)]! |= 1 << (i & 7)
    candidate[n++] = residuals[i]!
  }
  return writeResiduals(candidate, n, out, at + bytes)
}

function writeResiduals(values: Float64Array, n: number, out: Uint8Array, at: number): number {
  let min = Infinity
  let max = -Infinity
  for (let i = 0; i < n; i++) {
    const r = values[i]!
    if (r < min) min = r
    if (r > max) max = r
  }
  const ref = n === 0 ? 0 : min
  const w = n === 0 ? 0 : bitWidth(max - min)
  out[at++] = w
  at = writeVarint(out, at, zigzag(ref))
  return packBits(out, at, values, 0, n, ref, w)
}

function encodeXor(src: Float64Array, from: number, n: number, out: Uint8Array, at: number): number {
  for (let i = 0; i < n; i++) {
    xorValue[0] = src[from + i]!
    if (i === 0) {
      for (let b = 0; b < 8; b++) out[at++] = xorBytes[b]!
    } else {
      let low = 0
      while (low < 8 && xorBytes[low] === xorBefore[low]) low++
      if (low === 8) {
        out[at++] = 0
      } else {
        let high = 7
        while (xorBytes[high] === xorBefore[high]) high--
        out[at++] = (low << 4) | (high - low + 1)
        for (let b = low; b <= high; b++) out[at++] = xorBytes[b]! ^ xorBefore[b]!
      }
    }
    xorBefore.set(xorBytes)
  }
  return at
}
