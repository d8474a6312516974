// PromQL over a real store whose raw samples go: what the tiers answer without a word is what all the samples ever stored would
// have answered, on both sides of every seam.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import type { RangeJob } from '../../lang/job.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Random } from '../../lib/std/random.ts'
import type { Database, DatabaseOptions } from '../../storage/database.ts'
import type { Queryable } from '../../storage/interface.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import { randomHistogram } from '../support/random-histogram.ts'
import { addRandomSeries } from '../support/random-series.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { open } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const T0 = Math.floor(1_700_000_000_000 / (6 * HOUR)) * 6 * HOUR
const END = T0 + 22 * HOUR
const PASS_MS = 30 * MINUTE

const EXACT = ['count_over_time', 'min_over_time', 'max_over_time', 'first_over_time', 'last_over_time', 'present_over_time', 'delta', 'quantile_over_time'] as const
const SUMS = ['sum_over_time', 'avg_over_time', 'stddev_over_time', 'stdvar_over_time', 'rate', 'increase'] as const

interface Answer {
  status: string
  data: { result: { metric: Record<string, string>; values: [number, string][] }[]; stats: { tiers: { tier: string; steps: number; rows: number }[] } }
  warnings?: string[]
}

function ask(store: Queryable, job: RangeJob): Answer {
  return JSON.parse(new TextDecoder().decode(new Engine().run(job, store).body)) as Answer
}

/** Appends what lies in (from, to], series by series. */
function appendSpan(db: Database, storage: MemoryStorage, from: number, to: number): void {
  for (const { labels, samples } of storage.dump()) {
    const some = samples.filter(({ t }) => t > from && t <= to)
    if (some.length === 0) continue
    const refused = db.append({
      count: some.length, refs: new Uint32Array(some.length).fill(db.series(labels)), t: 0, times: Float64Array.from(some, ({ t }) => t),
      values: Float64Array.from(some, ({ v }) => v), stale: Uint8Array.from(some, ({ isStale }) => (isStale ? 1 : 0)),
      ...(some.some(({ h }) => h !== null) && { histograms: some.map(({ h }) => h) }),
    }, new Uint8Array(some.length))
    expect(refused).toBe(0)
  }
}

async function settled(db: Database): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await db.maintain()
    await db.blocks.idle()
  }
}

/** A store that has seen all of `storage`, and kept raw samples of some hours. */
async function lived(storage: MemoryStorage, kept: Partial<DatabaseOptions> = {}): Promise<{ db: Database; queryable: StoreQueryable }> {
  const clock = new FakeClock(T0)
  const db = open(tempFolder(), { clock, retentionMs: 5 * HOUR, minuteRetentionMs: 30 * 24 * HOUR, ...kept })
  for (let t = T0; t < END; t += PASS_MS) {
    await clock.advance(PASS_MS)
    appendSpan(db, storage, t, t + PASS_MS)
    await settled(db)
  }
  return { db, queryable: new StoreQueryable(db.handle(), 1) }
}

function randomJob(random: Random, grid = MINUTE): RangeJob & { func: string } {
  const list = random.int(2) === 0 ? EXACT : SUMS
  const func = random.int(6) === 0 ? '' : list[random.int(list.length)]!
  const range = grid * (func === 'quantile_over_time' ? 1 : 1 + random.int(300 * MINUTE / grid))
  const skew = random.int(4) === 0 ? random.int(MINUTE) : 0
  const args = func === 'quantile_over_time' ? '0.99, ' : ''
  const query = func === '' ? 'm_total' : `${func}(${args}m_total[${range + skew}ms])`
  const startMs = T0 + grid * random.int(20 * HOUR / grid) + skew
  const stepMs = grid * (1 + random.int(grid === HOUR ? 2 : 30))
  return { kind: 'range', func, query, startMs, endMs: Math.min(END, startMs + 80 * stepMs), stepMs, lookbackMs: 5 * MINUTE, stats: 'true', timeoutMs: 60_000, limit: 0 }
}

