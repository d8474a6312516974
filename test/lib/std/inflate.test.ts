import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Inflater, NOT_INFLATED } from '../../../lib/std/inflate.ts'
import { Random } from '../../../lib/std/random.ts'
import { testSeed } from '../../support/seed.ts'

function inflater(): Inflater {
  const made = new Inflater()
  onTestFinished(() => made.close())
  return made
}

describe('Inflater', () => {
  it('gives back what gzip packed, again and again, into the caller\'s memory', () => {
    const seed = testSeed()
    const random = new Random(seed)
    const one = inflater()
    const out = new Uint8Array(70_000)
    for (let round = 0; round < 300; round++) {
      const body = Buffer.from(Uint8Array.from({ length: random.int(60_000) }, () => (random.int(3) === 0 ? random.int(256) : 97)))
      const length = one.inflateInto(gzipSync(body), out)
      expect(length, `seed ${seed} round ${round}`).toBe(body.length)
      expect(Buffer.compare(out.subarray(0, length), body)).toBe(0)
    }
  })

  it('says so of anything else, and works on afterwards', () => {
    const one = inflater()
    const body = Buffer.from('metric 1\n'.repeat(500))
    const packed = gzipSync(body)
    const out = new Uint8Array(8192)
    const flipped = Buffer.from(packed)
    flipped[20]! ^= 0xff
    const wrongSum = Buffer.from(packed)
    wrongSum[packed.length - 6]! ^= 1
    const bad = [
      Buffer.from('no gzip at all'), packed.subarray(0, packed.length - 1), packed.subarray(0, 12), flipped, wrongSum,
      Buffer.concat([packed, Buffer.from('garbage')]), Buffer.concat([packed, packed]), Buffer.alloc(0),
    ]
    for (const input of bad) {
      expect(one.inflateInto(input, out)).toBe(NOT_INFLATED)
      expect(one.inflateInto(packed, out)).toBe(body.length)
    }
    expect(one.inflateInto(packed, new Uint8Array(100))).toBe(NOT_INFLATED)
    expect(one.inflateInto(packed, out)).toBe(body.length)
  })
})
