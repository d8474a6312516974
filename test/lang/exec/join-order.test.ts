// A join reads its sides side by side: in whatever order the store gives them, and whoever is missing, the answer is the
// same, and rows wait no longer than they must.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { Random } from '../../../lib/std/random.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

const STEPS = 1500
const SERIES = 100
/** Enough for several batches. */
const FEW = 30
/** Of one side, 1.4 MB; a buffer between operators takes 147 kB. */
const SIDE_BYTES = SERIES * STEPS * 9

interface Answer {
  status: string
  error?: string
  data: { result: unknown[]; stats: { samples: { peakSamples: number }; memory: { peakBytes: number } } }
}

function textOf(store: MemoryStorage, query: string, { stats = '', ...options }: { samplesMax?: number; stats?: '' | 'true' } = {}): string {
  const { body } = new Engine(options).run({
    kind: 'range', query, startMs: 0, endMs: (STEPS - 1) * 1000, stepMs: 1000, timeoutMs: 30_000, limit: 0, lookbackMs: 300_000, stats,
  }, store)
  return new TextDecoder().decode(body)
}

function ask(store: MemoryStorage, query: string, options: { samplesMax?: number } = {}): Answer {
  return JSON.parse(textOf(store, query, { ...options, stats: 'true' })) as Answer
}

/** One series of each metric for each of `order`, in that order; those of `missing` come without samples in range. */
function fill(store: MemoryStorage, metric: string, order: readonly number[], missing: (i: number) => boolean = () => false): void {
  for (const i of order) {
    const labels = labelsFromRecord({ __name__: metric, i: String(i), group: String(i % 7) })
    for (let k = 0; k < STEPS; k++) store.add(labels, missing(i) ? 1e9 + k : k * 1000, i * 1000 + k + (metric === 'b' ? 0.5 : 1))
  }
}

const ascending = Array.from({ length: SERIES }, (_, i) => i)

function shuffled(seed: number): number[] {
  const random = new Random(seed)
  return ascending.map((i) => ({ i, key: random.float() })).sort((x, y) => x.key - y.key).map(({ i }) => i)
}

const orders: [string, readonly number[]][] = [['the reverse', ascending.toReversed()], ['any', shuffled(1)]]
const missings: [string, (i: number) => boolean][] = [['none', () => false], ['every third', (i) => i % 3 === 0]]

describe('a join', () => {
  const queries = [
    'a / b', 'a > b', 'b - a', 'a / on(i) group_left b', 'a * on(i) group_right b', 'a + fill(3) b', 'a + fill_left(3) b', 'a + b * 2 - a', 'a * on(group) group_left(room) rooms',
    'a * on(group) group_right b', 'sum by (group) (a) / on(group) group_right b',
  ]
  it.each(orders)('answers the same where the other side comes in an order that is %s', (_, order) => {
    for (const [, missing] of missings) {
      const stores = [ascending, order].map((other) => {
        const store = new MemoryStorage({ shape: 'each' })
        fill(store, 'a', ascending.slice(0, FEW))
        fill(store, 'b', other.filter((i) => i < FEW), missing)
        for (const group of ascending.slice(0, 7)) store.add(labelsFromRecord({ __name__: 'rooms', group: String(group), room: `r${group % 2}` }), 0, 2)
        return store
      })
      for (const query of queries) {
        const [want, got] = stores.map((store) => textOf(store, query)) as [string, string]
        // Long texts are compared by hand: an assertion would look for where they differ.
        expect(got === want ? 'the same' : `${got.slice(0, 300)}, not ${want.slice(0, 300)}`, query).toBe('the same')
      }
    }
  }, 120_000)

  it('says what two series that match are, however late the second one comes', () => {
    const store = new MemoryStorage({ shape: 'each' })
    fill(store, 'a', ascending)
    fill(store, 'b', shuffled(3))
    store.add(labelsFromRecord({ __name__: 'b', i: '5', other: 'x' }), 400_000, 1)
    expect(ask(store, 'a / on(i) b').error).toContain('found duplicate series for the match group {i="5"} on the right hand-side of the operation: [{__name__="b", group="5", i="5"}, {__name__="b", i="5", other="x"}]')
  })

  const peakOf = (order: readonly number[], query: string, missing?: (i: number) => boolean): number => {
    const store = new MemoryStorage({ shape: 'each' })
    fill(store, 'a', ascending)
    fill(store, 'b', order, missing)
    return ask(store, query).data.stats.memory.peakBytes / SIDE_BYTES
  }

  it('holds next to nothing of sides that come in one order, and what waits of others', () => {
    const ascend = peakOf(ascending, 'sum(a / b)')
    const gaps = peakOf(ascending, 'sum(a / b)', (i) => i % 3 === 0)
    const any = peakOf(shuffled(4), 'sum(a / b)')
    const reverse = peakOf(ascending.toReversed(), 'sum(a / b)')
    expect([ascend < 0.5, gaps < 1.05, any < 1.15, reverse < 1.45], [ascend, gaps, any, reverse].join()).toEqual([true, true, true, true])
  })

  it('of joins lets go of samples as Prometheus does: the result is counted, not all that was read', () => {
    const store = new MemoryStorage({ shape: 'each' })
    for (const metric of ['a', 'b', 'c', 'd', 'e', 'f']) fill(store, metric, metric < 'd' ? ascending : shuffled(5))
    const samplesMax = SERIES * STEPS * 4
    expect(ask(store, 'a/b + c/d + e/f', { samplesMax }).status).toBe('success')
    expect(ask(store, 'a/b + c/d + e/f', { samplesMax: SERIES * STEPS * 0.9 }).error).toContain('too many samples')
  })
})
