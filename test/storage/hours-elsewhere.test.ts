// The 1-hour tier of a store whose files go to a configured place, and from the local disk.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { readManifest } from '../../storage/tier/hour-manifest.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { COLUMNS } from '../support/tier-faults.ts'
import { append, batchOf, open, series } from './store.ts'
import { ALL, HOUR, MINUTE, T0, lookAt, rowKey, settled } from './tier-rows.ts'

const DAY = 24 * HOUR
const FROM = Date.parse('2026-03-29T00:00:00Z')

interface Site {
  folder: string
  bucket: string
  clock: FakeClock
  db: Database
}

function start(): Site {
  const [folder, bucket, clock] = [tempFolder(), tempFolder(), new FakeClock(FROM)]
  return { folder, bucket, clock, db: open(folder, { clock, hourRetentionMs: 365 * DAY, archive: { place: { folder: bucket }, fetchWorker: '', uploadWorker: null } }) }
}

/** Two series live until then; what is due is done each night. */
async function live({ clock, db }: Site, until: number): Promise<void> {
  const refs = [db.series(series(0)), db.series(series(1))]
  for (let t = clock.now(); t < until; t += 20 * MINUTE) {
    clock.jump(t - clock.now())
    append(db, batchOf(t, refs, [t / 1000, 5]))
    if (t % DAY === 3 * HOUR) {
      await settled(db)
      await db.uploads!.idle()
    }
  }
  await settled(db)
}

/** Days of March that are still here. */
function daysHere({ folder }: Site): string[] {
  return fs.readdirSync(path.join(folder, 'archive')).filter((name) => name.startsWith('1h-2026-03-0') && name.endsWith('.parquet'))
}

describe('the 1-hour tier of a store with a place for its files', () => {
  it('goes there day by day, is one file a month there, and is read from it', async () => {
    const site = start()
    const { db, bucket } = site
    await live(site, FROM + 6 * DAY)
    await db.uploads!.idle()
    expect(fs.readdirSync(bucket).filter((name) => /^1h-2026-03-\d{6}\.parquet$/.test(name))).toHaveLength(1)
    expect(daysHere(site)).toEqual([])
    expect(db.uploads!.files).toBeGreaterThan(4)
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    const selection = querier.buckets!.selectBuckets('1h', ALL, -Infinity, Infinity, ['sum'])
    let count = 0
    for (let batch = selection.next(); batch !== null; batch = selection.next()) count += batch.columns.count.subarray(0, batch.seriesCount * batch.n).reduce((a, b) => a + b, 0)
    // The cut is at the last even hour: 22:00, whose bucket is still open.
    expect(count).toBe(2 * (5 * 24 + 21) * 3 + 2)
    expect(querier.damage!()).toEqual([])
    querier.close()
    queryable.close()
    await db.close()
  }, 120_000)

  it('goes on where an older file of it cannot be had, and makes up for that later', async () => {
    const site = start()
    const { db, bucket, clock, folder } = site
    await live(site, FROM + 6 * DAY)
    expect(daysHere(site)).toEqual([])
    // There is nothing to be read in a file that is no folder.
    fs.renameSync(bucket, `${bucket}.away`)
    fs.writeFileSync(bucket, '')
    const late = FROM + 30 * HOUR
    append(db, batchOf(late, [db.series(series(20))], [1]))
    await live(site, FROM + 6 * DAY + 8 * HOUR)
    expect(db.blocks.failed).toMatchObject({ cut: 0, hours: 1 })
    expect(db.head.cuts.cover.t, 'the head is cut').toBe(FROM + 6 * DAY + 6 * HOUR)
    const files = readManifest(path.join(folder, 'archive')).files.map(({ name }) => name)
    expect(files.some((name) => name.startsWith('1h-2026-04-04')), 'rows of the newest hours are made').toBe(true)
    fs.rmSync(bucket)
    fs.renameSync(`${bucket}.away`, bucket)
    await clock.advance(16 * MINUTE)
    await settled(db)
    const row = lookAt(db, '1h').rows.get(rowKey(20, (late - T0) / MINUTE))
    expect([row?.[COLUMNS.indexOf('count')], row?.[COLUMNS.indexOf('last')]]).toEqual([1, 1])
    await db.close()
  }, 120_000)
})
