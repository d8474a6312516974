import { expect, it } from 'vitest'
import { labelsFromMap } from '../../../lib/model/labels.ts'
import { Random } from '../../../lib/std/random.ts'
import { testSeed } from '../../support/seed.ts'

it('sorts the labels of a map by the bytes of their names and leaves out empty ones, however many there are', () => {
  const random = new Random(testSeed())
  // Surrogates sort behind U+FF5E in UTF-8, before it in UTF-16.
  const parts = ['a', 'b', '_', 'Z', 'ü', '～', '🐟', '__']
  for (const size of [0, 1, 2, 5, 8, 20, 47, 48, 49, 50, 300]) {
    for (let round = 0; round < 20; round++) {
      const map = new Map<string, string>()
      while (map.size < size) map.set(Array.from({ length: 1 + random.int(6) }, () => parts[random.int(parts.length)]).join(''), random.int(4) === 0 ? '' : `v${random.int(9)}`)
      const want = [...map].filter(([, value]) => value !== '').toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).flat()
      expect(labelsFromMap(map)).toEqual(want)
    }
  }
})
