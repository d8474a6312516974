import { describe, expect, it } from 'vitest'
import { quantile } from '../../../lib/model/quantile.ts'
import { Random } from '../../../lib/std/random.ts'

const LARGE = 1_000_000

/** Some million numbers, many of them equal, some NaN. */
function many(random: Random, nanShare: number): Float64Array {
  return Float64Array.from({ length: LARGE }, () => (random.float() < nanShare ? NaN : random.int(100_000) - 50_000))
}

/** By the words of the language: NaN first, then numbers, ascending. */
function bySorting(q: number, values: Float64Array): number {
  const sorted = [...values.filter((x) => x !== x), ...values.filter((x) => x === x).sort()]
  const rank = q * (sorted.length - 1)
  const lower = Math.floor(rank)
  return sorted[lower]! * (1 - (rank - lower)) + sorted[Math.min(sorted.length - 1, lower + 1)]! * (rank - lower)
}

describe('quantile', () => {
  it('finds the ranks of arrays that are sorted in parts', () => {
    const random = new Random(5)
    for (const nanShare of [0, 0.3]) {
      const values = many(random, nanShare)
      for (const q of [0, 0.1, 0.299999, 0.5, 0.99, 0.9999999, 1]) expect(quantile(q, values.slice()), `${q}`).toBe(bySorting(q, values))
    }
  })

  it('tells of its work as it goes, and ends when it is told to', () => {
    let sorted = 0
    const spend = (samples: number): void => {
      sorted += samples
      if (sorted > LARGE / 2) throw new Error('over')
    }
    expect(() => quantile(0.5, many(new Random(6), 0), spend)).toThrow('over')
    expect(sorted).toBeLessThan(LARGE)
  })
})
