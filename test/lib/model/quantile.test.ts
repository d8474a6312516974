import { describe, expect, it } from 'vitest'
import { quantile } from '../../../lib/model/quantile.ts'
import { Random } from '../../../lib/std/random.ts'
import { testSeed } from '../../support/seed.ts'

const LARGE = 1_000_000

/** Some million numbers, many of them equal, some NaN. */
function many(random: Random, nanShare: number): Float64Array {
  return Float64Array.from({ length: LARGE }, () => (random.float() < nanShare ? NaN : random.int(100_000) - 50_000))
}

/** By the words of the language: NaN first, then numbers, ascending. */
function inOrder(values: Float64Array): Float64Array {
  const numbers = values.filter((x) => x === x).sort()
  const sorted = new Float64Array(values.length).fill(NaN)
  sorted.set(numbers, values.length - numbers.length)
  return sorted
}

function bySorting(q: number, sorted: Float64Array): number {
  const rank = q * (sorted.length - 1)
  const lower = Math.floor(rank)
  return sorted[lower]! * (1 - (rank - lower)) + sorted[Math.min(sorted.length - 1, lower + 1)]! * (rank - lower)
}

describe('quantile', () => {
  it('finds the ranks of arrays that are sorted in parts', () => {
    const random = new Random(5)
    for (const nanShare of [0, 0.3]) {
      const values = many(random, nanShare)
      const sorted = inOrder(values)
      for (const q of [0, 0.1, 0.299999, 0.5, 0.99, 0.9999999, 1]) expect(quantile(q, values.slice()), `${q}`).toBe(bySorting(q, sorted))
    }
  })

  it('finds the ranks of what is in any order, also where looking for them would take longest', () => {
    const random = new Random(testSeed())
    // The least number in the middle of ascending ones: each pass would leave out one.
    const inMiddle = (n: number, k: number): number[] => Array.from({ length: n }, (_, i) => (i === k ? -1 : i))
    const shapes: ((n: number, k: number) => number[])[] = [
      inMiddle, (n, k) => inMiddle(n, k).map((x) => -x).toReversed(),
      (n) => Array.from({ length: n }, () => random.int(n)), (n) => Array.from({ length: n }, () => random.int(3)),
      (n) => Array.from({ length: n }, (_, i) => i), (n) => Array.from({ length: n }, (_, i) => -i),
      (n) => Array.from({ length: n }, (_, i) => Math.abs(i - n / 2)),
      (n) => Array.from({ length: n }, () => random.pick([NaN, Infinity, -Infinity, random.float()])),
    ]
    for (let run = 0; run < 400; run++) {
      const n = 1 + random.int(random.pick([60, 600, 6000]))
      const q = random.pick([0, 1, 0.5, 0.99, random.float()])
      const values = Float64Array.from(random.pick(shapes)(n, Math.floor(q * (n - 1))))
      expect(quantile(q, values.slice()), `${q} of ${n}`).toBe(bySorting(q, inOrder(values)))
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
