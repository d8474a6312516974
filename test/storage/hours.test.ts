// The 1-hour tier of a store: rows that queries see are those of the raw samples, however these came and went, and wherever
// the files are.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database, DatabaseOptions } from '../../storage/database.ts'
import { GroupBlockBuilder } from '../../storage/block/block-builder.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { BucketColumns } from '../../storage/tier/bucket.ts'
import { readManifest } from '../../storage/tier/hour-manifest.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { COLUMNS } from '../support/tier-faults.ts'
import { ORIGIN, batchOf as blockBatch } from './block/block-data.ts'
import { abandon, append, batchOf, open, series } from './store.ts'
import { ALL, HOUR, MINUTE, T0, expectWholeTier, fill, lookAt, rowKey, settled } from './tier-rows.ts'

const OPTIONS: Partial<DatabaseOptions> = { hourRetentionMs: 365 * 24 * HOUR }
const expectWhole = (db: Database, to: number): void => expectWholeTier(db, '1h', to)
const start = (folder: string, clock: FakeClock, options: Partial<DatabaseOptions> = {}): Database => open(folder, { clock, ...OPTIONS, ...options })
const valuesOf = (row: readonly number[] | undefined, ...names: (keyof BucketColumns)[]): (number | undefined)[] => names.map((name) => row?.[COLUMNS.indexOf(name)])
const filesOf = (folder: string): string[] => readManifest(path.join(folder, 'archive')).files.map(({ name }) => name)

