// How the files of the log follow each other: one that is full, one that the disk has refused; and what replay makes of them.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { useDisk, type Disk } from '../../lib/std/fs.ts'
import { runThrough } from '../../lib/std/steps.ts'
import { Log } from '../../storage/log/log.ts'
import { TIMED_MARK_BYTES } from '../../storage/log/damage.ts'
import { LOG_HEADER_BYTES } from '../../storage/log/log-file.ts'
import { replayLog } from '../../storage/log/log-replay.ts'
import type { LoggedRow } from '../../storage/log/row-buffer.ts'
import { SeriesFile } from '../../storage/log/series-file.ts'
import type { Finding } from '../../storage/repair/finding.ts'
import { repairFolder } from '../../storage/repair/repair.ts'
import { copyFolder, tempFolder } from '../support/temp-folder.ts'
import { NOW, abandon, append, batchOf, open, seriesOf } from './store.ts'

const COLUMNS = 10
const FILE_BYTES_MAX = 1000
/** Frame, head and values of a row. */
const ROW_BYTES = 24 + 24 + COLUMNS * 8

const row = (t: number): LoggedRow => ({
  t, group: 1, first: 0, n: COLUMNS, salt: 7, present: null, stale: null, histograms: null, records: new Uint8Array(0), startTimesAt: -1,
})

/** A log of rows whose time counts up, and the LSN that each got. */
class Bench {
  readonly folder: string = tempFolder()
  readonly log: Log
  readonly lsns: number[] = []

  constructor() {
    const series = new SeriesFile(`${this.folder}/definitions`)
    runThrough(series.load({ begin: () => undefined, progress: () => undefined, renumbered: () => undefined, given: () => undefined, series: () => undefined, group: () => {} }))
    fs.mkdirSync(`${this.folder}/log`)
    this.log = new Log(`${this.folder}/log`, 4096, [], series, { clock: new FakeClock(), fileBytesMax: FILE_BYTES_MAX })
  }

  append(count: number): void {
    for (let k = 0; k < count; k++) this.lsns.push(this.log.appendRow(row(this.lsns.length), new Float64Array(COLUMNS).fill(0.5), 0))
  }

  replay(): { rows: [lsn: number, t: number][]; starts: number[]; ends: number[]; syncedTo: number[]; damage: number } {
    const rows: [number, number][] = []
    const replayed = runThrough(replayLog(`${this.folder}/log`, (lsn, { t }) => void rows.push([lsn, t])))
    return {
      rows, starts: replayed.files.map(({ startLsn }) => startLsn), ends: replayed.files.map(({ endLsn }) => endLsn),
      syncedTo: replayed.found.map(({ syncedTo }) => syncedTo), damage: replayed.damagedRecords,
    }
  }

