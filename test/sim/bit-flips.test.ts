// Every bit of a log before the reader of its frames; before whole stores a slice of what `npm run prove -- flips` makes of every bit.
import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/std/random.ts'
import { testSeed } from '../support/seed.ts'
import { FLIPPED_FILES, flipBits, flipLogFrames, type FlippedFile } from './bit-flips.ts'

/** Some seconds' worth; no power of two, so that all bits of a byte have their turn. */
const STRIDES: Readonly<Record<FlippedFile, number>> = { log: 263, segments: 23, definitions: 13 }

describe('a flipped bit', () => {
  it('of a log of 64 KiB, whichever it is, takes the frame it is in, and no other', async () => {
    const { flips, faults } = await flipLogFrames()
    expect(faults).toEqual([])
    expect(flips).toBeGreaterThan(64 * 1024 * 8 - 200)
  }, 120_000)

  for (const file of FLIPPED_FILES) {
    it(`of the ${file} costs one record at the most, shows no wrong value, and is told of`, async () => {
      const stride = STRIDES[file]
      const first = new Random(testSeed()).int(stride)
      const { flips, costly, faults } = await flipBits(file, { first, stride })
      expect(faults, `every ${stride}th bit from ${first} on`).toEqual([])
      expect(flips).toBeGreaterThan(400)
      if (file === 'definitions') expect(costly).toBe(0)
      else expect(costly / flips).toBeGreaterThan(0.9)
    })
  }
})
