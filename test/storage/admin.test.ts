// What is asked of a store from outside: deleting series, taking what is deleted out of the files, snapshots.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EMPTY_HISTOGRAM, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { useDisk } from '../../lib/std/fs.ts'
import type { Database } from '../../storage/database.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { copyFolder, tempFolder } from '../support/temp-folder.ts'
import { NOW, abandon, append, batchOf, drain, keyOf, open, readAll, samplesIn, series, seriesOf, HINTS, type Points } from './store.ts'

const STEP = 60_000
const ROWS = 200

/** Six series, 200 rows a minute apart that end now: some two 2 h stretches, one of them cut. */
async function filled(folder: string): Promise<Database> {
  const db = open(folder)
  const refs = seriesOf(db, 6)
  for (let k = 0; k < ROWS; k++) append(db, batchOf(NOW - (ROWS - 1 - k) * STEP, refs, refs.map((ref) => ref * k)))
  await db.maintain()
  await db.blocks.idle()
  return db
}

const matching = (i: number): Matcher[] => [{ name: 'i', op: '=', value: String(i) }]
const key = (i: number): string => keyOf(series(i))
const without = (all: Map<string, Points>, i: number, from: number, to: number): Map<string, Points> =>
  new Map([...all].map(([name, points]): [string, Points] => [name, name === key(i) ? points.filter(([t]) => t < from || t > to) : points]).filter(([, points]) => points.length > 0))

describe('deleting', () => {
  it('takes samples of head and blocks away at once, for ever, and no others', async () => {
    const folder = tempFolder()
    const db = await filled(folder)
    expect(db.blocks.blocks.length).toBeGreaterThan(0)
    const all = readAll(db)
    const from = NOW - 150 * STEP
    const to = NOW - 10 * STEP
    await db.blocks.delete([matching(2), matching(3)], from, to)
    const want = without(without(all, 2, from, to), 3, from, to)
    expect(readAll(db)).toEqual(want)
    await db.blocks.delete([matching(5)], -8.64e15, 8.64e15)
    const rest = without(want, 5, -Infinity, Infinity)
    expect(readAll(db)).toEqual(rest)
    // What comes later is there, also of a series that was deleted.
    expect(append(db, batchOf(NOW + 1000, seriesOf(db, 6), [1, 2, 3, 4, 5, 6]))).toEqual([0, 0, 0, 0, 0, 0])
    expect(samplesIn(readAll(db))).toBe(samplesIn(rest) + 6)
    const last = readAll(db)
    await db.commit()
    abandon(folder)
    const again = open(folder)
    expect(readAll(again)).toEqual(last)
    await again.blocks.clean()
    expect(readAll(again)).toEqual(last)
    expect(fs.readdirSync(`${folder}/blocks`).filter((name) => fs.existsSync(`${folder}/blocks/${name}/tombstones`)
      && again.blocks.blocks.some((block) => block.folder === name))).toEqual([])
    await again.close()
  })

  it('deletes nothing, and cuts nothing, where the end is before the start', async () => {
    const db = await filled(tempFolder())
    const all = readAll(db)
    const blocks = db.blocks.blocks.map(({ folder }) => folder)
    await db.blocks.delete([matching(2)], NOW - 10 * STEP, NOW - 150 * STEP)
    expect(db.blocks.blocks.map(({ folder }) => folder)).toEqual(blocks)
    expect(readAll(db)).toEqual(all)
    await db.close()
  })

  it('takes deleted samples again when they are sent again, as long as they are not too late', async () => {
    const folder = tempFolder()
    const db = await filled(folder)
    const [, ref] = seriesOf(db, 2)
    const all = readAll(db)
    const times = [NOW, NOW - STEP, NOW - 2 * STEP]
    await db.blocks.delete([matching(1)], times.at(-1)!, NOW)
    for (const t of times) expect(append(db, batchOf(t, [ref!], [new Map(all.get(key(1))).get(t) as number]))).toEqual([0])
    expect(readAll(db)).toEqual(all)
    await db.close()
    const again = open(folder)
    expect(readAll(again)).toEqual(all)
    await again.close()
  })

  it('is seen by a reader that had the block open before', async () => {
    const db = await filled(tempFolder())
    const queryable = new StoreQueryable(db.handle(), 3)
    const read = (): number => {
      const querier = queryable.querier()
      const found = drain(querier, querier.select(matching(1), -8.64e15, 8.64e15, HINTS))
      querier.close()
      return samplesIn(found)
    }
    expect(read()).toBe(ROWS)
    await db.blocks.delete([matching(1)], NOW - 20 * STEP, NOW)
    expect(read()).toBe(ROWS - 21)
    await db.blocks.delete([matching(1)], NOW - 30 * STEP, NOW - 25 * STEP)
    expect(read()).toBe(ROWS - 27)
    queryable.close()
    await db.close()
  })

  it('waits for its turn, one after the other', async () => {
    const db = await filled(tempFolder())
    await Promise.all([0, 1, 2, 3].map((i) => db.blocks.delete([matching(i)], NOW - STEP, NOW)))
    expect(samplesIn(readAll(db))).toBe(6 * ROWS - 8)
    await db.close()
    await expect(db.blocks.delete([matching(0)], 0, NOW)).rejects.toThrow('the store is closed')
  })
})