function pointsOf({ data }: Answer): Map<string, string> {
  return new Map(data.result.flatMap(({ metric, values }) => values.map(([t, v]) => [`${JSON.stringify(metric)} ${t}`, v] as const)))
}

function expectSame(got: Answer, want: Answer, what: string, isSum: boolean): void {
  const a = pointsOf(got)
  const b = pointsOf(want)
  expect([...a.keys()].toSorted(), what).toEqual([...b.keys()].toSorted())
  for (const [key, text] of b) {
    const other = a.get(key)!
    const isSame = other === text || (isSum && Math.abs(Number(other) - Number(text)) <= 1e-12 * Math.abs(Number(text)))
    if (!isSame) expect.fail(`${what}: ${key} is ${other}, not ${text}`)
  }
}

/** The two samples of a window that its quantile lies between. */
function aroundQuantile(q: number, values: readonly number[]): [number, number] {
  const sorted = [...values].toSorted((a, b) => (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b))
  const lower = Math.floor(q * (sorted.length - 1))
  return [sorted[lower]!, sorted[Math.min(sorted.length - 1, lower + 1)]!]
}

/** Within 0.01 of the larger of the samples that it lies between; what is not finite as it is. */
function expectNear(got: Answer, storage: MemoryStorage, job: RangeJob, { q, rangeMs, what }: { q: number; rangeMs: number; what: string }): number {
  const want = pointsOf(ask(storage, job))
  const found = pointsOf(got)
  expect([...found.keys()].toSorted(), what).toEqual([...want.keys()].toSorted())
  for (const { labels, samples } of storage.dump()) {
    const metric = JSON.stringify({ g: labels[labels.indexOf('g') + 1], i: labels[labels.indexOf('i') + 1] })
    for (let t = job.startMs; t <= job.endMs; t += job.stepMs) {
      const key = `${metric} ${t / 1000}`
      const exact = want.get(key)
      if (exact === undefined) continue
      const values = samples.filter((sample) => !sample.isStale && sample.h === null && sample.t > t - rangeMs && sample.t <= t).map(({ v }) => v)
      const [low, high] = aroundQuantile(q, values)
      const isNear = Number.isFinite(Number(exact)) && Math.abs(Number(found.get(key)) - Number(exact)) <= 0.01 * Math.max(Math.abs(low), Math.abs(high))
      if (!isNear && found.get(key) !== exact) expect.fail(`${what}: ${key} is ${found.get(key)}, not ${exact}`)
    }
  }
  return [...want.values()].filter((text) => text === 'NaN').length
}

