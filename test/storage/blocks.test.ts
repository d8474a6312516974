// Blocks of a store: when the head is cut and compacted, what readers see meanwhile, what goes, what a damaged one costs.
import fs from 'node:fs'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { useDisk, type Disk } from '../../lib/std/fs.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import { BlockReader } from '../../storage/block/block-reader.ts'
import { HeadQueryable } from '../../storage/head/head-querier.ts'
import { PageCache } from '../../storage/block/page-cache.ts'
import type { Database } from '../../storage/database.ts'
import { STORED } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { writeBlock } from './block/block-data.ts'
import type { CutReaderData, CutReaderReport } from './cut-reader.ts'
import { HINTS, NOW, append, batchOf, drain, keyOf, open, readAll, samplesIn, series, seriesOf } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** A boundary of six hours. */
const T = Math.floor(NOW / (6 * HOUR)) * 6 * HOUR

async function maintained(db: Database): Promise<void> {
  await db.maintain()
  await db.blocks.idle()
}

/** The same, when nothing newer has come for long: then all there is is cut. */
async function ended(db: Database, clock: FakeClock): Promise<void> {
  await maintained(db)
  await clock.advance(12 * MINUTE)
  await maintained(db)
}

/** Rows every 30 s in [from, to). */
function fill(db: Database, refs: readonly number[], from: number, to: number): void {
  for (let t = from; t < to; t += 30_000) append(db, batchOf(t, refs, refs.map((ref) => ref + t / 1000)))
}

const spans = (db: Database): number[][] => db.blocks.blocks.map(({ meta }) => [(meta.minT - T) / MINUTE, (meta.maxT - T) / MINUTE, meta.level])
const timesOf = (db: Database, i: number): number[] => (readAll(db).get(keyOf(series(i))) ?? []).map(([t]) => t)

