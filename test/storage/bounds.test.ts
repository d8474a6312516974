// What has a bound: times, the number of series, what readers keep, and how long upkeep holds the main thread.
import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import type { Database } from '../../storage/database.ts'
import { SeriesLimitError } from '../../storage/errors.ts'
import { REJECT_FUTURE, REJECT_TOO_OLD, STORED } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { SIDE_PAIR_COUNT, SIDE_SYMBOL_COUNT, sideWord } from '../../storage/head/shared-heap.ts'
import { SymbolReader, TEXTS_MAX } from '../../storage/head/symbols.ts'
import { expectSame } from '../support/expect-same.ts'
import { waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { HINTS, NOW, abandon, append, batchOf, drain, keyOf, open, readAll, samplesIn, series, seriesOf } from './store.ts'

describe('timestamps', () => {
  it('must be finite and not before 1970, whatever the retention', async () => {
    for (const retentionMs of [Infinity, 86_400_000]) {
      const folder = tempFolder()
      const db = open(folder, { retentionMs })
      const refs = seriesOf(db, 2)
      for (const t of [-Infinity, NaN, Infinity, -1, -62_135_596_800_000]) {
        expect(append(db, batchOf(t, refs, refs))).toEqual([REJECT_TOO_OLD, REJECT_TOO_OLD])
        const mixed = { ...batchOf(0, refs, refs), times: Float64Array.of(t, NOW - 1000) }
        expect(append(db, mixed)).toEqual([REJECT_TOO_OLD, STORED])
      }
      expect(append(db, batchOf(NOW + 3_600_000, refs, refs))).toEqual([REJECT_FUTURE, REJECT_FUTURE])
      expect([...readAll(db).values()]).toEqual([[[NOW - 1000, refs[1]]]])
      expect(append(db, batchOf(NOW, refs, refs))).toEqual([STORED, STORED])
      const before = readAll(db)
      await db.commit()
      abandon(folder)
      const again = open(folder, { retentionMs })
      expect(readAll(again)).toEqual(before)
      await again.close()
    }
  })
})

describe('the limit of series', () => {
  it('refuses new ones, leaves nothing of them behind, and harms none that are there', async () => {
    const db = open(tempFolder(), { seriesLimit: 3 })
    const refs = seriesOf(db, 3)
    const { u32 } = db.head.heap
    const before = [u32[sideWord(0) + SIDE_SYMBOL_COUNT], u32[sideWord(0) + SIDE_PAIR_COUNT], db.headBytes]
    for (let k = 0; k < 5000; k++) expect(() => db.series(labelsFromRecord({ __name__: 'm', pod: `pod-${k}` }))).toThrow(SeriesLimitError)
    expect([u32[sideWord(0) + SIDE_SYMBOL_COUNT], u32[sideWord(0) + SIDE_PAIR_COUNT], db.headBytes]).toEqual(before)
    expect(seriesOf(db, 3)).toEqual(refs)
    expect(append(db, batchOf(NOW, refs, refs))).toEqual([STORED, STORED, STORED])
    expect(readAll(db).size).toBe(3)
    await db.close()
  })

  it('keeps what a start finds, however much it is, and refuses what is new then', async () => {
    const folder = tempFolder()
    const db = open(folder)
    const refs = seriesOf(db, 10)
    append(db, batchOf(NOW, refs, refs))
    await db.close()
    const again = open(folder, { seriesLimit: 4 })
    expect(again.seriesCount).toBe(10)
    expect(again.recovery.replayedSamples).toBe(10)
    expect(seriesOf(again, 10)).toEqual(refs)
    expect(append(again, batchOf(NOW + 1, refs, refs))).toEqual(refs.map(() => STORED))
    expect(() => again.series(series(10))).toThrow(SeriesLimitError)
    expect(samplesIn(readAll(again))).toBe(20)
    await again.close()
  })
})

describe('what a reader keeps', () => {
  it('is a bounded number of texts, each right', async () => {
    const db = open(tempFolder())
    const count = TEXTS_MAX + 5000
    const refs = Array.from({ length: count }, (_, i) => db.series(labelsFromRecord({ __name__: 'm', id: `value ${i}` })))
    expect(refs.length).toBe(count)
    const reader = new SymbolReader(db.head.heap, 0)
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < count; i += 7) expectSame(reader.text(reader.find(`value ${i}`)), `value ${i}`, 'the text of an id')
      for (let id = 1; id <= reader.symbolCount; id++) expectSame(reader.find(reader.text(id)), id, 'the id of a text')
      expect(reader.keptTexts).toBeLessThanOrEqual(TEXTS_MAX)
    }
    const long = 'x'.repeat(100_000)
    db.series(labelsFromRecord({ __name__: 'm', id: long }))
    const fresh = new SymbolReader(db.head.heap, 0)
    expect(fresh.text(fresh.find(long))).toBe(long)
    expect(fresh.keptTexts).toBe(0)
    await db.close()
  })
})

