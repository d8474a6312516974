// Builds the native histogram field of a remote write 1.0 time series from the protobuf definition (prompb Histogram,
// float flavour): runs of buckets as spans, counts absolute.
import type { Buckets, FloatHistogram } from '../../lib/model/histogram.ts'
import { field, varint } from './remote-write-body.ts'

const FIXED64 = 1
const VARINT = 0

function double(number: number, ...values: readonly number[]): Uint8Array {
  return Buffer.concat([varint(number * 8 + FIXED64), doubles(values)])
}

function doubles(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8)
  values.forEach((value, i) => bytes.writeDoubleLE(value, i * 8))
  return bytes
}

/** sint32/sint64. */
function zigzag(value: number): Uint8Array {
  return varint(value < 0 ? -2 * value - 1 : 2 * value)
}

function integer(number: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([varint(number * 8 + VARINT), value])
}

/** Spans and packed counts of one side. */
function side(buckets: Buckets, spanField: number, countField: number): Uint8Array[] {
  const spans: { offset: number; length: number }[] = []
  let next = 0
  buckets.index.forEach((index, i) => {
    if (i > 0 && index === next) spans.at(-1)!.length++
    else spans.push({ offset: index - next, length: 1 })
    next = index + 1
  })
  const fields = spans.map(({ offset, length }) => field(spanField, integer(1, zigzag(offset)), integer(2, varint(length))))
  if (spans.length > 0) fields.push(field(countField, doubles([...buckets.count])))
  return fields
}

/** The field `histograms` of a TimeSeries. */
export function histogramField(h: FloatHistogram, timeMs: number): Uint8Array {
  return field(4,
    double(2, h.count), double(3, h.sum), integer(4, zigzag(h.schema)), double(5, h.zeroThreshold), double(7, h.zeroCount),
    ...side(h.negative, 8, 10), ...side(h.positive, 11, 13),
    integer(14, varint(h.hint)), integer(15, varint(timeMs)),
    ...(h.customValues.length > 0 ? [field(16, doubles([...h.customValues]))] : []),
  )
}
