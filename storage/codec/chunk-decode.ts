// Decodes chunks (FORMAT.md, "Chunk"). Input may be damaged: every count is bounded by the row count, so a bad
// chunk gives wrong numbers or an error, never a hang or a write outside `out`. Checksums are the reader's duty.
import { unpackBits, unzigzag } from './bits.ts'
import { HEAD_GAPS, HEAD_HISTOGRAMS, HEAD_ORDER_SHIFT, HEAD_SPARSE, HEAD_START_TIMES, KIND_CONSTANT, KIND_DECIMAL, KIND_ZERO, POW10, STRETCH_VALUES } from './chunk-encode.ts'

const scratch = new Float64Array(STRETCH_VALUES + 2)
const residuals = new Float64Array(STRETCH_VALUES + 2)
const xorValue = new Float64Array(1)
const xorBytes = new Uint8Array(xorValue.buffer)

/** Presence and staleness of the last chunk that decodeChunk read; all rows present and none stale without gaps. */
export let lastPresent = 0
export let lastStale = 0
/** Rows of that chunk that are native histograms, and where their column stands. */
export let lastHistograms = 0
export let lastHistogramsAt = 0
/** Where that chunk's start times stand, one for each row; -1 if it has none. */
export let lastStartTimesAt = -1

let cursor = 0
/** Words of the bytes looked at last. */
let viewed: Uint8Array = new Uint8Array(0)
let words = new DataView(viewed.buffer)

/** Widths of residuals that a word of four bytes surely holds, whatever bit it begins at. */
const WORD_BITS_MAX = 25

function wordsOf(src: Uint8Array): DataView {
  if (src !== viewed) {
    viewed = src
    words = new DataView(src.buffer, src.byteOffset, src.byteLength)
  }
  return words
}

function readVarint(src: Uint8Array): number {
  let value = 0
  let unit = 1
  for (let i = 0; i < 8; i++) {
    const byte = src[cursor++]!
    value += (byte & 127) * unit
    if (byte < 128) return value
    unit *= 128
  }
  throw new RangeError('varint longer than 8 bytes')
}

/**
 * Decodes the chunk at src[at, …) of `rows` rows (≤ 32) into out[outAt, outAt + rows). Sets lastPresent and
 * lastStale, and where histograms and start times stand; places without a live float keep what they held. Returns true if
 * the chunk has gaps. Where only the first `want` rows matter the others may come out undefined.
 * `src` must be readable 8 bytes past the chunk.
 */
export function decodeChunk(src: Uint8Array, at: number, rows: number, out: Float64Array, outAt: number, want: number = rows): boolean {
  const head = src[at]!
  cursor = at + 1
  lastHistograms = 0
  lastStartTimesAt = -1
  lastPresent = rows === 32 ? 0xffffffff : (1 << rows) - 1
  lastStale = 0
  if ((head & (HEAD_GAPS | HEAD_HISTOGRAMS | HEAD_START_TIMES)) === 0) {
    // Fast path: a float at each row.
    decodeBody(src, head, rows, out, outAt, want)
    return false
  }
  if ((head & HEAD_GAPS) !== 0) {
    lastPresent = readU32(src)
    lastStale = readU32(src)
  }
  if ((head & HEAD_HISTOGRAMS) !== 0) {
    lastHistograms = readU32(src)
    const length = readVarint(src)
    lastHistogramsAt = cursor
    cursor += length
  }
  if ((head & HEAD_START_TIMES) !== 0) {
    const length = readVarint(src)
    lastStartTimesAt = cursor
    cursor += length
  }
  const live = lastPresent & ~lastStale & ~lastHistograms
  let n = 0
  for (let i = 0; i < rows; i++) n += (live >>> i) & 1
  decodeBody(src, head, n, scratch, 0, n)
  let k = 0
  for (let i = 0; i < rows; i++) {
    if ((live >>> i) & 1) {
      out[outAt + i] = scratch[k]!
      k++
    }
  }
  return (head & HEAD_GAPS) !== 0
}

/**
 * Decodes the chunk at src[at, …) of n values without gaps (n ≤ STRETCH_VALUES) into out[outAt, outAt + n); returns
 * where it ends. `src` must be readable 8 bytes past the chunk. Throws RangeError on damage it notices.
 */
export function decodeStretch(src: Uint8Array, at: number, n: number, out: Float64Array, outAt: number): number {
  const head = src[at]!
  if ((head & (HEAD_GAPS | HEAD_HISTOGRAMS | HEAD_START_TIMES)) !== 0) throw new RangeError(`chunk head ${head} in a list of values`)
  cursor = at + 1
  decodeBody(src, head, n, out, outAt, n)
  return cursor
}

function readU32(src: Uint8Array): number {
  const value = (src[cursor]! | (src[cursor + 1]! << 8) | (src[cursor + 2]! << 16) | (src[cursor + 3]! << 24)) >>> 0
  cursor += 4
  return value
}

