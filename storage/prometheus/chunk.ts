// Chunks of a Prometheus series as columns (prometheus tsdb/chunkenc): encodings 1 XOR floats, 2 integer histograms,
// 3 float histograms. All start with a big-endian u16 count of samples.
import { assert } from '../../lib/std/assert.ts'
import { BitReader, XorFloat } from './bit-reader.ts'
import { PrometheusFormatError } from './byte-reader.ts'
import { decodeFloatHistogramChunk, decodeHistogramChunk } from './histogram-chunk.ts'
import { pushSample, type SeriesSamples } from '../import/series-samples.ts'

export const ENCODING_XOR = 1
export const ENCODING_HISTOGRAM = 2
export const ENCODING_FLOAT_HISTOGRAM = 3

/** Appends the samples of one chunk, `bytes[from, to)` without its encoding byte. Throws PrometheusFormatError. */
export function decodeChunk(encoding: number, bytes: Buffer, from: number, to: number, out: SeriesSamples): void {
  if (to - from < 2) throw new PrometheusFormatError(`a chunk of ${to - from} bytes`)
  const count = bytes.readUInt16BE(from)
  const before = out.count
  if (encoding === ENCODING_XOR) decodeXorChunk(new BitReader(bytes, from + 2, to), count, out)
  else if (encoding === ENCODING_HISTOGRAM) decodeHistogramChunk(bytes, from + 2, to, count, out)
  else if (encoding === ENCODING_FLOAT_HISTOGRAM) decodeFloatHistogramChunk(bytes, from + 2, to, count, out)
  else throw new PrometheusFormatError(`chunk encoding ${encoding} is not one of 1 XOR, 2 histogram, 3 float histogram`)
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
