// What the tests of a store's tiers share: samples, and the rows that queries see beside those that raw samples make.
import { expect } from 'vitest'
import type { FakeClock } from '../../lib/std/clock.ts'
import type { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { TierName } from '../../storage/tier/bucket.ts'
import { MemoryTiers } from '../support/memory-tiers.ts'
import { rowsOf, type TierView } from '../support/tier-faults.ts'
import { append, batchOf, keyOf, series, seriesOf } from './store.ts'

export const MINUTE = 60_000
export const HOUR: number = 60 * MINUTE
export const T0: number = Math.floor(1_700_000_000_000 / (54 * HOUR)) * 54 * HOUR
export const ALL = [{ name: '__name__', op: '!=', value: '' }] as const

type Tier = Exclude<TierName, 'raw'>

/** What a tier covers, its rows there, and what they should be. */
export function lookAt(db: Database, name: Tier): TierView {
  const queryable = new StoreQueryable(db.handle(), 1)
  const querier = queryable.querier()
  try {
    const tier = querier.buckets!.tiers(ALL).find((one) => one.name === name)
    if (tier === undefined) return { name, rows: new Map(), want: new Map(), from: 0, to: 0 }
    const { from, to } = tier
    const since = Math.max(from, T0 - 48 * HOUR)
    return { name, rows: rowsOf(querier, querier.buckets!, since, to, name), want: rowsOf(querier, new MemoryTiers(querier, {}), since, to, name), from, to }
  } finally {
    querier.close()
    queryable.close()
  }
}

/** The key of a row of series `i`, by the end of its bucket, minutes since T0. */
export const rowKey = (i: number, minutes: number): string => `${keyOf(series(i))} ${T0 + minutes * MINUTE}`

export const expectWholeTier = (db: Database, name: Tier, to: number): void => expectWholeRows(lookAt(db, name), to)

export function expectWholeRows({ rows, want, to: seenTo }: TierView, to: number): void {
  expect((seenTo - T0) / MINUTE, 'covered up to').toBe((to - T0) / MINUTE)
  // Fast path: an expect for each of some ten thousand rows takes longer than all else.
  for (const [key, row] of want) if (rows.get(key)?.every((value, i) => Object.is(value, row[i])) !== true) expect(rows.get(key), key).toEqual(row)
  expect(rows.size).toBe(want.size)
  expect(rows.size).toBeGreaterThan(0)
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
