import { describe, expect, it } from 'vitest'
import { compileMatcher, type Matcher, type MatchOp } from '../../lib/model/matcher.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { Random } from '../../lib/std/random.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { HINTS, NOW, append, batchOf, open } from './store.ts'

const OPS: readonly MatchOp[] = ['=', '!=', '=~', '!~']
const VALUES = ['', 'a', 'a1', 'b', 'b.+', 'a.*', '.*1', 'a|b|c5', 'c[0-9]+', 'c[0-9]+5', 'é[0-9]+', 'é1.*', 'ca|é2', '[a-z]1[0-9]']

describe('selecting series', () => {
  it('finds what a look at every series finds, however often it is asked while series are added', async () => {
    const random = new Random(5)
    const db = open(tempFolder())
    const queryable = new StoreQueryable(db.handle(), 1)
    const stored: Record<string, string>[] = []
    const names = ['x', 'y', 'later']
    const matcherSets = Array.from({ length: 60 }, (): Matcher[] => [
      { name: '__name__', op: '=', value: random.pick(['m', 'n']) },
      ...Array.from({ length: random.int(3) }, (): Matcher => ({ name: random.pick(names), op: random.pick(OPS), value: random.pick(VALUES) })),
    ])
    matcherSets.push([{ name: 'x', op: '!=', value: '' }], [{ name: 'x', op: '=~', value: 'c.+' }])
    for (let round = 0; round < 30; round++) {
      // Large steps are selected anew, small ones added to what is known.
      const count = round % 10 === 9 ? 4100 : 1 + random.int(40)
      for (let i = 0; i < count; i++) {
        const labels: Record<string, string> = { __name__: random.pick(['m', 'n']), id: String(stored.length), x: `${random.pick(['a', 'b', 'c', 'é'])}${random.int(20)}` }
        if (random.int(2) === 0) labels['y'] = random.pick(['a', 'b', 'c5'])
        if (round > 15) labels['later'] = random.pick(['a', 'b'])
        expect(db.series(labelsFromRecord(labels))).toBe(stored.push(labels))
      }
      // Without a sample nothing has values.
      if (round === 0) append(db, batchOf(NOW, [db.series(labelsFromRecord(stored[0]!))], [1]))
      for (const name of names) {
        const querier = queryable.querier()
        const values = querier.labelValues(name, [], -Infinity, Infinity)
        querier.close()
        expect(values).toEqual([...new Set(stored.flatMap((labels) => labels[name] ?? []))].toSorted())
      }
      for (let i = 0; i < 25; i++) {
        const matchers = random.pick(matcherSets)
        const tests = matchers.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }))
        const want = stored.flatMap((labels, s) => (tests.every(({ name, test }) => test(labels[name] ?? '')) ? [s + 1] : []))
        const querier = queryable.querier()
        const { refs } = querier.select(matchers, 0, 1, HINTS)
        querier.close()
        expect(Array.from(refs), JSON.stringify(matchers)).toEqual(want)
      }
    }
    queryable.close()
    await db.close()
  }, 120_000)
})
