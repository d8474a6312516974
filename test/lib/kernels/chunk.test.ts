// Chunks of the head by the kernel, against the twin byte by byte.
import { describe, expect, it } from 'vitest'
import { chunksKernel } from '../../../lib/kernels/chunk.ts'
import { Random } from '../../../lib/std/random.ts'
import { CHUNK_BYTES_MAX, CHUNK_ROWS, HINT_XOR, KIND_CONSTANT, KIND_DECIMAL, KIND_XOR, KIND_ZERO, HEAD_ORDER_SHIFT, HEAD_SPARSE, encodeChunk, lastHint } from '../../../storage/codec/chunk-encode.ts'
import { withKernels } from '../../support/kernels.ts'
import { testSeed } from '../../support/seed.ts'

const random = new Random(testSeed())
const bits = new BigUint64Array(1)
const double = new Float64Array(bits.buffer)
const ofBits = (word: bigint): number => {
  bits[0] = word
  return double[0]!
}
const LIMIT = 2 ** 52

/** Next values of columns, by kind; many are edges of the codec. */
const SHAPES: readonly ((before: number) => number)[] = [
  (v) => v + random.int(1000),
  (v) => v + 100,
  (v) => (random.int(10) === 0 ? v + 4096 : v),
  () => random.int(10_000) / 100,
  () => (random.int(2_000_000) - 1_000_000) / 10 ** random.int(16),
  (v) => v,
  () => random.float(),
  () => random.pick([0, -0, 1, -1, NaN, Infinity, -Infinity, ofBits(0x7ff0000000000002n), ofBits(0xfff8000000000001n), 5e-324]),
  () => random.pick([0, -0]),
  () => random.pick([LIMIT - 1, LIMIT, LIMIT + 1, -LIMIT, -LIMIT - 1, LIMIT / 2 + 0.5, LIMIT / 10]),
  () => (LIMIT - random.int(40) - 0.5) / 10,
  (v) => (v === LIMIT ? -LIMIT : LIMIT),
  () => random.int(2) * 4294967295 + random.int(3),
  (v) => -v * 3,
  () => ofBits((BigInt(random.u32()) << 32n) | BigInt(random.u32())),
  () => random.int(100) / 2 + random.pick([0, 0.25]),
]

interface Columns {
  rows: number
  /** By column. */
  values: Float64Array
  hints: Uint8Array
}

function someColumns(count: number): Columns {
  const rows = random.pick([1, 2, 3, 4, 5, 31, 32, 1 + random.int(CHUNK_ROWS)])
  const values = new Float64Array(count * CHUNK_ROWS)
  for (let c = 0; c < count; c++) {
    const next = random.pick(SHAPES)
    for (let r = 0, v = random.int(100_000); r < rows; r++) values[c * CHUNK_ROWS + r] = v = next(v)
  }
  return { rows, values, hints: Uint8Array.from({ length: count }, () => random.pick([0, 0, 2, HINT_XOR, random.int(16)])) }
}

function byTwin({ rows, values, hints }: Columns): { chunks: string[]; hints: number[] } {
  const out = new Uint8Array(CHUNK_BYTES_MAX)
  const next: number[] = []
  const chunks = Array.from(hints, (hint, c) => {
    const end = encodeChunk(values, c * CHUNK_ROWS, rows, out, 0, hint)
    next.push(lastHint)
    return Buffer.from(out.subarray(0, end)).toString('hex')
  })
  return { chunks, hints: next }
}

function byKernel({ rows, values, hints }: Columns): { chunks: string[]; hints: number[] } {
  return withKernels('wasm', () => {
    const columns = hints.length
    const kernel = chunksKernel(columns)!
    // As rows of a group stand, among others.
    const row = new Float64Array(columns + 5)
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) row.set(values.subarray(c * CHUNK_ROWS + r, c * CHUNK_ROWS + r + 1), 3 + c)
      kernel.takeRow(r, row, 3, columns)
    }
    const all = Uint8Array.of(99, ...hints, 99)
    const size = kernel.encode(rows, all, 1, columns)
    const chunks = Array.from(hints, (_, c) => Buffer.from(kernel.chunks.subarray(c === 0 ? 0 : kernel.ends[c - 1]!, kernel.ends[c]!)).toString('hex'))
    expect([size, all[0], all.at(-1)]).toEqual([kernel.ends[columns - 1], 99, 99])
    return { chunks, hints: [...all.subarray(1, -1)] }
  })
}

describe('chunks by the kernel', () => {
  it('have the twin\'s bytes and hints, whatever they hold', () => {
    const kinds = new Set<number>()
    for (let i = 0; i < 60; i++) {
      const columns = someColumns(random.pick([16, 17, 100, 512]))
      const want = byTwin(columns)
      for (const chunk of want.chunks) kinds.add(Number.parseInt(chunk.slice(0, 2), 16))
      const got = byKernel(columns)
      if (got.chunks.join() === want.chunks.join() && got.hints.join() === want.hints.join()) continue
      const wrong = want.chunks.findIndex((chunk, c) => got.chunks[c] !== chunk || got.hints[c] !== want.hints[c])
      const shown = [...columns.values.subarray(wrong * CHUNK_ROWS, wrong * CHUNK_ROWS + columns.rows)].join(' ')
      expect({ chunk: got.chunks[wrong], hint: got.hints[wrong] }, `hint ${columns.hints[wrong]}: ${shown}`).toEqual({ chunk: want.chunks[wrong], hint: want.hints[wrong] })
    }
    const orders = [0, 1, 2].map((order) => KIND_DECIMAL | (order << HEAD_ORDER_SHIFT))
    for (const kind of [KIND_ZERO, KIND_CONSTANT, KIND_XOR, ...orders, orders[1]! | HEAD_SPARSE]) expect(kinds, `${kind}`).toContain(kind)
  })

  it('of few columns are the twin\'s', () => withKernels('wasm', () => expect([chunksKernel(15), chunksKernel(16) === null]).toEqual([null, false])))
})
