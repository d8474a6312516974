// Decodes pieces (FORMAT.md, "Piece"). Input may be damaged: nothing is written outside `out`, and a bad piece gives
// wrong numbers or a RangeError. Checksums are the reader's duty.
import { pieceDecoder } from '../../lib/kernels/piece.ts'
import { unzigzag } from './bits.ts'
import { KIND_CONSTANT, KIND_DECIMAL, KIND_XOR, KIND_ZERO, POW10 } from './chunk-encode.ts'
import { MINIBLOCK, MINIBLOCK_EXCEPTIONS } from './miniblocks.ts'
import { DECIMAL_PATCHED, DECIMAL_SPARSE, ORDER_SHIFT, PIECE_GAPS, PIECE_HISTOGRAMS, PIECE_ROWS, PIECE_SHORT, PIECE_START_TIMES } from './piece-shape.ts'
import { LIVE, readPresence } from './presence.ts'
import { decodeXorRun } from './xor-run.ts'

/** Decoders may look this far past a piece. */
export const PIECE_PAD_BYTES = 8

/** Of the last piece with gaps, row by row: ABSENT, LIVE, STALE or HISTOGRAM. */
export const states: Uint8Array = new Uint8Array(PIECE_ROWS)
/** Whether the last piece had gaps: then consult `states`. */
export let lastHasGaps = false
/** Where the last piece's column of native histograms and its start times stand, -1 where it has none. */
export let lastHistogramsAt = -1
export let lastStartTimesAt = -1

const packed = new Float64Array(PIECE_ROWS)
const spread = new Float64Array(PIECE_ROWS)
const live = new Float64Array(PIECE_ROWS)
const f64 = new Float64Array(1)
const f64Bytes = new Uint8Array(f64.buffer)

/** Bytes to decode from, with PIECE_PAD_BYTES to spare behind the last piece. */
export interface PieceBytes {
  readonly bytes: Uint8Array
  /** Over the same bytes. */
  readonly view: DataView
}

let cursor = 0

/**
 * Decodes the piece at `at` of `rows` rows into out[outAt, outAt + rows); places without a live float value keep what
 * they held. Returns where the piece ends, and sets lastHasGaps, lastHistogramsAt and lastStartTimesAt.
 */
export function decodePiece(src: PieceBytes, at: number, rows: number, out: Float64Array, outAt: number): number {
  const { bytes } = src
  const head = bytes[at]!
  cursor = at + 1
  lastHasGaps = (head & PIECE_GAPS) !== 0
  if (rows > PIECE_ROWS || outAt + rows > out.length) throw new RangeError(`piece of ${rows} rows`)
  if (lastHasGaps) cursor = readPresence(bytes, cursor, rows, states)
  lastHistogramsAt = (head & PIECE_HISTOGRAMS) === 0 ? -1 : skipPart(bytes)
  lastStartTimesAt = (head & PIECE_START_TIMES) === 0 ? -1 : skipPart(bytes)
  if (!lastHasGaps) {
    decodeBody(src, head, rows, out, outAt)
    return cursor
  }
  let n = 0
  for (let i = 0; i < rows; i++) if (states[i] === LIVE) n++
  decodeBody(src, head, n, live, 0)
  let k = 0
  for (let i = 0; i < rows; i++) if (states[i] === LIVE) out[outAt + i] = live[k++]!
  return cursor
}

/** Start times of the rows of a piece, from its lastStartTimesAt. */
export function decodeStartTimes(src: PieceBytes, at: number, rows: number, out: Float64Array): void {
  const head = src.bytes[at]!
  if ((head & (PIECE_GAPS | PIECE_HISTOGRAMS | PIECE_START_TIMES)) !== 0) throw new RangeError(`start times with head ${head}`)
  cursor = at + 1
  decodeBody(src, head, rows, out, 0)
}

/** Moves behind a part that begins with its length; returns where its content begins. */
function skipPart(bytes: Uint8Array): number {
  const length = readVarint(bytes)
  const at = cursor
  cursor += length
  if (cursor > bytes.length) throw new RangeError(`part of ${length} bytes past the end`)
  return at
}

