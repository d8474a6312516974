import { expect, it } from 'vitest'
import { compareNatural } from '../../../lang/func/natural-sort.ts'
import { Random } from '../../../lib/std/random.ts'

it('sorts runs of digits as numbers, the rest by bytes', () => {
  const sorted = ['1', '2', '10', '10a', '10b2', '10b10', 'Z', 'a', 'a1', 'a1b', 'a2', 'a10', 'b', 'cpu-9223372036854775808', 'cpu-9223372036854775809', 'é', '']
  const random = new Random(7)
  const shuffled = sorted.map((text) => ({ text, key: random.float() })).toSorted((a, b) => a.key - b.key).map(({ text }) => text)
  expect(shuffled.toSorted(compareNatural)).toEqual(sorted)
})
