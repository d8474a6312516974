// XOR2 chunks of floats, which Prometheus 3.14 writes with `--enable-feature=xor2-encoding` (prometheus tsdb/chunkenc/xor2.go):
// one prefix says what became of the timestamp and of the value.
//
//   u8 header of start times │ varint t, u64 value │ uvarint delta, value │ { prefix, … } …
//   prefix: 0 same delta and value │ 10 same delta │ 110, 1110, 11110 delta of deltas of 13, 20, 64 bits │ 11111 same delta, stale
//   value where the delta is another: 0 same │ 10 bits of the last window │ 110 of another │ 111 stale
import { BitReader, XorFloat } from './bit-reader.ts'
import { PrometheusFormatError } from './byte-reader.ts'
import { isStaleMarker, pushSample, staleMarker, type SeriesSamples } from '../import/series-samples.ts'
import { skipStartTime } from './start-times.ts'

const DELTA_SIZES = [0, 0, 13, 20, 64] as const
const SAME = 0
const CHANGED = 1
const STALE = 5

/** Reads `count` floats, `bytes[from, to)` being what follows the count. */
export function decodeXor2Chunk(bytes: Buffer, from: number, to: number, count: number, out: SeriesSamples): void {
  if (from >= to) throw new PrometheusFormatError('an XOR2 chunk without its header')
  const header = bytes[from]!
  const bits = new BitReader(bytes, from + 1, to)
  const value = new XorFloat()
  let t = 0
  let delta = 0
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      t = bits.varint()
      pushSample(out, t, value.start(bits))
      // Markers are no values that the next one is written by.
      if (isStaleMarker(value.value)) value.clear()
    } else if (i === 1) {
      delta = bits.uvarint()
      t += delta
      pushSample(out, t, readValue(bits, value))
    } else {
      const prefix = bits.ones(STALE)
      const size = DELTA_SIZES[prefix] ?? 0
      if (size > 0) delta += twosComplement(bits, size)
      t += delta
      pushSample(out, t, valueAfter(prefix, bits, value))
    }
    skipStartTime(bits, header, i)
  }
}

function valueAfter(prefix: number, bits: BitReader, value: XorFloat): number {
  if (prefix === SAME) return value.value
  if (prefix === CHANGED) return value.changed(bits)
  return prefix === STALE ? staleMarker() : readValue(bits, value)
}

function readValue(bits: BitReader, value: XorFloat): number {
  const code = bits.ones(3)
  if (code === 0) return value.value
  if (code === 1) return value.changedThere(bits)
  return code === 2 ? value.changedElsewhere(bits) : staleMarker()
}

function twosComplement(bits: BitReader, size: number): number {
  if (size === 64) return bits.signed(64)
  const value = bits.bits(size)
  return value >= 2 ** (size - 1) ? value - 2 ** size : value
}