function decodeBody(src: PieceBytes, head: number, n: number, out: Float64Array, outAt: number): void {
  const { bytes } = src
  const kernel = pieceDecoder(n)
  if (kernel !== null && ((head & 3) === KIND_DECIMAL || (head & 3) === KIND_XOR)) {
    const size = kernel.decode((head & 3) === KIND_DECIMAL, bytes, cursor, n, out, outAt)
    cursor += size
    if (size > 0) return
  }
  switch (head & 3) {
    case KIND_ZERO:
      out.fill(0, outAt, outAt + n)
      return
    case KIND_CONSTANT: {
      if ((head & PIECE_SHORT) !== 0) {
        const p = POW10[bytes[cursor++]!]
        f64[0] = unzigzag(readVarint(bytes)) / (p ?? NaN)
      } else {
        readF64(bytes)
      }
      // A lone NaN keeps its bits only as an element.
      if (n === 1) out[outAt] = f64[0]!
      else out.fill(f64[0]!, outAt, outAt + n)
      return
    }
    case KIND_DECIMAL:
      decodeDecimal(src, n, out, outAt)
      return
    default:
      if (n > 0) cursor = decodeXorRun(bytes, src.view, cursor, n, out, outAt)
  }
}

function readVarint(src: Uint8Array): number {
  let value = src[cursor++]!
  if (value < 128) return value
  value &= 127
  for (let i = 1, unit = 128; i < 8; i++, unit *= 128) {
    const byte = src[cursor++]!
    value += (byte & 127) * unit
    if (byte < 128) return value
  }
  throw new RangeError('varint longer than 8 bytes')
}

function readF64(src: Uint8Array): void {
  for (let i = 0; i < 8; i++) f64Bytes[i] = src[cursor++]!
}

function decodeDecimal(src: PieceBytes, n: number, out: Float64Array, outAt: number): void {
  const { bytes } = src
  const shape = bytes[cursor++]!
  const p = POW10[shape & 15]
  const order = (shape >>> ORDER_SHIFT) & 3
  if (p === undefined || order > 2 || n < order) throw new RangeError(`decimals of shape ${shape}, ${n} of them`)
  const patchesAt = cursor
  if ((shape & DECIMAL_PATCHED) !== 0) {
    for (let left = readVarint(bytes); left > 0; left--) {
      readVarint(bytes)
      cursor += 8
      if (cursor > bytes.length) throw new RangeError('patches past the end')
    }
  }
  const first = unzigzag(readVarint(bytes))
  const g = readVarint(bytes)
  const step = order === 2 ? unzigzag(readVarint(bytes)) : 0
  const isSparse = (shape & DECIMAL_SPARSE) !== 0
  if (order === 1) {
    if (isSparse) sumSparse(src, n, first, g, p, out, outAt)
    else sumMiniblocks(src, n, first, g, p, out, outAt)
  } else {
    const residuals = isSparse ? readSparse(src, n - order) : readMiniblocks(src, n - order)
    if (order === 0) sumNone(residuals, n, first, g, p, out, outAt)
    else sumTwice(residuals, n, { first, step: step * g }, g, p, out, outAt)
  }
  if ((shape & DECIMAL_PATCHED) !== 0) patch(bytes, patchesAt, n, out, outAt)
}

function sumNone(residuals: Float64Array, n: number, first: number, g: number, p: number, out: Float64Array, outAt: number): void {
  if (p === 1) for (let i = 0; i < n; i++) out[outAt + i] = first + g * residuals[i]!
  else for (let i = 0; i < n; i++) out[outAt + i] = (first + g * residuals[i]!) / p
}

function sumTwice(
  residuals: Float64Array, n: number, { first, step }: { first: number; step: number }, g: number, p: number, out: Float64Array, outAt: number,
): void {
  let m = first
  let d = step
  out[outAt] = m / p
  m += d
  out[outAt + 1] = m / p
  if (p === 1) {
    for (let i = 2; i < n; i++) {
      d += g * residuals[i - 2]!
      m += d
      out[outAt + i] = m
    }
    return
  }
  for (let i = 2; i < n; i++) {
    d += g * residuals[i - 2]!
    m += d
    out[outAt + i] = m / p
  }
}

