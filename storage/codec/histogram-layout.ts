// What histograms of a series mostly have in common: schema, zero bucket's width, bounds and which buckets there are
// (FORMAT.md, "Histogram layout"). Written once per histogram in rows, once per run of equal ones in columns.
import { assert } from '../../lib/std/assert.ts'
import { HISTOGRAM_BUCKETS_MAX, NO_CUSTOM_VALUES } from '../../lib/model/histogram.ts'
import { unzigzag, writeVarint, zigzag } from './bits.ts'
import { decodeValueList, encodeValueList, valueListBytesMax } from './value-list.ts'

const THRESHOLD_ZERO = 0
const THRESHOLD_USUAL = 1
const THRESHOLD_WRITTEN = 2
/** What Prometheus' client libraries use unless told otherwise. */
const USUAL_THRESHOLD = 2 ** -128
const HAS_CUSTOM = 4
const HAS_NEGATIVE = 8
const VARINT_BYTES_MAX = 8

export interface HistogramLayout {
  schema: number
  zeroThreshold: number
  customValues: Float64Array
  /** Indexes of buckets, ascending. */
  positive: Int32Array
  negative: Int32Array
}

const NO_INDEXES = new Int32Array(0)
const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)

/** Where the last read ended. */
let cursor = 0

export function layoutBytesMax({ customValues, positive, negative }: HistogramLayout): number {
  return 1 + 8 + 4 * VARINT_BYTES_MAX + valueListBytesMax(customValues.length) + 5 * (positive.length + negative.length)
}

/** Writes a layout to out at `at`; returns the position behind it. `out` needs layoutBytesMax bytes of room. */
export function writeLayout(layout: HistogramLayout, out: Uint8Array, at: number): number {
  const { schema, zeroThreshold, customValues, positive, negative } = layout
  const threshold = Object.is(zeroThreshold, 0) ? THRESHOLD_ZERO : zeroThreshold === USUAL_THRESHOLD ? THRESHOLD_USUAL : THRESHOLD_WRITTEN
  out[at++] = threshold | (customValues.length > 0 ? HAS_CUSTOM : 0) | (negative.length > 0 ? HAS_NEGATIVE : 0)
  at = writeVarint(out, at, zigzag(schema))
  if (threshold === THRESHOLD_WRITTEN) at = writeFloat(zeroThreshold, out, at)
  if (customValues.length > 0) {
    at = writeVarint(out, at, customValues.length)
    at = encodeValueList(customValues, 0, customValues.length, out, at)
  }
  at = writeIndexes(positive, out, at)
  return negative.length > 0 ? writeIndexes(negative, out, at) : at
}

function writeIndexes(indexes: Int32Array, out: Uint8Array, at: number): number {
  at = writeVarint(out, at, indexes.length)
  let isAscending = true
  for (let i = 0; i < indexes.length; i++) {
    const code = i === 0 ? zigzag(indexes[0]!) : indexes[i]! - indexes[i - 1]! - 1
    if (code < 0) isAscending = false
    at = writeVarint(out, at, code)
  }
  // What is behind them would be read as something else, up to the end of the piece.
  assert(isAscending, 'buckets of a histogram do not ascend')
  return at
}

/** Reads the layout at src[at, …); `layoutEnd` says where it ended. Throws RangeError where src is too short for it. */
export function readLayout(src: Uint8Array, at: number): HistogramLayout {
  const flags = src[at]!
  cursor = at + 1
  const schema = unzigzag(readVarint(src))
  let zeroThreshold = 0
  if ((flags & 3) === THRESHOLD_USUAL) zeroThreshold = USUAL_THRESHOLD
  else if ((flags & 3) === THRESHOLD_WRITTEN) zeroThreshold = readFloat(src)
  let customValues = NO_CUSTOM_VALUES
  if ((flags & HAS_CUSTOM) !== 0) {
    const n = readCount(src, HISTOGRAM_BUCKETS_MAX)
    customValues = new Float64Array(n)
    cursor = decodeValueList(src, cursor, n, customValues, 0)
  }
  const positive = readIndexes(src)
  const negative = (flags & HAS_NEGATIVE) === 0 ? NO_INDEXES : readIndexes(src)
  return { schema, zeroThreshold, customValues, positive, negative }
}

export function layoutEnd(): number {
  return cursor
}

function readIndexes(src: Uint8Array): Int32Array {
  // An index is a byte at least, so that damage never allocates more than src is long.
  const n = readCount(src, src.length - cursor)
  if (n === 0) return NO_INDEXES
  const indexes = new Int32Array(n)
  let index = unzigzag(readVarint(src))
  indexes[0] = index
  for (let i = 1; i < n; i++) {
    index += readVarint(src) + 1
    indexes[i] = index
  }
  return indexes
}

function readCount(src: Uint8Array, most: number): number {
  const n = readVarint(src)
  if (n > most) throw new RangeError(`${n} entries in a histogram, more than ${most}`)
  return n
}

function readVarint(src: Uint8Array): number {
  const value = varintAt(src, cursor)
  cursor = varintEnd
  return value
}

function readFloat(src: Uint8Array): number {
  cursor += 8
  return floatAt(src, cursor - 8)
}

/** Where the varint that varintAt read ends. */
export let varintEnd = 0

/** The varint at src[at, …). Throws RangeError if it is none. */
export function varintAt(src: Uint8Array, at: number): number {
  // Fast path: most are a byte.
  const first = src[at]!
  if (first < 128) {
    varintEnd = at + 1
    return first
  }
  let value = 0
  let unit = 1
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    const byte = src[at + i]
    if (byte === undefined) break
    value += (byte & 127) * unit
    if (byte < 128) {
      varintEnd = at + i + 1
      return value
    }
    unit *= 128
  }
  throw new RangeError('a varint runs past its end')
}

export function floatAt(src: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) floatBytes[i] = src[at + i]!
  return float[0]!
}

export function writeFloat(value: number, out: Uint8Array, at: number): number {
  float[0] = value
  out.set(floatBytes, at)
  return at + 8
}

