// Pieces by the kernel, against their twins bit by bit.
import { describe, expect, it } from 'vitest'
import { pieceDecoder, pieceEncoder } from '../../../lib/kernels/piece.ts'
import { Random } from '../../../lib/std/random.ts'
import { KIND_DECIMAL, KIND_XOR } from '../../../storage/codec/chunk-encode.ts'
import { decodePiece, PIECE_PAD_BYTES } from '../../../storage/codec/piece-decode.ts'
import { encodePiece } from '../../../storage/codec/piece-encode.ts'
import { DECIMAL_PATCHED, DECIMAL_SPARSE, ORDER_SHIFT, PIECE_BYTES_MAX, PIECE_ROWS } from '../../../storage/codec/piece-shape.ts'
import { withKernels } from '../../support/kernels.ts'
import { testSeed } from '../../support/seed.ts'

interface Piece {
  n: number
  bytes: Uint8Array
  end: number
}

function pieceOf(random: Random, n: number): Piece {
  const next = random.pick(SHAPES)
  const values = new Float64Array(n)
  for (let i = 0, v = random.int(1e6); i < n; i++) values[i] = v = next(random, v)
  const bytes = new Uint8Array(PIECE_BYTES_MAX + PIECE_PAD_BYTES)
  const end = encodePiece(values, 0, n, bytes, 0)
  return { n, bytes: bytes.slice(0, end + 2000), end }
}

/** What a piece decodes to, and where it ends; or the error. */
function outcome({ n, bytes }: Piece): string {
  const out = new Float64Array(n + 2).fill(-1)
  let end: number
  try {
    end = decodePiece({ bytes, view: new DataView(bytes.buffer) }, 0, n, out, 1)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return error.message
  }
  return `${end} ${Buffer.from(out.buffer).toString('hex')}`
}

function agree(pieces: readonly Piece[]): void {
  const [kernel, twin] = [withKernels('wasm', () => pieces.map(outcome)), withKernels('ts', () => pieces.map(outcome))]
  expect(kernel).toHaveLength(pieces.length)
  pieces.forEach((_, i) => {
    if (kernel[i] !== twin[i]) expect(kernel[i], `piece ${i}`).toBe(twin[i])
  })
}

const bits = new BigUint64Array(1)
const double = new Float64Array(bits.buffer)
const anyDouble = (random: Random): number => {
  bits[0] = (BigInt(random.u32()) << 32n) | BigInt(random.u32())
  return double[0]!
}
const LIMIT = 2 ** 52

const SHAPES: readonly ((random: Random, before: number) => number)[] = [
  (random, v) => v + random.int(1000), (random, v) => (Math.round(v * 100) + random.int(90)) / 100, (random, v) => v + 4096 * (random.int(4001) - 2000),
  (random, v) => (random.int(10) === 0 ? v + random.int(1000) : v), (random) => random.float(), (random) => random.int(100),
  (random, v) => (random.int(200) === 0 ? 0 : v + random.int(7)), (random, v) => v + 15_000 + random.int(3), (random, v) => (random.int(100) === 0 ? Math.PI : v + 1),
  (random, v) => (random.int(90) === 0 ? -1e12 : v + random.int(9)), (random) => (random.int(3) === 0 ? NaN : random.float()), (random, v) => v + random.int(1 << 24),
]

describe('pieces by the kernel', () => {
  it('are the twin\'s, and few are left to it', () => {
    const random = new Random(testSeed())
    const pieces = Array.from({ length: 600 }, (_, i) => pieceOf(random, i % 2 === 0 ? PIECE_ROWS : 128 + random.int(PIECE_ROWS - 127)))
    agree(pieces)
    let taken = 0
    let left = 0
    withKernels('wasm', () => {
      for (const { n, bytes, end } of pieces) {
        const kind = bytes[0]! & 3
        if (kind !== KIND_DECIMAL && kind !== KIND_XOR) continue
        const read = pieceDecoder(n)!.decode(kind === KIND_DECIMAL, bytes, 1, n, new Float64Array(n), 0)
        if (read === 0) left++
        else taken++
        expect([0, end - 1]).toContain(read)
      }
    })
    expect(left).toBeLessThan(taken / 20)
  })

  it('are the twin\'s where bytes are damaged, and so are its errors', () => {
    const random = new Random(testSeed())
    agree(Array.from({ length: 3000 }, () => {
      const piece = pieceOf(random, 128 + random.int(300))
      for (let flips = 1 + random.int(3); flips > 0; flips--) piece.bytes[random.int(Math.min(piece.end, random.int(2) === 0 ? 8 : piece.end))]! ^= 1 << random.int(8)
      return piece
    }))
  })
})

