// A start that is cut off at each of its disk calls, one after the other, by the end of the process; then a whole start,
// then a power cut: what was acknowledged before is there.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { DiskError, useDisk } from '../../lib/std/fs.ts'
import { Random } from '../../lib/std/random.ts'
import { Database } from '../../storage/database.ts'
import { LogError } from '../../storage/errors.ts'
import type { SampleBatch } from '../../storage/interface.ts'
import { append, batchOf, keyOf, samplesIn, readAll, series, seriesOf } from '../storage/store.ts'
import { SimDisk, type Fault } from './sim-disk.ts'
import { SimNames } from './sim-names.ts'

const NOW = 1_700_000_000_000

interface Life {
  disk: SimDisk
  clock: FakeClock
  db: Database | null
}

/** A store over what another left; null if the disk ended before it was open. */
function start(names: SimNames, endsAt: number = Infinity, faults: readonly Fault[] = []): Life {
  const disk = new SimDisk({ random: new Random(1), names, endsAt, faults })
  const before = useDisk(disk)
  onTestFinished(() => void useDisk(before))
  const clock = new FakeClock(NOW)
  try {
    const db = new Database({
      folder: '/data', retentionMs: Infinity, headBytesMax: 8 * 2 ** 20, clock, random: new Random(2),
      fileBytesMax: { log: 2 ** 20, segments: 256 },
    })
    return { disk, clock, db }
  } catch (error) {
    if (!disk.isDead) throw error
    return { disk, clock, db: null }
  }
}

/** The process ends here; what it wrote is in the page cache. */
async function kill({ disk }: Life): Promise<SimNames> {
  disk.end()
  for (let turns = 0; turns < 8; turns++) await nextTurn()
  return disk.names
}

function namesIn(names: SimNames, folder: string): string[] {
  const node = names.find(folder)
  return node?.kind === 'folder' ? [...node.live.keys()] : []
}

/** A power cut that leaves nothing but what was synced. */
async function powerCut(life: Life): Promise<SimNames> {
  await kill(life)
  return life.disk.afterPowerCut('nothing')
}

/** Names are changed where they are: each life needs its own. */
const copyOf = (names: SimNames): SimNames => names.afterPowerCut(new Random(1), 'all')

/** A row that is acknowledged, and more that have come to no log yet, only to segments. */
async function fed(names: SimNames, more = 0): Promise<Life> {
  const life = start(names)
  const refs = seriesOf(life.db!, 3)
  append(life.db!, batchOf(NOW, refs, [1, 2, 3]))
  await life.db!.commit()
  for (let k = 1; k <= more; k++) append(life.db!, batchOf(NOW + k, refs, [k + 0.5, Math.sqrt(k), k / 7]))
  return life
}

/** False where the disk refused a segment. */
function tryAppend(db: Database, batch: SampleBatch): boolean {
  try {
    append(db, batch)
    return true
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return false
  }
}

const samplesAfter = (names: SimNames): number => samplesIn(readAll(start(names).db!))

