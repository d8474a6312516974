// Series with a retention of their own: not shown past it, wherever their samples are, and gone from blocks in time.
import fs from 'node:fs'
import { describe, expect, it, vi, onTestFinished } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { silentLogger } from '../../lib/std/log.ts'
import type { Database, StorageLimits } from '../../storage/database.ts'
import { hourFileBytes } from '../../storage/tier/hour-manifest.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import type { RetentionRule } from '../../storage/retention-rules.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { NOW, append, batchOf, keyOf, open, readAll } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const T = Math.floor(NOW / (6 * HOUR)) * 6 * HOUR
const equal = (name: string, value: string): Matcher => ({ name, op: '=', value })
const rule = (raw: number | null, ...matchers: Matcher[]): RetentionRule => ({ matchers, ages: { raw, '1m': null, '1h': null } })
const limits = (rules: RetentionRule[], retentionMs = 48 * HOUR): StorageLimits => ({ retentionMs, retentionBytes: Infinity, minuteRetentionMs: 0, hourRetentionMs: 0, outOfOrderMs: 10 * MINUTE, rules })

const of = (job: string, i: number): Labels => labelsFromRecord({ __name__: `m${i % 2}`, job, i: String(i) })
const jobs = ['ci', 'app', 'audit'] as const

/** Two hours of samples of each job, every 10 minutes, and a cut where it is due. */
async function twoHours(db: Database, clock: FakeClock, counts: Readonly<Partial<Record<string, number>>> = {}): Promise<void> {
  for (let k = 0; k < 12; k++) {
    await clock.advance(10 * MINUTE)
    for (const job of jobs) {
      const refs = Array.from({ length: counts[job] ?? 4 }, (_, i) => db.series(of(job, i)))
      append(db, batchOf(clock.now(), refs, refs.map(() => clock.now() / 1000)))
    }
  }
  for (let round = 0; round < 3; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}

const oldest = (db: Database, job: string, i = 0): number => {
  const points = readAll(db, -Infinity, Infinity, [equal('job', job)]).get(keyOf(of(job, i)))
  return points === undefined ? Infinity : points[0]![0]
}
/** Ages in hours of the oldest sample of each job, as queries show it. */
const shown = (db: Database, clock: FakeClock): number[] => jobs.map((job) => (clock.now() - oldest(db, job)) / HOUR)

describe('retention rules', () => {
  it('hide what is past its own retention in head and blocks, the first rule that matches holding', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const rules = [rule(90 * MINUTE, equal('job', 'ci')), rule(5 * HOUR, { name: 'job', op: '=~', value: 'ci|app' })]
    let db = open(folder, { clock, retentionMs: 48 * HOUR })
    db.setLimits(limits(rules))
    await twoHours(db, clock)
    expect(shown(db, clock)[0], 'still in the head').toBeLessThanOrEqual(1.5)
    for (let n = 1; n < 8; n++) await twoHours(db, clock)
    expect(shown(db, clock)).toEqual([1.5, 5, 16 - 1 / 6].map((hours) => expect.closeTo(hours, 2)))
    expect(readAll(db).size).toBe(12)
    // No rules, no hiding: what is still in blocks is there. Compaction has taken the oldest out.
    db.setLimits(limits([]))
    const kept = shown(db, clock)
    expect(kept[2]).toBeCloseTo(16 - 1 / 6, 2)
    expect(kept[0]).toBeLessThan(12)
    db.setLimits(limits(rules))
    await db.close()
    db = open(folder, { clock, retentionMs: 48 * HOUR })
    db.setLimits(limits(rules))
    expect(shown(db, clock)).toEqual([1.5, 5, 16 - 1 / 6].map((hours) => expect.closeTo(hours, 2)))
    await db.close()
  })

  it('keep some series longer than all others', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock, retentionMs: 4 * HOUR })
    db.setLimits(limits([rule(30 * HOUR, equal('job', 'audit'))], 4 * HOUR))
    for (let n = 0; n < 12; n++) await twoHours(db, clock)
    const ages = shown(db, clock)
    expect(ages.slice(0, 2)).toEqual([4, 4])
    expect(ages[2]).toBeCloseTo(24 - 1 / 6, 2)
    expect(db.blocks.timeRetentions).toBe(0)
    for (let n = 0; n < 8; n++) await twoHours(db, clock)
    expect(shown(db, clock)[2]).toBeCloseTo(30, 2)
    expect(db.blocks.timeRetentions, 'whole blocks go at the longest').toBeGreaterThan(0)
    await db.close()
  })

  it('have blocks written anew that hold mostly what is past its own', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock, retentionMs: 48 * HOUR })
    // No block is compacted: a tenth of the retention is less than six hours.
    db.setLimits(limits([rule(7 * HOUR, equal('job', 'ci'))]))
    await twoHours(db, clock, { ci: 40 })
    await twoHours(db, clock, { ci: 4 })
    const [first] = db.blocks.blocks
    for (let n = 2; n < 6; n++) await twoHours(db, clock, { ci: 4 })
    expect(db.blocks.done.expire).toBeGreaterThan(0)
    const rewritten = db.blocks.blocks.find(({ meta }) => meta.minT === first!.meta.minT)!
    // Of conflicting samples those of the lower number are seen.
    expect(rewritten.name.number).toBe(first!.name.number)
    expect(rewritten.meta.series).toBe(8)
    expect(rewritten.meta.samples).toBeLessThan(first!.meta.samples / 4)
    expect(oldest(db, 'app')).toBe(T + 10 * MINUTE)
    const done = db.blocks.done.expire
    for (let n = 0; n < 3; n++) await db.maintain().then(() => db.blocks.idle())
    expect(db.blocks.done.expire, 'a block is not looked at again for nothing').toBe(done)
    await db.close()
  })

  it('hold for series that the head has forgotten, and tell the narrowest ages by tier', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock, retentionMs: 48 * HOUR })
    db.setLimits(limits([rule(9 * HOUR, equal('job', 'ci'))]))
    await twoHours(db, clock, { ci: 3 })
    await twoHours(db, clock, { ci: 3 })
    for (let n = 2; n < 6; n++) await twoHours(db, clock, { ci: 0 })
    expect(db.seriesCount).toBe(8)
    expect(shown(db, clock)[0]).toBeCloseTo(9, 1)
    const queryable = new StoreQueryable(db.handle(), 1)
    let querier = queryable.querier()
    expect(querier.seriesRefs([[equal('job', 'ci')]], T, clock.now() - 9 * HOUR - 1).length).toBe(0)
    querier.close()
    db.setLimits(limits([{ matchers: [equal('job', 'ci')], ages: { raw: 9 * HOUR, '1m': 20 * HOUR, '1h': null } }]))
    querier = queryable.querier()
    expect(querier.narrowestAges([equal('job', 'ci')], -Infinity, Infinity)).toEqual({ raw: 9 * HOUR, '1m': 20 * HOUR, '1h': Infinity })
    expect(querier.narrowestAges([equal('job', 'app')], -Infinity, Infinity)).toEqual({ raw: 48 * HOUR, '1m': 0, '1h': Infinity })
    expect(querier.narrowestAges([{ name: 'job', op: '!=', value: '' }], -Infinity, Infinity)).toEqual({ raw: 9 * HOUR, '1m': 0, '1h': Infinity })
    querier.close()
    queryable.close()
    await db.close()
  })
})

