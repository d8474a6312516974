// The disk refuses one read of a query over blocks, each in turn: the answer has less, never anything wrong, and says so.
import fs from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { useDisk, type Disk } from '../../lib/std/fs.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { tempFolder } from '../support/temp-folder.ts'
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
