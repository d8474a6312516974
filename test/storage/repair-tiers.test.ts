// Repair of damage in the tiers: rows come again where raw samples are left of them, else what can be read stays.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database } from '../../storage/database.ts'
import type { Finding } from '../../storage/repair/finding.ts'
import { repairFolder } from '../../storage/repair/repair.ts'
import { readManifest } from '../../storage/tier/hour-manifest.ts'
import { testSeed } from '../support/seed.ts'
import { copyFolder, tempFolder } from '../support/temp-folder.ts'
import { append, batchOf, open, readAll, samplesIn, seriesOf } from './store.ts'
import { HOUR, MINUTE, T0, expectWholeTier, lookAt, settled } from './tier-rows.ts'

const start = (folder: string, clock: FakeClock, retentionMs = Infinity): Database => open(folder, { clock, retentionMs, minuteRetentionMs: 1000 * HOUR, hourRetentionMs: 1000 * HOUR })

/** Eleven hours of samples, and the tiers of the first ten; of which raw samples are left as the retention says. */
async function written(retentionMs = Infinity): Promise<string> {
  const folder = tempFolder()
  const clock = new FakeClock(T0)
  const db = start(folder, clock, retentionMs)
  const refs = seriesOf(db, 60)
  // Values that fill pages.
  const random = new Random(testSeed())
  for (; clock.now() < T0 + 11 * HOUR; clock.jump(60_000)) append(db, batchOf(clock.now(), refs, refs.map(() => random.float())))
  await settled(db)
  if (retentionMs < Infinity) {
    await clock.advance(61 * MINUTE)
    await settled(db)
  }
  await db.close()
  return folder
}

async function repair(folder: string, isDryRun = false): Promise<Finding[]> {
  const found: Finding[] = []
  await repairFolder(folder, isDryRun, (finding) => found.push(finding))
  return found
}

/** Of the first that matches: its full path. */
const find = (folder: string, part: string, name: RegExp): string => path.join(folder, part, fs.readdirSync(path.join(folder, part)).find((one) => name.test(one))!)

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file)
  bytes[at]! ^= 0x10
  fs.writeFileSync(file, bytes)
}

const hourFile = (folder: string): string => readManifest(path.join(folder, 'archive')).files[0]!.name

const HARMS: readonly [what: string, place: RegExp, harm: (folder: string) => void][] = [
  ['a page of minutes', /^tiers\/1m\//, (folder) => flip(path.join(find(folder, 'tiers/1m', /^\d/), 'chunks'), 500)],
  ['a description of minutes', /^tiers\/1m\//, (folder) => fs.rmSync(path.join(find(folder, 'tiers/1m', /^\d/), 'meta.json'))],
  ['a file of hours', /^archive\/1h-/, (folder) => flip(path.join(folder, 'archive', hourFile(folder)), 100)],
  ['a sidecar', /^archive\/1h-/, (folder) => flip(path.join(folder, 'archive', `${hourFile(folder)}.index`), 100)],
]

describe('repair of tiers', () => {
  it('finds nothing where nothing is damaged', async () => {
    const folder = await written()
    expect(await repair(folder)).toEqual([])
    const clock = new FakeClock(T0 + 11 * HOUR)
    const db = start(folder, clock)
    expectWholeTier(db, '1m', T0 + 10 * HOUR - MINUTE)
    await db.close()
  })

  it('has rows made again of raw samples, and keeps what was damaged', async () => {
    const sound = await written()
    for (const [what, place, harm] of HARMS) {
      const folder = copyFolder(sound)
      harm(folder)
      const dry = await repair(folder, true)
      expect(dry, what).toMatchObject([{ place: expect.stringMatching(place), cost: '', remedy: expect.stringContaining('the server makes its rows again') }])
      expect(await repair(folder), what).toEqual(dry)
      expect(fs.readdirSync(path.join(folder, 'quarantine')).length, what).toBeGreaterThan(0)
      expect(await repair(folder), `${what}, a second time`).toEqual([])
      const db = start(folder, new FakeClock(T0 + 11 * HOUR))
      await settled(db)
      expectWholeTier(db, '1m', T0 + 10 * HOUR - MINUTE)
      expectWholeTier(db, '1h', T0 + 9 * HOUR)
      await db.close()
    }
  }, 120_000)

  it('keeps what can be read where raw samples are gone', async () => {
    const sound = await written(2 * HOUR)
    const rowsIn = async (folder: string): Promise<[number, number]> => {
      const db = start(folder, new FakeClock(T0 + 12 * HOUR + MINUTE), 2 * HOUR)
      await settled(db)
      const rows = [lookAt(db, '1m').rows.size, lookAt(db, '1h').rows.size] as [number, number]
      await db.close()
      return rows
    }
    const [minutes, hours] = await rowsIn(copyFolder(sound))
    for (const [what, place, harm] of HARMS.filter(([name]) => name !== 'a description of minutes')) {
      const folder = copyFolder(sound)
      harm(folder)
      expect(await repair(folder), what).toMatchObject([{ place: expect.stringMatching(place), cost: expect.stringContaining('raw samples are gone') }])
      const [minutesLeft, hoursLeft] = await rowsIn(folder)
      if (what.includes('minutes')) {
        expect(minutesLeft, what).toBeGreaterThan(minutes / 4)
        expect(minutesLeft, what).toBeLessThan(minutes)
      } else {
        expect(hoursLeft, what).toBeLessThanOrEqual(hours)
        expect(readManifest(path.join(folder, 'archive')).files.length, 'none is taken away').toBeGreaterThan(0)
      }
    }
  }, 120_000)

  it('does not take a block of the tier that a start moved away for raw samples', async () => {
    const folder = await written()
    fs.rmSync(path.join(find(folder, 'tiers/1m', /^\d/), 'meta.json'))
    let db = start(folder, new FakeClock(T0 + 11 * HOUR))
    const want = samplesIn(readAll(db))
    await db.close()
    expect(await repair(folder)).toEqual([])
    db = start(folder, new FakeClock(T0 + 11 * HOUR))
    expect(samplesIn(readAll(db))).toBe(want)
    await db.close()
  })
})
