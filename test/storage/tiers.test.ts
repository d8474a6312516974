// The 1-minute tier of a store: rows that queries see are those of the raw samples, however these came and went.
import fs from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { useDisk, type Disk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import { GroupBlockBuilder } from '../../storage/block/block-builder.ts'
import type { Querier } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { PageCache } from '../../storage/block/page-cache.ts'
import { bucketEnd } from '../../storage/tier/aggregate.ts'
import { TierReader } from '../../storage/tier/tier-reader.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { COLUMNS, rowsOf, viewTier, type TierView } from '../support/tier-faults.ts'
import { ORIGIN, batchOf as blockBatch } from './block/block-data.ts'
import { abandon, append, batchOf, open, series, seriesOf } from './store.ts'
import { HOUR, MINUTE, T0, expectWholeRows, fill, rowKey, settled } from './tier-rows.ts'

const OPTIONS = { minuteRetentionMs: 30 * 24 * HOUR }

const COUNT = COLUMNS.indexOf('count')

function querying<T>(db: Database, ask: (querier: Querier) => T): T {
  const queryable = new StoreQueryable(db.handle(), 1)
  const querier = queryable.querier()
  try {
    return ask(querier)
  } finally {
    querier.close()
    queryable.close()
  }
}

const look = (db: Database): TierView => querying(db, viewTier)
const expectWhole = (db: Database, to: number): void => expectWholeRows(look(db), to)

function start(folder: string, clock: FakeClock): Database {
  return open(folder, { clock, ...OPTIONS })
}

describe('the 1-minute tier of a store', () => {
  it('names series that the head has forgotten by the refs that blocks have', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock)
    append(db, batchOf(T0 + MINUTE, [db.series(series(30))], [1]))
    const [hot] = seriesOf(db, 1)
    const until = async (end: number): Promise<void> => {
      for (; clock.now() < end; clock.jump(60_000)) append(db, batchOf(clock.now(), [hot!], [7]))
      await settled(db)
    }
    for (let cut = 1; cut <= 5; cut++) await until(T0 + cut * 2 * HOUR + 15 * MINUTE)
    expect(db.head.series.forgotten).toBe(1)
    // Its stretch is made anew for a late sample of another.
    append(db, batchOf(T0 + 30 * MINUTE, [db.series(series(31))], [1]))
    await until(T0 + 12 * HOUR + 15 * MINUTE)
    expectWhole(db, T0 + 12 * HOUR - MINUTE)
    const refs = db.blocks.minutes.flatMap(({ folder }) => {
      const reader = new TierReader(`${db.handle().folder}/tiers/1m/${folder}`, new PageCache())
      const found = Array.from({ length: reader.seriesCount }, (_, number) => reader.index.refOf(number))
      reader.close()
      return found
    })
    expect(Math.max(...refs)).toBeLessThan(10)
    await db.close()
  })

  it('holds up neither cuts nor compactions while the disk refuses its rows', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock)
    const openSync: Disk['openSync'] = (file, ...rest) => {
      if (String(file).includes('tiers/1m/staged')) throw Object.assign(new Error('refused'), { code: 'EACCES' })
      return fs.openSync(file, ...rest)
    }
    useDisk({ ...fs, openSync })
    onTestFinished(() => void useDisk(fs))
    fill(db, clock, T0, T0 + 7 * HOUR, new Random(1))
    await settled(db)
    expect([db.blocks.done.cut, db.blocks.done.compact, db.blocks.failed.tier]).toEqual([1, 1, 1])
    useDisk(fs)
    await clock.advance(15_000)
    await settled(db)
    expectWhole(db, T0 + 6 * HOUR - MINUTE)
    await db.close()
  })

  it('keeps what lies between stretches that were made anew when these are compacted', async () => {
    const clock = new FakeClock(T0)
    const db = open(tempFolder(), { clock, minuteRetentionMs: Infinity })
    fill(db, clock, T0, T0 + 20 * HOUR, new Random(1))
    await settled(db)
    expect(db.blocks.minutes.map(({ name }) => name.maxT - name.minT)[0], 'one block of 18 hours').toBeGreaterThan(17 * HOUR)
    for (const [i, hour] of [12.5, 16.5].entries()) append(db, batchOf(T0 + hour * HOUR, [db.series(series(20 + i))], [7]))
    fill(db, clock, T0 + 20 * HOUR, T0 + 23 * HOUR, new Random(2))
    await settled(db)
    expectWhole(db, T0 + 22 * HOUR - MINUTE)
    await db.close()
  })

  it('has the rows of what is cut, and up to the bucket before the cut', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock)
    const seed = testSeed()
    fill(db, clock, T0, T0 + 2 * HOUR + 20 * MINUTE, new Random(seed))
    await settled(db)
    expectWhole(db, T0 + 2 * HOUR - MINUTE)
    fill(db, clock, T0 + 2 * HOUR + 20 * MINUTE, T0 + 7 * HOUR, new Random(seed))
    await settled(db)
    expectWhole(db, T0 + 6 * HOUR - MINUTE)
    expect(look(db).rows.has(rowKey(0, 120)), 'the bucket that ends on a cut').toBe(true)
    await db.close()
  })

  it('is compacted, and its files go when nobody reads them', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const db = start(folder, clock)
    fill(db, clock, T0, T0 + 19 * HOUR, new Random(testSeed()))
    await settled(db)
    expectWhole(db, T0 + 18 * HOUR - MINUTE)
    expect(db.blocks.minutes.map(({ name }) => [(name.minT - T0) / HOUR, (name.maxT + MINUTE - T0) / HOUR])).toEqual([[0, 18]])
    expect(fs.readdirSync(`${folder}/tiers/1m`).filter((name) => /^\d/.test(name)).toSorted()).toEqual(db.blocks.minutes.map((block) => block.folder).toSorted())
    await db.close()
  })

  it('ends before late samples until they are cut, and has them then', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock)
    fill(db, clock, T0, T0 + 5 * HOUR, new Random(testSeed()))
    await settled(db)
    expectWhole(db, T0 + 4 * HOUR - MINUTE)
    append(db, { ...batchOf(T0 + 90 * MINUTE - 5000, [db.series(series(20)), db.series(series(21))], [1, 2]) })
    expectWhole(db, T0 + 89 * MINUTE)
    fill(db, clock, T0 + 5 * HOUR, T0 + 7 * HOUR, new Random(testSeed()))
    await settled(db)
    expectWhole(db, T0 + 6 * HOUR - MINUTE)
    expect(look(db).rows.get(rowKey(20, 90))?.[COUNT]).toBe(1)
    await db.close()
  })

  it('loses what is deleted at once, to the sample', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock)
    fill(db, clock, T0, T0 + 9 * HOUR, new Random(testSeed()))
    await settled(db)
    const from = T0 + 100 * MINUTE + 15_000
    const to = T0 + 130 * MINUTE
    await db.blocks.delete([[{ name: 'i', op: '=', value: '0' }]], from, to)
    const rows = look(db).rows
    for (let end = 101; end <= 130; end++) expect(rows.has(rowKey(0, end)), `bucket ${end}`).toBe(false)
    await settled(db)
    const seen = look(db)
    expect(seen.rows).toEqual(seen.want)
    expect(seen.rows.get(rowKey(0, 101))?.[COUNT], 'a bucket that keeps some').toBe(1)
    expect(seen.rows.has(rowKey(0, 102))).toBe(false)
    expect(bucketEnd(to, MINUTE)).toBe(to)
    await db.close()
  })

  it('has rows of what is imported, also where nothing else is', async () => {
    const clock = new FakeClock(T0 + 12 * HOUR)
    const db = start(tempFolder(), clock)
    const [ref = 0] = seriesOf(db, 1)
    const times = Array.from({ length: 500 }, (_, k) => T0 + k * 20_000)
    await querying(db, (labels) => db.blocks.add(async (nextPlace) => {
      const builder = new GroupBlockBuilder(nextPlace(), labels)
      builder.beginGroup(Float64Array.from(times), times.length)
      builder.addSeries(ref, blockBatch(times, [{ ref, labels: [], cells: times.map((_, k) => k) }]), 0)
      return [(await builder.finish(ORIGIN))!]
    }))
    await settled(db)
    expectWhole(db, T0 + 4 * HOUR - MINUTE)
    expect(look(db).rows.get(rowKey(0, 1))?.[COUNT]).toBe(3)
    await db.close()
  })

  it('stays as it is where a tool opens the folder, and goes where none is wanted', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    let db = start(folder, clock)
    fill(db, clock, T0, T0 + 5 * HOUR, new Random(testSeed()))
    await settled(db)
    const before = db.blocks.minutes.map((block) => block.folder)
    await db.close()
    for (const [retention, after] of [[{}, before], [{ minuteRetentionMs: 0 }, []]] as const) {
      db = open(folder, { clock, ...retention })
      await settled(db)
      expect(db.blocks.minutes.map((block) => block.folder)).toEqual(after)
      await db.close()
    }
  })

  it('is made up for after a crash and for folders from before there were tiers', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    let db = open(folder, { clock })
    fill(db, clock, T0, T0 + 5 * HOUR, new Random(testSeed()))
    await settled(db)
    expect(look(db).to).toBe(0)
    await db.close()
    // As Monitor without tiers wrote it.
    const file = `${folder}/blocks/change.json`
    const change = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, unknown>
    delete change['due']
    delete change['droppedT']
    fs.writeFileSync(file, JSON.stringify(change))
    fs.rmSync(`${folder}/tiers`, { recursive: true })
    db = start(folder, clock)
    await settled(db)
    expectWhole(db, T0 + 4 * HOUR - MINUTE)
    abandon(folder)
    await db.close()
    db = start(folder, clock)
    expectWhole(db, T0 + 4 * HOUR - MINUTE)
    await db.close()
  })

  it('stays where raw samples go, and lets go of rows past its own retention', async () => {
    const clock = new FakeClock(T0)
    const db = open(tempFolder(), { clock, retentionMs: 4 * HOUR, minuteRetentionMs: 10 * HOUR })
    const pass = async (from: number, to: number): Promise<void> => {
      fill(db, clock, from, to, new Random(testSeed()))
      await settled(db)
      // A jump of the wall clock is believed when it has stood for an hour.
      await clock.advance(61 * MINUTE)
      await settled(db)
    }
    await pass(T0, T0 + 9 * HOUR)
    querying(db, (querier) => {
      const [raw, tier] = querier.buckets!.tiers([{ name: '__name__', op: '!=', value: '' }])
      expect(raw!.from, 'raw is not whole before').toBeGreaterThan(T0)
      expect(tier!.from).toBeLessThan(T0)
      expect(rowsOf(querier, querier.buckets!, T0 - HOUR, tier!.to).has(rowKey(0, 5)), 'rows of the first minutes').toBe(true)
    })
    await pass(T0 + 10 * HOUR + 2 * MINUTE, T0 + 31 * HOUR)
    querying(db, (querier) => {
      const tier = querier.buckets!.tiers([{ name: '__name__', op: '!=', value: '' }])[1]!
      expect(tier.from).toBeGreaterThan(T0 + 10 * HOUR)
      expect(rowsOf(querier, querier.buckets!, T0 - HOUR, tier.to).has(rowKey(0, 5))).toBe(false)
    })
    await db.close()
  })
})
