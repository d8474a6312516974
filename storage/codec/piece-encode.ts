// Encodes up to 1024 values of a series, bit-exactly (FORMAT.md, "Piece"): decimals as scaled integers with their common
// divisor taken out, in differences of the order that takes the fewest bits, packed in miniblocks of 128 with outliers
// apart (PFOR; Zukowski et al. 2006). The decimal idea is ALP's (Afroozeh, Kuffó, Boncz 2023).
import { pieceEncoder } from '../../lib/kernels/piece.ts'
import { integerWidth, writeVarint, zigzag } from './bits.ts'
import { KIND_CONSTANT, KIND_DECIMAL, KIND_XOR, KIND_ZERO } from './chunk-encode.ts'
import { base, patchAt, patches, reduce, scale, scaled } from './decimal-scale.ts'
import { MINIBLOCK, writeMiniblocks } from './miniblocks.ts'
import {
  DECIMAL_PATCHED, DECIMAL_SPARSE, ORDER_SHIFT, PIECE_BYTES_MAX, PIECE_GAPS, PIECE_HISTOGRAMS, PIECE_ROWS, PIECE_SHORT, PIECE_START_TIMES,
} from './piece-shape.ts'
import { LIVE, writePresence } from './presence.ts'
import { encodeXorRun } from './xor-run.ts'

const SPARSE_CHOSEN = 4
/** Residuals of orders 0, 1 and 2. */
const residuals = [new Float64Array(PIECE_ROWS), new Float64Array(PIECE_ROWS), new Float64Array(PIECE_ROWS)] as const
const listed = new Float64Array(PIECE_ROWS)
const f64 = new Float64Array(1)
const f64Bytes = new Uint8Array(f64.buffer)
/** Live values of a piece with gaps. */
const live = new Float64Array(PIECE_ROWS)
/** Start times, whose length stands before them. */
const nested = new Uint8Array(PIECE_BYTES_MAX)

/** Writes the piece of src[from, from + n), all live; returns the position behind it. `out` needs PIECE_BYTES_MAX of room. */
export function encodePiece(src: Float64Array, from: number, n: number, out: Uint8Array, at: number): number {
  return encodeBody(src, from, n, out, at, 0, at + 1)
}

/** The same with gaps: `states` of the n rows; src of rows not LIVE is not looked at. */
export function encodeGappedPiece(src: Float64Array, from: number, n: number, states: Uint8Array, out: Uint8Array, at: number): number {
  const count = gatherLive(src, from, n, states)
  if (count === n) return encodeBody(src, from, n, out, at, 0, at + 1)
  return encodeBody(live, 0, count, out, at, PIECE_GAPS, writePresence(states, n, out, at + 1))
}

/** What a piece can hold beside floats. */
export interface PieceExtras {
  /** The column of the rows whose state is HISTOGRAM (histogram-column.ts); empty where none is. */
  readonly histograms: Uint8Array
  /** Unix ms of n rows, 0 where not known; null: known of none. */
  readonly startTimes: Float64Array | null
}

/** The same with native histograms or start times. `out` needs the histograms' bytes and twice PIECE_BYTES_MAX of room. */
export function encodeMixedPiece(src: Float64Array, from: number, n: number, states: Uint8Array, extras: PieceExtras, out: Uint8Array): number {
  const { histograms, startTimes } = extras
  let flags = 0
  let at = 1
  const count = gatherLive(src, from, n, states)
  if (count < n) {
    flags |= PIECE_GAPS
    at = writePresence(states, n, out, at)
  }
  if (histograms.length > 0) {
    flags |= PIECE_HISTOGRAMS
    at = writeVarint(out, at, histograms.length)
    out.set(histograms, at)
    at += histograms.length
  }
  if (startTimes !== null) {
    flags |= PIECE_START_TIMES
    const end = encodePiece(startTimes, 0, n, nested, 0)
    at = writeVarint(out, at, end)
    out.set(nested.subarray(0, end), at)
    at += end
  }
  return encodeBody(live, 0, count, out, 0, flags, at)
}

function gatherLive(src: Float64Array, from: number, n: number, states: Uint8Array): number {
  let count = 0
  for (let i = 0; i < n; i++) if (states[i] === LIVE) live[count++] = src[from + i]!
  return count
}

function encodeBody(src: Float64Array, from: number, n: number, out: Uint8Array, headAt: number, flags: number, at: number): number {
  if (n === 0 || isConstant(src, from, n)) return encodeConstant(n === 0 ? 0 : src[from]!, out, headAt, flags, at)
  const kernel = pieceEncoder(n)
  if (kernel !== null) return kernel.encode(src, from, n, out, headAt, flags, at)
  const e = scale(src, from, n)
  const divisor = e < 0 ? 0 : reduce(n)
  if (divisor === 0) {
    out[headAt] = KIND_XOR | flags
    return encodeXorRun(src, from, n, out, at)
  }
  out[headAt] = KIND_DECIMAL | flags
  return encodeDecimal(src, from, n, { e, divisor }, out, at)
}

