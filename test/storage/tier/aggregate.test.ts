// Rows of buckets against a naive recomputation from a plain list of samples, in another order of operations.
import { describe, expect, it } from 'vitest'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { Random } from '../../../lib/std/random.ts'
import { MemoryStorage, type BatchShape, type MemorySample } from '../../support/memory-storage.ts'
import { MemoryTiers } from '../../support/memory-tiers.ts'
import { randomHistogram } from '../../support/random-histogram.ts'
import { bucketEnd } from '../../../storage/tier/aggregate.ts'
import { TIER_MS, type BucketColumns } from '../../../storage/tier/bucket.ts'
import { testSeed } from '../../support/seed.ts'

type Row = { [K in keyof BucketColumns]: number }
const COVERS = { raw: { from: -Infinity, to: Infinity } }
const ALL = [{ name: '__name__', op: '!=', value: '' }] as const
const T0 = 1_699_999_200_000

function rowsOf(store: MemoryStorage, name: '1m' | '1h', mint: number, maxt: number): Map<string, Row> {
  const querier = store.querier()
  const selection = new MemoryTiers(querier, COVERS).selectBuckets(name, ALL, mint, maxt)
  const rows = new Map<string, Row>()
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    for (let s = 0; s < batch.seriesCount; s++) {
      for (let i = 0; i < batch.n; i++) {
        const row = Object.fromEntries(Object.entries(batch.columns).map(([key, column]) => [key, column[s * batch.n + i]!])) as Row
        if (row.count + row.staleAtEnd > 0) rows.set(`${selection.refs[batch.index[s]!]} ${batch.t[i]}`, row)
      }
    }
  }
  querier.close()
  return rows
}

/** What the row of samples in order of time is, by the words of bucket.ts. */
function naiveRow(samples: readonly MemorySample[]): Row | null {
  const floats = samples.filter(({ isStale, h }) => !isStale && h === null)
  const staleAtEnd = samples.at(-1)!.isStale ? 1 : 0
  const v = floats.map((sample) => sample.v)
  const numbers = v.filter((x) => !Number.isNaN(x))
  if (v.length === 0) return staleAtEnd === 0 ? null : { count: 0, staleAtEnd } as Row
  const ranked = [...v.filter(Number.isNaN), ...numbers.toSorted((a, b) => a - b)]
  const rank = 0.99 * (v.length - 1)
  const low = ranked[Math.floor(rank)]!
  const high = ranked[Math.min(v.length - 1, Math.floor(rank) + 1)]!
  const mean = v.reduce((sum, x) => sum + x, 0) / v.length
  return {
    count: v.length, staleAtEnd, sum: v.reduce((sum, x) => sum + x, 0), m2: v.reduce((sum, x) => sum + (x - mean) ** 2, 0),
    min: numbers.length === 0 ? NaN : Math.min(...numbers), max: numbers.length === 0 ? NaN : Math.max(...numbers),
    first: v[0]!, last: v.at(-1)!, correction: v.reduce((sum, x, i) => (i > 0 && x < v[i - 1]! ? sum + v[i - 1]! : sum), 0),
    p99: Number.isNaN(low) ? NaN : low * (1 - (rank - Math.floor(rank))) + high * (rank - Math.floor(rank)),
    firstT: floats[0]!.t, lastT: floats.at(-1)!.t,
  }
}

function expectRow(actual: Row, expected: Row, what: string): void {
  for (const key of Object.keys(expected) as (keyof Row)[]) {
    const [a, e] = [actual[key], expected[key]]
    // The naive sums are plain ones: what they are off by grows with the values.
    const slack = key === 'sum' ? 1e-12 * expected.count * Math.max(Math.abs(expected.max), Math.abs(expected.min))
      : key === 'm2' ? 1e-9 * Math.max(expected.m2, expected.count * expected.max ** 2 * 1e-6) : 0
    if (slack > 0 && Number.isFinite(e)) expect(Math.abs(a - e), `${what} ${key}: ${a}, not ${e}`).toBeLessThanOrEqual(slack)
    // A variance that is not finite is Infinity or NaN by the order of operations.
    else if (key === 'm2' && !Number.isFinite(e)) expect(Number.isFinite(a), `${what} ${key}: ${a}`).toBe(false)
    // Zeros of both signs are one.
    else expect(a + 0, `${what} ${key}`).toBe(e + 0)
  }
}

