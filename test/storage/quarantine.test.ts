// A cut that meets damage in the head's files: what is sound goes to blocks, the file is set aside, not removed. A device
// that does not read is no damage: the cut fails and is made again.
import fs from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { useDisk } from '../../lib/std/fs.ts'
import type { Database } from '../../storage/database.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, append, batchOf, open, readAll, samplesIn, seriesOf } from './store.ts'

afterEach(() => void useDisk(fs))

const ROWS = 400
const SERIES = 4

/** A store whose rows are in two segment files, the older one full; both closed to writing by a restart. */
async function filled(folder: string, clock: FakeClock): Promise<Database> {
  const first = open(folder, { clock })
  const refs = seriesOf(first, SERIES)
  for (let k = 0; k < ROWS; k++) append(first, batchOf(NOW - (ROWS - k) * 1000, refs, refs.map((ref) => ref * k)))
  await first.close()
  return open(folder, { clock })
}

const segmentFile = (folder: string): string => `${folder}/head/00000001.seg`

/** Cuts all, and lets upkeep remove what is covered. */
async function cutAndClean(db: Database, clock: FakeClock): Promise<void> {
  await db.blocks.snapshot('cut', true)
  for (let k = 0; k < 4; k++) {
    await clock.advance(15_000)
    await db.maintain()
  }
}

describe('a cut', () => {
  it('sets a damaged file of the head aside, and takes the rest', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    const db = await filled(folder, clock)
    const before = samplesIn(readAll(db))
    const bytes = fs.readFileSync(segmentFile(folder))
    bytes[bytes.length >>> 1]! ^= 0xff
    fs.writeFileSync(segmentFile(folder), bytes)
    await cutAndClean(db, clock)
    expect(fs.existsSync(segmentFile(folder))).toBe(false)
    expect(fs.readFileSync(`${folder}/quarantine/00000001.seg`).equals(bytes)).toBe(true)
    const left = samplesIn(readAll(db))
    expect(left).toBeLessThan(before)
    expect(left).toBeGreaterThanOrEqual(before - 2 * 32 * SERIES)
    await db.close()
  })

  it('removes a sound one', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    const db = await filled(folder, clock)
    const before = samplesIn(readAll(db))
    await cutAndClean(db, clock)
    expect(fs.existsSync(segmentFile(folder))).toBe(false)
    expect(fs.existsSync(`${folder}/quarantine`)).toBe(false)
    expect(samplesIn(readAll(db))).toBe(before)
    await db.close()
  })

  it('fails where the device does not read, and changes nothing', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    const db = await filled(folder, clock)
    const all = readAll(db)
    const refuse = (): never => { throw Object.assign(new Error('i/o'), { code: 'EIO' }) }
    useDisk({ ...fs, readSync: refuse })
    await expect(db.blocks.snapshot('cut', true)).rejects.toThrow(/EIO/)
    useDisk(fs)
    expect(db.blocks.blocks).toEqual([])
    expect(readAll(db)).toEqual(all)
    await cutAndClean(db, clock)
    expect(readAll(db)).toEqual(all)
    await db.close()
  })
})