describe('the 1-hour tier of a store', () => {
  it('has the rows of what is cut, in a file a day', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const db = start(folder, clock)
    const random = new Random(testSeed())
    fill(db, clock, T0, T0 + 5 * HOUR, random)
    await settled(db)
    expectWhole(db, T0 + 3 * HOUR)
    fill(db, clock, T0 + 5 * HOUR, T0 + 51 * HOUR, random)
    await settled(db)
    expectWhole(db, T0 + 49 * HOUR)
    const days = new Set(Array.from({ length: 50 }, (_, h) => new Date(T0 + h * HOUR).toISOString().slice(0, 10)))
    expect(filesOf(folder).map((name) => name.slice(3, 13))).toEqual([...days])
    await db.close()
  })

  it('counts for retention by size, and its oldest file goes before samples that are younger', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const db = start(folder, clock, { retentionMs: 5 * HOUR })
    fill(db, clock, T0, T0 + 51 * HOUR, new Random(testSeed()))
    await settled(db)
    // A clock that was set counts once it has stood.
    await clock.advance(61 * MINUTE)
    await settled(db)
    const [files, blocks] = [filesOf(folder), db.blocks.blocks.map(({ folder: name }) => name)]
    expect([files.length, blocks.length > 0]).toEqual([3, true])
    const archived = (name: string): number => fs.statSync(`${folder}/archive/${name}`).size + fs.statSync(`${folder}/archive/${name}.index`).size
    const total = (): number => [...db.blocks.blocks.map(({ meta }) => meta.bytes), ...filesOf(folder).map(archived), db.logBytes, db.segmentBytes].reduce((sum, size) => sum + size, 0)
    db.blocks.retentionBytes = total()
    await settled(db)
    expect(filesOf(folder), 'all fits').toEqual(files)
    db.blocks.retentionBytes = total() - 1
    await settled(db)
    expect(filesOf(folder)).toEqual(files.slice(1))
    expect(db.blocks.blocks.map(({ folder: name }) => name)).toEqual(blocks)
    expect(lookAt(db, '1h').from, 'what is shown begins behind it').toBeGreaterThan(0)
    const done = { ...db.blocks.done }
    await settled(db)
    expect(db.blocks.done, 'its rows are not made again').toEqual(done)
    await db.close()
    const again = start(folder, clock, { retentionMs: 5 * HOUR })
    await settled(again)
    expect(filesOf(folder), 'nor after a restart').toEqual(files.slice(1))
    await again.close()
  })

  it('ends before late samples until they are cut, and has them then', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock)
    fill(db, clock, T0, T0 + 9 * HOUR, new Random(testSeed()))
    await settled(db)
    expectWhole(db, T0 + 7 * HOUR)
    append(db, batchOf(T0 + 90 * MINUTE - 5000, [db.series(series(20)), db.series(series(21))], [1, 2]))
    expectWhole(db, T0 + HOUR)
    fill(db, clock, T0 + 9 * HOUR, T0 + 11 * HOUR, new Random(testSeed()))
    await settled(db)
    expectWhole(db, T0 + 9 * HOUR)
    expect(lookAt(db, '1h').rows.get(rowKey(20, 120))?.[0]).toBe(1)
    await db.close()
  })

  it('shows nothing again of what is deleted where the labels of a sidecar are damaged', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const db = start(folder, clock)
    fill(db, clock, T0, T0 + 7 * HOUR, new Random(testSeed()))
    await settled(db)
    expect(lookAt(db, '1h').rows.has(rowKey(0, 120))).toBe(true)
    await db.blocks.delete([[{ name: 'i', op: '=', value: '0' }]], T0 + 90 * MINUTE, T0 + 100 * MINUTE)
    const sidecar = `${folder}/archive/${filesOf(folder)[0]}.index`
    fs.writeFileSync(sidecar, fs.readFileSync(sidecar).map((byte, i, bytes) => (i === bytes.length - 1 ? byte ^ 1 : byte)))
    const queryable = new StoreQueryable(db.handle(), 1)
    for (let n = 0; n < 2; n++) {
      const querier = queryable.querier()
      const rows = querier.buckets.selectBuckets('1h', ALL, T0, T0 + 4 * HOUR, [])
      for (let batch = rows.next(); batch !== null; batch = rows.next()) {
        for (let i = 0; i < batch.n; i++) if (batch.t[i] === T0 + 2 * HOUR) expect(batch.columns.count[i]).toBe(0)
      }
      expect(querier.damage()).toEqual([expect.stringMatching(/rows of the 1-hour tier .* are missing, all or some/)])
      querier.close()
    }
    queryable.close()
    await db.close()
  })

  it('loses what is deleted at once, and has what is left of a bucket after it', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock)
    fill(db, clock, T0, T0 + 9 * HOUR, new Random(testSeed()))
    await settled(db)
    await db.blocks.delete([[{ name: 'i', op: '=', value: '0' }]], T0 + 100 * MINUTE + 15_000, T0 + 130 * MINUTE)
    const { rows } = lookAt(db, '1h')
    for (const end of [120, 180]) expect(rows.has(rowKey(0, end)), `bucket ${end}`).toBe(false)
    await settled(db)
    const seen = lookAt(db, '1h')
    expect(seen.rows).toEqual(seen.want)
    expect(seen.rows.get(rowKey(0, 120))?.[0]).toBe(40 * 6 + 1)
    await db.blocks.clean()
    expect(lookAt(db, '1h').rows).toEqual(seen.want)
    await db.close()
  })

  it('keeps the row of a bucket that is touched by a deletion, but for its samples', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock)
    fill(db, clock, T0, T0 + 9 * HOUR, new Random(testSeed()))
    await settled(db)
    const all = lookAt(db, '1h').rows
    expect(all.has(rowKey(1, 0)), 'of the sample at its very end').toBe(true)
    await db.blocks.delete([[{ name: 'i', op: '=~', value: '.+' }]], T0 - 2 * HOUR, T0 - 30 * MINUTE)
    await settled(db)
    expect(lookAt(db, '1h').rows).toEqual(all)
    await db.close()
  })

  it('is made up for after a crash and for folders from before there were tiers', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    let db = open(folder, { clock })
    fill(db, clock, T0, T0 + 5 * HOUR, new Random(testSeed()))
    await settled(db)
    expect(lookAt(db, '1h').to).toBe(0)
    await db.close()
    db = start(folder, clock)
    await settled(db)
    expectWhole(db, T0 + 3 * HOUR)
    abandon(folder)
    await db.close()
    db = start(folder, clock)
    expectWhole(db, T0 + 3 * HOUR)
    await db.close()
  })

  it('starts with a list or a sidecar that cannot be read, and is whole again', async () => {
    const folder = tempFolder()
    const archive = path.join(folder, 'archive')
    const clock = new FakeClock(T0)
    let db = start(folder, clock)
    fill(db, clock, T0, T0 + 29 * HOUR, new Random(testSeed()))
    await settled(db)
    await db.close()
    const before = filesOf(folder)
    for (const name of ['archive.json', 'archive-copy.json']) fs.writeFileSync(path.join(archive, name), '{"version": 1, "nex')
    db = start(folder, clock)
    expectWhole(db, T0 + 27 * HOUR)
    expect(filesOf(folder)).toEqual(before)
    await db.close()
    fs.truncateSync(path.join(archive, `${before[0]}.index`), 70)
    fs.writeFileSync(path.join(archive, `${before[0]}.index`), 'no sidecar')
    db = start(folder, clock)
    await settled(db)
    expectWhole(db, T0 + 27 * HOUR)
    expect(fs.readdirSync(path.join(folder, 'quarantine')).toSorted()).toEqual(['archive.json', 'archive-copy.json', before[0]!, `${before[0]}.index`].toSorted())
    await db.close()
  })

  it('keeps what is deleted of its files where the list cannot be read', async () => {
    const folder = tempFolder()
    const archive = path.join(folder, 'archive')
    const clock = new FakeClock(T0)
    let db = start(folder, clock)
    fill(db, clock, T0, T0 + 29 * HOUR, new Random(testSeed()))
    await settled(db)
    // Of all there is, so that no rows are made anew of what is left.
    await db.blocks.delete([[{ name: 'i', op: '=', value: '0' }]], -8.64e15, 8.64e15)
    const want = readManifest(archive)
    expect(want.deletions).toHaveLength(1)
    await db.close()
    for (const harm of [(file: string) => fs.writeFileSync(file, '{'), (file: string) => fs.rmSync(file)]) {
      harm(path.join(archive, 'archive.json'))
      db = start(folder, clock)
      expect(readManifest(archive)).toEqual(want)
      await db.close()
    }
  })

  it('is cleaned of what is deleted, but for files that are damaged', async () => {
    const folder = tempFolder()
    const archive = path.join(folder, 'archive')
    const clock = new FakeClock(T0)
    const db = start(folder, clock)
    fill(db, clock, T0, T0 + 29 * HOUR, new Random(testSeed()))
    await settled(db)
    await db.blocks.delete([[{ name: 'i', op: '=', value: '0' }]], -8.64e15, 8.64e15)
    const before = filesOf(folder)
    expect(before.length).toBeGreaterThan(1)
    fs.truncateSync(path.join(archive, before[0]!), 100)
    await db.blocks.clean()
    const after = filesOf(folder)
    expect(after.filter((name) => before.includes(name)), 'the damaged one').toEqual([before[0]])
    expect(after).toHaveLength(before.length)
    await db.close()
  })

  it('leaves out a sidecar whose file is nowhere, and makes its rows', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    let db = start(folder, clock)
    fill(db, clock, T0, T0 + 5 * HOUR, new Random(testSeed()))
    await settled(db)
    await db.close()
    const [name] = filesOf(folder)
    for (const gone of [name!, 'archive.json', 'archive-copy.json']) fs.rmSync(path.join(folder, 'archive', gone))
    db = start(folder, clock)
    await settled(db)
    expectWhole(db, T0 + 3 * HOUR)
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    const selection = querier.buckets.selectBuckets('1h', ALL, -Infinity, Infinity, ['sum'])
    while (selection.next() !== null);
    expect(querier.damage()).toEqual([])
    querier.close()
    queryable.close()
    await db.close()
  })

  it('is in a snapshot, and is made anew in a folder that has lost it', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const db = start(folder, clock)
    fill(db, clock, T0, T0 + 29 * HOUR, new Random(testSeed()))
    await settled(db)
    await db.blocks.snapshot('s', false)
    await db.close()
    const copy = path.join(folder, 'snapshots', 's')
    let restored = start(copy, clock)
    expectWhole(restored, T0 + 27 * HOUR)
    await restored.close()
    fs.rmSync(path.join(copy, 'archive'), { recursive: true })
    restored = start(copy, clock)
    expect(lookAt(restored, '1h').rows.size).toBe(0)
    await settled(restored)
    expectWhole(restored, T0 + 27 * HOUR)
    await restored.close()
  })

  it('is shown in a folder without samples that it was copied to, at once and beside those that come', async () => {
    const [folder, copy] = [tempFolder(), tempFolder()]
    const clock = new FakeClock(T0)
    const db = start(folder, clock)
    fill(db, clock, T0, T0 + 29 * HOUR, new Random(testSeed()))
    await settled(db)
    const { rows } = lookAt(db, '1h')
    await db.close()
    fs.cpSync(path.join(folder, 'archive'), path.join(copy, 'archive'), { recursive: true })
    clock.jump(40 * HOUR)
    const expectShown = (restored: Database): void => {
      const shown = lookAt(restored, '1h').rows
      for (const [name, row] of rows) expect(shown.get(name), name).toEqual(row)
      const queryable = new StoreQueryable(restored.handle(), 1)
      const querier = queryable.querier()
      const answers = querier.buckets.tiers(ALL).filter(({ from }) => from < T0 + 26 * HOUR).map(({ name }) => name)
      expect(answers, 'what claims to have that time').toEqual(['1h'])
      querier.close()
      queryable.close()
    }
    let restored = start(copy, clock, { minuteRetentionMs: 365 * 24 * HOUR })
    expectShown(restored)
    // The first series of this folder; none of those that the files know by a low ref.
    append(restored, batchOf(T0 + 69 * HOUR, [restored.series(['__name__', 'other'])], [1]))
    expectShown(restored)
    fill(restored, clock, T0 + 69 * HOUR, T0 + 75 * HOUR, new Random(testSeed()))
    await settled(restored)
    expect(lookAt(restored, '1h').rows.size).toBeGreaterThan(rows.size)
    expect(lookAt(restored, '1m').rows.size).toBeGreaterThan(0)
    expectShown(restored)
    await restored.close()
    restored = start(copy, clock, { minuteRetentionMs: 365 * 24 * HOUR })
    expectShown(restored)
    await restored.close()
  })

  it('stays where raw samples go, and lets go of files past its own retention', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const db = start(folder, clock, { retentionMs: 8 * HOUR, hourRetentionMs: 60 * HOUR })
    const pass = async (from: number, to: number): Promise<void> => {
      fill(db, clock, from, to, new Random(1))
      await settled(db)
      // A jump of the wall clock is believed when it has stood for an hour.
      await clock.advance(61 * MINUTE)
      await settled(db)
    }
    await pass(T0, T0 + 25 * HOUR)
    const seen = lookAt(db, '1h')
    expect(seen.from).toBeLessThan(T0)
    expect(seen.rows.has(rowKey(0, 60))).toBe(true)
    expect(seen.rows.size).toBeGreaterThan(seen.want.size)
    expect(valuesOf(seen.rows.get(rowKey(0, 120)), 'count', 'min', 'max')).toEqual([360, 7, 7])
    await pass(T0 + 27 * HOUR, T0 + 121 * HOUR)
    const later = lookAt(db, '1h')
    expect(later.from).toBeGreaterThan(T0 + 24 * HOUR)
    expect(later.rows.has(rowKey(0, 60))).toBe(false)
    expect(Date.parse(`${filesOf(folder)[0]!.slice(3, 13)}T00:00:00Z`)).toBeGreaterThan(T0)
    await db.close()
  }, 120_000)

  it('has rows of what is imported, also where raw samples are gone, beside those that are there', async () => {
    const clock = new FakeClock(T0)
    const db = start(tempFolder(), clock, { retentionMs: 8 * HOUR })
    fill(db, clock, T0, T0 + 25 * HOUR, new Random(1))
    await settled(db)
    await clock.advance(61 * MINUTE)
    await settled(db)
    const before = lookAt(db, '1h')
    expect(before.rows.size).toBeGreaterThan(before.want.size)
    // Of the hour before which raw samples go, too.
    const times = Array.from({ length: 20 * 12 }, (_, k) => T0 + k * 5 * MINUTE + 1)
    const old = db.series(series(0))
    const fresh = db.series(series(50))
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    await db.blocks.add(async (nextPlace) => {
      const builder = new GroupBlockBuilder(nextPlace(), querier)
      builder.beginGroup(Float64Array.from(times), times.length)
      const batch = blockBatch(times, [old, fresh].map((ref) => ({ ref, labels: [], cells: times.map((_, k) => k) })))
      builder.addSeries(old, batch, 0)
      builder.addSeries(fresh, batch, 1)
      return [(await builder.finish(ORIGIN))!]
    })
    querier.close()
    queryable.close()
    await settled(db)
    const { rows } = lookAt(db, '1h')
    for (let hour = 1; hour <= 20; hour++) expect(valuesOf(rows.get(rowKey(50, hour * 60)), 'count', 'last'), `hour ${hour}`).toEqual([12, hour * 12 - 1])
    for (let hour = 1; hour <= 12; hour++) {
      const key = rowKey(0, hour * 60)
      expect(rows.get(key), key).toEqual(before.rows.get(key))
    }
    await db.close()
  })
})