/** As SHAPES, and edges of the encoder: of what is a decimal, of divisors, spans and widths. */
const EDGES: typeof SHAPES = [
  ...SHAPES, anyDouble,
  (random) => random.pick([0, -0, 1, -1, NaN, Infinity, -Infinity, 5e-324]), (random) => random.pick([0, -0]),
  (random) => random.pick([LIMIT - 1, LIMIT, LIMIT + 1, -LIMIT, -LIMIT - 1, LIMIT / 2 + 0.5, LIMIT / 10]), (random) => random.int(4) * 2 ** 51, (random) => random.int(2) * 2 ** 47 + random.int(4),
  (random) => Math.floor(random.float() * 2 ** random.int(54)), (random) => (random.int(2_000_000) - 1_000_000) / 10 ** random.int(16),
  (random) => random.int(2) * 4294967295 + random.int(3), (random, v) => v + 3 * 2 ** 33 * random.int(9), (random, v) => v + Math.floor(Math.exp(random.float() * 30)),
  (random, v) => (random.int(60) === 0 ? v + 0.25 : v + 1), (random, v) => (random.int(50) === 0 ? -0 : v + 1), (_, v) => -v * 3, (_, v) => v,
  (random, v) => (random.int(300) === 0 ? random.float() : v), (random, v) => (random.int(500) === 0 ? v + 7 * random.int(1000) : v + 10),
  (random, v) => (random.int(9) === 0 ? v + random.pick([1, 1 << 20]) : v),
  // Half of the steps are 0, the others have two bits: with a bitmap and without take the same.
  (random, v) => v + random.int(2) * (1 + random.int(3)),
]

function edgyValues(random: Random): Float64Array {
  const values = new Float64Array(random.pick([PIECE_ROWS, 64 + random.int(70), 64 + random.int(PIECE_ROWS - 63)]))
  const usual = random.pick(EDGES)
  const other = random.int(4) === 0 ? random.pick(EDGES) : usual
  const one = random.pick([2, 30, 400])
  for (let i = 0, v = random.int(1e6); i < values.length; i++) values[i] = v = (random.int(one) === 0 ? other : usual)(random, v)
  return values
}

describe('pieces encoded by the kernel', () => {
  it('have the twin\'s bytes, whatever way they are encoded', () => {
    const random = new Random(testSeed())
    const columns = Array.from({ length: 2500 }, () => edgyValues(random))
    const encode = (values: Float64Array): Buffer => {
      const out = Buffer.alloc(PIECE_BYTES_MAX + 3, 0xaa)
      const src = Float64Array.of(NaN, ...values, NaN)
      return out.subarray(0, encodePiece(src, 1, values.length, out, 3))
    }
    const [kernel, twin] = [withKernels('wasm', () => columns.map(encode)), withKernels('ts', () => columns.map(encode))]
    const ways = new Set<string>()
    twin.forEach((bytes, i) => {
      if (!bytes.equals(kernel[i]!)) expect(kernel[i]!.toString('hex'), `column ${i}: ${columns[i]!.join()}`).toBe(bytes.toString('hex'))
      const shape = bytes[4]!
      const kind = bytes[3]! & 3
      ways.add(kind === KIND_DECIMAL ? `order ${(shape >> ORDER_SHIFT) & 3}${shape & DECIMAL_SPARSE ? ' sparse' : ''}${shape & DECIMAL_PATCHED ? ' patched' : ''}` : kind === KIND_XOR ? 'xor' : 'constant')
    })
    for (const way of ['constant', 'xor', 'order 0', 'order 1', 'order 2', 'order 1 sparse', 'order 0 patched', 'order 1 patched']) expect(ways).toContain(way)
    withKernels('wasm', () => expect(pieceEncoder(64)).not.toBeNull())
  })
})