/** Turns the clock on until maintenance has removed a segment file. */
async function untilGone(clock: FakeClock, path: string): Promise<void> {
  await waitFor(`${path} to go`, async () => {
    await clock.advance(16_000)
    return !fs.existsSync(path)
  })
}

/** A store of one hour whose first file holds a row of each of `count` series that were pushed alone, past the retention. */
async function outdated(folder: string, count: number, options: { headBytesMax?: number } = {}): Promise<{ db: Database; clock: FakeClock; refs: number[] }> {
  const clock = new FakeClock(NOW)
  const first = open(folder, { clock, retentionMs: 3_600_000, ...options })
  const refs = seriesOf(first, count)
  for (const [i, ref] of refs.entries()) append(first, batchOf(NOW + (i % 1000), [ref], [ref]))
  for (const group of first.head.groups) first.head.flushGroup(group)
  await first.close()
  const db = open(folder, { clock, retentionMs: 3_600_000, ...options })
  await clock.advance(2 * 3_600_000)
  append(db, batchOf(clock.now(), [db.series(labelsFromRecord({ __name__: 'now' }))], [1]))
  return { db, clock, refs }
}

describe('groups that hold nothing any more', () => {
  it('cost queries of labels no memory, however many there have been', () => {
    const db = open(tempFolder())
    const ids = 1_000_000
    db.head.replayGroup({ group: ids, firstColumn: 0, refs: new Uint32Array(0), isLate: false, generation: 1, salt: 0 })
    append(db, batchOf(NOW, seriesOf(db, 3), [1, 2, 3]))
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    const before = process.memoryUsage().heapUsed
    expect(querier.labelValues('i', [], NOW - 1, NOW)).toEqual(['0', '1', '2'])
    expect(querier.labelValues('i', [], NOW - 10, NOW - 5)).toEqual([])
    expect((process.memoryUsage().heapUsed - before) / ids).toBeLessThan(20)
    querier.close()
    queryable.close()
  })

  it('give back their memory; their series come back in new ones', async () => {
    const folder = tempFolder()
    const { db, clock, refs } = await outdated(folder, 500)
    const { arena } = db.head
    expect(new Set(db.head.groups).size).toBe(502)
    const queryable = new StoreQueryable(db.handle(), 3)
    const querier = queryable.querier()
    await untilGone(clock, `${folder}/head/00000001.seg`)
    expect(new Set(db.head.groups).size, 'the group of "now", and the empty one').toBe(2)
    // The open query holds records, columns and descriptors of 500 groups, and what was published before a cut.
    expect([1500, 1501]).toContain(arena.retiredCount)
    expect(querier.labelValues('i', [[{ name: 'job', op: '=', value: 'test' }]], -Infinity, Infinity)).toEqual([])
    querier.close()
    queryable.close()
    arena.reclaim()
    expect(arena.retiredCount).toBe(0)
    const bytes = db.headBytes
    const t = clock.now()
    for (const ref of refs) expect(append(db, batchOf(t, [ref], [ref * 2]))).toEqual([STORED])
    // Row blocks of 4 rows, 16 units each; records and columns are those of the old groups.
    expect(db.headBytes - bytes).toBe(500 * 16 * 8)
    const live = readAll(db)
    expect(live.size).toBe(501)
    expect(live.get(keyOf(series(7)))).toEqual([[t, refs[7]! * 2]])
    await db.commit()
    abandon(folder)
    const again = open(folder, { clock, retentionMs: 3_600_000 })
    expect(readAll(again)).toEqual(live)
    await again.close()
  })

  it('are not mistaken for those that take their place, by series that moved out of them or were late', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    const options = { clock, retentionMs: 3_600_000 }
    const first = open(folder, options)
    const refs = seriesOf(first, 40)
    append(first, batchOf(NOW - 900_000, refs, refs))
    append(first, batchOf(NOW, refs.slice(0, 20), refs))
    expect(append(first, batchOf(NOW - 600_000, refs.slice(20), refs))).toEqual(refs.slice(20).map(() => STORED))
    expect(append(first, batchOf(NOW - 300_000, refs.slice(0, 10), refs))).toEqual(refs.slice(0, 10).map(() => STORED))
    for (const group of first.head.groups) first.head.flushGroup(group)
    await first.close()
    const db = open(folder, options)
    await clock.advance(2 * 3_600_000)
    append(db, batchOf(clock.now(), [db.series(labelsFromRecord({ __name__: 'now' }))], [1]))
    await untilGone(clock, `${folder}/head/00000001.seg`)
    expect(new Set(db.head.groups).size).toBe(2)
    const t = clock.now()
    const others = seriesOf(db, 200, 1000)
    for (const ref of others) append(db, batchOf(t, [ref], [ref]))
    expect([...readAll(db).keys()].toSorted()).toEqual(['__name__|now', ...others.map((_, i) => keyOf(series(1000 + i)))].toSorted())
    append(db, batchOf(t, refs, refs))
    for (const ref of refs) expect(append(db, batchOf(t - 300_000, [ref], [ref * 3]))).toEqual([STORED])
    const live = readAll(db)
    for (const [i, ref] of refs.entries()) expect(live.get(keyOf(series(i)))).toEqual([[t - 300_000, ref * 3], [t, ref]])
    await db.commit()
    abandon(folder)
    const again = open(folder, options)
    expect(readAll(again)).toEqual(live)
    await again.close()
  })

  it('are forgotten by series that moved out of them', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    const options = { clock, retentionMs: 3_600_000 }
    let db = open(folder, options)
    const refs = seriesOf(db, 3)
    const placesOf = (ref: number): number[] => {
      const places: number[] = []
      db.head.series.olderPlaces(ref, (group) => places.push(group))
      return places
    }
    for (let round = 1; round <= 5; round++) {
      const t = clock.now()
      append(db, batchOf(t - 3000, refs, [1, 2, 3]))
      append(db, batchOf(t - 1000, refs.slice(0, 2), [1, 2]))
      // The third leaves its group.
      expect(append(db, batchOf(t - 2000, refs.slice(2), [3 * round]))).toEqual([STORED])
      expect(placesOf(refs[2]!).length, `round ${round}`).toBeLessThanOrEqual(2)
      expect(readAll(db).get(keyOf(series(2)))).toEqual([[t - 3000, 3], [t - 2000, 3 * round]])
      for (const group of db.head.groups) db.head.flushGroup(group)
      const files = fs.readdirSync(`${folder}/head`).toSorted()
      await db.close()
      db = open(folder, options)
      await clock.advance(2 * 3_600_000)
      append(db, batchOf(clock.now(), [db.series(labelsFromRecord({ __name__: 'now' }))], [1]))
      await untilGone(clock, `${folder}/head/${files[0]!}`)
    }
    await db.close()
  })
})