/** The first `want` of n values; with want < n the cursor ends anywhere. */
function decodeBody(src: Uint8Array, head: number, n: number, out: Float64Array, outAt: number, want: number): void {
  switch (head & 3) {
    case KIND_ZERO:
      out.fill(0, outAt, outAt + want)
      return
    case KIND_CONSTANT:
      for (let i = 0; i < 8; i++) xorBytes[i] = src[cursor + i]!
      for (let i = 0; i < want; i++) out[outAt + i] = xorValue[0]!
      cursor += 8
      return
    case KIND_DECIMAL:
      decodeDecimal(src, head, n, out, outAt, want)
      return
    default:
      decodeXor(src, want, out, outAt)
  }
}

function decodeDecimal(src: Uint8Array, head: number, n: number, out: Float64Array, outAt: number, want: number): void {
  const e = src[cursor++]!
  if (e > 14) throw new RangeError(`decimal exponent ${e}`)
  const order = (head >>> HEAD_ORDER_SHIFT) & 3
  const first = order > 0 ? unzigzag(readVarint(src)) : 0
  if (order === 1 && (head & HEAD_SPARSE) === 0) {
    sumResiduals(src, first, want, POW10[e]!, out, outAt)
    return
  }
  let delta = order > 1 ? unzigzag(readVarint(src)) : 0
  const count = Math.max(0, want - order)
  const list = order === 0 ? out : residuals
  const listAt = order === 0 ? outAt : 0
  if ((head & HEAD_SPARSE) !== 0) readSparse(src, n - order, count)
  else readResiduals(src, count, list, listAt)
  if (order === 1) {
    let m = first
    out[outAt] = m
    for (let i = 1; i < want; i++) {
      m += residuals[i - 1]!
      out[outAt + i] = m
    }
  } else if (order === 2) {
    let m = first + delta
    out[outAt] = first
    out[outAt + 1] = m
    for (let i = 2; i < want; i++) {
      delta += residuals[i - 2]!
      m += delta
      out[outAt + i] = m
    }
  }
  if (e > 0) {
    const p = POW10[e]!
    for (let i = 0; i < want; i++) out[outAt + i] = out[outAt + i]! / p
  }
}

/** The usual case, first differences one and all, without a list between unpacking and adding up. */
function sumResiduals(src: Uint8Array, first: number, want: number, p: number, out: Float64Array, outAt: number): void {
  const w = src[cursor]!
  let m = first
  if (w === 0 || w > WORD_BITS_MAX) {
    readResiduals(src, want - 1, residuals, 0)
    out[outAt] = m / p
    for (let i = 1; i < want; i++) {
      m += residuals[i - 1]!
      out[outAt + i] = m / p
    }
    return
  }
  cursor++
  const ref = unzigzag(readVarint(src))
  const view = wordsOf(src)
  const at = cursor
  const mask = (1 << w) - 1
  let bit = 0
  out[outAt] = m / p
  if (p === 1) {
    for (let i = 1; i < want; i++) {
      m += ref + ((view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & mask)
      out[outAt + i] = m
      bit += w
    }
  } else {
    for (let i = 1; i < want; i++) {
      m += ref + ((view.getInt32(at + (bit >>> 3), true) >>> (bit & 7)) & mask)
      out[outAt + i] = m / p
      bit += w
    }
  }
  cursor += (bit + 7) >>> 3
}

function readResiduals(src: Uint8Array, count: number, into: Float64Array, intoAt: number): void {
  const w = src[cursor++]!
  if (w > 32) throw new RangeError(`residuals of ${w} bits`)
  const ref = unzigzag(readVarint(src))
  unpackBits(src, cursor, into, intoAt, count, ref, w)
  cursor += (count * w + 7) >>> 3
}

/** The first `count` of `total` residuals. */
function readSparse(src: Uint8Array, total: number, count: number): void {
  const bitmapAt = cursor
  cursor += (total + 7) >>> 3
  let n = 0
  for (let i = 0; i < count; i++) n += (src[bitmapAt + (i >>> 3)]! >>> (i & 7)) & 1
  readResiduals(src, n, scratch, 0)
  let k = 0
  for (let i = 0; i < count; i++) {
    if ((src[bitmapAt + (i >>> 3)]! >>> (i & 7)) & 1) residuals[i] = scratch[k++]!
    else residuals[i] = 0
  }
}

function decodeXor(src: Uint8Array, n: number, out: Float64Array, outAt: number): void {
  for (let b = 0; b < 8; b++) xorBytes[b] = src[cursor++]!
  out[outAt] = xorValue[0]!
  for (let i = 1; i < n; i++) {
    const control = src[cursor++]!
    const low = control >>> 4
    const length = control & 15
    if (low + length > 8) throw new RangeError(`xor control byte ${control}`)
    for (let b = 0; b < length; b++) xorBytes[low + b]! ^= src[cursor++]!
    out[outAt + i] = xorValue[0]!
  }
}
