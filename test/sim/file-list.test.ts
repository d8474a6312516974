// The list of files on a disk that fails once, at each of its calls, and loses its power at the end: it never names a file that was let go.
import { expect, it, onTestFinished } from 'vitest'
import { DiskError, DiskFile, makeFolder, removeFiles, useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import { FileList } from '../../storage/file-list.ts'
import { SimDisk, type Fault } from './sim-disk.ts'
import type { Survival } from './sim-file.ts'

const SURVIVALS: readonly Survival[] = ['nothing', 'all', 'prefix', 'any']

/** What is missing at the next start; `calls`: how many the disk took. */
async function missingAfter(faults: readonly Fault[], survival: Survival): Promise<{ missing: string[]; calls: number }> {
  const random = new Random(1)
  const before = new SimDisk({ random })
  useDisk(before)
  makeFolder('/data/log')
  for (const name of ['1', '2']) DiskFile.openForWrite(`/data/log/${name}`).close()
  const disk = new SimDisk({ random, names: before.afterPowerCut('all'), faults })
  useDisk(disk)
  const list = new FileList('/data')
  list.note('log/2', 7)
  list.note('log/1', 5)
  try {
    list.dropBefore('log/2')
    await removeFiles('/data/log', ['1'])
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
  }
  // The sync of a file that is let go may end after that.
  list.note('log/1', 9)
  useDisk(new SimDisk({ random, names: disk.afterPowerCut(survival) }))
  return { missing: new FileList('/data').missing(), calls: disk.calls }
}

it('names no file that was let go, whatever the disk refuses', async () => {
  const real = useDisk(new SimDisk({ random: new Random(1) }))
  onTestFinished(() => void useDisk(real))
  const { calls } = await missingAfter([], 'nothing')
  expect(calls).toBeGreaterThan(20)
  for (const kind of ['EIO', 'sync'] as const) {
    for (let at = 0; at < calls; at++) {
      for (const survival of SURVIVALS) expect((await missingAfter([{ at, kind }], survival)).missing, `${kind} at ${at}, of the rest ${survival}`).toEqual([])
    }
  }
})
