// Files of the 1-hour tier on a disk that ends or fails at any of its calls: a sidecar never stands there without its file,
// since a start that finds no list takes that for a file of which only the object store has the rest.
import { describe, expect, it, onTestFinished } from 'vitest'
import { DiskError, makeFolder, useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import { silentLogger } from '../../lib/std/log.ts'
import { recoverFolders } from '../../storage/recover-folders.ts'
import { dropHours, sweepHours } from '../../storage/tier/hour-build.ts'
import { EMPTY_MANIFEST, readManifest, writeManifest, type HourManifest } from '../../storage/tier/hour-manifest.ts'
import { spanOfDay, writeArchive } from '../support/hour-archive.ts'
import { randomRows } from '../support/hour-rows.ts'
import { testSeed } from '../support/seed.ts'
import { SimDisk } from './sim-disk.ts'
import type { SimNames } from './sim-names.ts'

const DAYS = ['2026-10-01', '2026-10-02'].map(spanOfDay)
const FOLDER = '/archive'

/** Writes two files and their list, drops them, and removes them when no query can be reading them any more. */
function story(): void {
  makeFolder(FOLDER)
  writeArchive(FOLDER, DAYS, ({ from }) => randomRows(new Random(1), 2, from, 3))
  const work = { folder: FOLDER, store: null, nowMs: DAYS[1]!.to, cutoffs: [] }
  dropHours(work, DAYS[1]!.to)
  sweepHours({ ...work, nowMs: work.nowMs + 3_600_000 })
}

function tell(disk: SimDisk): void {
  useDisk(disk)
  try {
    story()
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
  }
}

function lonely(names: SimNames): string[] {
  const folder = names.find(FOLDER)
  const here = folder?.kind === 'folder' ? [...folder.live.keys()] : []
  return here.filter((name) => name.endsWith('.index') && !here.includes(name.slice(0, -'.index'.length)))
}

describe('sidecars of hour files on a disk that', () => {
  function eachCall(f: (at: number, random: Random, what: string) => void): void {
    const real = useDisk(new SimDisk({ random: new Random(1) }))
    onTestFinished(() => void useDisk(real))
    const seed = testSeed()
    const random = new Random(seed)
    const whole = new SimDisk({ random })
    useDisk(whole)
    story()
    expect(lonely(whole.names)).toEqual([])
    expect(whole.calls).toBeGreaterThan(100)
    for (let at = 1; at <= whole.calls; at++) f(at, random, `SEED=${seed}, call ${at}`)
  }

  it('crashes have their files', () => {
    eachCall((at, random, what) => {
      const disk = new SimDisk({ random, endsAt: at })
      tell(disk)
      expect(lonely(disk.names), what).toEqual([])
      expect(lonely(disk.afterPowerCut(random.pick(['nothing', 'all', 'prefix', 'any']))), what).toEqual([])
    })
  })

  it('refuses a call have their files', () => {
    eachCall((at, random, what) => {
      const disk = new SimDisk({ random, faults: [{ at, kind: random.pick(['EIO', 'sync', 'short']) }] })
      tell(disk)
      expect(lonely(disk.names), what).toEqual([])
    })
  })
})

describe('the list of hour files', () => {
  it('does not go back behind what a start has seen of it', () => {
    const random = new Random(testSeed())
    const real = useDisk(new SimDisk({ random }))
    onTestFinished(() => void useDisk(real))
    const lists = (next: number): HourManifest => ({ ...EMPTY_MANIFEST, nextNumber: next })
    const told = (endsAt: number): SimDisk => {
      const disk = new SimDisk({ random, endsAt })
      useDisk(disk)
      try {
        makeFolder('/data/archive')
        writeManifest('/data/archive', lists(2))
        writeManifest('/data/archive', lists(3))
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
      }
      return disk
    }
    const calls = told(Infinity).calls
    for (let at = 1; at <= calls; at++) {
      const start = new SimDisk({ random, names: told(at).names })
      useDisk(start)
      recoverFolders('/data', silentLogger)
      const seen = readManifest('/data/archive')
      useDisk(new SimDisk({ random, names: start.afterPowerCut('nothing') }))
      expect(readManifest('/data/archive'), `call ${at}`).toEqual(seen)
    }
  })
})