function randomValue(random: Random, before: number, kind: number): number {
  switch (kind) {
    case 0: return before + random.int(1000)
    case 1: return Math.round(random.float() * 10_000) / 100
    case 2: return random.int(5) === 0 ? 0 : before + 1
    case 3: return random.float() * 2 - 1
    case 4: return 7
    default: return random.pick([NaN, Infinity, -Infinity, -0, 0, 1, -1.5, 1e300])
  }
}

function randomStore(random: Random): MemoryStorage {
  const store = new MemoryStorage({ shape: random.pick<BatchShape>(['equal', 'each', 'union']) })
  for (let s = 0; s < 6; s++) {
    const labels = labelsFromRecord({ __name__: 'm', s: String(s) })
    let value = 0
    for (let t = T0 + random.int(3); t < T0 + 1_200_000; t += random.pick([10_000, 15_000, 60_000, 1])) {
      const what = random.int(20)
      if (what === 0) store.addStale(labels, t)
      else if (what === 1) store.addHistogram(labels, t, randomHistogram(random))
      else if (what > 2) store.add(labels, t, value = randomValue(random, value, s))
    }
  }
  return store
}

describe('aggregates of buckets', () => {
  it('are what a naive recomputation from the same samples gives', () => {
    for (let run = 0, seed = testSeed(); run < 60; run++, seed++) {
      const store = randomStore(new Random(seed))
      for (const name of ['1m', '1h'] as const) {
        const rows = rowsOf(store, name, -Infinity, Infinity)
        let expected = 0
        store.dump().forEach(({ samples }, s) => {
          for (const [end, inside] of Map.groupBy(samples, ({ t }) => bucketEnd(t, TIER_MS[name]))) {
            const row = naiveRow(inside)
            const actual = rows.get(`${s + 1} ${end}`)
            const what = `seed ${seed}, ${name}, series ${s + 1}, bucket ${end}`
            if (row === null) {
              expect(actual, what).toBeUndefined()
              continue
            }
            expected++
            expectRow(actual!, row, what)
          }
        })
        expect(rows.size).toBe(expected)
      }
    }
  })

  it('end at multiples of the width: a sample on a bound is the last of the bucket that ends there', () => {
    const store = new MemoryStorage()
    const labels = labelsFromRecord({ __name__: 'm' })
    for (const [i, t] of [T0 - 60_000, T0 - 59_999, T0, T0 + 1].entries()) store.add(labels, t, i)
    const rows = rowsOf(store, '1m', -Infinity, Infinity)
    expect([...rows].map(([key, { count, first, last }]) => [key, count, first, last])).toEqual([
      [`1 ${T0 - 60_000}`, 1, 0, 0], [`1 ${T0}`, 2, 1, 2], [`1 ${T0 + 60_000}`, 1, 3, 3],
    ])
    expect([...rowsOf(store, '1m', T0 - 60_000, T0).keys()], 'of ends in (mint, maxt]').toEqual([`1 ${T0}`])
  })

  it('tell a bucket of a staleness marker alone, and no other empty one', () => {
    const store = new MemoryStorage()
    const labels = labelsFromRecord({ __name__: 'm' })
    store.add(labels, T0, 1)
    store.addStale(labels, T0 + 30_000)
    store.add(labels, T0 + 180_000, 1)
    expect([...rowsOf(store, '1m', -Infinity, Infinity)].map(([key, { count, staleAtEnd }]) => [key, count, staleAtEnd])).toEqual([
      [`1 ${T0}`, 1, 0], [`1 ${T0 + 60_000}`, 0, 1], [`1 ${T0 + 180_000}`, 1, 0],
    ])
  })
})
