// Lives of a store on a simulated disk, one after the other: each begins with what the one before has left.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
// The store loads it with its first job, in turns of the event loop that no seed decides.
import '../../storage/block-jobs.ts'
import { Database, type DatabaseOptions } from '../../storage/database.ts'
import { SimDisk, type Fault } from './sim-disk.ts'
import type { SimNames } from './sim-names.ts'

export interface Life {
  disk: SimDisk
  clock: FakeClock
  db: Database
}

/** The disk call that is the last, and those that fail. */
export interface Wrong {
  endsAt?: number
  faults?: readonly Fault[]
}

export function startLife({ names, now, ...wrong }: Wrong & { names: SimNames; now: number }, options: Pick<DatabaseOptions, 'retentionMs' | 'headBytesMax' | 'fileBytesMax' | 'refMax'>): Life {
  const disk = new SimDisk({ random: new Random(1), names, ...wrong })
  const before = useDisk(disk)
  onTestFinished(() => void useDisk(before))
  const clock = new FakeClock(now)
  const db = new Database({ folder: '/data', clock, random: new Random(2), fileBytesMax: { log: 2 ** 20, segments: 4096 }, ...options })
  return { disk, clock, db }
}

/** The process ends here; what it wrote is in the page cache. */
export async function kill({ disk }: Life): Promise<SimNames> {
  disk.end()
  for (let turns = 0; turns < 8; turns++) await nextTurn()
  return disk.names
}

/** All that is due is done. */
export async function maintained({ db }: Life): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}
