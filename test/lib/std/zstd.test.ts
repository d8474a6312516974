import { constants, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Random } from '../../../lib/std/random.ts'
import { unzstdInto } from '../../../lib/std/zstd.ts'
import { testSeed } from '../../support/seed.ts'

function unpacked(packed: Uint8Array, sizeBytes: number): Buffer {
  const out = Buffer.alloc(sizeBytes + 1)
  unzstdInto(packed, out, sizeBytes)
  return out.subarray(0, sizeBytes)
}

describe('unzstdInto', () => {
  it('gives back what was packed, frame after frame', () => {
    const seed = testSeed()
    const random = new Random(seed)
    for (let round = 0; round < 400; round++) {
      const length = [0, 1, random.int(300), random.int(5000), random.int(400_000)][random.int(5)]!
      const body = Buffer.from(Uint8Array.from({ length }, () => (random.int(4) === 0 ? random.int(256) : 97)))
      const params = { [constants.ZSTD_c_checksumFlag]: random.int(2), [constants.ZSTD_c_compressionLevel]: 1 + random.int(6) }
      expect(Buffer.compare(unpacked(zstdCompressSync(body, { params }), length), body), `seed ${seed} round ${round}`).toBe(0)
    }
  })

  it('throws at anything else, and works on afterwards', () => {
    const body = Buffer.from('metric 1\n'.repeat(500))
    const packed = zstdCompressSync(body, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
    const flipped = Buffer.from(packed)
    flipped[packed.length - 2]! ^= 0x10
    const other = zstdCompressSync(Buffer.alloc(1_000_000))
    const bad: [Uint8Array, number][] = [
      [Buffer.from('no frame at all'), body.length], [packed.subarray(0, 12), body.length], [flipped, body.length], [Buffer.alloc(0), body.length],
      [packed, body.length - 1], [packed, body.length + 1], [packed, 0], [other, body.length],
    ]
    for (const [input, sizeBytes] of bad) {
      expect(() => unpacked(input, sizeBytes)).toThrow(/./)
      expect(Buffer.compare(unpacked(packed, body.length), body)).toBe(0)
    }
  })

  it('is not led astray by a frame that lacks its last bytes', () => {
    const body = Buffer.from('metric 1\n'.repeat(500))
    const packed = zstdCompressSync(body, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
    for (let cut = 1; cut <= 8; cut++) {
      try {
        expect(Buffer.compare(unpacked(packed.subarray(0, packed.length - cut), body.length), body)).toBe(0)
      } catch (error) {
        expect(String(error)).toMatch(/unexpected end|bytes, not/i)
      }
      for (let again = 0; again < 3; again++) expect(Buffer.compare(unpacked(packed, body.length), body)).toBe(0)
    }
  })
})