/** What a query of one series leaves out as damaged. */
function damageSeen(db: Database, i: number): readonly string[] {
  const queryable = new StoreQueryable(db.handle(), 3)
  const querier = queryable.querier()
  drain(querier, querier.select([{ name: 'i', op: '=', value: String(i) }], -Infinity, Infinity, HINTS))
  const damage = querier.damage!()
  querier.close()
  queryable.close()
  return damage
}

describe('segments that cannot be read', () => {
  /** What is missed by a query that began before `change`, and its series. */
  async function missed(db: Database, change: () => Promise<void> | void): Promise<{ damage: readonly string[]; series: number }> {
    const queryable = new StoreQueryable(db.handle(), 3)
    const querier = queryable.querier()
    const selection = querier.select([{ name: 'job', op: '=', value: 'test' }], -Infinity, Infinity, HINTS)
    await change()
    const found = drain(querier, selection).size
    const damage = querier.damage!()
    querier.close()
    queryable.close()
    return { damage, series: found }
  }

  it('are no damage where the retention took them while the query ran', async () => {
    const folder = tempFolder()
    const { db, clock } = await outdated(folder, 100)
    const got = await missed(db, () => untilGone(clock, `${folder}/head/00000001.seg`))
    expect(got).toEqual({ damage: [], series: 0 })
    await db.close()
  })

  it('are damage where a file has gone amid others', async () => {
    const folder = tempFolder()
    const { db } = await outdated(folder, 100)
    fs.writeFileSync(`${folder}/head/00000000.seg`, '')
    const { damage, series: found } = await missed(db, () => fs.rmSync(`${folder}/head/00000001.seg`))
    expect(found).toBe(0)
    expect(damage[0]).toContain('cannot open ')
    await db.close()
  })

  it('are named up to twenty, and counted', async () => {
    const folder = tempFolder()
    const { db } = await outdated(folder, 100)
    const file = `${folder}/head/00000001.seg`
    const { damage, series: found } = await missed(db, () => fs.writeFileSync(file, Buffer.alloc(fs.statSync(file).size)))
    expect(found).toBe(0)
    expect(damage).toHaveLength(21)
    expect(damage[19]).toContain(' bytes do not match their checksum')
    expect(damage[20]).toMatch(/^cannot read 80 more segments either; monitor tsdb verify/)
    await db.close()
  })
})

