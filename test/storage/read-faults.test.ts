// The disk refuses one read of a query over blocks, each in turn: the answer has less, never anything wrong, and says so.
import fs from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { useDisk, type Disk } from '../../lib/std/fs.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { PageCache } from '../../storage/block/page-cache.ts'
import { MIRROR, PAGE_HEAD_BYTES } from '../../storage/block/page-file.ts'
import { PageFile } from '../../storage/block/page-reader.ts'
import { HOUR, MINUTE, T0, settled } from './tier-rows.ts'
import { HINTS, NOW, append, batchOf, drain, open, readAll, seriesOf, type Points } from './store.ts'

afterEach(() => void useDisk(fs))

describe('a query whose n-th read of the disk fails', () => {
  it('leaves out what it could not read', async () => {
    const db = open(tempFolder())
    const refs = seriesOf(db, 5)
    for (let k = 0; k < 3000; k++) append(db, batchOf(NOW - (3000 - k) * 5000, refs, refs.map((ref) => ref * k)))
    await db.blocks.snapshot('cut', true)
    expect(db.blocks.blocks.length).toBeGreaterThan(1)
    const all = readAll(db)
    let failures = 0
    for (let n = 1; ; n++) {
      let reads = 0
      const readSync: Disk['readSync'] = (...args) => {
        if (++reads === n) throw Object.assign(new Error('i/o'), { code: 'EIO' })
        return fs.readSync(...args)
      }
      useDisk({ ...fs, readSync })
      const queryable = new StoreQueryable(db.handle(), 4)
      const querier = queryable.querier()
      const found = drain(querier, querier.select([{ name: '__name__', op: '!=', value: '' }], NOW - 14_000_000, NOW - 50_000, HINTS))
      const damage = querier.damage?.() ?? []
      querier.close()
      queryable.close()
      useDisk(fs)
      if (reads < n) break
      for (const [key, points] of found) {
        const right = new Map<number, Points[number][1]>(all.get(key))
        expect(points.filter(([t, v]) => right.get(t) !== v)).toEqual([])
      }
      const missing = [...found.values()].reduce((sum, points) => sum + points.length, 0) < 5 * 2791
      if (missing) expect([n, damage.length]).not.toEqual([n, 0])
      failures++
    }
    expect(failures).toBeGreaterThan(5)
    await db.close()
  })

  it('finds it again with the next query, when the disk gives it', async () => {
    const db = open(tempFolder())
    const refs = seriesOf(db, 5)
    for (let k = 0; k < 200; k++) append(db, batchOf(NOW - (200 - k) * 5000, refs, refs.map((ref) => ref * k)))
    const all = readAll(db)
    const queryable = new StoreQueryable(db.handle(), 4)
    const read = (): [found: number, damage: number] => {
      const querier = queryable.querier()
      const found = drain(querier, querier.select([{ name: '__name__', op: '!=', value: '' }], NOW - 14_000_000, NOW, HINTS))
      const damage = querier.damage?.() ?? []
      querier.close()
      return [[...found.values()].reduce((sum, points) => sum + points.length, 0), damage.length]
    }
    const readSync: Disk['readSync'] = () => {
      throw Object.assign(new Error('i/o'), { code: 'EIO' })
    }
    useDisk({ ...fs, readSync })
    const [found, damage] = read()
    expect(found).toBeLessThan(1000)
    expect(damage).toBeGreaterThan(0)
    useDisk(fs)
    expect(read()).toEqual([1000, 0])
    queryable.close()
    expect(readAll(db)).toEqual(all)
    await db.close()
  })
})

const ALL = [{ name: '__name__', op: '!=', value: '' }] as const