function patch(bytes: Uint8Array, at: number, n: number, out: Float64Array, outAt: number): void {
  const end = cursor
  cursor = at
  let row = 0
  for (let left = readVarint(bytes); left > 0; left--) {
    row += readVarint(bytes)
    readF64(bytes)
    if (row >= n) throw new RangeError(`patch at ${row} of ${n}`)
    out[outAt + row] = f64[0]!
  }
  cursor = end
}

/** Unpacks the residuals that are not 0; returns where the bitmap of `count` stands that says which they are. */
function readListed(src: PieceBytes, count: number): number {
  const { bytes } = src
  const bitmap = cursor
  cursor += (count + 7) >>> 3
  let n = 0
  for (let i = bitmap; i < cursor; i++) n += ones(bytes[i]!)
  if (n > count) throw new RangeError(`${n} residuals of ${count}`)
  readMiniblocks(src, n)
  return bitmap
}

function readSparse(src: PieceBytes, count: number): Float64Array {
  const { bytes } = src
  const bitmap = readListed(src, count)
  let k = 0
  for (let i = 0; i < count; i++) spread[i] = (bytes[bitmap + (i >>> 3)]! >>> (i & 7)) & 1 ? packed[k++]! : 0
  return spread
}

/** What changes now and then: first differences, most of them 0. */
function sumSparse(src: PieceBytes, n: number, first: number, g: number, p: number, out: Float64Array, outAt: number): void {
  const { bytes } = src
  const bitmap = readListed(src, n - 1)
  let m = first
  let x = first / p
  let k = 0
  out[outAt] = x
  for (let i = 1; i < n; i++) {
    if ((bytes[bitmap + ((i - 1) >>> 3)]! >>> ((i - 1) & 7)) & 1) {
      m += g * packed[k++]!
      x = m / p
    }
    out[outAt + i] = x
  }
}

function ones(byte: number): number {
  byte -= (byte >>> 1) & 0x55
  byte = (byte & 0x33) + ((byte >>> 2) & 0x33)
  return (byte + (byte >>> 4)) & 15
}

/** Of the miniblock that readHead read last. */
let width = 0
let reference = 0
/** Where its exceptions stand, 0 if it has none. */
let exceptionsAt = 0

/** Reads the head of a miniblock of n residuals and what lies before the packed bits, which begin at the cursor then. */
function readHead(bytes: Uint8Array, n: number): void {
  const head = bytes[cursor++]!
  width = head & ~MINIBLOCK_EXCEPTIONS
  if (width > 32) throw new RangeError(`residuals of ${width} bits`)
  reference += unzigzag(readVarint(bytes))
  exceptionsAt = 0
  if ((head & MINIBLOCK_EXCEPTIONS) !== 0) {
    exceptionsAt = cursor
    for (let left = readVarint(bytes); left > 0; left--) {
      cursor++
      readVarint(bytes)
      if (cursor > bytes.length) throw new RangeError('exceptions past the end')
    }
  }
  if (cursor + ((n * width + 7) >>> 3) + 4 > bytes.length) throw new RangeError('residuals past the end')
}

/** Unpacks the miniblock whose head was read to packed[from, from + n), and moves behind it. */
function unpack(src: PieceBytes, n: number, from: number): void {
  if (width <= 25) unpackNarrow(src.view, cursor, width, n, reference, from)
  else unpackWide(src.view, cursor, width, n, reference, from)
  cursor += (n * width + 7) >>> 3
  if (exceptionsAt > 0) addExceptions(src.bytes, exceptionsAt, n, from)
}

/** Unpacks `count` residuals into `packed`. */
function readMiniblocks(src: PieceBytes, count: number): Float64Array {
  reference = 0
  for (let from = 0; from < count; from += MINIBLOCK) {
    const n = Math.min(MINIBLOCK, count - from)
    readHead(src.bytes, n)
    unpack(src, n, from)
  }
  return packed
}