describe('a start', () => {
  it('makes every name durable before anything is acknowledged', async () => {
    expect(samplesAfter(await powerCut(await fed(new SimNames())))).toBe(3)
    let calls = 0
    for (let endsAt = 1; ; endsAt++, calls++) {
      const cut = start(new SimNames(), endsAt)
      const life = await fed(await kill(cut))
      expect(samplesAfter(await powerCut(life)), `first start ended at call ${endsAt}`).toBe(3)
      if (cut.db !== null) break
    }
    expect(calls).toBeGreaterThan(20)
  })

  it('makes durable all that it shows, also if starts between were killed, too', async () => {
    // Segment files of 256 bytes: several are full, and none was ever synced.
    for (let endsAt = 1; ; endsAt++) {
      const life = await fed(new SimNames(), 100)
      expect(life.disk.names.find('/data/head/00000003.seg')).not.toBeNull()
      const cut = start(await kill(life), endsAt)
      const whole = start(await kill(cut))
      const shown = readAll(whole.db!)
      expect(samplesIn(shown)).toBeGreaterThan(250)
      expect(readAll(start(await powerCut(whole)).db!), `second start ended at call ${endsAt}`).toEqual(shown)
      if (cut.db !== null) break
    }
  })

  it('makes durable all that it shows, also where the log was about to get a file in the place of its only one', async () => {
    const appended = (life: Life): void => {
      const refs = seriesOf(life.db!, 3)
      for (let k = 0; k < 40; k++) append(life.db!, batchOf(NOW + k, refs, [k, 1 / k, k / 7]))
    }
    const first = start(new SimNames())
    appended(first)
    const { calls } = first.disk
    await kill(first)
    let withoutLog = 0
    for (let endsAt = calls + 1; endsAt < calls + 60; endsAt++) {
      // The first sync of the commit fails: nothing of the log counts.
      const life = start(new SimNames(), endsAt, [{ at: calls + 1, kind: 'sync' }])
      appended(life)
      await life.db!.commit().catch(() => {})
      // It is tried again in a new file every second.
      for (let turns = 0; turns < 40; turns++) {
        await life.clock.advance(250)
        await nextTurn()
      }
      const names = await kill(life)
      if (!namesIn(names, '/data/log').some((name) => name.endsWith('.log'))) withoutLog++
      const again = start(names)
      const shown = readAll(again.db!)
      expect(readAll(start(await powerCut(again)).db!), `ended at call ${endsAt}`).toEqual(shown)
    }
    expect(withoutLog).toBeGreaterThan(0)
  })

  it('keeps deleted what it shows as deleted, also if the delete was killed', async () => {
    let ended = 0
    for (let isDone = false, endsAt = 1; !isDone; endsAt++) {
      const names = await kill(await fed(new SimNames()))
      const life = start(names, endsAt)
      if (life.db === null) continue
      isDone = await life.db.blocks.delete([[{ name: 'i', op: '=', value: '1' }]], NOW, NOW + 1).then(() => true, () => false)
      ended++
      const again = start(await kill(life))
      const shown = readAll(again.db!)
      expect(readAll(start(await powerCut(again)).db!), `ended at call ${endsAt}`).toEqual(shown)
      if (isDone) expect(samplesIn(shown)).toBe(2)
    }
    expect(ended).toBeGreaterThan(20)
  })

  it('shows no other value of a sample where a delete was killed', async () => {
    const life = await fed(new SimNames())
    const key = keyOf(series(1))
    const remove = (db: Database, i: string): Promise<void> => db.blocks.delete([[{ name: 'i', op: '=', value: i }]], NOW, NOW)
    // All is in blocks then; what comes for their time lies in one of its own.
    await remove(life.db!, 'none')
    append(life.db!, batchOf(NOW, seriesOf(life.db!, 3), [-1, -2, -3]))
    await life.db!.commit()
    await remove(life.db!, 'none')
    expect(life.db!.blocks.blocks.length).toBe(2)
    const seen = new Set<string>()
    const names = await powerCut(life)
    for (let isDone = false, endsAt = 1; !isDone; endsAt++) {
      const next = start(copyOf(names), endsAt)
      if (next.db === null) continue
      isDone = await remove(next.db, '1').then(() => true, () => false)
      seen.add(JSON.stringify(readAll(start(await kill(next)).db!).get(key) ?? []))
    }
    expect([...seen]).toEqual([JSON.stringify([[NOW, 2]]), '[]'])
  })

  it('writes again what it found, for a sync that failed has left it clean', async () => {
    const first = start(new SimNames())
    const setUp = first.disk.calls
    await kill(first)
    let failures = 0
    for (let at = setUp; at < setUp + 40; at++) {
      const life = start(new SimNames(), Infinity, [{ at, kind: 'sync' }])
      const refs = seriesOf(life.db!, 3)
      for (let k = 0; k < 40; k++) tryAppend(life.db!, batchOf(NOW + k, refs, [k, 1 / k, k / 7]))
      await life.db!.commit().catch((error: unknown) => {
        expect(error).toBeInstanceOf(LogError)
        failures++
      })
      if (at % 2 === 0) await life.db!.close().catch((error: unknown) => expect(error).toBeInstanceOf(Error))
      const again = start(await kill(life))
      const shown = readAll(again.db!)
      expect(readAll(start(await powerCut(again)).db!), `sync failed from call ${at} on`).toEqual(shown)
    }
    expect(failures).toBeGreaterThan(1)
  })
})