describe('upkeep', () => {
  it('lets the event loop turn while it walks over many groups, and loses nothing that comes meanwhile', async () => {
    const folder = tempFolder()
    const { db, clock, refs } = await outdated(folder, 20_000)
    let turns = 0
    let isDone = false
    const come: number[] = []
    const damage: string[] = []
    const turn = (): void => {
      if (isDone) return
      turns++
      damage.push(...damageSeen(db, (turns * 4099) % refs.length))
      // A series whose group is being let go, or not yet, or was just now.
      const ref = refs[(turns * 2711) % refs.length]!
      if (append(db, batchOf(clock.now(), [ref], [turns]))[0] === STORED) come.push(ref)
      setImmediate(turn)
    }
    setImmediate(turn)
    await untilGone(clock, `${folder}/head/00000001.seg`)
    isDone = true
    // 20,001 groups, walked twice, 4096 in a turn.
    expect(turns).toBeGreaterThanOrEqual(8)
    expect(damage, 'segments that are let go are not missed').toEqual([])
    const live = readAll(db)
    for (const ref of come) expectSame(live.has(keyOf(series(refs.indexOf(ref)))), true, `series ${ref}`)
    await db.commit()
    abandon(folder)
    const again = open(folder, { clock, retentionMs: 3_600_000 })
    expect(readAll(again)).toEqual(live)
    await again.close()
  })
})