describe('tiers of series with a retention of their own', () => {
  it('keep the rows whose samples are past it, also when rows are made anew', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock, retentionMs: 48 * HOUR, minuteRetentionMs: 40 * HOUR })
    db.setLimits({ ...limits([rule(7 * HOUR, equal('job', 'ci'))]), minuteRetentionMs: 40 * HOUR })
    await twoHours(db, clock, { ci: 40 })
    for (let n = 1; n < 6; n++) await twoHours(db, clock)
    expect(db.blocks.done.expire).toBeGreaterThan(0)
    const rowsOf = (job: string): number => {
      const queryable = new StoreQueryable(db.handle(), 1)
      const querier = queryable.querier()
      const selection = querier.buckets.selectBuckets('1m', [equal('job', job), equal('i', '0')], T, T + 2 * HOUR - MINUTE, ['count'])
      let rows = 0
      for (let batch = selection.next(); batch !== null; batch = selection.next()) for (let k = 0; k < batch.n * batch.seriesCount; k++) if (batch.columns.count[k]! > 0) rows++
      const [raw, minutes] = querier.buckets.tiers([equal('job', job)])
      expect(raw!.from).toBe(clock.now() - (job === 'ci' ? 7 : 48) * HOUR)
      expect(minutes!.from).toBeLessThan(T + MINUTE)
      querier.close()
      queryable.close()
      return rows
    }
    expect(['ci', 'app', 'audit'].map(rowsOf)).toEqual([11, 11, 11])
    await db.blocks.delete([[equal('job', 'audit')]], -Infinity, Infinity)
    for (let round = 0; round < 3; round++) await db.maintain().then(() => db.blocks.idle())
    expect(['ci', 'app', 'audit'].map(rowsOf)).toEqual([11, 11, 0])
    await db.close()
  })
})

