// Series with a retention of their own: not shown past it, wherever their samples are, and gone from blocks in time.
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../lib/std/clock.ts'
import { EMPTY_HISTOGRAM } from '../../lib/model/histogram.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Database } from '../../storage/database.ts'
import { compactBlocks } from '../../storage/block/compact.ts'
import { SharedHeap } from '../../storage/head/shared-heap.ts'
import { hideExpired } from '../../storage/retention-expire.ts'
import type { Cutoff, RetentionRule } from '../../storage/retention-rules.ts'
import { RetentionView } from '../../storage/retention-view.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { writeBlock } from './block/block-data.ts'
import { HOUR, MINUTE, T, equal, jobs, limits, of, twoHours } from './retention-cases.ts'
import { append, batchOf, keyOf, open, readAll } from './store.ts'

const rule = (raw: number | null, ...matchers: Matcher[]): RetentionRule => ({ matchers, ages: { raw, '1m': null, '1h': null } })

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

  it('write blocks and files of tiers anew once for native histograms that are past theirs', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock, minuteRetentionMs: 100 * HOUR })
    const ages = { raw: null, '1m': 3 * HOUR, '1h': 3 * HOUR }
    db.setLimits({ ...limits([{ matchers: [equal('job', 'ci')], ages }]), minuteRetentionMs: 100 * HOUR, hourRetentionMs: 100 * HOUR })
    const h = { ...EMPTY_HISTOGRAM, count: 1, sum: 1 }
    for (let k = 0; k < 30; k++) {
      await clock.advance(HOUR)
      const refs = [of('ci', 0), of('ci', 1), of('app', 0)].map((labels) => db.series(labels))
      db.append({ ...batchOf(clock.now(), refs, [0, 0, k]), histograms: [h, h, null] }, new Uint8Array(3))
      await db.maintain()
      await db.blocks.idle()
    }
    const { done, failed } = db.blocks
    expect([failed['tier-expire'], done['tier-expire'] > 0, done['tier-expire'] < 30]).toEqual([0, true, true])
    expect([failed.hours, done.hours > 5, done.hours < 60]).toEqual([0, true, true])
    expect(Math.max(...db.blocks.minutes.map(({ meta }) => meta.level))).toBeLessThan(8)
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

  it('hold to the millisecond, for a reader that slept through two changes too, and take no memory with each', async () => {
    const clock = new FakeClock(T)
    const db = open(tempFolder(), { clock, retentionMs: 48 * HOUR })
    const cutoffT = T - 2 * HOUR
    const ref = db.series(of('ci', 0))
    for (const t of [cutoffT - 1, cutoffT, T]) append(db, batchOf(t, [ref], [t]))
    const times = (mint: number): number[] => (readAll(db, mint, Infinity).get(keyOf(of('ci', 0))) ?? []).map(([t]) => t)
    const asleep = new RetentionView(new SharedHeap(db.handle().memory))
    const change = (hours: number): void => db.setLimits(limits([rule(hours * HOUR, equal('job', 'ci'))]))
    change(3)
    expect(times(cutoffT - 1)).toEqual([cutoffT - 1, cutoffT, T])
    asleep.begin(false)
    change(4)
    change(2)
    asleep.begin(false)
    expect(asleep.rules).toEqual([rule(2 * HOUR, equal('job', 'ci'))])
    expect([times(cutoffT - 1), times(-Infinity)]).toEqual([[cutoffT, T], [cutoffT, T]])
    const { usedBytes } = db.head.arena
    for (let n = 0; n < 100; n++) change(2 + (n % 7))
    expect(db.head.arena.usedBytes).toBe(usedBytes)
    await db.close()
  })

  it('hide of a block what is older than its cutoff, and count series of which nothing is left', async () => {
    const folder = tempFolder()
    const times = [0, 1, 2, 3].map((k) => T + k * MINUTE)
    const { name, meta } = await writeBlock(folder, [{ times, series: jobs.map((job, i) => ({ ref: i + 1, labels: of(job, 0), cells: times })) }])
    expect([meta.minT, meta.maxT]).toEqual([times[0], times[3]])
    const left = async (number: number, ...cutoffs: Cutoff[]): Promise<[number, number]> => {
      let expired = -1
      const made = await compactBlocks([path.join(folder, name)], { folder, number, isCompressed: true }, (reader) => (expired = hideExpired(reader, cutoffs)))
      return [expired, made?.meta.samples ?? 0]
    }
    const all: Matcher[] = []
    expect(await left(2, { matchers: all, t: times[0]! })).toEqual([0, 12])
    expect(await left(3, { matchers: all, t: times[0]! + 1 })).toEqual([0, 9])
    expect(await left(4, { matchers: all, t: times[3]! })).toEqual([0, 3])
    expect(await left(5, { matchers: all, t: times[3]! + 1 })).toEqual([3, 0])
    // The first that matches holds.
    expect(await left(6, { matchers: [equal('job', 'ci')], t: times[1]! }, { matchers: all, t: Infinity })).toEqual([2, 3])
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
