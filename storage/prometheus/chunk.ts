// Chunks of a Prometheus series as columns (prometheus tsdb/chunkenc). All start with a big-endian u16 count of samples; of
// histograms with start times its two top bits are those of the flags, which have no byte of their own there.
import { assert } from '../../lib/std/assert.ts'
import { BitReader, XorFloat } from './bit-reader.ts'
import { PrometheusFormatError } from './byte-reader.ts'
import { decodeFloatHistogramChunk, decodeHistogramChunk, histogramChunk } from './histogram-chunk.ts'
import { pushSample, type SeriesSamples } from '../import/series-samples.ts'
import { decodeXor2Chunk } from './xor2-chunk.ts'

const ENCODING_XOR = 1
const ENCODING_HISTOGRAM = 2
const ENCODING_FLOAT_HISTOGRAM = 3
const ENCODING_XOR2 = 4
/** With start times, of Prometheus 3.14's `histograms-st-encoding`. */
const ENCODING_HISTOGRAM_ST = 5
const ENCODING_FLOAT_HISTOGRAM_ST = 6
const ST_COUNT_MASK = 0x3fff

/** Appends the samples of one chunk, `bytes[from, to)` without its encoding byte. Throws PrometheusFormatError. */
export function decodeChunk(encoding: number, bytes: Buffer, from: number, to: number, out: SeriesSamples): void {
  if (to - from < 2) throw new PrometheusFormatError(`a chunk of ${to - from} bytes`)
  const hasStartTimes = encoding === ENCODING_HISTOGRAM_ST || encoding === ENCODING_FLOAT_HISTOGRAM_ST
  const count = bytes.readUInt16BE(from) & (hasStartTimes ? ST_COUNT_MASK : 0xffff)
  const before = out.count
  if (encoding === ENCODING_XOR) decodeXorChunk(new BitReader(bytes, from + 2, to), count, out)
  else if (encoding === ENCODING_XOR2) decodeXor2Chunk(bytes, from + 2, to, count, out)
  else if (encoding === ENCODING_HISTOGRAM || encoding === ENCODING_HISTOGRAM_ST) decodeHistogramChunk(histogramChunk(bytes, from, to, hasStartTimes), count, out)
  else if (encoding === ENCODING_FLOAT_HISTOGRAM || encoding === ENCODING_FLOAT_HISTOGRAM_ST) decodeFloatHistogramChunk(histogramChunk(bytes, from, to, hasStartTimes), count, out)
  else throw new PrometheusFormatError(`chunk encoding ${encoding} is unknown here; Prometheus 3.14 has 1 to 6: if a newer one wrote it, let it write the blocks anew without`)
  assert(out.count - before === count, `${count} samples in a chunk, ${out.count - before} read`)
}

/** Bits of a delta of deltas by the count of leading 1 bits before it. */
const DELTA_SIZES = [0, 14, 17, 20, 64] as const

function decodeXorChunk(bits: BitReader, count: number, out: SeriesSamples): void {
  const value = new XorFloat()
  let t = 0
  let delta = 0
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      t = bits.varint()
      pushSample(out, t, value.start(bits))
      continue
    }
    if (i === 1) {
      delta = bits.uvarint()
    } else {
      const size = DELTA_SIZES[bits.ones(4)]!
      if (size > 0) delta += bits.signed(size)
    }
    t += delta
    pushSample(out, t, value.next(bits))
  }
}