  get want(): [number, number][] {
    return this.lsns.map((lsn, t) => [lsn, t])
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The real disk with another fdatasync. */
function useSync(fdatasync: Disk['fdatasync']): void {
  const before = useDisk(Object.assign(Object.create(fs) as Disk, { fdatasync }))
  onTestFinished(() => void useDisk(before))
}

/** Lets fdatasync fail while `isBroken`. */
function breakableSync(): { isBroken: boolean } {
  const state = { isBroken: false }
  useSync((fd, done) => (state.isBroken ? setImmediate(done, Object.assign(new Error('simulated'), { code: 'EIO' })) : fs.fdatasync(fd, done)))
  return state
}

describe('a file of the log', () => {
  it('is followed by another when it is full; LSNs go on where they were', async () => {
    const bench = new Bench()
    bench.append(20)
    await bench.log.commit()
    bench.append(3)
    await bench.log.commit()
    const { rows, starts, ends, damage } = bench.replay()
    expect(rows).toEqual(bench.want)
    expect(ends[0], 'without the mark at its end').toBe(starts[1]! + LOG_HEADER_BYTES)
    expect(bench.lsns.at(-1)! - bench.lsns[0]!, 'a mark before the first row after a sync').toBe(22 * ROW_BYTES + TIMED_MARK_BYTES)
    expect(starts).toEqual([4096, 4096 + 20 * ROW_BYTES])
    expect(damage).toBe(0)
    bench.log.close()
  })

  it('takes no more once it is full, while it is synced', async () => {
    const bench = new Bench()
    const held: (() => void)[] = []
    useSync((fd, done) => void held.push(() => {
      fs.fdatasyncSync(fd)
      done(null)
    }))
    bench.append(5)
    const commits = [bench.log.commit()]
    await turn()
    bench.append(15)
    await turn()
    expect(bench.replay().rows, 'written behind a sync that runs').toHaveLength(20)
    bench.append(3)
    commits.push(bench.log.commit())
    await turn()
    expect(bench.replay().rows).toHaveLength(20)
    for (let round = 0; round < 20; round++) {
      held.shift()?.()
      await turn()
    }
    await Promise.all(commits)
    expect(bench.replay()).toMatchObject({ rows: bench.want, starts: [4096, 4096 + 20 * ROW_BYTES] })
    bench.log.close()
  })

  it('does not pass for synced because of a mark that was made for the one before', async () => {
    const bench = new Bench()
    bench.append(20)
    await bench.log.commit()
    bench.append(1)
    await bench.log.commit()
    expect(bench.replay().syncedTo).toEqual([LOG_HEADER_BYTES + 20 * ROW_BYTES, 0])
    bench.append(1)
    await bench.log.commit()
    expect(bench.replay().syncedTo, 'the mark of its own').toEqual([LOG_HEADER_BYTES + 20 * ROW_BYTES, LOG_HEADER_BYTES + TIMED_MARK_BYTES + ROW_BYTES])
    bench.log.close()
  })

  it('that could not be synced keeps what was; the rest is read from the next one, once', async () => {
    const disk = breakableSync()
    const bench = new Bench()
    bench.append(2)
    await bench.log.commit()
    disk.isBroken = true
    bench.append(3)
    await expect(bench.log.commit()).rejects.toThrow('EIO')
    expect(bench.replay().rows, 'they are in the file').toEqual(bench.want)
    disk.isBroken = false
    bench.log.resume()
    bench.append(1)
    await bench.log.commit()
    const { rows, starts, damage } = bench.replay()
    expect(rows).toEqual(bench.want)
    expect(starts).toEqual([4096, 4096 + 2 * ROW_BYTES])
    expect(damage).toBe(0)
    // What the first file has behind its last synced row counts for nothing, whatever it is.
    const [first] = fs.readdirSync(`${bench.folder}/log`).toSorted()
    const bytes = fs.readFileSync(`${bench.folder}/log/${first}`)
    bytes.fill(0xff, LOG_HEADER_BYTES + 2 * ROW_BYTES)
    fs.writeFileSync(`${bench.folder}/log/${first}`, bytes)
    expect(bench.replay()).toMatchObject({ rows: bench.want, damage: 0 })
    bench.log.close()
  })

  it('of which nothing could be synced is replaced', async () => {
    const disk = breakableSync()
    const bench = new Bench()
    disk.isBroken = true
    bench.append(3)
    await expect(bench.log.commit()).rejects.toThrow('EIO')
    const [name] = fs.readdirSync(`${bench.folder}/log`)
    // Held open, so that its inode is given to no other.
    const old = fs.openSync(`${bench.folder}/log/${name}`, 'r')
    disk.isBroken = false
    bench.log.resume()
    expect(fs.readdirSync(`${bench.folder}/log`)).toEqual([name])
    expect(fs.statSync(`${bench.folder}/log/${name}`).ino).not.toBe(fs.fstatSync(old).ino)
    fs.closeSync(old)
    expect(bench.replay()).toMatchObject({ rows: bench.want, starts: [4096], damage: 0 })
    bench.log.close()
  })

  it('goes with all before it once none of its rows is wanted, though the next one lies over its end', async () => {
    const bench = new Bench()
    for (let k = 0; k < 5; k++) {
      bench.append(10)
      await bench.log.commit()
    }
    expect(fs.readdirSync(`${bench.folder}/log`)).toHaveLength(5)
    await bench.log.dropBefore(bench.lsns[30]!)
    expect(bench.replay().rows).toEqual(bench.want.slice(30))
    await bench.log.dropBefore(bench.lsns[30]! + 1)
    expect(bench.replay().rows).toEqual(bench.want.slice(30))
    bench.log.close()
  })
})

const first = (folder: string, part: string): string => path.join(folder, part, fs.readdirSync(path.join(folder, part)).find((one) => /^\d+\.|^definitions$/.test(one))!)

async function repair(folder: string): Promise<Finding[]> {
  const found: Finding[] = []
  await repairFolder(folder, true, (finding) => found.push(finding))
  return found
}

/** A process that was killed after 60 commits, and what it left. */
async function killed(everyMs: number): Promise<{ folder: string; clock: FakeClock }> {
  const folder = tempFolder()
  const clock = new FakeClock(NOW)
  const db = open(folder, { clock })
  const refs = seriesOf(db, COLUMNS)
  for (let k = 0; k < 60; k++) {
    append(db, batchOf(clock.now(), refs, refs.map((ref) => ref * k)))
    await db.commit()
    await clock.advance(everyMs)
    // A new series now and then: definitions grow.
    seriesOf(db, COLUMNS + k)
  }
  db.head.flushGroup(db.head.groups[1]!)
  await db.maintain()
  const dead = copyFolder(folder)
  await db.close()
  abandon(dead)
  return { folder: dead, clock }
}

it('misses what is cut off from files that a killed process left, once a start has read them', async () => {
  const { folder: dead, clock } = await killed(1)
  // A kill may leave half a frame, which nobody was promised.
  for (const file of [first(dead, 'log'), first(dead, 'head')]) fs.appendFileSync(file, Buffer.alloc(24, 7))
  for (let start = 0; start < 2; start++) {
    const db = open(dead, { clock })
    expect([db.recovery.wasUnclean, db.recovery.corruptRecords]).toEqual([start === 0, 0])
    await db.close()
  }
  expect(await repair(dead)).toEqual([])
  for (const part of ['log', 'head', 'series']) {
    const cut = copyFolder(dead)
    const file = first(cut, part)
    const { size } = fs.statSync(file)
    // Of definitions the second copy begins at 64 KiB.
    fs.truncateSync(file, Math.floor((size > 65536 ? size - 65536 : size) * 0.9 / 8) * 8)
    const found = await repair(cut)
    expect(found, file).toContainEqual(expect.objectContaining({ place: path.relative(cut, file), damage: expect.stringMatching(/^it ends at \d+ instead of \d+|damaged in both copies$/) }))
    const db = open(cut, { clock })
    expect(db.recovery.corruptRecords, file).toBeGreaterThan(0)
    await db.close()
  }
})

it('misses what is cut off from the log of a killed process before a start has read it, but for its last minute', async () => {
  const { folder } = await killed(20_000)
  const file = first(folder, 'log')
  const size = fs.statSync(file).size
  const f = async (rows: number, want: object[]): Promise<void> => {
    fs.truncateSync(file, Math.floor(size * (60 - rows) / 60 / 8) * 8)
    expect(await repair(folder)).toMatchObject(want)
  }
  await f(1, [])
  await f(5, [{ place: path.relative(folder, file), damage: expect.stringMatching(/^it ends at \d+ instead of \d+/) }])
})
