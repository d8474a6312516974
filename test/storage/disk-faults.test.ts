// A disk that refuses: what was acknowledged stays, and nothing is acknowledged that the device may not hold. A file that
// was refused once is not trusted again, however well the disk is by then (a sync that succeeds after one that failed
// proves nothing: "fsyncgate", PostgreSQL 2018; Rebello et al., ATC 2020): the log goes on in another.
import fs from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { DiskError } from '../../lib/std/fs.ts'
import { Logger } from '../../lib/std/log.ts'
import type { Database, DatabaseOptions } from '../../storage/database.ts'
import { LogError } from '../../storage/errors.ts'
import { STORED } from '../../storage/interface.ts'
import { SegmentWriter, segmentFilePath } from '../../storage/head/segment-file.ts'
import { SeriesFile } from '../../storage/log/series-file.ts'
import { waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, abandon, append, batchOf, open, readAll, samplesIn, series, seriesOf } from './store.ts'
import { CAN_SWAP, openDescriptors, swapFile } from './swapped-file.ts'

const logFiles = (folder: string): string[] => fs.readdirSync(`${folder}/log`).toSorted().map((name) => `${folder}/log/${name}`)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Committed {
  folder: string
  db: Database
  refs: number[]
  log: string
  clock: FakeClock
}

/** A store with one committed row of three series. */
async function committed(options: Partial<DatabaseOptions> = {}): Promise<Committed> {
  const folder = tempFolder()
  const clock = new FakeClock(NOW)
  const db = open(folder, { clock, ...options })
  const refs = seriesOf(db, 3)
  append(db, batchOf(NOW, refs, [1, 2, 3]))
  await db.commit()
  return { folder, db, refs, log: logFiles(folder)[0]!, clock }
}

/** After the refusal nothing is promised or taken, however well the disk is by then. */
async function expectRefused(db: Database, refs: readonly number[]): Promise<void> {
  const syncs = db.log.syncCount
  const before = samplesIn(readAll(db))
  await expect(db.commit()).rejects.toThrow(LogError)
  expect(() => append(db, batchOf(NOW + 9, refs, refs))).toThrow(LogError)
  expect(() => db.series(series(78))).toThrow(LogError)
  expect(db.series(series(0)), 'known series are known').toBe(1)
  await turn()
  await expect(db.commit()).rejects.toThrow('nothing more is taken')
  expect(db.log.syncCount).toBe(syncs)
  expect(samplesIn(readAll(db))).toBe(before)
}

/**
 * Refused until the disk is looked at again; then all that was shown is promised, too, for a sender who repeats it gets
 * a 2xx without another row.
 */
async function expectGoesOn({ db, folder, refs, clock }: Committed): Promise<void> {
  await expectRefused(db, refs)
  const files = logFiles(folder)
  await waitFor('the log to go on', async () => {
    await clock.advance(1000)
    return db.log.refusal === null
  })
  await db.commit()
  append(db, batchOf(NOW + 10, refs, refs))
  await db.commit()
  append(db, batchOf(NOW + 11, refs, refs))
  await db.commit()
  expect(logFiles(folder).slice(0, files.length), 'another file').toEqual(files)
  expect(logFiles(folder)).toHaveLength(files.length + 1)
  const shown = readAll(db)
  abandon(folder)
  const again = open(folder)
  expect(readAll(again)).toEqual(shown)
  expect(again.recovery).toMatchObject({ corruptRecords: 0, corruptBytes: 0 })
  await again.close()
}

