// The tiers on a disk that crashes or fails at any of its calls: rows are made, made anew and compacted in the end, and
// are never others than those of the samples.
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { DiskError, useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import { Database } from '../../storage/database.ts'
import { LogError } from '../../storage/errors.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { append, batchOf, seriesOf } from '../storage/store.ts'
import { testSeed } from '../support/seed.ts'
import { tierFaults, viewTier } from '../support/tier-faults.ts'
import { SimDisk, type Fault } from './sim-disk.ts'
import type { Survival } from './sim-file.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const T0 = Math.floor(1_700_000_000_000 / (6 * HOUR)) * 6 * HOUR
const SURVIVALS: readonly Survival[] = ['nothing', 'all', 'prefix', 'any', 'any']
/** Of the disk calls of a story so many are tried, spread over all of it. */
const STORIES = Number(process.env['PROVE_TIER_STORIES'] ?? 12)

function open(clock: FakeClock): Database {
  return new Database({ folder: '/data', retentionMs: Infinity, minuteRetentionMs: 240 * HOUR, hourRetentionMs: 240 * HOUR, headBytesMax: 8 * 2 ** 20, clock, random: new Random(2) })
}

async function settled(db: Database): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}

/** Samples every 17 minutes, some of them late, up to `hours`. */
async function feed(db: Database, clock: FakeClock, from: number, hours: number): Promise<void> {
  const refs = seriesOf(db, 3)
  for (let t = T0 + from * HOUR; t < T0 + hours * HOUR; t += 17 * MINUTE) {
    clock.jump(Math.max(0, t - clock.now()))
    append(db, batchOf(t, refs, [t / 1000, 7, (t / MINUTE) % 13]))
  }
  clock.jump(Math.max(0, T0 + hours * HOUR - clock.now()))
  await db.commit()
  await settled(db)
}

/** All that is done to a tier, one after the other; what the disk refuses is left out. */
async function story(db: Database, clock: FakeClock): Promise<void> {
  await feed(db, clock, 0, 4.5)
  append(db, batchOf(T0 + HOUR + MINUTE, [db.series(['__name__', 'late'])], [5]))
  await feed(db, clock, 4.5, 7)
  await db.blocks.delete([[{ name: 'i', op: '=', value: '1' }]], T0 + 2.5 * HOUR, T0 + 5 * HOUR)
  await settled(db)
  await feed(db, clock, 7, 9)
}

function isOfTheDisk(error: unknown): boolean {
  return error instanceof DiskError || error instanceof LogError
}

async function told(disk: SimDisk, clock: FakeClock): Promise<void> {
  useDisk(disk)
  let db: Database | null = null
  try {
    db = open(clock)
    await story(db, clock)
    await db.close()
  } catch (error) {
    if (!isOfTheDisk(error) && !(disk.isDead || disk.happened.length > 0)) throw error
  }
  disk.end()
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Opened where nothing fails any more: what it has is right, and it becomes whole. */
async function expectMended(disk: SimDisk, clock: FakeClock, what: string): Promise<void> {
  useDisk(disk)
  const db = open(clock)
  const look = (): { faults: string[]; to: number; hoursTo: number } => {
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    const [minutes, hours] = [viewTier(querier), viewTier(querier, '1h')]
    const seen = { faults: [...tierFaults(minutes), ...tierFaults(hours), ...(querier.damage?.() ?? [])], to: minutes.to, hoursTo: hours.to }
    querier.close()
    queryable.close()
    return seen
  }
  expect(look().faults, what).toEqual([])
  await feed(db, clock, 9, 12.5)
  const { faults, to, hoursTo } = look()
  expect(faults, what).toEqual([])
  expect((to - T0) / MINUTE, what).toBe(12 * 60 - 1)
  expect((hoursTo - T0) / HOUR, what).toBe(11)
  await db.close()
}

describe('tiers on a disk that', () => {
  const before = useDisk(new SimDisk({ random: new Random(1) }))
  useDisk(before)

  async function callsOf(): Promise<number> {
    const disk = new SimDisk({ random: new Random(1) })
    await told(disk, new FakeClock(T0))
    return disk.calls
  }

  async function eachCall(f: (at: number, random: Random, what: string) => Promise<void>): Promise<void> {
    onTestFinished(() => void useDisk(before))
    const seed = Number(process.env['PROVE_SEED'] ?? testSeed())
    const random = new Random(seed)
    const calls = await callsOf()
    expect(calls).toBeGreaterThan(500)
    const stride = Math.ceil(calls / STORIES)
    for (let at = 1 + random.int(stride); at < calls; at += stride) await f(at, random, `PROVE_SEED=${seed}, call ${at}`)
  }

  it('crashes is made up for', async () => {
    await eachCall(async (at, random, what) => {
      const clock = new FakeClock(T0)
      const disk = new SimDisk({ random, endsAt: at })
      await told(disk, clock)
      const names = random.int(2) === 0 ? disk.names : disk.afterPowerCut(random.pick(SURVIVALS))
      await expectMended(new SimDisk({ random, names }), clock, what)
    })
  }, 120_000 + STORIES * 4000)

  it('refuses a call is made up for', async () => {
    await eachCall(async (at, random, what) => {
      const clock = new FakeClock(T0)
      const kind = random.pick(['EIO', 'short', 'sync', 'ENOSPC'] as const)
      const fault: Fault = kind === 'ENOSPC' ? { at, kind, until: at + 20 } : { at, kind }
      const disk = new SimDisk({ random, faults: [fault] })
      await told(disk, clock)
      await expectMended(new SimDisk({ random, names: disk.names }), clock, `${what} ${kind}`)
    })
  }, 120_000 + STORIES * 4000)
})
