// Full disks that are really full: a file size limit of the kernel's (RLIMIT_FSIZE), and a file system of 2 MiB. What
// was promised before is all there afterwards, the refusal has its name, and the store goes on by itself when there is room.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { explainDisk } from '../../lib/std/disk-advice.ts'
import { DiskError } from '../../lib/std/fs.ts'
import { LogError } from '../../storage/errors.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, append, batchOf, open, readAll, samplesIn, seriesOf } from './store.ts'
import { SERIES, START_MS, fillUp, type FullDiskReport } from './full-disk-writer.ts'

async function expectWhatWasPromised(folder: string, report: FullDiskReport): Promise<void> {
  expect(report.rowsPromised).toBeGreaterThan(10)
  expect(report.rowsPromised).toBeLessThan(20_000)
  const db = open(folder)
  const read = readAll(db)
  expect(read.size).toBe(SERIES)
  for (const points of read.values()) {
    const times = new Set(points.map(([t]) => t - START_MS))
    for (let row = 0; row < report.rowsPromised; row++) expect(times.has(row), `row ${row}`).toBe(true)
    for (let k = 0; k < report.promisedLater; k++) expect(times.has(report.rowsPromised + 200 + k), `row ${k} of those that came later`).toBe(true)
  }
  await db.close()
}

/** Mounts a file system of its own in a folder, or skips the test and says why. */
function mountSmall(context: TestContext, folder: string, sizeBytes: number): void {
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'none', folder], { encoding: 'utf8' })
  if (mount.status !== 0) context.skip(`cannot mount a small file system here: ${mount.error?.message ?? mount.stderr.trim()}`)
  onTestFinished(() => void execFileSync('umount', [folder]))
}

function remount(folder: string, megabytes: number): void {
  execFileSync('mount', ['-o', `remount,size=${megabytes * 2 ** 20}`, folder])
}

describe('a disk that is full', () => {
  it('refuses with LogError when a file may not grow, goes on in the next, and keeps what it promised', async () => {
    const folder = tempFolder()
    // 1 MiB, in the 512-byte blocks of sh: the log is the first file to get there.
    const run = spawnSync('sh', ['-c', 'ulimit -f 2048 && exec "$0" "$1" "$2"', process.execPath, path.join(import.meta.dirname, 'full-disk-writer.ts'), folder], { encoding: 'utf8', timeout: 60_000 })
    expect(run.status, run.stderr).toBe(0)
    const report = JSON.parse(run.stdout) as FullDiskReport
    expect(report).toMatchObject({ reason: 'disk_error', promisedAtOnce: 0, promisedLater: 10 })
    expect(report.refusal).toContain('EFBIG')
    await expectWhatWasPromised(folder, report)
  })

  it('goes on when it gets room, and keeps what it promised before and after', async (context) => {
    const folder = tempFolder()
    mountSmall(context, folder, 2 * 2 ** 20)
    const report = await fillUp(folder, { onRefused: () => remount(folder, 64) })
    expect(report).toMatchObject({ reason: 'disk_error', promisedAtOnce: 0, promisedLater: 10 })
    expect(report.refusal).toContain('ENOSPC')
    await expectWhatWasPromised(folder, report)
  })

  it('stays refused while it has no room', async (context) => {
    const folder = tempFolder()
    mountSmall(context, folder, 2 * 2 ** 20)
    const report = await fillUp(folder, { onRefused: (db) => expect(samplesIn(readAll(db))).toBeGreaterThan(1000) }).catch((error: unknown) => error)
    expect(report).toBeInstanceOf(LogError)
    remount(folder, 64)
    const db = open(folder)
    expect(readAll(db).size).toBe(SERIES)
    await db.close()
  })
})

describe('a disk at its reserve', () => {
  it('is not filled further, answers queries, and is filled again when there is room', async (context) => {
    const folder = tempFolder()
    mountSmall(context, folder, 8 * 2 ** 20)
    const reserveBytes = 2 * 2 ** 20
    const report = await fillUp(folder, {
      reserveBytes, rowsPerLook: 50,
      onRefused: (db) => {
        expect(db.reserve.freeBytes).toBeLessThan(reserveBytes)
        expect(db.reserve.freeBytes).toBeGreaterThan(reserveBytes - 2 ** 18)
        expect(samplesIn(readAll(db)) % SERIES, 'no batch is taken in part').toBe(0)
        remount(folder, 64)
      },
    })
    expect(report).toMatchObject({ reason: 'disk_reserve', promisedAtOnce: 0, promisedLater: 10 })
    expect(report.refusal).toMatch(/disk reserve reached: (1\.\d\d|2\.00)MB free of 2\.00MB wanted; free space or lower --storage\.reserve\.size$/)
    await expectWhatWasPromised(folder, report)
  })
})

describe('a file system', () => {
  it('without free inodes is told of by name, at a start and later, and what it holds is served', async (context) => {
    const folder = tempFolder()
    mountSmall(context, folder, 64 * 2 ** 20)
    const data = path.join(folder, 'data')
    const db = open(data)
    const refs = seriesOf(db, 2)
    append(db, batchOf(NOW, refs, [1, 2]))
    await db.commit()
    const took = Number(execFileSync('df', ['--output=iused', folder], { encoding: 'utf8' }).split('\n')[1])
    execFileSync('mount', ['-o', `remount,nr_inodes=${took}`, folder])
    const refusal = await db.blocks.snapshot('x', true).catch((error: unknown) => (error instanceof DiskError ? explainDisk(error) : error))
    expect(refusal).toMatch(/no space left on device \(ENOSPC\); there is room, but no free inode \(df -i\)/)
    expect(append(db, batchOf(NOW + 1000, refs, [3, 4]))).toEqual([0, 0])
    await db.commit()
    expect(samplesIn(readAll(db))).toBe(4)
    execFileSync('mount', ['-o', `remount,nr_inodes=${took + 100}`, folder])
    await db.blocks.snapshot('x', true)
    await db.close()
    const left = Number(execFileSync('df', ['--output=iused', folder], { encoding: 'utf8' }).split('\n')[1])
    execFileSync('mount', ['-o', `remount,nr_inodes=${left}`, folder])
    expect(() => open(data)).toThrow(/^cannot keep data in .*data: cannot create .*lock: no space left on device \(ENOSPC\); there is room, but no free inode \(df -i\): .*; or name another folder with --storage.tsdb.path$/)
  })

  it('that is read-only is told of by name', (context) => {
    const folder = tempFolder()
    mountSmall(context, folder, 2 ** 20)
    execFileSync('mount', ['-o', 'remount,ro', folder])
    expect(() => open(path.join(folder, 'data'))).toThrow(/^cannot keep data in .*: read-only file system \(EROFS\); mount it writable; .*; or name another folder/)
  })
})

describe('a folder that this user may not write to', () => {
  it('is told of by the name of the user, and a start ends', () => {
    const folder = tempFolder()
    fs.chmodSync(folder, 0o555)
    // Root may do everything.
    const uid = process.getuid!() === 0 ? 65_534 : process.getuid!()
    const script = `const { open } = await import(process.argv[1]); try { open(process.argv[2]) } catch (error) { console.log(error.message) }`
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script, path.join(import.meta.dirname, 'store.ts'), folder], { encoding: 'utf8', uid, timeout: 30_000 })
    expect(run.stdout, run.stderr).toMatch(new RegExp(`^cannot keep data in ${folder}: cannot make folder ${folder}/series: permission denied .EACCES.; Monitor runs as user ${uid}: let that one own the folder`))
  })
})
