// One native histogram as bytes that need no other (FORMAT.md, "Histogram record"): what rows of the head and of the
// log hold. Integers are written as such, everything else bit by bit.
import { NO_BUCKETS, type Buckets, type CounterResetHint, type FloatHistogram } from '../../lib/model/histogram.ts'
import { writeVarint } from './bits.ts'
import { floatAt, layoutBytesMax, layoutEnd, readLayout, varintAt, varintEnd, writeFloat, writeLayout, type HistogramLayout } from './histogram-layout.ts'

const IS_INTEGER = 4
/** Varints of the codec go up to here. */
const INTEGER_MAX = 2 ** 53
/** Of the length in front, which is filled in last. */
const LENGTH_BYTES = 4

const layout: HistogramLayout = {
  schema: 0, zeroThreshold: 0, customValues: new Float64Array(0), positive: new Int32Array(0), negative: new Int32Array(0),
}

function layoutOf(h: FloatHistogram): HistogramLayout {
  layout.schema = h.schema
  layout.zeroThreshold = h.zeroThreshold
  layout.customValues = h.customValues
  layout.positive = h.positive.index
  layout.negative = h.negative.index
  return layout
}

/** Bytes that a histogram's record takes at the most. */
export function histogramRecordBytesMax(h: FloatHistogram): number {
  return LENGTH_BYTES + 1 + layoutBytesMax(layoutOf(h)) + 8 * (3 + h.positive.index.length + h.negative.index.length)
}

/** Writes a record to out at `at`; returns the position behind it. `out` needs histogramRecordBytesMax bytes of room. */
export function writeHistogramRecord(h: FloatHistogram, out: Uint8Array, at: number): number {
  const lengthAt = at
  const isInteger = isCount(h.count) && isCount(h.zeroCount) && h.positive.count.every(isCount) && h.negative.count.every(isCount)
  at += LENGTH_BYTES
  out[at++] = h.hint | (isInteger ? IS_INTEGER : 0)
  at = writeLayout(layoutOf(h), out, at)
  at = writeFloat(h.sum, out, at)
  at = writeCount(h.count, isInteger, out, at)
  at = writeCount(h.zeroCount, isInteger, out, at)
  for (const count of [h.positive.count, h.negative.count]) {
    for (let i = 0; i < count.length; i++) at = writeCount(count[i]!, isInteger, out, at)
  }
  const length = at - lengthAt - LENGTH_BYTES
  for (let i = 0; i < LENGTH_BYTES; i++) out[lengthAt + i] = (length >>> (8 * i)) & 255
  return at
}

function isCount(x: number): boolean {
  return x >= 0 && x < INTEGER_MAX && Number.isInteger(x) && !Object.is(x, -0)
}

function writeCount(x: number, isInteger: boolean, out: Uint8Array, at: number): number {
  return isInteger ? writeVarint(out, at, x) : writeFloat(x, out, at)
}

/** Length of the record at src[at, …). */
export function histogramRecordBytes(src: Uint8Array, at: number): number {
  return LENGTH_BYTES + (src[at]! | (src[at + 1]! << 8) | (src[at + 2]! << 16) | (src[at + 3]! << 24))
}

/** Reads the record at src[at, …), which must be readable 8 bytes past it. Throws RangeError on damage it notices. */
export function readHistogramRecord(src: Uint8Array, at: number): FloatHistogram {
  const head = src[at + LENGTH_BYTES]!
  const { schema, zeroThreshold, customValues, positive, negative } = readLayout(src, at + LENGTH_BYTES + 1)
  cursor = layoutEnd()
  const isInteger = (head & IS_INTEGER) !== 0
  const sum = floatAt(src, cursor)
  cursor += 8
  const count = readCount(src, isInteger)
  const zeroCount = readCount(src, isInteger)
  return {
    schema, zeroThreshold, zeroCount, count, sum, hint: (head & 3) as CounterResetHint,
    positive: readBuckets(src, positive, isInteger), negative: readBuckets(src, negative, isInteger), customValues,
  }
}

let cursor = 0

function readCount(src: Uint8Array, isInteger: boolean): number {
  if (isInteger) {
    const count = varintAt(src, cursor)
    cursor = varintEnd
    return count
  }
  cursor += 8
  return floatAt(src, cursor - 8)
}

function readBuckets(src: Uint8Array, index: Int32Array, isInteger: boolean): Buckets {
  if (index.length === 0) return NO_BUCKETS
  const count = new Float64Array(index.length)
  for (let i = 0; i < count.length; i++) count[i] = readCount(src, isInteger)
  return { index, count }
}