describe('the head', () => {
  it('is cut some minutes after a boundary, and what was in it stays to be read, also after a restart', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T + 2 * HOUR)
    const db = open(folder, { clock })
    const refs = seriesOf(db, 50)
    fill(db, refs, T, T + 2 * HOUR + MINUTE)
    clock.jump(11 * MINUTE)
    fill(db, refs, T + 2 * HOUR + MINUTE, T + 2 * HOUR + 11 * MINUTE)
    await maintained(db)
    expect(spans(db), 'late samples of the last minutes may still come').toEqual([])
    clock.jump(2 * MINUTE)
    fill(db, refs, T + 2 * HOUR + 11 * MINUTE, T + 2 * HOUR + 13 * MINUTE)
    const want = readAll(db)
    await maintained(db)
    expect(spans(db)).toEqual([[0, 119.5, 1]])
    expect(readAll(db)).toEqual(want)
    expect(readAll(db, T + HOUR, T + 2 * HOUR).get(keyOf(series(3)))!.length).toBe(121)
    expect(db.head.cuts.unread.t).toBe(T + 2 * HOUR)
    await maintained(db)
    await db.close()
    const again = open(folder, { clock })
    expect(again.recovery.replayedSamples, 'what is in a block is not replayed').toBeLessThanOrEqual(26 * 50)
    expect(readAll(again)).toEqual(want)
    await again.close()
  })

  it('of a new store is not cut at a boundary before its first sample, but is once an older one comes', async () => {
    const clock = new FakeClock(T + 2 * HOUR + 30 * MINUTE)
    const db = open(tempFolder(), { clock })
    const [first, second] = seriesOf(db, 2)
    append(db, batchOf(clock.now(), [first!], [1]))
    await maintained(db)
    expect(db.blocks.done.cut, 'there is nothing to cut').toBe(0)
    append(db, batchOf(T + HOUR, [second!], [2]))
    await maintained(db)
    expect(spans(db)).toEqual([[60, 60, 1]])
    expect(samplesIn(readAll(db))).toBe(2)
    await db.close()
  })

  it('is cut with series of any number of labels', async () => {
    const folder = tempFolder()
    const db = open(folder, { clock: new FakeClock(T) })
    const labels = labelsFromRecord(Object.fromEntries([['__name__', 'wide'], ...Array.from({ length: 600 }, (_, i) => [`l${i}`, `v${i}`])]))
    append(db, batchOf(T, [db.series(labels), ...seriesOf(db, 2)], [1, 2, 3]))
    await db.blocks.snapshot('cut', true)
    const reader = new BlockReader(`${folder}/blocks/${db.blocks.blocks[0]!.folder}`, new PageCache())
    expect(Array.from({ length: reader.seriesCount }, (_, s) => reader.labelsOf(s))).toContainEqual(labels)
    reader.close()
    await db.close()
  })

  it('is cut into a block for each two hours that old data lies in, and no more', async () => {
    const clock = new FakeClock(T + 24 * HOUR)
    const db = open(tempFolder(), { clock, retentionMs: 40 * HOUR })
    const refs = seriesOf(db, 3)
    fill(db, refs, T + HOUR, T + 3 * HOUR)
    fill(db, refs, T + 20 * HOUR, T + 24 * HOUR)
    await maintained(db)
    await clock.advance(15 * MINUTE)
    await maintained(db)
    expect(spans(db)).toEqual([[60, 119.5, 1], [120, 179.5, 1], [1200, 1319.5, 1], [1320, 1439.5, 1]])
    await db.close()
  })

  it('is cut stretch by stretch, of which those without samples are passed over where rows of a segment lie ten years apart', async () => {
    const folder = tempFolder()
    const db = open(folder, { clock: new FakeClock(T) })
    const refs = seriesOf(db, 3)
    for (const t of [T - 87_600 * HOUR, T - HOUR, T]) append(db, batchOf(t, refs, refs))
    db.head.flushGroup(db.head.groups[1]!)
    const head = new HeadQueryable({ memory: db.handle().memory, segmentFolder: `${folder}/head` }, 5)
    const querier = head.querier()
    expect([-Infinity, T - 87_599 * HOUR, T - HOUR, T - HOUR + 1, T + 1].map((t) => querier.oldestFrom(t))).toEqual([T - 87_600 * HOUR, T - HOUR, T - HOUR, T, Infinity])
    querier.close()
    head.close()
    await db.blocks.snapshot('cut', true)
    expect(samplesIn(readAll(db))).toBe(9)
    await db.close()
  })

  it('gives what comes for a covered time to a block of its own; the sample that came first stays', async () => {
    const clock = new FakeClock(T + 2 * HOUR + 15 * MINUTE)
    const folder = tempFolder()
    const db = open(folder, { clock, retentionMs: 70 * HOUR })
    const [a, b] = seriesOf(db, 2) as [number, number]
    for (let k = 60; k < 120; k++) append(db, batchOf(T + k * MINUTE, [a, b], [k, k]))
    await ended(db, clock)
    await maintained(db)
    // Series a sends again what it sent, other values, and what lies before it. It is not known here any more.
    for (let k = 50; k < 80; k++) expect(append(db, batchOf(T + k * MINUTE, [a], [-k]))).toEqual([STORED])
    const want = Array.from({ length: 70 }, (_, k) => [T + (k + 50) * MINUTE, k < 10 ? -k - 50 : k + 50])
    const reader = new StoreQueryable(db.handle(), 2)
    const check = (where: string): void => {
      expect(readAll(db).get(keyOf(series(0))), where).toEqual(want)
      const querier = reader.querier()
      expect(drain(querier, querier.select([], -Infinity, Infinity, HINTS)).get(keyOf(series(0))), `${where}, with blocks open`).toEqual(want)
      querier.close()
    }
    check('in the head')
    clock.jump(2 * HOUR)
    append(db, batchOf(clock.now(), [a, b], [1, 1]))
    want.push([clock.now(), 1])
    await maintained(db)
    expect(spans(db)).toEqual([[50, 79, 1], [60, 119, 1]])
    check('in two blocks')
    clock.jump(2 * HOUR)
    append(db, batchOf(clock.now(), [a, b], [1, 1]))
    want.push([clock.now(), 1])
    await maintained(db)
    expect(spans(db).map(([, , level]) => level)).toEqual([2])
    check('in one')
    reader.close()
    await db.close()
  })

  it('shows the first of conflicting samples where some of the blocks that overlap become one', async () => {
    const clock = new FakeClock(T + 2 * HOUR + 15 * MINUTE)
    const db = open(tempFolder(), { clock, retentionMs: 70 * HOUR })
    const refs = seriesOf(db, 1)
    fill(db, refs, T, T + 2 * HOUR)
    await ended(db, clock)
    clock.jump(2 * HOUR)
    fill(db, refs, T + 2 * HOUR, T + 4 * HOUR)
    await ended(db, clock)
    // It overlaps the blocks before, and reaches behind the six hours that become one.
    await db.blocks.add(async (nextPlace) => {
      const { folder, number } = nextPlace()
      return [await writeBlock(folder, [{ times: [T + HOUR, T + 7 * HOUR], series: [{ ref: refs[0]!, labels: series(0), cells: [-1, -2] }] }], number)]
    })
    const first = [T + HOUR, refs[0]! + (T + HOUR) / 1000]
    expect(readAll(db).get(keyOf(series(0)))).toContainEqual(first)
    clock.jump(4 * HOUR)
    fill(db, refs, T + 6 * HOUR, T + 8 * HOUR)
    await ended(db, clock)
    expect(db.blocks.blocks.map(({ meta }) => meta.level)).toEqual([2, 1, 1])
    expect(readAll(db).get(keyOf(series(0)))).toContainEqual(first)
    await db.close()
  })

  it('stays as it is when the disk is full, and is cut when there is room', async () => {
    const clock = new FakeClock(T + 2 * HOUR + 15 * MINUTE)
    const db = open(tempFolder(), { clock })
    fill(db, seriesOf(db, 20), T, T + 2 * HOUR + 13 * MINUTE)
    const want = readAll(db)
    await db.maintain()
    await db.blocks.idle()
    await db.close()
    expect(samplesIn(want)).toBe(5320)
    const folder = tempFolder()
    const second = open(folder, { clock })
    fill(second, seriesOf(second, 20), T, T + 2 * HOUR + 13 * MINUTE)
    let isFull = true
    const disk: Disk = { ...fs, writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number) {
      if (isFull && fs.readlinkSync(`/proc/self/fd/${fd}`).includes('/blocks/')) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      return fs.writeSync(fd, bytes, offset, length, position)
    } }
    const before = useDisk(disk)
    onTestFinished(() => void useDisk(before))
    await maintained(second)
    expect(second.blocks.failed).toMatchObject({ cut: 1, compact: 0, drop: 0, remove: 0 })
    expect([readAll(second), spans(second), fs.readdirSync(`${folder}/blocks/staged`)]).toEqual([want, [], []])
    isFull = false
    await maintained(second)
    expect(second.blocks.failed.cut + second.blocks.done.cut, 'not at once').toBe(1)
    await clock.advance(15_000)
    await waitFor('the cut', async () => {
      await maintained(second)
      return second.blocks.done.cut === 1
    })
    expect(readAll(second)).toEqual(want)
    await second.close()
  })
})