/** Same bits all along; repeated NaN and mixed zeros are left to xor. */
function isConstant(src: Float64Array, from: number, n: number): boolean {
  const first = src[from]!
  for (let i = 1; i < n; i++) if (src[from + i] !== first) return false
  if (first !== first) return n === 1
  if (first === 0) for (let i = 0; i < n; i++) if (1 / src[from + i]! !== 1 / first) return false
  return true
}

function encodeConstant(value: number, out: Uint8Array, headAt: number, flags: number, at: number): number {
  if (value === 0 && 1 / value > 0) {
    out[headAt] = KIND_ZERO | flags
    return at
  }
  f64[0] = value
  const e = scale(f64, 0, 1)
  if (e >= 0) {
    out[at] = e
    const end = writeVarint(out, at + 1, zigzag(scaled[0]!))
    if (end < at + 8) {
      out[headAt] = KIND_CONSTANT | PIECE_SHORT | flags
      return end
    }
  }
  out[headAt] = KIND_CONSTANT | flags
  return writeF64(value, out, at)
}

function writeF64(value: number, out: Uint8Array, at: number): number {
  f64[0] = value
  for (let i = 0; i < 8; i++) out[at + i] = f64Bytes[i]!
  return at + 8
}

/** Fills `residuals` and returns order | isSparse << 2 of what takes the fewest bits, by the spread of every other miniblock. */
function chooseOrder(n: number): number {
  let best = 0
  let bestBits = Infinity
  for (let order = 0; order < 3 && order < n; order++) {
    fillResiduals(order, n)
    const count = n - order
    denseBits = 0
    sparseBits = 0
    for (let from = 0; from < count; from += 2 * MINIBLOCK) estimate(residuals[order as 0 | 1 | 2], from, Math.min(count, from + MINIBLOCK), order)
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

let denseBits = 0
let sparseBits = 0

/** Adds what residuals [from, to) would take as they are, and with a bitmap of those that are not 0. */
function estimate(values: Float64Array, from: number, to: number, order: number): void {
  let before = values[from]!
  let min = before
  let max = before
  let others = 0
  let changes = 1
  for (let i = from; i < to; i++) {
    const r = values[i]!
    if (r < min) min = r
    if (r > max) max = r
    if (r !== 0) others++
    if (r !== before) changes++
    before = r
  }
  const w = integerWidth(max - min)
  const dense = (to - from) * w
  // Where most differences are the same, each that is not takes a position and a number, and changes come in twos.
  const apart = order === 0 ? dense : (changes >>> 1) * (w + 14)
  denseBits += (dense < apart ? dense : apart) + 16
  sparseBits += others * w + to - from
}

function fillResiduals(order: number, n: number): void {
  const into = residuals[order as 0 | 1 | 2]
  if (order === 0) {
    for (let i = 0; i < n; i++) into[i] = scaled[i]!
  } else {
    const from = residuals[(order - 1) as 0 | 1]
    for (let i = 0; i < n - order; i++) into[i] = from[i + 1]! - from[i]!
  }
}

function encodeDecimal(
  src: Float64Array, from: number, n: number, { e, divisor }: { e: number; divisor: number }, out: Uint8Array, at: number,
): number {
  const choice = chooseOrder(n)
  const order = choice & 3
  const isSparse = (choice & SPARSE_CHOSEN) !== 0
  out[at++] = e | (order << ORDER_SHIFT) | (isSparse ? DECIMAL_SPARSE : 0) | (patches > 0 ? DECIMAL_PATCHED : 0)
  if (patches > 0) {
    at = writeVarint(out, at, patches)
    for (let i = 0, before = 0; i < patches; before = patchAt[i++]!) {
      at = writeVarint(out, at, patchAt[i]! - before)
      at = writeF64(src[from + patchAt[i]!]!, out, at)
    }
  }
  at = writeVarint(out, at, zigzag(base))
  at = writeVarint(out, at, divisor)
  if (order === 2) at = writeVarint(out, at, zigzag(scaled[1]!))
  let values: Float64Array = residuals[order as 0 | 1 | 2]
  let count = n - order
  if (isSparse) {
    const bytes = (count + 7) >>> 3
    out.fill(0, at, at + bytes)
    let k = 0
    for (let i = 0; i < count; i++) {
      if (values[i] === 0) continue
      out[at + (i >>> 3)]! |= 1 << (i & 7)
      listed[k++] = values[i]!
    }
    at += bytes
    values = listed
    count = k
  }
  return writeMiniblocks(values, count, out, at)
}
