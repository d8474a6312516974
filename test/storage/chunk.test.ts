import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/std/random.ts'
import { CHUNK_BYTES_MAX, encodeChunk, encodeGappedChunk, lastHint } from '../../storage/codec/chunk-encode.ts'
import { decodeChunk, lastPresent, lastStale } from '../../storage/codec/chunk-decode.ts'

const bits = (values: Float64Array): string[] =>
  Array.from(new BigUint64Array(values.slice().buffer), (x) => x.toString(16))

function roundTrip(values: readonly number[] | Float64Array, hint = 0): number {
  const src = Float64Array.from(values)
  const bytes = new Uint8Array(CHUNK_BYTES_MAX + 8).fill(0xaa)
  const end = encodeChunk(src, 0, src.length, bytes, 0, hint)
  const out = new Float64Array(src.length + 2).fill(-1)
  expect(decodeChunk(bytes, 0, src.length, out, 1)).toBe(false)
  expect(bits(out.subarray(1, src.length + 1))).toEqual(bits(src))
  expect([out[0], out[src.length + 1]]).toEqual([-1, -1])
  for (let want = 1; want < src.length; want += 5) {
    decodeChunk(bytes, 0, src.length, out.fill(-1), 0, want)
    expect(bits(out.subarray(0, want))).toEqual(bits(src.subarray(0, want)))
  }
  return end
}

describe('chunk codec', () => {
  it('keeps every bit of what monitoring stores', () => {
    roundTrip([0])
    roundTrip([1, 2])
    roundTrip([0, 0, 0, 0])
    roundTrip([-0, 0, -0])
    roundTrip([-0, -0])
    roundTrip([NaN, NaN, 1])
    roundTrip([Infinity, 1, -Infinity])
    roundTrip([0.1, 0.2, 0.3, 0.30000000000000004])
    roundTrip([1e300, 1e-300, 5e-324, Number.MAX_VALUE])
    roundTrip([2 ** 52, -(2 ** 52), 2 ** 53, 2 ** 53 + 2])
    roundTrip([2 ** 52, -(2 ** 52), 0, 1])
    roundTrip([2 ** 52, -(2 ** 51) + 1, -(2 ** 52) + 2, -(2 ** 51) + 3])
    roundTrip([4294967295, 0, 4294967296, 1, 4294967297])
    roundTrip([1.7e12, 1.7e12 + 1, 1.7e12 + 4294967296])
    roundTrip(Array.from({ length: 32 }, (_, i) => 1_700_000_000_000 + i * 10_000))
    roundTrip(Array.from({ length: 32 }, (_, i) => (i % 7 === 0 ? i : 0) + 12.25))
  })

  it('spends a byte on zeros, nine on a constant, few on a steady counter', () => {
    expect(roundTrip(new Float64Array(32))).toBe(1)
    expect(roundTrip(new Float64Array(32).fill(3.5))).toBe(9)
    expect(roundTrip(Array.from({ length: 32 }, (_, i) => 1e9 + i * 100))).toBeLessThan(12)
  })

  it('round-trips random columns of every shape', () => {
    const random = new Random(7)
    const any = new Float64Array(1)
    const anyBits = new Uint32Array(any.buffer)
    const shapes: (() => number)[] = [
      () => random.int(1000), () => random.int(100_000) / 100, () => random.float(), () => random.u32() * 1000,
      () => -random.u32(), () => Math.floor(random.float() * 2 ** 52), () => random.int(3), () => random.float() * 1e-9,
      () => { anyBits[0] = random.u32(); anyBits[1] = random.u32(); return any[0]! },
    ]
    for (let round = 0; round < 4000; round++) {
      const n = 1 + random.int(32)
      const src = new Float64Array(n)
      const shape = random.pick(shapes)
      const counter = random.int(2) === 0
      for (let i = 0; i < n; i++) src[i] = random.int(4) === 0 && i > 0 ? src[i - 1]! : counter && i > 0 ? src[i - 1]! + shape() : shape()
      roundTrip(src, random.int(4) === 0 ? lastHint : 0)
    }
  })

  it('keeps bit patterns of NaN payloads apart', () => {
    const src = new Float64Array(3)
    const words = new Uint32Array(src.buffer)
    words.set([2, 0x7ff00000, 1, 0x7ff80000, 0, 0xfff80000])
    const bytes = new Uint8Array(CHUNK_BYTES_MAX + 8)
    encodeChunk(src, 0, 3, bytes, 0, 0)
    const out = new Float64Array(3)
    decodeChunk(bytes, 0, 3, out, 0)
    expect(bits(out)).toEqual(bits(src))
  })

  it('puts live values of a gapped column where they belong', () => {
    const bytes = new Uint8Array(CHUNK_BYTES_MAX + 16)
    const out = new Float64Array(6).fill(-1)
    encodeGappedChunk(Float64Array.from([10, 20, 30]), 3, bytes, 0, 0, 0b111011, 0b010010)
    expect(decodeChunk(bytes, 0, 6, out, 0)).toBe(true)
    expect([...out]).toEqual([10, -1, -1, 20, -1, 30])
    expect([lastPresent, lastStale]).toEqual([0b111011, 0b010010])
    encodeGappedChunk(new Float64Array(0), 0, bytes, 0, 0, 0b1, 0b1)
    expect(decodeChunk(bytes, 0, 6, out, 0)).toBe(true)
  })
})