describe('old blocks', () => {
  it('go when all they hold is past the retention, once nobody reads them', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T + 4 * HOUR + 15 * MINUTE)
    const db = open(folder, { clock, retentionMs: 5 * HOUR })
    const refs = seriesOf(db, 3)
    fill(db, refs, T, T + 4 * HOUR)
    await ended(db, clock)
    expect(spans(db).length).toBe(2)
    const queryable = new StoreQueryable(db.handle(), 3)
    const querier = queryable.querier()
    const selection = querier.select([{ name: 'job', op: '=', value: 'test' }], -Infinity, Infinity, HINTS)
    await clock.advance(3 * HOUR)
    append(db, batchOf(clock.now(), refs, [1, 2, 3]))
    await maintained(db)
    expect(spans(db)).toEqual([[120, 239.5, 1]])
    expect(timesOf(db, 0).length).toBe(241)
    expect(drain(querier, selection).get(keyOf(series(0)))!.length, 'for who began before').toBe(481)
    querier.close()
    queryable.close()
    await maintained(db)
    expect([db.blocks.timeRetentions, fs.readdirSync(`${folder}/blocks`).filter((name) => /^\d/.test(name)).length]).toEqual([1, 1])
    await db.close()
  })

  it('go, the oldest first, while the folder is too large', async () => {
    const clock = new FakeClock(T + 8 * HOUR + 15 * MINUTE)
    const db = open(tempFolder(), { clock })
    fill(db, seriesOf(db, 30), T, T + 8 * HOUR)
    await ended(db, clock)
    expect(spans(db).length).toBe(2)
    const sizes = db.blocks.blocks.map(({ meta }) => meta.bytes)
    // Segments may have gone by then: their rows are in blocks.
    db.blocks.retentionBytes = sizes.reduce((sum, bytes) => sum + bytes, 0) + db.logBytes - 1
    await maintained(db)
    expect(db.blocks.sizeRetentions, 'the log counts, too').toBeGreaterThan(0)
    expect(Math.min(...timesOf(db, 0)), 'of the newer block').toBeGreaterThanOrEqual(T + 6 * HOUR)
    await db.close()
  })
})

