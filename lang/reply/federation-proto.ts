// Families in the protobuf format, each behind its length (client_model metrics.proto), fields in the order of their numbers, as Go
// writes them.
//
//   MetricFamily  1 name  3 type  4 metric…        Metric     1 label…  5 untyped  6 timestamp_ms  7 histogram
//   LabelPair     1 name  2 value                  BucketSpan 1 offset (sint32)  2 length
//   Histogram     2 sum  3 bucket…  4 count  5 schema (sint32)  6 zero_threshold  8 zero_count  9/11 negative, 12/14 positive: span…, count…
import { isCustom, type Buckets, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { ByteWriter } from './byte-writer.ts'
import { cumulativeBuckets, type FederatedFamily, type FederatedMetric } from './federated-family.ts'

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const TYPE_NUMBERS = { untyped: 3, histogram: 4, gauge_histogram: 5 } as const

export function writeProtoFamily(out: ByteWriter, { name, type, metrics }: FederatedFamily): void {
  lengthed(out, () => {
    text(out, 1, name)
    varintField(out, 3, TYPE_NUMBERS[type])
    for (const metric of metrics) message(out, 4, () => writeMetric(out, metric))
  })
}

function writeMetric(out: ByteWriter, { labels, t, v, histogram }: FederatedMetric): void {
  for (let i = 0; i < labels.length; i += 2) {
    message(out, 1, () => {
      text(out, 1, labels[i]!)
      text(out, 2, labels[i + 1]!)
    })
  }
  if (histogram === null) message(out, 5, () => double(out, 1, v))
  varintField(out, 6, t)
  if (histogram !== null) message(out, 7, () => (isCustom(histogram) ? writeClassic : writeNative)(out, histogram))
}

function writeClassic(out: ByteWriter, histogram: FloatHistogram): void {
  double(out, 2, histogram.sum)
  for (const { bound, count } of cumulativeBuckets(histogram)) {
    message(out, 3, () => {
      double(out, 2, bound)
      double(out, 4, count)
    })
  }
  double(out, 4, histogram.count)
}

function writeNative(out: ByteWriter, { count, sum, schema, zeroThreshold, zeroCount, negative, positive }: FloatHistogram): void {
  double(out, 2, sum)
  double(out, 4, count)
  varintField(out, 5, zigzag(schema))
  double(out, 6, zeroThreshold)
  double(out, 8, zeroCount)
  writeSide(out, 9, negative)
  writeSide(out, 12, positive)
}

/** Spans under `field`, counts under `field` + 2. */
function writeSide(out: ByteWriter, field: number, { index, count }: Buckets): void {
  let end = 0
  for (let from = 0, to = 0; from < index.length; from = to) {
    for (to = from + 1; to < index.length && index[to] === index[to - 1]! + 1;) to++
    const offset = index[from]! - end
    message(out, field, () => {
      varintField(out, 1, zigzag(offset))
      varintField(out, 2, to - from)
    })
    end = index[to - 1]! + 1
  }
  for (const each of count) double(out, field + 2, each)
}

function message(out: ByteWriter, field: number, write: () => void): void {
  tag(out, field, BYTES)
  lengthed(out, write)
}

/** What `write` writes, behind its length. */
function lengthed(out: ByteWriter, write: () => void): void {
  const at = out.length
  write()
  const length = varintBytes(out.length - at)
  out.insert(at, length.length, (bytes, place) => bytes.set(length, place))
}

function text(out: ByteWriter, field: number, value: string): void {
  message(out, field, () => out.text(value.toWellFormed()))
}

function double(out: ByteWriter, field: number, value: number): void {
  tag(out, field, FIXED64)
  out.double(value)
}

/** A negative value takes ten bytes, as int64. */
function varintField(out: ByteWriter, field: number, value: number): void {
  tag(out, field, VARINT)
  for (const byte of varintBytes(value)) out.byte(byte)
}

function tag(out: ByteWriter, field: number, wire: number): void {
  out.byte((field << 3) | wire)
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

function varintBytes(value: number): number[] {
  const out: number[] = []
  let rest = value
  if (value < 0) {
    // Two's complement: the lowest seven bits at a time, the sign in all bits above.
    for (let i = 0; i < 9; i++, rest = Math.floor(rest / 128)) out.push((rest - Math.floor(rest / 128) * 128) | 128)
    return [...out, 1]
  }
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128)
  return [...out, rest]
}