/** The usual case, first differences one and all, without a list between unpacking and adding up. */
function sumMiniblocks(src: PieceBytes, n: number, first: number, g: number, p: number, out: Float64Array, outAt: number): void {
  let m = first
  out[outAt] = m / p
  reference = 0
  for (let from = 1; from < n; from += MINIBLOCK) {
    const count = Math.min(MINIBLOCK, n - from)
    readHead(src.bytes, count)
    if (exceptionsAt > 0) {
      unpack(src, count, 0)
      m = sumPacked(count, m, g, p, out, outAt + from)
    } else if (width === 0) {
      const step = g * reference
      for (let i = 0; i < count; i++) out[outAt + from + i] = (m + step * (i + 1)) / p
      m += step * count
    } else {
      m = width <= 25 ? sumNarrow(src.view, count, m, g, p, out, outAt + from) : sumWide(src.view, count, m, g, p, out, outAt + from)
      cursor += (count * width + 7) >>> 3
    }
  }
}

function sumPacked(n: number, m: number, g: number, p: number, out: Float64Array, outAt: number): number {
  for (let i = 0; i < n; i++) {
    m += g * packed[i]!
    out[outAt + i] = m / p
  }
  return m
}

/** Adds up the packed bits at the cursor; returns the last sum. */
function sumNarrow(view: DataView, n: number, m: number, g: number, p: number, out: Float64Array, outAt: number): number {
  const at = cursor
  const w = width
  const mask = (1 << w) - 1
  const base = g * reference
  let bit = 0
  if (p === 1) {
    for (let i = 0; i < n; i++) {
      m += base + g * ((view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & mask)
      out[outAt + i] = m
      bit += w
    }
    return m
  }
  for (let i = 0; i < n; i++) {
    m += base + g * ((view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & mask)
    out[outAt + i] = m / p
    bit += w
  }
  return m
}

/** As sumNarrow, for more bits than one load surely holds. */
function sumWide(view: DataView, n: number, m: number, g: number, p: number, out: Float64Array, outAt: number): number {
  const at = cursor
  const w = width
  const mask = 2 ** (w - 16) - 1
  const base = g * reference
  let bit = 0
  if (p === 1) {
    for (let i = 0; i < n; i++) {
      const low = (view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & 0xffff
      const rest = bit + 16
      m += base + g * (low + ((view.getInt32(at + (rest >>> 3), true) >>> (rest & 7)) & mask) * 65536)
      out[outAt + i] = m
      bit += w
    }
    return m
  }
  for (let i = 0; i < n; i++) {
    const low = (view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & 0xffff
    const rest = bit + 16
    m += base + g * (low + ((view.getInt32(at + (rest >>> 3), true) >>> (rest & 7)) & mask) * 65536)
    out[outAt + i] = m / p
    bit += w
  }
  return m
}

function unpackNarrow(view: DataView, at: number, w: number, n: number, ref: number, from: number): void {
  if (w === 0) {
    packed.fill(ref, from, from + n)
    return
  }
  const mask = (1 << w) - 1
  let bit = 0
  for (let i = 0; i < n; i++) {
    packed[from + i] = ref + ((view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & mask)
    bit += w
  }
}

function unpackWide(view: DataView, at: number, w: number, n: number, ref: number, from: number): void {
  const mask = 2 ** (w - 16) - 1
  let bit = 0
  for (let i = 0; i < n; i++) {
    const low = (view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & 0xffff
    const rest = bit + 16
    packed[from + i] = ref + low + ((view.getInt32(at + (rest >>> 3), true) >>> (rest & 7)) & mask) * 65536
    bit += w
  }
}

function addExceptions(bytes: Uint8Array, at: number, n: number, from: number): void {
  const end = cursor
  cursor = at
  for (let left = readVarint(bytes); left > 0; left--) {
    const i = bytes[cursor++]!
    if (i >= n) throw new RangeError(`exception at ${i} of ${n}`)
    packed[from + i]! += unzigzag(readVarint(bytes))
  }
  cursor = end
}