describe('a damaged block', () => {
  it('stays as it is, and holds up neither cuts nor the compaction of others', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const db = open(folder, { clock, compacts: false })
    const refs = seriesOf(db, 3)
    clock.jump(18 * HOUR + 15 * MINUTE)
    fill(db, refs, T, T + 18 * HOUR)
    await ended(db, clock)
    const [first] = db.blocks.blocks
    await db.close()
    const chunks = `${folder}/blocks/${first!.folder}/chunks`
    fs.writeFileSync(chunks, fs.readFileSync(chunks).map((byte, i) => (i === 50 ? byte ^ 1 : byte)))
    const again = open(folder, { clock })
    await maintained(again)
    expect(spans(again)).toEqual([[0, 119.5, 1], [120, 719.5, 3], [720, 1079.5, 2]])
    expect(again.blocks.blocks[0]).toEqual(first)
    const tries = again.blocks.failed.compact
    expect(tries).toBeGreaterThan(0)
    clock.jump(2 * HOUR)
    fill(again, seriesOf(again, 3), T + 18 * HOUR, T + 20 * HOUR)
    await ended(again, clock)
    expect(again.blocks.done.cut).toBe(1)
    await clock.advance(24 * HOUR)
    await maintained(again)
    expect(again.blocks.failed.compact, 'tried again, but seldom').toBeGreaterThan(tries)
    expect(again.blocks.failed.compact).toBeLessThan(15)
    await again.close()
  })
})

describe('a block that cannot be read at start', () => {
  it('is moved aside, and the store opens without it', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T + 4 * HOUR + 15 * MINUTE)
    const db = open(folder, { clock, retentionMs: 5 * HOUR })
    fill(db, seriesOf(db, 3), T, T + 4 * HOUR)
    await maintained(db)
    const name = db.blocks.blocks[0]!.folder
    await db.close()
    fs.writeFileSync(`${folder}/blocks/${name}/meta.json`, '{')
    const again = open(folder, { clock, retentionMs: 5 * HOUR })
    expect(again.recovery.damagedBlocks).toBe(1)
    expect(fs.readdirSync(`${folder}/quarantine`)).toEqual([name])
    expect(timesOf(again, 0).length).toBe(240)
    await again.close()
  })
})

describe('threads that read', () => {
  it('see every sample once, at every moment of cuts and compactions', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock, retentionMs: 70 * HOUR, jobUrl: new URL('../../cmd/maintenance-worker.ts', import.meta.url) })
    const refs = seriesOf(db, 40)
    append(db, batchOf(T, refs, refs))
    const data: CutReaderData = { handle: db.handle(), slot: 1, startMs: T, stepMs: 30_000, stop: new Int32Array(new SharedArrayBuffer(4)) }
    const worker = new Worker(new URL('cut-reader.ts', import.meta.url), { workerData: data })
    const reports: CutReaderReport[] = []
    worker.on('message', (report: CutReaderReport) => reports.push(report))
    let during = 0
    for (let row = 1; row < 1200; row++) {
      clock.jump(30_000)
      append(db, batchOf(T + row * 30_000, refs, refs.map((ref) => ref * 65_536 + row)))
      if (row % 20 === 0) await db.maintain()
      // Not faster than it is read; some rows come while a job is at work, then it is waited for.
      if (row % 20 === 0 || db.blocks.isBusy) await once(worker, 'message')
      during = db.blocks.isBusy ? during + 1 : 0
      while (db.blocks.isBusy && during > 30) await once(worker, 'message')
    }
    Atomics.store(data.stop, 0, 1)
    await Promise.all([once(worker, 'exit'), db.blocks.idle()])
    expect(reports.flatMap(({ wrong }) => wrong)).toEqual([])
    expect(reports.some(({ blocks }) => blocks > 1)).toBe(true)
    expect(reports.at(-1)!.samples).toBe(40 * 1200)
    expect(db.blocks.done.cut).toBeGreaterThan(2)
    expect(db.blocks.failed).toMatchObject({ cut: 0, compact: 0, drop: 0, remove: 0 })
    await db.close()
  }, 120_000)
})
