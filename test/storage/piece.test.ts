import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildKernels } from '../../lib/kernels/build.ts'
import { chooseKernels } from '../../lib/kernels/module.ts'
import { Random } from '../../lib/std/random.ts'
import { decodePiece, lastHasGaps, PIECE_PAD_BYTES, states } from '../../storage/codec/piece-decode.ts'
import { encodeGappedPiece, encodePiece } from '../../storage/codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../../storage/codec/piece-shape.ts'
import { KERNEL_MODES } from '../support/kernels.ts'

const bits = (values: Float64Array): BigUint64Array => new BigUint64Array(values.slice().buffer)
const words = (...pairs: number[]): Float64Array => new Float64Array(Uint32Array.from(pairs).buffer)

function pieceBytes(length: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length).fill(0xaa)
  return { bytes, view: new DataView(bytes.buffer) }
}

/** Encodes, decodes, compares bit by bit; returns the piece's bytes. */
function roundTrip(values: readonly number[] | Float64Array): number {
  const src = values instanceof Float64Array ? values : Float64Array.from(values)
  const page = pieceBytes(PIECE_BYTES_MAX + PIECE_PAD_BYTES + 1)
  const end = encodePiece(src, 0, src.length, page.bytes, 1)
  expect(end).toBeLessThanOrEqual(PIECE_BYTES_MAX)
  const out = new Float64Array(src.length + 2).fill(-1)
  expect(decodePiece(page, 1, src.length, out, 1)).toBe(end)
  expect(lastHasGaps).toBe(false)
  expect(bits(out.subarray(1, src.length + 1))).toEqual(bits(src))
  expect([out[0], out[src.length + 1]]).toEqual([-1, -1])
  return end - 1
}

