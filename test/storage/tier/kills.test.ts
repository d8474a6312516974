// kill -9 at each named place where the tiers are written, or raw samples go that they were made of: the next start has all rows,
// and none that are wrong.
import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import { FAULT_POINTS } from '../../../lib/std/fault-point.ts'
import { StoreQueryable, type StoreQuerier } from '../../../storage/store-querier.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { rowsOf, tierFaults, viewTier } from '../../support/tier-faults.ts'
import { HOURS, RAW_MS, T0 } from '../../support/tier-story.ts'
import { open } from '../store.ts'

const HOUR = 3_600_000

/** A process dies at the point; `look` at what the next one has made of its folder. */
async function after(point: string, retentionMs: number, look: (querier: StoreQuerier, oldestT: number) => void): Promise<void> {
  const folder = tempFolder()
  const run = spawnSync(process.execPath, ['test/support/tier-process.ts', folder, point], { encoding: 'utf8', timeout: 60_000 })
  expect([run.signal, run.stderr]).toEqual(['SIGKILL', ''])
  const db = open(folder, { clock: new FakeClock(T0 + (HOURS + 1) * HOUR), retentionMs, minuteRetentionMs: Infinity, hourRetentionMs: Infinity })
  for (let round = 0; round < 2; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
  const queryable = new StoreQueryable(db.handle(), 1)
  const querier = queryable.querier()
  look(querier, db.blocks.blocks[0]?.meta.minT ?? Infinity)
  querier.close()
  queryable.close()
  await db.close()
}

describe('kill -9 while tiers are written', () => {
  const points = FAULT_POINTS.filter((point) => /^(tier|hours)\./.test(point))
  // Three stretches of minutes are made, then compacted, then deleted from, then one made anew; hours are made twice.
  const cases = points.flatMap((point) => [1, point.startsWith('tier.') ? 4 : 2].map((pass) => [point, pass] as const))
  it.each(cases)('at %s, the %sth time, costs nothing', async (point, pass) => {
    await after(`${point}:${pass}`, Infinity, (querier) => {
      for (const [tier, to, rowsMin] of [['1m', T0 + 6 * HOUR - 60_000, 1000], ['1h', T0 + 5 * HOUR, 14]] as const) {
        const view = viewTier(querier, tier)
        expect(tierFaults(view)).toEqual([])
        expect(view.to).toBe(to)
        expect(view.rows.size).toBeGreaterThan(rowsMin)
      }
    })
  }, 120_000)
})

describe('kill -9 while raw samples go', () => {
  // The folders of nine blocks that were compacted or deleted from went before.
  it.each(['retention.changed', 'compact.removed:10'])('at %s, leaves their rows', async (point) => {
    await after(point, RAW_MS, (querier, oldestT) => {
      expect(oldestT).toBeGreaterThan(T0 + 5 * HOUR)
      expect(querier.damage()).toEqual([])
      expect(rowsOf(querier, querier.buckets, T0 - HOUR, T0 + 6 * HOUR - 60_000).size).toBe(3 * 360 - 61)
      expect(rowsOf(querier, querier.buckets, T0 - HOUR, T0 + 5 * HOUR, '1h').size).toBeGreaterThan(14)
    })
  }, 120_000)
})