describe.skipIf(!CAN_SWAP)('a disk that refuses the log', () => {
  it('rejects commits from a failed sync on, though later syncs would succeed, and goes on in a new file', async () => {
    const store = await committed()
    const { db, refs, log } = store
    const mend = swapFile(log, '/dev/null')
    append(db, batchOf(NOW + 1, refs, refs))
    const waiting = [db.commit(), db.commit()]
    for (const commit of waiting) await expect(commit).rejects.toThrow(LogError)
    mend()
    expect(db.log.failureCount).toBe(1)
    await expectGoesOn(store)
  })

  it('rejects commits from a failed sync of rows that nobody waited for on, and goes on in a new file', async () => {
    const store = await committed()
    const { db, refs, log, clock } = store
    const mend = swapFile(log, '/dev/null')
    append(db, batchOf(NOW + 1, refs, refs))
    await turn()
    await clock.advance(200)
    await waitFor('the idle sync to fail', async () => db.log.failureCount === 1)
    mend()
    await expectGoesOn(store)
  })

  it('rejects commits from a failed write on, keeps nothing behind the gap, and goes on in a new file', async () => {
    const store = await committed()
    const { db, refs, log } = store
    const sizeBefore = fs.statSync(log).size
    const mend = swapFile(log, '/dev/full')
    append(db, batchOf(NOW + 1, refs, refs))
    await expect(db.commit()).rejects.toThrow('ENOSPC')
    mend()
    await expectGoesOn(store)
    expect(fs.statSync(log).size).toBe(sizeBefore)
  })

  for (const [device, what] of [['/dev/full', 'writing'], ['/dev/null', 'syncing']] as const) {
    it(`logs no row whose definition failed in ${what}`, async () => {
      const store = await committed()
      const { folder, db, log } = store
      const sizeBefore = fs.statSync(log).size
      const mend = swapFile(`${folder}/series/definitions`, device)
      append(db, batchOf(NOW + 1, [db.series(series(77))], [1]))
      await expect(db.commit()).rejects.toThrow(LogError)
      mend()
      await turn()
      expect(fs.statSync(log).size).toBe(sizeBefore)
      await expectGoesOn(store)
    })
  }

  it('rejects commits when the next log file cannot be made, and goes on when it can', async () => {
    const store = await committed({ fileBytesMax: { log: 2 ** 20, segments: 2 ** 27 } })
    const { folder, db } = store
    const wide = seriesOf(db, 200, 100)
    const values = wide.map((ref) => ref / 3)
    // The folder goes: the open file takes rows still, the next one cannot be opened.
    fs.renameSync(`${folder}/log`, `${folder}/gone`)
    let failed: unknown
    for (let k = 0; k < 4500 && failed === undefined; k++) {
      append(db, batchOf(NOW - 20_000 + k, wide, values))
      if (k % 64 === 63) await db.commit().catch((error: unknown) => (failed = error))
    }
    expect(failed).toBeInstanceOf(LogError)
    expect(String(failed)).toContain('ENOENT')
    fs.renameSync(`${folder}/gone`, `${folder}/log`)
    await expectGoesOn(store)
  })

  it('frees lock and descriptors when it closes after a failure', async () => {
    for (const name of ['log', 'head', 'series'] as const) {
      const { folder, db, refs, log } = await committed()
      const file = { log, head: segmentFilePath(`${folder}/head`, 1), series: `${folder}/series/definitions` }[name]
      const devices = [...openDescriptors().values()].filter((target) => target === '/dev/null').length
      swapFile(file, '/dev/null')
      append(db, batchOf(NOW + 1, [...refs, db.series(series(77))], [1, 2, 3, 4]))
      await expect(db.close()).rejects.toThrow(name === 'head' ? DiskError : LogError)
      const held = [...openDescriptors().values()]
      expect(held.filter((target) => target.startsWith(fs.realpathSync(folder)))).toEqual([])
      expect(held.filter((target) => target === '/dev/null')).toHaveLength(devices)
      const again = open(folder)
      expect(again.recovery.wasUnclean, 'what it finds is not taken for synced').toBe(true)
      await again.close()
    }
  })
})