describe('rows of tiers', () => {
  /** Of series 0 of a job: ends of the first and the last bucket there is, hours since T; and where the tier says that it begins. */
  function rowsOf(db: Database, tier: '1m' | '1h', job: string): { from: number; rows: [number, number] | null } {
    const queryable = new StoreQueryable(db.handle(), 1)
    const querier = queryable.querier()
    try {
      const matchers = [equal('job', job), equal('i', '0')]
      const ends: number[] = []
      const selection = querier.buckets.selectBuckets(tier, matchers, -Infinity, Infinity, ['count'])
      for (let batch = selection.next(); batch !== null; batch = selection.next()) for (let k = 0; k < batch.n; k++) if (batch.columns.count[k]! > 0) ends.push(batch.t[k]!)
      expect(querier.damage()).toEqual([])
      const from = querier.buckets.tiers(matchers).find(({ name }) => name === tier)!.from
      return { from: (from - T) / HOUR, rows: ends.length === 0 ? null : [(Math.min(...ends) - T) / HOUR, (Math.max(...ends) - T) / HOUR] }
    } finally {
      querier.close()
      queryable.close()
    }
  }

  it('are kept as long as a rule says, also where that is longer than for all others, whose rows go', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock, retentionMs: 5 * HOUR, minuteRetentionMs: 12 * HOUR, hourRetentionMs: 12 * HOUR })
    const keeps = { raw: null, '1m': 100 * HOUR, '1h': 100 * HOUR }
    db.setLimits({ ...limits([{ matchers: [equal('job', 'audit')], ages: keeps }], 5 * HOUR), minuteRetentionMs: 12 * HOUR, hourRetentionMs: 12 * HOUR })
    for (let n = 0; n < 24; n++) await twoHours(db, clock)
    for (const tier of ['1m', '1h'] as const) {
      const kept = rowsOf(db, tier, 'audit')
      expect(kept.rows![0], `${tier} of the rule's`).toBeLessThan(1.01)
      expect(kept.from, `${tier} of the rule's`).toBeLessThan(0)
      const others = rowsOf(db, tier, 'app')
      expect(others.from, `${tier} of others`).toBeCloseTo(48 - 12, 0)
      // What most series of a block or a file are past is written anew.
      expect(others.rows![0], `${tier} of others`).toBeGreaterThan(tier === '1m' ? 24 : 12)
    }
    expect(db.blocks.done['tier-expire']).toBeGreaterThan(0)
    const done = { ...db.blocks.done }
    for (let n = 0; n < 3; n++) await db.maintain().then(() => db.blocks.idle())
    expect(db.blocks.done, 'nothing is looked at again for nothing').toEqual(done)
    expect(db.blocks.failed).toMatchObject({ 'tier-expire': 0, 'tier-compact': 0, hours: 0 })
    await db.close()
  }, 120_000)
})

