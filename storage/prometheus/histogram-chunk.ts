// Histogram chunks: a header of flags, a layout that all samples share, then the samples as deltas of deltas (integer
// counts) or XORs (float counts). After prometheus tsdb/chunkenc/histogram.go, float_histogram.go, histogram_meta.go.
//
//   u8 flags (2 top bits: counter reset header), or header of start times │ layout: zero threshold, schema, spans, custom bounds │ samples
import { CUSTOM_SCHEMA, HINT_GAUGE, HINT_NOT_RESET, HINT_UNKNOWN, NO_CUSTOM_VALUES, type CounterResetHint } from '../../lib/model/histogram.ts'
import { BitReader, XorFloat } from './bit-reader.ts'
import { PrometheusFormatError } from './byte-reader.ts'
import { makeHistogram, sumOfLengths, summedUp, type Layout, type Span } from './histogram-layout.ts'
import { isStaleMarker, pushSample, type SeriesSamples } from '../import/series-samples.ts'
import { skipStartTime } from './start-times.ts'

const HEADER_GAUGE = 0b11

/** A layout and what a chunk says of counter resets. */
type ChunkLayout = Layout & { header: number }

/** What all samples of a chunk share, and the rest of it. */
interface HistogramChunk {
  layout: ChunkLayout
  bits: BitReader
  /** See skipStartTime; 0: it has none. */
  startTimes: number
}

/** Opens bytes[from, to), the count of samples included. */
export function histogramChunk(bytes: Buffer, from: number, to: number, hasStartTimes: boolean): HistogramChunk {
  if (from + 2 >= to) throw new PrometheusFormatError('a histogram chunk without its flags')
  const bits = new BitReader(bytes, from + 3, to)
  const zeroThreshold = readZeroThreshold(bits)
  const schema = bits.varbitInt()
  const positive = readSpans(bits)
  const negative = readSpans(bits)
  const customValues = schema === CUSTOM_SCHEMA ? readCustomBounds(bits) : NO_CUSTOM_VALUES
  const header = bytes[hasStartTimes ? from : from + 2]! >>> 6
  return { layout: { schema, zeroThreshold, positive, negative, customValues, header }, bits, startTimes: hasStartTimes ? bytes[from + 2]! : 0 }
}

function readZeroThreshold(bits: BitReader): number {
  const byte = bits.bits(8)
  if (byte === 0) return 0
  return byte === 255 ? bits.double() : 2 ** (byte - 244)
}

function readSpans(bits: BitReader): Span[] {
  const count = bits.varbitUint()
  const spans: Span[] = []
  for (let i = 0; i < count; i++) {
    const length = bits.varbitUint()
    spans.push({ offset: bits.varbitInt(), length })
  }
  return spans
}

function readCustomBounds(bits: BitReader): Float64Array {
  const count = bits.varbitUint()
  const bounds: number[] = []
  for (let i = 0; i < count; i++) {
    const code = bits.varbitUint()
    bounds.push(code === 0 ? bits.double() : (code - 1) / 1000)
  }
  return Float64Array.from(bounds)
}

/**
 * What a counter did before the first sample of a chunk depends on which chunk stands before it, so it is unknown; a
 * chunk is cut where the counter is reset, so inside one it never is.
 */
function hintOf(layout: ChunkLayout, i: number): CounterResetHint {
  if (layout.header === HEADER_GAUGE) return HINT_GAUGE
  return i === 0 ? HINT_UNKNOWN : HINT_NOT_RESET
}

/** Reads `count` integer histograms; counts are exact up to 2^53. */
export function decodeHistogramChunk({ layout, bits, startTimes }: HistogramChunk, count: number, out: SeriesSamples): void {
  const positiveCount = sumOfLengths(layout.positive)
  const buckets = new Float64Array(positiveCount + sumOfLengths(layout.negative))
  const bucketDeltas = new Float64Array(buckets.length)
  const sum = new XorFloat()
  let t = 0
  let tDelta = 0
  let total = 0
  let totalDelta = 0
  let zero = 0
  let zeroDelta = 0
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      t = bits.varbitInt()
      total = bits.varbitUint()
      zero = bits.varbitUint()
    } else {
      // The second sample holds deltas, the others deltas of deltas; the former are the latter after deltas of 0.
      tDelta += i === 1 ? bits.varbitUint() : bits.varbitInt()
      totalDelta += bits.varbitInt()
      zeroDelta += bits.varbitInt()
      t += tDelta
      total += totalDelta
      zero += zeroDelta
    }
    const s = i === 0 ? sum.start(bits) : sum.next(bits)
    // A staleness marker has no buckets.
    const isMarker = isStaleMarker(s)
    if (!isMarker) readDeltas(bits, i, buckets, bucketDeltas)
    pushSample(out, t, s, isMarker ? null : makeHistogram(layout, hintOf(layout, i), { count: total, zeroCount: zero, sum: s }, summedUp(buckets, positiveCount)))
    skipStartTime(bits, startTimes, i)
  }
}

/** Reads `count` float histograms. */
export function decodeFloatHistogramChunk({ layout, bits, startTimes }: HistogramChunk, count: number, out: SeriesSamples): void {
  const buckets = Array.from({ length: sumOfLengths(layout.positive) + sumOfLengths(layout.negative) }, () => new XorFloat())
  const total = new XorFloat()
  const zero = new XorFloat()
  const sum = new XorFloat()
  const read = (float: XorFloat, i: number): number => (i === 0 ? float.start(bits) : float.next(bits))
  let t = 0
  let tDelta = 0
  for (let i = 0; i < count; i++) {
    if (i === 0) t = bits.varbitInt()
    else t += tDelta += i === 1 ? bits.varbitUint() : bits.varbitInt()
    const head = { count: read(total, i), zeroCount: read(zero, i), sum: read(sum, i) }
    const isMarker = isStaleMarker(head.sum)
    const values = isMarker ? null : Float64Array.from(buckets, (bucket) => read(bucket, i))
    pushSample(out, t, head.sum, values && makeHistogram(layout, hintOf(layout, i), head, values))
    skipStartTime(bits, startTimes, i)
  }
}

/** Buckets as they are written: each less the one before it. The first sample is absolute. */
function readDeltas(bits: BitReader, i: number, buckets: Float64Array, deltas: Float64Array): void {
  for (let k = 0; k < buckets.length; k++) {
    const read = bits.varbitInt()
    if (i === 0) buckets[k] = read
    else buckets[k]! += deltas[k]! += read
  }
}