describe.skipIf(!CAN_SWAP)('a disk that refuses segments', () => {
  it('refuses the rows that wait for it, keeps those before, and goes on when it is well again', async () => {
    const { folder, db, refs } = await committed()
    for (let k = 1; k < 32; k++) append(db, batchOf(NOW + k, refs, refs))
    const rows = db.head.groups[1]!.rows
    const mend = swapFile(segmentFilePath(`${folder}/head`, 1), '/dev/full')
    const taken: number[] = []
    for (let k = 32; k < 60; k++) {
      try {
        append(db, batchOf(NOW + k, refs, refs))
        taken.push(k)
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError)
      }
    }
    expect(rows).toBeGreaterThan(0)
    expect(taken.length).toBeLessThan(28)
    const before = samplesIn(readAll(db))
    expect(before).toBe((32 + taken.length) * 3)
    await db.commit()
    mend()
    for (let k = 60; k < 100; k++) expect(append(db, batchOf(NOW + k, refs, refs))).toEqual([STORED, STORED, STORED])
    await db.commit()
    const live = readAll(db)
    expect(samplesIn(live)).toBe(before + 40 * 3)
    abandon(folder)
    const again = open(folder)
    expect(readAll(again)).toEqual(live)
    expect(again.recovery.corruptBytes).toBe(0)
    await again.close()
  })

  for (const isLost of [false, true]) {
    const what = isLost ? 'never cuts the log once segments that could not be synced are lost' : 'writes segments again that could not be synced, and cuts the log then'
    it(what, async () => {
      const folder = tempFolder()
      for (let round = 0; round < 2; round++) {
        const db = open(folder)
        append(db, batchOf(NOW + round, seriesOf(db, 3), [1, 2, 3]))
        await db.close()
      }
      const clock = new FakeClock(NOW)
      const failures: string[] = []
      const logger = new Logger({ level: 'error', format: 'logfmt', write: (line) => void failures.push(line) })
      const db = open(folder, { clock, logger })
      const refs = seriesOf(db, 3)
      const logs = logFiles(folder)
      expect(logs).toHaveLength(3)
      const rowsUntilFlush = (): void => {
        const before = db.head.flushedSegments
        for (let k = 2; db.head.flushedSegments === before; k++) append(db, batchOf(NOW + k, refs, refs))
      }
      if (!isLost) rowsUntilFlush()
      const mend = swapFile(segmentFilePath(`${folder}/head`, 1), '/dev/null')
      if (isLost) rowsUntilFlush()
      await db.maintain()
      expect(failures.join('')).toContain('cannot sync')
      mend()
      await db.commit()
      const shown = isLost ? null : readAll(db)
      for (let round = 0; round < 80; round++) {
        await clock.advance(16_000)
        await db.maintain()
      }
      if (isLost) {
        expect(failures.at(-1)).toContain('does not match its checksum')
        expect(logFiles(folder)).toEqual(logs)
        await expect(db.close()).rejects.toThrow('again after a failed sync')
      } else {
        expect(failures).toHaveLength(1)
        expect(logFiles(folder)).toEqual(logs.slice(2))
        await db.close()
      }
      const again = open(folder)
      expect(again.recovery.wasUnclean).toBe(isLost)
      const found = readAll(again)
      if (shown !== null) expect(found).toEqual(shown)
      expect(samplesIn(found)).toBeGreaterThan(50)
      await again.close()
    })
  }

  it('puts a segment into the next file once that can be made', async () => {
    const folder = tempFolder()
    const writer = new SegmentWriter(folder, 1)
    const buffer = Buffer.alloc(60 * 2 ** 20 + 32)
    const length = 60 * 2 ** 20
    expect(writer.append(buffer, length, { maxT: 1, generation: 1 })).toEqual({ file: 1, offsetBytes: 16 })
    expect(writer.append(buffer, length, { maxT: 2, generation: 1 })).toEqual({ file: 1, offsetBytes: length + 24 + 16 })
    fs.mkdirSync(segmentFilePath(folder, 2))
    for (let round = 0; round < 2; round++) expect(() => writer.append(buffer, length, { maxT: 3, generation: 1 })).toThrow('EISDIR')
    await writer.sync()
    fs.rmdirSync(segmentFilePath(folder, 2))
    expect(writer.append(buffer, length, { maxT: 4, generation: 1 })).toEqual({ file: 2, offsetBytes: 16 })
    await writer.sync()
    expect([2, 3, Infinity].map((t) => writer.firstKept(({ maxT }) => maxT < t))).toEqual([0, 2, 2])
    await writer.removeBefore(2)
    expect(writer.firstKept(() => true), 'what is gone is not let go again').toBe(0)
    expect(fs.readdirSync(folder)).toEqual(['00000002.seg'])
    writer.close()
  })
})

