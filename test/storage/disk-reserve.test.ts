// The reserve of the disk, with a file system whose free space the test sets: what is refused below it, what still
// happens, when samples are taken again. A real small file system: full-disk.test.ts.
import fs from 'node:fs'
import path from 'node:path'
import { assert, describe, expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { useDisk, type Disk } from '../../lib/std/fs.ts'
import { Logger } from '../../lib/std/log.ts'
import type { Database, DatabaseOptions } from '../../storage/database.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, append, batchOf, open, readAll, samplesIn, series, seriesOf } from './store.ts'

const MB = 2 ** 20
const HOUR = 3_600_000
/** A boundary of six hours. */
const T = Math.floor(NOW / (6 * HOUR)) * 6 * HOUR

/** The real disk, but for how much of it is free; null: that cannot be told. */
class Space {
  freeBytes: number | null
  readonly sizeBytes: number

  constructor(sizeBytes: number, freeBytes: number) {
    this.sizeBytes = sizeBytes
    this.freeBytes = freeBytes
    const before = useDisk(Object.assign(Object.create(fs) as Disk, { statfsSync: () => this.#tell() }))
    onTestFinished(() => void useDisk(before))
  }

  #tell(): { bsize: number; blocks: number; bavail: number; files: number; ffree: number } {
    if (this.freeBytes === null) throw Object.assign(new Error('not told'), { code: 'ENOSYS' })
    return { bsize: 1024, blocks: this.sizeBytes / 1024, bavail: this.freeBytes / 1024, files: 0, ffree: 0 }
  }
}

interface Store {
  db: Database
  clock: FakeClock
  refs: number[]
  lines: string[]
}

function start(options: Partial<DatabaseOptions> = {}): Store {
  const clock = new FakeClock(T)
  const lines: string[] = []
  const logger = new Logger({ level: 'info', format: 'logfmt', write: (line) => void lines.push(line) })
  const db = open(tempFolder(), { clock, logger, ...options })
  onTestFinished(() => db.close().catch(() => {}))
  return { db, clock, refs: db.log.refusal === null ? seriesOf(db, 3) : [], lines }
}

it('takes no samples while its folder is gone or another process has it, and takes them when it is back', async () => {
  const { db, clock, refs, lines } = start()
  const { folder } = db.handle()
  append(db, batchOf(T, refs, refs))
  await db.commit()
  const why = `the data folder ${folder} was deleted, moved or replaced; put it back, or restart Monitor to begin anew there`
  const isRefused = async (t: number): Promise<void> => {
    await clock.advance(1000)
    expect(() => append(db, batchOf(t, refs, refs))).toThrow(why)
  }
  fs.renameSync(folder, `${folder}-moved`)
  await isRefused(T + 1000)
  fs.mkdirSync(folder)
  fs.writeFileSync(`${folder}/lock`, '999999999 1\n')
  await isRefused(T + 2000)
  fs.rmSync(folder, { recursive: true })
  fs.renameSync(`${folder}-moved`, folder)
  await clock.advance(1000)
  append(db, batchOf(T + 3000, refs, refs))
  await db.commit()
  expect([...readAll(db).values()].map((points) => points.map(([t]) => t))).toEqual(refs.map(() => [T, T + 3000]))
  expect(lines.filter((line) => line.includes('no samples are taken'))).toHaveLength(1)
  expect(lines.at(-1)).toContain('samples are taken again')
})

describe('the reserve', () => {
  it('holds deletes, snapshots, cleaning and imports that would use it, and lets them be when there is room', async () => {
    const space = new Space(1000 * MB, 500 * MB)
    const { db, clock, refs } = start({ reserveBytes: 70 * MB })
    append(db, batchOf(T, refs, refs))
    await db.blocks.snapshot('first', true)
    await db.blocks.delete([[{ name: 'i', op: '=', value: '1' }]], -Infinity, Infinity)
    space.freeBytes = 60 * MB
    await clock.advance(1000)
    const f = async (asked: Promise<unknown>, what: string): Promise<void> => {
      await expect(asked).rejects.toThrow(`cannot ${what} now: it may take `)
      await asked.catch((error: unknown) => expect(error).toMatchObject({ reason: 'disk_reserve' }))
    }
    await f(db.blocks.delete([[{ name: 'i', op: '=', value: '2' }]], -Infinity, Infinity), 'delete')
    await f(db.blocks.clean(), 'clean tombstones')
    await f(db.blocks.snapshot('second', false), 'make a snapshot')
    await f(db.blocks.add(async (nextPlace) => [nextPlace()].map(() => assert.fail('written'))), 'take blocks in')
    expect(fs.readdirSync(`${db.handle().folder}/snapshots`)).toEqual(['first'])
    expect(readAll(db).size).toBe(2)
    space.freeBytes = 500 * MB
    await clock.advance(1000)
    await db.blocks.snapshot('second', false)
    await db.blocks.clean()
    await db.blocks.delete([[{ name: 'i', op: '=', value: '2' }]], -Infinity, Infinity)
    expect(readAll(db).size).toBe(1)
  })

  it('holds a snapshot whose copies have no room, before any is made', async () => {
    new Space(1000 * MB, 500 * MB)
    const { db, refs } = start({ reserveBytes: 70 * MB })
    append(db, batchOf(T, refs, refs))
    const { folder } = db.handle()
    const made: string[] = []
    const ask = (name: string): Promise<void> => db.blocks.snapshot(name, true, { from: 'copy', to: 'monitor.db' }, () => {
      made.push(name)
      fs.writeFileSync(`${folder}/meta/copy`, 'copied')
      return Promise.resolve()
    })
    fs.mkdirSync(`${folder}/meta`)
    for (const big of ['meta/monitor.db', 'meta/monitor.db-wal', 'exemplars/00000001.frames']) {
      fs.mkdirSync(path.dirname(`${folder}/${big}`), { recursive: true })
      fs.writeFileSync(`${folder}/${big}`, '')
      // A hole: it has the size, and takes no room.
      fs.truncateSync(`${folder}/${big}`, 450 * MB)
      await expect(ask(big)).rejects.toThrow(/^cannot make a snapshot now: it may take 45[01]MB, which/)
      fs.rmSync(`${folder}/${big}`)
    }
    await ask('fits')
    expect(made).toEqual(['fits'])
    expect(fs.readFileSync(`${folder}/snapshots/fits/meta/monitor.db`, 'utf8')).toBe('copied')
  })

  it('keeps no block past the retention because rows are still to be made of it', async () => {
    const space = new Space(1000 * MB, 500 * MB)
    const { db, clock, refs } = start({ reserveBytes: 70 * MB })
    clock.jump(6 * HOUR)
    for (let t = T; t < T + 6 * HOUR; t += 60_000) append(db, batchOf(t, refs, refs))
    await db.blocks.snapshot('first', true)
    const { length } = db.blocks.blocks
    space.freeBytes = 60 * MB
    // A clock that was set counts once it has stood.
    await clock.advance(1.1 * HOUR)
    db.blocks.minuteRetentionMs = Infinity
    db.head.retentionMs = HOUR
    await db.maintain()
    await db.blocks.idle()
    expect([length, db.blocks.blocks.length, db.blocks.timeRetentions]).toEqual([3, 1, 2])
  })

  it('is 5 % of the file system, at most 500 MiB, or what is given', () => {
    const f = (sizeBytes: number, given: number | undefined, want: number): void => {
      new Space(sizeBytes, sizeBytes)
      expect(start(given === undefined ? {} : { reserveBytes: given }).db.reserve.reserveBytes).toBe(want)
    }
    f(1000 * MB, undefined, 50 * MB)
    f(10_000 * MB, undefined, 500 * MB)
    f(1_000_000 * MB, undefined, 500 * MB)
    f(1000 * MB, 70 * MB, 70 * MB)
    f(1000 * MB, 0, 0)
  })

  it('refuses batches whole, and new series, and nothing else', async () => {
    const space = new Space(1000 * MB, 50 * MB)
    const { db, clock, refs } = start()
    append(db, batchOf(T, refs, [1, 2, 3]))
    space.freeBytes = 50 * MB - 1024
    await clock.advance(1000)
    const shown = readAll(db)
    expect(() => append(db, batchOf(T + 1, refs, [1, 2, 3]))).toThrow(/^disk reserve reached: 50MB free of 50MB wanted; free space or lower --storage\.reserve\.size$/)
    expect(() => db.series(series(9))).toThrow('disk reserve reached')
    expect(db.series(series(1))).toBe(refs[1])
    await db.commit()
    expect(readAll(db)).toEqual(shown)
    expect(samplesIn(shown)).toBe(3)
  })

  it('is noticed at the start', () => {
    new Space(1000 * MB, 10 * MB)
    const { db } = start()
    expect(() => db.series(series(1))).toThrow('disk reserve reached: 10MB free of 50MB wanted')
  })

  it('lets samples in again within five seconds, once there is a little more than it; each change is logged once', async () => {
    const space = new Space(1000 * MB, 100 * MB)
    const { db, clock, refs, lines } = start()
    space.freeBytes = 40 * MB
    await clock.advance(3000)
    expect(db.log.refusal?.reason).toBe('disk_reserve')
    space.freeBytes = 52 * MB
    await clock.advance(60_000)
    expect(() => append(db, batchOf(T, refs, [1, 2, 3]))).toThrow('52MB free of 53MB wanted')
    space.freeBytes = 53 * MB
    await clock.advance(5000)
    append(db, batchOf(T, refs, [1, 2, 3]))
    await db.commit()
    space.freeBytes = 51 * MB
    await clock.advance(5000)
    append(db, batchOf(T + 1, refs, [1, 2, 3]))
    expect(lines.map((line) => /msg=("[^"]*"|\S+)/.exec(line)![1])).toEqual(['"read-only: no samples are taken"', '"samples are taken again"'])
    expect(lines[0]).toContain(`free_bytes=${40 * MB} reserve_bytes=${50 * MB}`)
    expect(lines[1]).toContain('read_only_seconds=63')
  })

  it('is not kept where free space cannot be told; that is logged once', async () => {
    const space = new Space(1000 * MB, 10 * MB)
    const { db, clock, lines } = start()
    space.freeBytes = null
    await clock.advance(10_000)
    append(db, batchOf(T, seriesOf(db, 2), [1, 2]))
    await db.commit()
    expect(lines.filter((line) => line.includes('free space is not known'))).toHaveLength(1)
    space.freeBytes = 10 * MB
    await clock.advance(1000)
    expect(() => append(db, batchOf(T + 1, [1], [1]))).toThrow('disk reserve reached')
  })

  it('lets the head be cut and old blocks go, but no blocks be compacted', async () => {
    const space = new Space(1000 * MB, 100 * MB)
    const { db, clock, refs } = start({ retentionMs: 80 * HOUR })
    const twoHours = (k: number): void => {
      clock.jump(T + 2 * (k + 1) * HOUR - clock.now())
      for (let t = T + 2 * k * HOUR; t < T + 2 * (k + 1) * HOUR; t += 30_000) append(db, batchOf(t, refs, [t, k, 1]))
      clock.jump(15 * 60_000)
      // The head is cut behind what still comes in.
      append(db, batchOf(clock.now(), seriesOf(db, 1, 3), [1]))
    }
    const levels = async (): Promise<number[]> => {
      await db.maintain()
      await db.blocks.idle()
      return db.blocks.blocks.map(({ meta }) => meta.level)
    }
    twoHours(0)
    expect(await levels()).toEqual([1])
    twoHours(1)
    expect(await levels()).toEqual([1, 1])
    twoHours(2)
    space.freeBytes = 50 * MB - 1024
    await clock.advance(1000)
    expect(await levels()).toEqual([1, 1, 1])
    // The size of all blocks is what a compaction may take until its sources go.
    const sizeBytes = db.blocks.blocks.reduce((sum, { meta }) => sum + meta.bytes, 0)
    space.freeBytes = Math.floor((50 * MB + sizeBytes) / 1024) * 1024
    await clock.advance(1000)
    expect(await levels()).toEqual([1, 1, 1])
    space.freeBytes += 1024
    await clock.advance(1000)
    expect(await levels()).toEqual([2])
    expect(samplesIn(readAll(db))).toBe(3 * 720 + 3)
    space.freeBytes = 0
    await clock.advance(1000)
    db.blocks.retentionBytes = 1
    expect(await levels()).toEqual([])
  })
})
