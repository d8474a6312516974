// Pieces by the kernel, against their twins bit by bit.
import { describe, expect, it } from 'vitest'
import { pieceKernel } from '../../../lib/kernels/piece.ts'
import { Random } from '../../../lib/std/random.ts'
import { KIND_DECIMAL, KIND_XOR } from '../../../storage/codec/chunk-encode.ts'
import { decodePiece, PIECE_PAD_BYTES } from '../../../storage/codec/piece-decode.ts'
import { encodePiece } from '../../../storage/codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../../../storage/codec/piece-shape.ts'
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
  pieces.forEach((_, i) => {
    if (kernel[i] !== twin[i]) expect(kernel[i], `piece ${i}`).toBe(twin[i])
  })
}

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
        const read = pieceKernel(n)!.decode(kind === KIND_DECIMAL, bytes, 1, n, new Float64Array(n), 0)
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