describe('queries of a store with a 1-minute tier', () => {
  it('take quantiles of any windows from sketches, NaN where those of the samples are', async () => {
    const seed = testSeed()
    const random = new Random(seed)
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    addRandomSeries(storage, random, { startMs: T0 + 1, endMs: END, isWild: true })
    for (const kind of ['NaN', 'mixed', 'histograms']) {
      const labels = ['__name__', 'm_total', 'g', '9', 'i', kind]
      for (let t = T0 + 7_000; t <= END; t += 15_000) {
        const at = random.int(10)
        if (at === 0) storage.addStale(labels, t)
        else if (kind === 'histograms' && random.int(2) === 0) storage.addHistogram(labels, t, randomHistogram(random))
        else storage.add(labels, t, kind === 'NaN' ? NaN : random.pick([NaN, Infinity, -Infinity, -0, 0, -1.5, 2.5, at]))
      }
    }
    const { db, queryable } = await lived(storage, { retentionMs: 100 * HOUR, hourRetentionMs: 365 * 24 * HOUR })
    let nans = 0
    for (let i = 0; i < 40; i++) {
      const tier = random.pick(['1m', '1h'] as const)
      const grid = tier === '1m' ? MINUTE : HOUR
      const rangeMs = grid * (1 + random.int(3))
      const q = random.pick([0, 0.01, 0.3, 0.5, 0.9, 0.99, 1])
      const query = `quantile_over_time(${q}, m_total[${rangeMs}ms])`
      const startMs = T0 + grid * (1 + random.int(8))
      const job: RangeJob = { kind: 'range', query, startMs, endMs: startMs + 6 * grid, stepMs: grid, lookbackMs: 1, stats: 'true', timeoutMs: 60_000, limit: 0, tier }
      const got = ask(queryable, job)
      const what = `${JSON.stringify(job)} (seed ${seed}) ${JSON.stringify(got.data.stats.tiers)}`
      expect(got.data.stats.tiers.map((use) => use.tier), what).toEqual([tier])
      nans += expectNear(got, storage, job, { q, rangeMs, what })
    }
    expect(nans).toBeGreaterThan(100)
    queryable.close()
    await db.close()
  }, 120_000)


  it('find what was there before raw samples went', async () => {
    const seed = testSeed()
    const random = new Random(seed)
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    addRandomSeries(storage, random, { startMs: T0 + 1, endMs: END, isWild: false })
    const { db, queryable } = await lived(storage)
    const querier = queryable.querier()
    const { rawFrom } = querier.buckets!
    querier.close()
    expect(rawFrom).toBeGreaterThan(T0 + 10 * HOUR)
    let seams = 0
    let coarse = 0
    for (let i = 0; i < 150; i++) {
      const { func, ...job } = randomJob(random)
      const got = ask(queryable, job)
      const what = `${JSON.stringify(job)} (seed ${seed}) ${JSON.stringify(got.data.stats.tiers)}`
      if (got.warnings?.some((text) => text.includes('answered from the 1-minute tier'))) {
        coarse++
        continue
      }
      expectSame(got, ask(storage, job), what, (SUMS as readonly string[]).includes(func))
      if (got.data.stats.tiers.length === 2) seams++
    }
    expect(seams).toBeGreaterThan(20)
    expect(coarse).toBeLessThan(60)
    queryable.close()
    await db.close()
  }, 120_000)

  it('find it in whichever of three tiers is left', async () => {
    const seed = testSeed()
    const random = new Random(seed)
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    addRandomSeries(storage, random, { startMs: T0 + 1, endMs: END, isWild: false })
    const { db, queryable } = await lived(storage, { minuteRetentionMs: 10 * HOUR, hourRetentionMs: 365 * 24 * HOUR })
    const querier = queryable.querier()
    const cover = querier.buckets!.tiers([{ name: '__name__', op: '=', value: 'm_total' }])
    querier.close()
    expect(cover.map(({ name }) => name)).toEqual(['raw', '1m', '1h'])
    expect(cover[0]!.from).toBeGreaterThan(cover[1]!.from)
    expect(cover[1]!.from).toBeGreaterThan(T0)
    let seams = 0
    let coarse = 0
    for (let i = 0; i < 150; i++) {
      const { func, ...job } = randomJob(random, random.int(2) === 0 ? MINUTE : HOUR)
      const got = ask(queryable, job)
      const what = `${JSON.stringify(job)} (seed ${seed}) ${JSON.stringify(got.data.stats.tiers)}`
      if (got.warnings?.some((text) => text.includes('answered from the 1-'))) {
        coarse++
        continue
      }
      expectSame(got, ask(storage, job), what, (SUMS as readonly string[]).includes(func))
      if (got.data.stats.tiers.length > 1) seams++
    }
    expect(seams).toBeGreaterThan(20)
    expect(coarse).toBeLessThan(100)
    // Dashboards of raw samples, minutes and hours in one.
    const job: RangeJob = { kind: 'range', query: 'avg_over_time(m_total[10m])', startMs: T0 + HOUR, endMs: END, stepMs: 10 * MINUTE, lookbackMs: 5 * MINUTE, stats: 'true', timeoutMs: 60_000, limit: 0 }
    const { data, warnings } = ask(queryable, job)
    expect(data.stats.tiers.map(({ tier, steps }) => [tier, steps > 0])).toEqual([['raw', true], ['1m', true], ['1h', true]])
    expect(warnings).toEqual(['PromQL warning: answered from the 1-hour tier: windows are rounded outwards to whole hours (1:15)'])
    queryable.close()
    await db.close()
  }, 120_000)

  it.each([
    ['1-minute', {}],
    ['1-hour', { minuteRetentionMs: 10 * HOUR, hourRetentionMs: 365 * 24 * HOUR }],
  ])('find series and labels of which only the %s tier is left', async (_, kept) => {
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    for (let t = T0 + 1; t <= END; t += 30_000) {
      storage.add(['__name__', 'm_total', 'i', 'there'], t, 1)
      if (t < T0 + 3 * HOUR) storage.add(['__name__', 'm_total', 'gone', 'yes', 'i', 'old'], t, 1)
    }
    const { db, queryable } = await lived(storage, kept)
    const querier = queryable.querier()
    const { rawFrom } = querier.buckets!
    expect(rawFrom).toBeGreaterThan(T0 + 3 * HOUR)
    const sets = [[{ name: '__name__', op: '=', value: 'm_total' }]] as const
    const f = (mint: number, maxt: number, want: string[]): void => {
      const labels = new Uint32Array(16)
      const found = Array.from(querier.seriesRefs(sets, mint, maxt), (ref) => {
        const n = querier.labelsOf(ref, labels)
        return querier.textOf(labels[n - 1]!)
      })
      expect(found.toSorted()).toEqual(want)
      expect(querier.labelValues('i', sets, mint, maxt)).toEqual(want)
      expect(querier.labelNames(sets, mint, maxt)).toEqual(want.includes('old') ? ['__name__', 'gone', 'i'] : ['__name__', 'i'])
    }
    f(T0, T0 + HOUR, ['old', 'there'])
    f(T0, END, ['old', 'there'])
    f(rawFrom + 1, END, ['there'])
    querier.close()
    queryable.close()
    await db.close()
  }, 120_000)

  it('see past the raw samples of series that keep them for less', async () => {
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    for (let t = T0 + 1; t <= END; t += 30_000) for (const job of ['app', 'ci']) storage.add(['__name__', 'm_total', 'job', job], t, t % 1000)
    const { db, queryable } = await lived(storage)
    const ages = { raw: 3 * HOUR, '1m': null, '1h': null }
    db.setLimits({
      retentionMs: 5 * HOUR, retentionBytes: Infinity, minuteRetentionMs: 30 * 24 * HOUR, hourRetentionMs: 0, outOfOrderMs: 10 * MINUTE,
      rules: [{ matchers: [{ name: 'job', op: '=', value: 'ci' }], ages }],
    })
    await settled(db)
    const job: RangeJob = { kind: 'range', query: '', startMs: END - 4 * HOUR, endMs: END, stepMs: 10 * MINUTE, lookbackMs: 5 * MINUTE, stats: 'true', timeoutMs: 60_000, limit: 0 }
    for (const query of ['count_over_time(m_total[10m])', 'm_total', 'rate(m_total{job="ci"}[1h])', 'sum by (job) (max_over_time(m_total[90m]))']) {
      const got = ask(queryable, { ...job, query })
      expect(got.warnings, query).toBeUndefined()
      expectSame(got, ask(storage, { ...job, query }), query, true)
      expect(got.data.stats.tiers.map(({ tier }) => tier), query).toEqual(['raw', '1m'])
    }
    expect(ask(queryable, { ...job, query: 'm_total{job="app"}' }).data.stats.tiers.map(({ tier }) => tier)).toEqual(['raw'])
    queryable.close()
    await db.close()
  }, 120_000)
})
