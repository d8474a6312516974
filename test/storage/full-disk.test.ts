// Full disks that are really full: a file size limit of the kernel's (RLIMIT_FSIZE), and a file system of 2 MiB. What
// was promised before is all there afterwards, the refusal has its name, and room that comes later changes nothing.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { tempFolder } from '../support/temp-folder.ts'
import { open, readAll } from './store.ts'
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
  }
  await db.close()
}

/** Mounts a file system of its own in a folder, or skips the test and says why. */
function mountSmall(context: TestContext, folder: string, sizeBytes: number): void {
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'none', folder], { encoding: 'utf8' })
  if (mount.status !== 0) context.skip(`cannot mount a small file system here: ${mount.error?.message ?? mount.stderr.trim()}`)
  onTestFinished(() => void execFileSync('umount', [folder]))
}

describe('a disk that is full', () => {
  it('refuses with LogError when a file may not grow, and keeps what it promised', async () => {
    const folder = tempFolder()
    // 1 MiB, in the 512-byte blocks of sh: the log is the first file to get there.
    const run = spawnSync('sh', ['-c', 'ulimit -f 2048 && exec "$0" "$1" "$2"', process.execPath, path.join(import.meta.dirname, 'full-disk-writer.ts'), folder], { encoding: 'utf8', timeout: 60_000 })
    expect(run.status, run.stderr).toBe(0)
    const report = JSON.parse(run.stdout) as FullDiskReport
    expect(report).toMatchObject({ isLogError: true, promisedLater: 0 })
    expect(report.refusal).toContain('EFBIG')
    await expectWhatWasPromised(folder, report)
  })

  it('promises nothing more when a full file system gets room, and keeps what it promised', async (context) => {
    const folder = tempFolder()
    mountSmall(context, folder, 2 * 2 ** 20)
    const report = await fillUp(folder, () => execFileSync('mount', ['-o', `remount,size=${64 * 2 ** 20}`, folder]))
    expect(report).toMatchObject({ isLogError: true, promisedLater: 0 })
    expect(report.refusal).toContain('ENOSPC')
    expect(fs.statfsSync(folder).bavail).toBeGreaterThan(1000)
    await expectWhatWasPromised(folder, report)
  })
})