describe('retention by size', () => {
  it('lets rows of minutes go before samples that are younger', async () => {
    const clock = new FakeClock(T)
    const minuteRetentionMs = 100 * HOUR
    const db = open(tempFolder(), { clock, retentionMs: 5 * HOUR, minuteRetentionMs })
    for (let n = 0; n < 6; n++) await twoHours(db, clock, { ci: 100 })
    const [raw, minutes] = [[...db.blocks.blocks], [...db.blocks.minutes]]
    expect(minutes[0]!.meta.maxT, 'rows older than all samples').toBeLessThan(raw[0]!.meta.minT)
    const bytes = [...raw, ...minutes].reduce((sum, { meta }) => sum + meta.bytes, db.logBytes + db.segmentBytes)
    db.setLimits({ ...limits([], 5 * HOUR), minuteRetentionMs, retentionBytes: bytes - 1 })
    for (let n = 0; n < 3; n++) await db.maintain().then(() => db.blocks.idle())
    expect(db.blocks.blocks.map(({ folder }) => folder)).toEqual(raw.map(({ folder }) => folder))
    expect(db.blocks.minutes.map(({ folder }) => folder)).toEqual(minutes.slice(1).map(({ folder }) => folder))
    await db.close()
  })
})

describe('retention by free disk', () => {
  /** Says that so much of a file system of 100 MiB is free, and counts what files of a folder take. */
  function disk(folder: string, gains: boolean, counted = 'blocks'): { freeOf: (blocksBytes: number) => number; free: number } {
    const state = { free: 100 * 2 ** 20, freeOf: (bytes: number) => bytes }
    const real = fs.statfsSync.bind(fs)
    const bytes = (): number => fs.readdirSync(`${folder}/${counted}`, { recursive: true }).map((name) => fs.statSync(`${folder}/${counted}/${String(name)}`)).reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
    const spy = vi.spyOn(fs, 'statfsSync').mockImplementation(((name: string) => {
      if (!name.startsWith(folder)) return real(name)
      return { bsize: 1, blocks: 100 * 2 ** 20, bavail: state.free - (gains ? bytes() : 0) }
    }) as typeof fs.statfsSync)
    onTestFinished(() => spy.mockRestore())
    return state
  }

  /** A store of some blocks, each of which is full. */
  async function filled(): Promise<{ folder: string; clock: FakeClock; db: Database; blocks: number }> {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const db = open(folder, { clock, retentionMs: 200 * HOUR, reserveBytes: 0 })
    for (let n = 0; n < 3; n++) await twoHours(db, clock, { ci: 300 })
    return { folder, clock, db, blocks: db.blocks.blocks.length }
  }
  async function rounds(db: Database): Promise<void> {
    for (let round = 0; round < 12; round++) {
      await db.maintain()
      await db.blocks.idle()
    }
  }

  it('lets the oldest blocks go one by one', async () => {
    const { folder, db, blocks } = await filled()
    const state = disk(folder, true)
    const bytes = db.blocks.blocks.map(({ meta }) => meta.bytes)
    // All but some of the newest has to go.
    state.free = 50 * 2 ** 20
    db.setLimits({ ...limits([], 200 * HOUR), keepFreeBytes: state.free - bytes.at(-1)! - 4096 })
    await rounds(db)
    expect(blocks).toBeGreaterThan(1)
    expect(db.blocks.blocks.length).toBe(1)
    await db.close()
  })

  it('lets rows of minutes go before samples that are younger', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const minuteRetentionMs = 100 * HOUR
    const db = open(folder, { clock, retentionMs: 5 * HOUR, minuteRetentionMs, reserveBytes: 0 })
    for (let n = 0; n < 6; n++) await twoHours(db, clock, { ci: 100 })
    const [raw, minutes] = [[...db.blocks.blocks], [...db.blocks.minutes]]
    expect(minutes[0]!.meta.maxT, 'rows older than all samples').toBeLessThan(raw[0]!.meta.minT)
    const state = disk(folder, true)
    state.free = 50 * 2 ** 20
    // What goes is seen to free the file system: rows of minutes do not lie among the blocks that are counted here.
    db.setLimits({ ...limits([], 5 * HOUR), minuteRetentionMs, keepFreeBytes: 51 * 2 ** 20 })
    await db.maintain()
    await db.blocks.idle()
    expect(db.blocks.blocks.map(({ folder: name }) => name)).toEqual(raw.map(({ folder: name }) => name))
    expect(db.blocks.minutes.map(({ folder: name }) => name)).toEqual(minutes.slice(1).map(({ folder: name }) => name))
    await clock.advance(16 * MINUTE)
    await rounds(db)
    expect(db.blocks.minutes.length, 'the next one after a while').toBeLessThan(minutes.length - 1)
    await db.close()
  })

  it('lets files of hours go before samples and rows of minutes that are younger, as many as will free what is missing', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const ages = { retentionMs: 5 * HOUR, minuteRetentionMs: 6 * HOUR, hourRetentionMs: 365 * 24 * HOUR }
    const db = open(folder, { clock, ...ages, reserveBytes: 0 })
    const own = { ...limits([], ages.retentionMs), ...ages }
    for (let n = 0; n < 32; n++) await twoHours(db, clock, { ci: 100 })
    // What other jobs took off the list is swept.
    await clock.advance(16 * MINUTE)
    await twoHours(db, clock)
    const listed = (): string[] => db.blocks.hours.looks.toSorted((a, b) => a.maxT - b.maxT).map(({ name }) => name)
    const isThere = (name: string): boolean => fs.existsSync(`${folder}/archive/${name}`)
    const files = listed()
    expect(files.length).toBeGreaterThan(2)
    const blocks = [...db.blocks.blocks, ...db.blocks.minutes].map(({ folder: name }) => name)
    const state = disk(folder, true, 'archive')
    state.free = 50 * 2 ** 20
    const { bavail } = fs.statfsSync(folder)
    const bytes = files.map((name) => hourFileBytes(`${folder}/archive`, name))
    db.setLimits({ ...own, keepFreeBytes: bavail + bytes[0]! })
    await rounds(db)
    expect(listed(), 'the oldest is enough').toEqual(files.slice(1))
    expect(isThere(files[0]!), 'queries may be at it').toBe(true)
    // Another program takes as much as the next file does: nobody waits until the first has left the disk.
    state.free -= bytes[1]!
    await rounds(db)
    expect(listed(), 'the next one, too').toEqual(files.slice(2))
    await clock.advance(16 * MINUTE)
    await rounds(db)
    expect(files.map(isThere)).toEqual(files.map((_, n) => n >= 2))
    expect(listed()).toEqual(files.slice(2))
    expect([...db.blocks.blocks, ...db.blocks.minutes].map(({ folder: name }) => name)).toEqual(blocks)
    await db.close()
  })

  it('does not take room for missing that comes late, or that the store itself has used', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    // Too short for blocks to be compacted.
    const db = open(folder, { clock, retentionMs: 20 * HOUR, reserveBytes: 0 })
    for (let n = 0; n < 5; n++) await twoHours(db, clock, { ci: 300 })
    const blocks = db.blocks.blocks.length
    expect(blocks).toBeGreaterThan(2)
    const said: string[] = []
    const warn = vi.spyOn(silentLogger, 'warn').mockImplementation((message) => void said.push(message))
    onTestFinished(() => warn.mockRestore())
    const state = disk(folder, false)
    state.free = 10 * 2 ** 20
    db.setLimits({ ...limits([], 20 * HOUR), keepFreeBytes: 50 * 2 ** 20 })
    const [first, second] = db.blocks.blocks.map(({ meta }) => meta.bytes)
    await rounds(db)
    expect(db.blocks.blocks.length, 'its room has not come yet').toBe(blocks - 1)
    await clock.advance(30_000)
    state.free += first!
    await rounds(db)
    expect(db.blocks.blocks.length, 'it has').toBe(blocks - 2)
    // The log takes more than the second block gave.
    const { logBytes } = db
    while (db.logBytes < logBytes + 2 * second!) {
      const refs = Array.from({ length: 300 }, (_, i) => db.series(of('ci', i)))
      await clock.advance(1)
      append(db, batchOf(clock.now(), refs, refs.map(() => Math.sin(clock.now()))))
      await db.commit()
    }
    await rounds(db)
    expect(db.blocks.blocks.length, 'and no quarter of an hour passes').toBeLessThan(blocks - 2)
    expect(said).toEqual([])
    await db.close()
  })

  it('tries again where the disk refused to let one go', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    // Too short for blocks to be compacted.
    const db = open(folder, { clock, retentionMs: 20 * HOUR, reserveBytes: 0 })
    for (let n = 0; n < 3; n++) await twoHours(db, clock, { ci: 300 })
    const blocks = db.blocks.blocks.length
    disk(folder, true).free = 50 * 2 ** 20
    db.setLimits({ ...limits([], 20 * HOUR), keepFreeBytes: 51 * 2 ** 20 })
    const spy = vi.spyOn(fs, 'renameSync').mockImplementation(() => {
      throw Object.assign(new Error('simulated'), { code: 'EIO' })
    })
    onTestFinished(() => spy.mockRestore())
    await rounds(db)
    spy.mockRestore()
    expect([db.blocks.failed.drop > 0, db.blocks.blocks.length]).toEqual([true, blocks])
    await clock.advance(30 * MINUTE)
    await rounds(db)
    expect(db.blocks.sizeRetentions).toBeGreaterThan(0)
    await db.close()
  })

  it('waits where a removal frees nothing, and goes on while the disk is full', async () => {
    const { folder, clock, db, blocks } = await filled()
    disk(folder, false).free = 10 * 2 ** 20
    db.setLimits({ ...limits([], 200 * HOUR), keepFreeBytes: 50 * 2 ** 20 })
    await rounds(db)
    expect(db.blocks.blocks.length).toBe(blocks - 1)
    // Its room may still come.
    await clock.advance(MINUTE)
    await rounds(db)
    expect(db.blocks.blocks.length).toBe(blocks - 1)
    await clock.advance(14 * MINUTE)
    await rounds(db)
    expect(db.blocks.blocks.length, 'within a quarter of an hour').toBe(blocks - 1)
    await clock.advance(2 * MINUTE)
    await rounds(db)
    expect(db.blocks.blocks.length, 'after it').toBe(blocks - 2)
    await db.close()
  })

  it('leaves alone what a snapshot holds, until that has gone', async () => {
    const { folder, db, blocks } = await filled()
    await db.blocks.snapshot('s', false)
    disk(folder, false).free = 10 * 2 ** 20
    db.setLimits({ ...limits([], 200 * HOUR), keepFreeBytes: 50 * 2 ** 20 })
    await rounds(db)
    expect(db.blocks.blocks.length).toBe(blocks)
    fs.rmSync(`${folder}/snapshots`, { recursive: true })
    await rounds(db)
    expect(db.blocks.blocks.length).toBe(blocks - 1)
    await db.close()
  })

  it('keeps to a share of the file system', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(T)
    const db = open(folder, { clock, retentionMs: 20 * HOUR, reserveBytes: 0 })
    for (let n = 0; n < 3; n++) await twoHours(db, clock, { ci: 300 })
    expect(db.blocks.blocks.length).toBeGreaterThan(1)
    disk(folder, false)
    const bytes = db.blocks.blocks.reduce((sum, { meta }) => sum + meta.bytes, db.logBytes + db.segmentBytes)
    db.setLimits({ ...limits([], 20 * HOUR), shareMax: (bytes - 1) / (100 * 2 ** 20) })
    const before = db.blocks.blocks.length
    await db.maintain()
    await db.blocks.idle()
    expect(db.blocks.blocks.length).toBe(before - 1)
    await db.close()
  })
})