describe('a snapshot', () => {
  it('is a data folder that holds what there was, and stays when the store goes on', async () => {
    const folder = tempFolder()
    const db = await filled(folder)
    const all = readAll(db)
    await db.blocks.snapshot('whole', true)
    const cut = db.blocks.blocks.length
    append(db, batchOf(NOW + 1000, seriesOf(db, 6), [1, 2, 3, 4, 5, 6]))
    await db.blocks.delete([matching(1)], 0, NOW)
    await db.blocks.clean()
    await db.blocks.snapshot('blocks-only', false)
    await db.close()
    const restored = open(copyFolder(`${folder}/snapshots/whole`))
    expect(readAll(restored)).toEqual(all)
    await restored.close()
    const whole = open(`${folder}/snapshots/whole`)
    expect(whole.recovery).toMatchObject({ corruptRecords: 0, damagedBlocks: 0 })
    expect(whole.blocks.blocks).toHaveLength(cut)
    expect(readAll(whole)).toEqual(all)
    append(whole, batchOf(NOW + 2000, seriesOf(whole, 6), [1, 2, 3, 4, 5, 6]))
    expect(samplesIn(readAll(whole))).toBe(samplesIn(all) + 6)
    await whole.close()
    const rest = open(`${folder}/snapshots/blocks-only`)
    expect(readAll(rest).has(key(1))).toBe(true)
    expect(samplesIn(readAll(rest))).toBe(5 * ROWS + 6)
    await rest.close()
  })

  it('that the disk refuses leaves none behind', async () => {
    const folder = tempFolder()
    const db = await filled(folder)
    let links = 0
    const refuse = (): void => { throw Object.assign(new Error('no more links'), { code: 'EPERM' }) }
    useDisk({ ...fs, linkSync: (from: string, to: string) => (++links > 2 ? refuse() : fs.linkSync(from, to)) })
    await expect(db.blocks.snapshot('x', false)).rejects.toThrow(/cannot link .*: no more links .EPERM./)
    useDisk(fs)
    expect(fs.readdirSync(`${folder}/snapshots`).filter((name) => !name.startsWith('.tmp-'))).toEqual([])
    await db.blocks.snapshot('x', false)
    expect(fs.readdirSync(`${folder}/snapshots`)).toEqual(['x'])
    await db.close()
  })
})

describe('a snapshot of files that it has to copy', () => {
  const definitions = 'series/definitions'
  const openFiles = (): string[] => fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })

  it('is refused where one becomes shorter meanwhile, and leaves no file open', async () => {
    const folder = tempFolder()
    const db = await filled(folder)
    const before = openFiles().filter((file) => file.endsWith(definitions)).length
    const real = useDisk({ ...fs, readSync: (fd: number, into: Uint8Array, offset: number, length: number, position: number) => (
      fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith(definitions) ? 0 : fs.readSync(fd, into, offset, length, position)
    ) })
    await expect(db.blocks.snapshot('shorter', false)).rejects.toThrow(/^cannot copy .*definitions: it ended at 0 of \d+ bytes while it was read/)
    useDisk({ ...fs, openSync: (file: fs.PathLike, flags: fs.OpenMode) => {
      if (String(file).includes('.tmp-refused/series/definitions')) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
      return fs.openSync(file, flags)
    } })
    await expect(db.blocks.snapshot('refused', false)).rejects.toThrow(/too many open files/)
    useDisk(real)
    expect(openFiles().filter((file) => file.endsWith(definitions))).toHaveLength(before)
    await db.blocks.snapshot('whole', false)
    expect(fs.statSync(`${folder}/snapshots/whole/${definitions}`).size).toBe(fs.statSync(`${folder}/${definitions}`).size)
    await db.close()
  })
})

describe('a snapshot that a crash left half made', () => {
  it('does not stand in the way of the next', async () => {
    const folder = tempFolder()
    const db = await filled(folder)
    for (const name of ['blocks/staged', 'series', 'tiers/1m']) fs.mkdirSync(`${folder}/snapshots/.tmp-old/${name}`, { recursive: true })
    fs.writeFileSync(`${folder}/snapshots/.tmp-old/blocks/change.json.new`, '{')
    await db.blocks.snapshot('next', true)
    expect(fs.readdirSync(`${folder}/snapshots`)).toEqual(['next'])
    await db.close()
  })
})

describe('batches over blocks', () => {
  it('are small where samples are native histograms, which are objects', async () => {
    const db = open(tempFolder())
    const refs = seriesOf(db, 100)
    const histograms = refs.map((): FloatHistogram => ({ ...EMPTY_HISTOGRAM, count: 3, sum: 1, positive: { index: Int32Array.of(1, 2), count: Float64Array.of(1, 2) } }))
    for (let k = 0; k < 1500; k++) append(db, { ...batchOf(NOW - (1500 - k) * 4000, refs, refs), histograms: k % 2 === 0 ? histograms : null })
    await db.blocks.snapshot('cut', true)
    const queryable = new StoreQueryable(db.handle(), 3)
    const querier = queryable.querier()
    const selection = querier.select([{ name: '__name__', op: '!=', value: '' }], -8.64e15, 8.64e15, HINTS)
    let values = 0
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      expect(batch.seriesCount * batch.n).toBeLessThanOrEqual(1 << 16)
      expect(batch.histograms).not.toBeNull()
      values += batch.seriesCount * batch.n
    }
    expect(values).toBe(150_000)
    querier.close()
    queryable.close()
    await db.close()
  })
})
