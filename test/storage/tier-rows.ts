// What the tests of a store's tiers share: samples, and the rows that queries see beside those that raw samples make.
import { expect } from 'vitest'
import type { FakeClock } from '../../lib/std/clock.ts'
import type { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import type { Querier } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { BucketBatch, BucketColumns, TierName, TierQuerier } from '../../storage/tier/bucket.ts'
import { MemoryTiers } from '../support/memory-tiers.ts'
import { append, batchOf, keyOf, seriesOf } from './store.ts'

export const MINUTE = 60_000
export const HOUR: number = 60 * MINUTE
export const T0: number = Math.floor(1_700_000_000_000 / (54 * HOUR)) * 54 * HOUR
export const ALL = [{ name: '__name__', op: '!=', value: '' }] as const
const KEYS: readonly (keyof BucketColumns)[] = ['count', 'sum', 'm2', 'min', 'max', 'first', 'last', 'correction', 'p99', 'firstT', 'lastT', 'staleAtEnd']

type Tier = Exclude<TierName, 'raw'>
type Rows = Map<string, Record<string, number>>

function rowsOf(querier: Querier, tiers: TierQuerier, name: Tier, from: number, to: number): Rows {
  const selection = tiers.selectBuckets(name, ALL, from, to, KEYS)
  const rows: Rows = new Map()
  for (let batch = selection.next(); batch !== null; batch = selection.next()) addRows(querier, selection.refs, batch, rows)
  return rows
}

function addRows(querier: Querier, refs: Uint32Array, batch: BucketBatch, rows: Rows): void {
  const pairs = new Uint32Array(64)
  for (let s = 0; s < batch.seriesCount; s++) {
    const n = querier.labelsOf(refs[batch.index[s]!]!, pairs)
    const key = keyOf(Array.from(pairs.subarray(0, n), (symbol) => querier.textOf(symbol)))
    for (let i = 0; i < batch.n; i++) {
      const at = s * batch.n + i
      const row = Object.fromEntries(KEYS.map((name) => [name, batch.columns[name][at]!]))
      const name = `${key} ${(batch.t[i]! - T0) / MINUTE}`
      if (row['count']! === 0 && row['staleAtEnd'] === 0) continue
      expect(rows.has(name), `${name} twice`).toBe(false)
      rows.set(name, row['count'] === 0 ? { count: 0, staleAtEnd: 1 } : row)
    }
  }
}

export interface Seen {
  rows: Rows
  /** Rows made of the raw samples now. */
  want: Rows
  from: number
  to: number
}

/** What a tier covers, its rows there, and what they should be. */
export function lookAt(db: Database, name: Tier): Seen {
  const queryable = new StoreQueryable(db.handle(), 1)
  const querier = queryable.querier()
  try {
    const tier = querier.buckets!.tiers(ALL).find((one) => one.name === name)
    if (tier === undefined) return { rows: new Map(), want: new Map(), from: 0, to: 0 }
    const { from, to } = tier
    const naive = new MemoryTiers(querier, { raw: { from: -Infinity, to: Infinity } })
    const since = Math.max(from, T0 - 48 * HOUR)
    return { rows: rowsOf(querier, querier.buckets!, name, since, to), want: rowsOf(querier, naive, name, since, to), from, to }
  } finally {
    querier.close()
    queryable.close()
  }
}

export function expectWholeTier(db: Database, name: Tier, to: number): void {
  const seen = lookAt(db, name)
  expect((seen.to - T0) / MINUTE, 'covered up to').toBe((to - T0) / MINUTE)
  expect(seen.rows).toEqual(seen.want)
  expect(seen.rows.size).toBeGreaterThan(0)
}

export async function settled(db: Database): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}

/** Samples of some series every 10 s, in [from, to), with gaps and staleness markers. */
export function fill(db: Database, clock: FakeClock, from: number, to: number, random: Random): void {
  const refs = seriesOf(db, 8)
  for (let t = from; t < to; t += 10_000) {
    if (t > clock.now()) clock.jump(t - clock.now())
    const chosen = refs.filter((_, i) => i < 4 || random.int(10) > 0)
    const stale = chosen.map((_, i) => (i === 3 && random.int(20) === 0 ? 1 : 0))
    append(db, batchOf(t, chosen, chosen.map((_, i) => (i === 0 ? 7 : i === 1 ? t / 1000 : random.int(10_000) / 100)), stale))
  }
}
