// kill -9 at each named place where the 1-minute tier is written: the next start has all rows, and none that are wrong.
import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../../lib/std/clock.ts'
import { FAULT_POINTS } from '../../../lib/std/fault-point.ts'
import { StoreQueryable } from '../../../storage/store-querier.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { tierFaults, viewTier } from '../../support/tier-faults.ts'
import { HOURS, T0 } from '../../support/tier-story.ts'
import { open } from '../store.ts'

const HOUR = 3_600_000

describe('kill -9 while the 1-minute tier is written', () => {
  const points = FAULT_POINTS.filter((point) => point.startsWith('tier.'))
  // Three stretches are made, then compacted, then deleted from, then one made anew.
  const cases = points.flatMap((point) => [1, 4].map((pass) => [point, pass] as const))
  it.each(cases)('at %s, the %sth time, costs nothing', async (point, pass) => {
    const folder = tempFolder()
    const run = spawnSync(process.execPath, ['test/support/tier-process.ts', folder, `${point}:${pass}`], { encoding: 'utf8', timeout: 60_000 })
    expect([run.signal, run.stderr]).toEqual(['SIGKILL', ''])
    const db = open(folder, { clock: new FakeClock(T0 + HOURS * HOUR), minuteRetentionMs: Infinity })
    for (let round = 0; round < 2; round++) {
      await db.maintain()
      await db.blocks.idle()
    }
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    expect(tierFaults(querier)).toEqual([])
    const { to, rows } = viewTier(querier)
    expect(to).toBe(T0 + 6 * HOUR - 60_000)
    expect(rows.size).toBeGreaterThan(1000)
    querier.close()
    queryable.close()
    await db.close()
  }, 90_000)
})
