// Rows of tiers that were made of a damaged block: they say so for ever, also when the block has long gone.
import fs from 'node:fs'
import { expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { append, batchOf, open, seriesOf } from './store.ts'
import { ALL, HOUR, MINUTE, T0, settled } from './tier-rows.ts'

/** Warnings of a query that reads rows of a tier in [from, to]. */
function warnings(db: Database, tier: '1m' | '1h', from: number, to: number): readonly string[] {
  const queryable = new StoreQueryable(db.handle(), 1)
  const querier = queryable.querier()
  try {
    const selection = querier.buckets.selectBuckets(tier, ALL, from, to, ['sum'])
    let rows = 0
    for (let batch = selection.next(); batch !== null; batch = selection.next()) rows += batch.n * batch.seriesCount
    expect(rows).toBeGreaterThan(0)
    return querier.damage()
  } finally {
    querier.close()
    queryable.close()
  }
}

it('rows of tiers tell that samples they were made of could not be read', async () => {
  const folder = tempFolder()
  const clock = new FakeClock(T0)
  let db = open(folder, { clock })
  const refs = seriesOf(db, 40)
  // Values that fill pages.
  const random = new Random(1)
  const until = async (end: number): Promise<void> => {
    for (; clock.now() < end; clock.jump(30_000)) append(db, batchOf(clock.now(), refs, refs.map(() => random.float())))
    await settled(db)
  }
  await until(T0 + 4.5 * HOUR)
  await db.close()
  const [first] = fs.readdirSync(`${folder}/blocks`).filter((name) => /^\d/.test(name)).toSorted()
  const chunks = `${folder}/blocks/${first}/chunks`
  const bytes = fs.readFileSync(chunks)
  bytes[1000]! ^= 1
  fs.writeFileSync(chunks, bytes)
  const limits = { minuteRetentionMs: 1000 * HOUR, hourRetentionMs: 1000 * HOUR }
  db = open(folder, { clock, retentionMs: 5 * HOUR, ...limits })
  await settled(db)
  // Until the block has gone, and the tier's are compacted.
  await until(T0 + 14.5 * HOUR)
  await clock.advance(61 * MINUTE)
  await settled(db)
  expect(db.blocks.blocks[0]!.meta.minT).toBeGreaterThan(T0 + 2 * HOUR)
  expect(db.blocks.minutes[0]!.meta.level).toBeGreaterThan(1)
  for (const [tier, name] of [['1m', '1-minute'], ['1h', '1-hour']] as const) {
    const [warning, ...more] = warnings(db, tier, T0, T0 + 2 * HOUR)
    expect([warning, more]).toEqual([expect.stringContaining(`rows of the ${name} tier were made while some of the samples could not be read: cannot read page`), []])
  }
  expect(warnings(db, '1m', T0 + 9 * HOUR, T0 + 10 * HOUR)).toEqual([])
  await db.close()
})