/** Changes a byte of each page of a section, of both copies; returns how to put the file back. */
function damageSection(file: string, section: number): () => void {
  const whole = fs.readFileSync(file)
  const bytes = Buffer.from(whole)
  const pages = new PageFile(file, new PageCache())
  for (let page = 0, at = 8 + PAGE_HEAD_BYTES; page < pages.pageCount; page++) {
    if (pages.sectionOf(page) % MIRROR === section) bytes[at]! ^= 0xff
    at += bytes.readUInt32LE(at - PAGE_HEAD_BYTES + 16) + PAGE_HEAD_BYTES
  }
  pages.close()
  fs.writeFileSync(file, bytes)
  return () => fs.writeFileSync(file, whole)
}

describe('damage that queries of a thread meet again and again', () => {
  it('is told of by each of them', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T0)
    const db = open(folder, { clock, minuteRetentionMs: 30 * 24 * HOUR })
    const [hot] = seriesOf(db, 1)
    for (let t = T0; t < T0 + 10.5 * HOUR; t += MINUTE) {
      clock.jump(MINUTE)
      const refs = t < T0 + 30 * MINUTE ? [hot!, ...seriesOf(db, 4, 1)] : [hot!]
      append(db, batchOf(t, refs, refs.map((ref) => ref * t)))
      if (t % (2 * HOUR) === 30 * MINUTE) await settled(db)
    }
    expect(db.head.series.forgotten).toBe(4)
    await db.blocks.delete([[{ name: 'i', op: '=', value: '4' }]], T0, T0 + 10 * MINUTE)
    const [raw, minutes] = [`blocks/${db.blocks.blocks[0]!.folder}`, `tiers/1m/${db.blocks.minutes[0]!.folder}`].map((block) => `${folder}/${block}`) as [string, string]

    /** What each of three queries of one thread finds, and how much it says is missing. */
    const ask = (): { found: number; damage: number }[] => {
      const queryable = new StoreQueryable(db.handle(), 4)
      const answers = Array.from({ length: 3 }, () => {
        const querier = queryable.querier()
        const samples = drain(querier, querier.select(ALL, T0, T0 + 90 * MINUTE, HINTS))
        const tiers = querier.buckets.tiers(ALL)
        const rows = querier.buckets.selectBuckets('1m', ALL, T0, T0 + 90 * MINUTE, ['sum'])
        let found = [...samples.values()].reduce((sum, points) => sum + points.length, 0)
        for (let batch = rows.next(); batch !== null; batch = rows.next()) found += batch.columns.count.subarray(0, batch.n * batch.seriesCount).reduce((sum, count) => sum + count, 0)
        const answer = { found: tiers.length < 2 ? 0 : found, damage: querier.damage().length }
        querier.close()
        return answer
      })
      queryable.close()
      return answers
    }
    const whole = ask()
    expect(whole).toEqual(Array.from({ length: 3 }, () => ({ found: whole[0]!.found, damage: 0 })))
    const silent: string[] = []
    let partial = 0
    const check = (what: string, restore: () => void): void => {
      ask().forEach(({ found, damage }, n) => {
        if (found !== whole[0]!.found) partial++
        if (found !== whole[0]!.found && damage === 0) silent.push(`${what}, query ${n + 1}`)
      })
      restore()
    }
    for (const block of [raw, minutes]) {
      for (let section = 1; section <= 8; section++) check(`section ${section} of ${block}`, damageSection(`${block}/index`, section))
      check(`values of ${block}`, damageSection(`${block}/chunks`, 9))
    }
    const tombstones = fs.readFileSync(`${raw}/tombstones`)
    fs.writeFileSync(`${raw}/tombstones`, tombstones.map((byte, i) => (i === 20 ? byte ^ 1 : byte)))
    check('tombstones', () => fs.writeFileSync(`${raw}/tombstones`, tombstones))
    expect(silent).toEqual([])
    const restore = damageSection(`${raw}/index`, 7)
    await expect(db.blocks.delete([[{ name: 'i', op: '=', value: '3' }]], T0, T0 + HOUR)).rejects.toThrow(/cannot tell what to delete: cannot read page/)
    restore()
    expect(partial).toBeGreaterThan(30)
    await db.close()
  })
})