describe.each(KERNEL_MODES)('piece codec, hot loops in %s', (mode) => {
  beforeAll(() => {
    buildKernels(false)
    chooseKernels(mode)
  })
  afterAll(() => chooseKernels('auto'))

  it('keeps every bit of what monitoring stores', () => {
    roundTrip([0])
    roundTrip([1, 2])
    roundTrip([-0, 0, -0])
    roundTrip([-0, -0])
    roundTrip([NaN, NaN, 1])
    roundTrip([Infinity, 1, -Infinity])
    roundTrip([0.1, 0.2, 0.3, 0.30000000000000004])
    roundTrip([1e300, 1e-300, 5e-324, Number.MAX_VALUE])
    roundTrip([2 ** 52, -(2 ** 52), 2 ** 53, 2 ** 53 + 2])
    roundTrip([2 ** 52, -(2 ** 52), 0, 1])
    roundTrip([2 ** 52, 2 ** 52 - 1, 2 ** 52 - 2 ** 40, 2 ** 52, 3])
    roundTrip([2 ** 51 - 1, 0, 2 ** 51 - 1, 0, 2 ** 51 - 1])
    roundTrip([2 ** 47, -(2 ** 47) + 1, 2 ** 47, -(2 ** 47) + 1, 2 ** 47 - 3])
    roundTrip([4294967295, 0, 4294967296, 1, 4294967297])
    roundTrip(words(2, 0x7ff00000, 1, 0x7ff80000, 0, 0xfff80000, 2, 0x7ff00000))
    roundTrip(words(2, 0x7ff00000))
  })

  it('round-trips counters, gauges and anything else, of every length', () => {
    const random = new Random(11)
    const any = new Float64Array(1)
    const anyWords = new Uint32Array(any.buffer)
    const shapes: (() => number)[] = [
      () => random.int(1000), () => random.int(100_000) / 100, () => random.float(), () => random.u32() * 1000,
      () => -random.u32(), () => Math.floor(random.float() * 2 ** 52), () => random.int(3), () => random.float() * 1e-9,
      () => random.int(1 << 20) * 4096, () => (random.int(50) === 0 ? NaN : random.int(100)), () => (random.int(60) === 0 ? -1e12 : random.int(9)),
      () => { anyWords[0] = random.u32(); anyWords[1] = random.u32(); return any[0]! },
      () => random.u32() * random.int(1 << 18), () => (random.int(40) === 0 ? Math.PI : random.int(500) / 10),
    ]
    for (let round = 0; round < 3000; round++) {
      const n = random.int(3) === 0 ? PIECE_ROWS : 1 + random.int(300)
      const src = new Float64Array(n)
      const shape = random.pick(shapes)
      const isCounter = random.int(2) === 0
      const change = 1 + random.int(6)
      for (let i = 0; i < n; i++) {
        if (i > 0 && random.int(change) > 0) src[i] = src[i - 1]!
        else src[i] = isCounter && i > 0 ? src[i - 1]! + shape() : shape()
        if (isCounter && random.int(400) === 0) src[i] = 0
      }
      roundTrip(src)
    }
  })

  it('takes few bytes for what is regular', () => {
    const f = (value: (i: number) => number, bytesMax: number): void => expect(roundTrip(Array.from({ length: 1024 }, (_, i) => value(i)))).toBeLessThanOrEqual(bytesMax)
    f(() => 0, 1)
    f(() => 3.5, 4)
    f(() => Math.PI, 9)
    f((i) => 1_700_000_000_000 + i * 15_000, 30)
    f((i) => 1_700_000_000_000 + i * 15_000 + (i % 100 === 50 ? 1 : 0), 150)
    f((i) => 4096 * ((i * 37) % 64), 6 * 128 + 40)
    // One reset among steps of 0 to 7: three bits a step and one outlier.
    f((i) => (i < 700 ? 1e12 + i * 8 - (i % 8) : i * 8 - (i % 8)), 4 * 128 + 60)
    f((i) => (i === 500 ? NaN : i % 2), 128 + 40)
    f((i) => (i % 50 === 0 ? i : i - (i % 50)), 160)
  })

  it('puts live values between gaps where they belong', () => {
    const random = new Random(5)
    const page = pieceBytes(PIECE_BYTES_MAX + PIECE_PAD_BYTES)
    for (let round = 0; round < 500; round++) {
      const n = 1 + random.int(PIECE_ROWS)
      const src = Float64Array.from({ length: n }, () => random.int(1000) / 10)
      const isRuns = random.int(2) === 0
      const rows = new Uint8Array(n)
      for (let i = 0; i < n; i++) rows[i] = isRuns && i > 0 && random.int(20) > 0 ? rows[i - 1]! : random.int(3)
      const end = encodeGappedPiece(src, 0, n, rows, page.bytes, 0)
      const out = new Float64Array(n + 1).fill(-1)
      expect(decodePiece(page, 0, n, out, 0)).toBe(end)
      expect(lastHasGaps).toBe(!rows.every((state) => state === 1))
      if (lastHasGaps) expect(states.subarray(0, n)).toEqual(rows)
      expect(out.subarray(0, n)).toEqual(src.map((x, i) => (rows[i] === 1 ? x : -1)))
      expect(out[n]).toBe(-1)
    }
  })

  it('spends little on a target that was away', () => {
    const page = pieceBytes(PIECE_BYTES_MAX)
    const rows = new Uint8Array(1024).fill(1)
    rows.fill(0, 300, 400)
    rows[299] = 2
    expect(encodeGappedPiece(new Float64Array(1024), 0, 1024, rows, page.bytes, 0)).toBeLessThan(12)
  })

  it('never writes outside its rows nor hangs on damaged bytes', () => {
    const random = new Random(3)
    const page = pieceBytes(PIECE_BYTES_MAX + PIECE_PAD_BYTES)
    const out = new Float64Array(1024 + 2).fill(-1)
    let refused = 0
    for (let round = 0; round < 20_000; round++) {
      const n = 1 + random.int(200)
      if (round % 50 === 0) encodePiece(Float64Array.from({ length: 200 }, () => random.int(1e6)), 0, 200, page.bytes, 0)
      page.bytes[random.int(round % 2 === 0 ? 12 : 400)] = random.int(256)
      try {
        decodePiece(page, 0, n, out, 1)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
        refused++
      }
      expect(out[0]).toBe(-1)
      expect(out[n + 1]).toBe(-1)
      out.fill(-1)
    }
    expect(refused).toBeGreaterThan(100)
  })
})
