// What the records of a Prometheus log say: series by number, and their samples.
//
//   u8 type: 1 series, 2 floats, 3 tombstones, 4 exemplars, 5 markers, 6 metadata, 7 and 9 histograms, 8 and 10 float histograms
//   2, 7…10: u64 first ref, i64 first t, then { varint ref − first, varint t − first, sample } …
//   11 floats, 12 histograms, 13 float histograms with start times: varint ref, varint t, varint start time, sample, then
//      { varint ref − the one before, varint t − first, u8 0 no start time │ 1 the one before │ 2 and varint, sample } …
import { CUSTOM_SCHEMA, NO_CUSTOM_VALUES, type CounterResetHint, type FloatHistogram } from '../../lib/model/histogram.ts'
import { labelsFromMap, type Labels } from '../../lib/model/labels.ts'
import type { ByteReader } from './byte-reader.ts'
import { makeHistogram, summedUp, sumOfLengths, type Span } from './histogram-layout.ts'

const EXPLICIT_START_TIME = 2

export interface LogVisitor {
  series(ref: number, labels: Labels): void
  /** null: who visits wants none; that is much quicker. */
  sample: ((ref: number, t: number, v: number, histogram: FloatHistogram | null) => void) | null
  /** A stretch that was deleted from a series. */
  tombstone(ref: number, mint: number, maxt: number): void
  /** A type of record that is not known here; what it holds is left out. */
  unknown(type: number): void
}

/** Reads one record. Exemplars, metadata and markers of chunks on disk hold no samples and are passed over. */
export function readRecord(reader: ByteReader, visitor: LogVisitor): void {
  if (reader.left === 0) return
  const type = reader.u8()
  const { sample } = visitor
  if (type === 1) readSeries(reader, visitor)
  else if (type === 3) while (reader.left > 0) visitor.tombstone(reader.int64(), reader.varint(), reader.varint())
  else if (type < 2 || type > 13) visitor.unknown(type)
  else if (sample === null) return
  else if (type === 2) readSamples(reader, sample, () => null)
  else if (type === 7 || type === 9) readSamples(reader, sample, readHistogram)
  else if (type === 8 || type === 10) readSamples(reader, sample, readFloatHistogram)
  else if (type === 11) readTimedSamples(reader, sample, () => null)
  else if (type === 12) readTimedSamples(reader, sample, readHistogram)
  else if (type === 13) readTimedSamples(reader, sample, readFloatHistogram)
}

type OnSample = NonNullable<LogVisitor['sample']>

function readSeries(reader: ByteReader, visitor: LogVisitor): void {
  while (reader.left > 0) {
    const ref = reader.int64()
    const labels = new Map<string, string>()
    for (let left = reader.uvarint(); left > 0; left--) labels.set(reader.text(), reader.text())
    visitor.series(ref, labelsFromMap(labels))
  }
}

function readSamples(reader: ByteReader, onSample: OnSample, read: (reader: ByteReader) => FloatHistogram | null): void {
  if (reader.left === 0) return
  const firstRef = reader.int64()
  const firstT = reader.int64()
  while (reader.left > 0) {
    const ref = firstRef + reader.varint()
    const t = firstT + reader.varint()
    const histogram = read(reader)
    onSample(ref, t, histogram === null ? reader.f64() : histogram.sum, histogram)
  }
}

/** Start times are passed over. */
function readTimedSamples(reader: ByteReader, onSample: OnSample, read: (reader: ByteReader) => FloatHistogram | null): void {
  let ref = 0
  let firstT = NaN
  while (reader.left > 0) {
    ref += reader.varint()
    const t = reader.varint() + (firstT === firstT ? firstT : 0)
    if (firstT !== firstT) reader.varint()
    else if (reader.u8() === EXPLICIT_START_TIME) reader.varint()
    if (firstT !== firstT) firstT = t
    const histogram = read(reader)
    onSample(ref, t, histogram === null ? reader.f64() : histogram.sum, histogram)
  }
}

function readHistogram(reader: ByteReader): FloatHistogram {
  const { hint, schema, zeroThreshold } = readHead(reader)
  const zeroCount = reader.uvarint()
  const count = reader.uvarint()
  const sum = reader.f64()
  const { positive, negative } = readBothSpans(reader)
  const deltas = readBuckets(reader, positive, negative, () => reader.varint())
  const layout = { schema, zeroThreshold, positive, negative, customValues: readCustomValues(reader, schema) }
  return makeHistogram(layout, hint, { count, zeroCount, sum }, summedUp(deltas, sumOfLengths(positive)))
}

function readFloatHistogram(reader: ByteReader): FloatHistogram {
  const { hint, schema, zeroThreshold } = readHead(reader)
  const zeroCount = reader.f64()
  const count = reader.f64()
  const sum = reader.f64()
  const { positive, negative } = readBothSpans(reader)
  const counts = readBuckets(reader, positive, negative, () => reader.f64())
  const layout = { schema, zeroThreshold, positive, negative, customValues: readCustomValues(reader, schema) }
  return makeHistogram(layout, hint, { count, zeroCount, sum }, counts)
}

function readHead(reader: ByteReader): { hint: CounterResetHint; schema: number; zeroThreshold: number } {
  const byte = reader.u8()
  if (byte !== 0 && byte !== 1 && byte !== 2 && byte !== 3) throw reader.fail(`counter reset hint ${byte} is none of 0 to 3`)
  return { hint: byte, schema: reader.varint(), zeroThreshold: reader.f64() }
}

function readBothSpans(reader: ByteReader): { positive: Span[]; negative: Span[] } {
  const read = (): Span[] => Array.from({ length: reader.uvarint() }, () => ({ offset: reader.varint(), length: reader.uvarint() }))
  return { positive: read(), negative: read() }
}

/** Both sides' lists, each with its own length before it. */
function readBuckets(reader: ByteReader, positive: readonly Span[], negative: readonly Span[], read: () => number): Float64Array {
  const out: number[] = []
  for (const spans of [positive, negative]) {
    const length = reader.uvarint()
    if (length !== sumOfLengths(spans)) throw reader.fail(`${length} buckets for spans of ${sumOfLengths(spans)}`)
    for (let k = 0; k < length; k++) out.push(read())
  }
  return Float64Array.from(out)
}

function readCustomValues(reader: ByteReader, schema: number): Float64Array {
  if (schema !== CUSTOM_SCHEMA) return NO_CUSTOM_VALUES
  return Float64Array.from({ length: reader.uvarint() }, () => reader.f64())
}
