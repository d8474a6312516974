import { expect, test } from 'vitest'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { Random } from '../../lib/std/random.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { open } from './store.ts'

/** Label sets that share much, little or nothing with the one before. */
function labelSets(random: Random): string[][] {
  const names = ['__name__', 'a', 'b', 'cluster', 'ü', 'x'.repeat(200), 'zone']
  const values = ['', 'v', 'v1', 'v12', 'größe', '🐟', 'w'.repeat(127), 'w'.repeat(128), 'y'.repeat(20_000)]
  const sets = new Map<string, string[]>()
  let last: string[] = []
  for (let i = 0; i < 400; i++) {
    const labels: string[] = []
    for (const name of names) {
      const before = last.indexOf(name)
      if (before >= 0 && before % 2 === 0 && random.int(3) > 0) labels.push(name, last[before + 1]!)
      else if (random.int(2) === 0) labels.push(name, values[1 + random.int(values.length - 1)]!)
    }
    sets.set(JSON.stringify(labels), labels)
    last = labels
  }
  return [...sets.values()].filter((labels) => labels.length > 0)
}

test('a start gives every series the labels it had', async () => {
  const folder = tempFolder()
  const db = open(folder)
  const sets = labelSets(new Random(1))
  const refs = sets.map((labels) => db.series(labels))
  await db.close()
  const again = open(folder)
  const querier = new StoreQueryable(again.handle(), 1).querier()
  const ids = new Uint32Array(64)
  const labelsOf = (ref: number): string[] => Array.from(ids.subarray(0, querier.labelsOf(ref, ids)), (id) => querier.textOf(id))
  expect(refs.map(labelsOf)).toEqual(sets)
  // What they are called leads to them, too: nobody is made a second time.
  expect(sets.map((labels) => again.series(labels))).toEqual(refs)
  querier.close()
  await again.close()
})