describe('rows that come while the disk is busy', () => {
  it('are synced without another append', async () => {
    const { folder, db, refs, log, clock } = await committed()
    // The idle sync is held until a new series and its row have come.
    const real = fs.fdatasync
    const held: (() => void)[] = []
    const spy = vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => void held.push(() => real(fd, done)))
    onTestFinished(() => spy.mockRestore())
    append(db, batchOf(NOW + 1, refs, refs))
    await turn()
    await clock.advance(200)
    expect(held).toHaveLength(1)
    append(db, batchOf(NOW + 2, [db.series(series(77))], [77]))
    await turn()
    await turn()
    const sizeBefore = fs.statSync(log).size
    spy.mockRestore()
    held[0]!()
    await waitFor('the row to be written', async () => fs.statSync(log).size > sizeBefore)
    const syncs = db.log.syncCount
    await clock.advance(200)
    await waitFor('the row to be synced', async () => db.log.syncCount > syncs)
    abandon(folder)
    const again = open(folder)
    expect(samplesIn(readAll(again))).toBe(7)
    await again.close()
  })

  it('are synced, too, where the time of the idle sync falls into a sync that began before them', async () => {
    const { db, refs, clock } = await committed()
    append(db, batchOf(NOW + 1, refs, refs))
    // Written, and the idle sync due in 200 ms.
    await turn()
    const real = fs.fdatasync
    const held: (() => void)[] = []
    const spy = vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => void held.push(() => real(fd, done)))
    onTestFinished(() => spy.mockRestore())
    const commit = db.commit()
    await turn()
    expect(held).toHaveLength(1)
    append(db, batchOf(NOW + 2, refs, refs))
    await turn()
    await clock.advance(200)
    spy.mockRestore()
    held[0]!()
    await commit
    await turn()
    expect(db.log.unsyncedBytes, 'the row behind the commit').toBeGreaterThan(0)
    await clock.advance(200)
    await waitFor('the row to be synced', async () => db.log.unsyncedBytes === 0)
    await db.close()
  })

  it('are not promised before definitions that are under way', async () => {
    const { db } = await committed()
    const real = fs.fdatasync
    const held: (() => void)[] = []
    const spy = vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => void held.push(() => real(fd, done)))
    onTestFinished(() => spy.mockRestore())
    db.series(series(77))
    const first = db.commit()
    await turn()
    expect(held, 'the definition is being synced').toHaveLength(1)
    let isSecondDone = false
    const second = db.commit().then(() => (isSecondDone = true))
    await turn()
    await turn()
    expect(isSecondDone).toBe(false)
    spy.mockRestore()
    held[0]!()
    await Promise.all([first, second])
    await db.close()
  })
})

describe('a file whose name cannot be made durable', () => {
  it('is closed again', async () => {
    const folder = tempFolder()
    const writer = new SegmentWriter(folder, 1, 1000)
    const buffer = Buffer.alloc(1000)
    writer.append(buffer, 800, { maxT: 1, generation: 1 })
    const real = fs.fsyncSync
    const spy = vi.spyOn(fs, 'fsyncSync').mockImplementation(() => {
      throw Object.assign(new Error('simulated'), { code: 'EIO' })
    })
    onTestFinished(() => spy.mockRestore())
    const before = openDescriptors().size
    for (let round = 0; round < 3; round++) expect(() => writer.append(buffer, 800, { maxT: 2, generation: 1 })).toThrow('EIO')
    expect(() => new SeriesFile(`${folder}/definitions`)).toThrow('EIO')
    expect(openDescriptors().size).toBe(before)
    spy.mockImplementation(real)
    writer.append(buffer, 800, { maxT: 2, generation: 1 })
    writer.close()
  })
})
