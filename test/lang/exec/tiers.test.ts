// Where the engine takes a tier without saying so, the answer is that of raw samples.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import type { InstantJob, RangeJob } from '../../../lang/job.ts'
import { Random } from '../../../lib/std/random.ts'
import type { Queryable } from '../../../storage/interface.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { NaiveTiers } from '../../support/naive-tiers.ts'
import { addRandomSeries } from '../../support/random-series.ts'
import { testSeed } from '../../support/seed.ts'

/** Stores of random series for each property; `npm run prove -- tier-answers` makes more. */
const STORES = Number(process.env['PROVE_TIER_STORES'] ?? 5)
/** Each takes 0.8 s on a machine with nothing else to do. */
const TIMEOUT_MS = 120_000 + STORES * 8000
const SEED = Number(process.env['PROVE_SEED'] ?? testSeed())

const MINUTE = 60_000
const HOUR = 3_600_000
const START = 1_795_000_000_000 - 1_795_000_000_000 % HOUR
const HOURS = 14
const END = START + HOURS * HOUR

const FUNCS = [
  'count_over_time', 'present_over_time', 'min_over_time', 'max_over_time', 'first_over_time', 'last_over_time', 'ts_of_first_over_time',
  'ts_of_last_over_time', 'sum_over_time', 'avg_over_time', 'stddev_over_time', 'stdvar_over_time', 'rate', 'increase', 'delta',
  'quantile_over_time', 'changes', 'irate', 'absent_over_time', '', 'timestamp',
] as const
/** How far a value may be off: sums are added up in another order, and squares of small differences of large values show it. */
const OFF_BY: Readonly<Record<string, number>> = { sum_over_time: 1e-12, avg_over_time: 1e-12, rate: 1e-12, increase: 1e-12, stddev_over_time: 1e-9, stdvar_over_time: 1e-9 }

interface Answer {
  status: string
  error?: string
  data: { result: { metric: Record<string, string>; values?: [number, string][]; value?: [number, string] }[]; stats: { tiers?: { tier: string; steps: number; rows: number }[] } }
  warnings?: string[]
}

function ask(store: Queryable, job: RangeJob | InstantJob): Answer {
  const { body } = new Engine({ features: { experimentalFunctions: true } }).run(job, store)
  return JSON.parse(new TextDecoder().decode(body)) as Answer
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.int(list.length)]!
}

interface Asked {
  func: string
  query: string
  job: RangeJob | InstantJob
}

/** On the grid of one of the tiers most of the time. */
function randomQuery(random: Random, isLong: boolean): Asked {
  const func = pick(random, FUNCS)
  const grid = pick(random, [MINUTE, HOUR, HOUR, 1000])
  // Windows that begin on the grid and end off it.
  const skew = random.int(4) === 0 ? random.int(grid) : 0
  const range = grid * (1 + random.int(grid === HOUR ? 3 : 90)) + skew
  const rangeText = `[${range}ms]`
  const offset = random.int(3) === 0 ? ` offset ${grid * (random.int(5) - 1) / 1000}s` : ''
  const at = random.int(12) === 0 ? ` @ ${(START + grid * random.int(HOURS * HOUR / grid)) / 1000}` : ''
  const selector = pick(random, ['m_total', 'm_total{g="1"}', 'm_total{i=~"1|3|5"}'])
  const inner = func === '' ? `${selector}${offset}${at}` : func === 'timestamp' ? `timestamp(${selector}${offset}${at})`
    : func === 'quantile_over_time' ? `quantile_over_time(0.99, ${selector}${rangeText}${offset}${at})` : `${func}(${selector}${rangeText}${offset}${at})`
  const query = random.int(8) === 0 && func !== '' ? `last_over_time(${inner}[${pick(random, ['2h:1h', '10m:1m'])}])` : inner
  const limits = { query, lookbackMs: pick(random, [5 * MINUTE, 5 * MINUTE, 90_000, 3 * HOUR]), stats: 'true' as const, timeoutMs: 60_000, limit: 0 }
  const startMs = START + skew + grid * random.int((isLong ? 2 : 8) * HOUR / grid)
  if (!isLong && random.int(4) === 0) return { func, query, job: { kind: 'instant', timeMs: startMs, ...limits } }
  const stepMs = Math.max(grid * (1 + random.int(grid === HOUR ? 2 : 40)), (END - startMs) / 300)
  return { func, query, job: { kind: 'range', startMs, endMs: isLong ? END : startMs + random.int(5 * HOUR), stepMs: Math.ceil(stepMs / grid) * grid, ...limits } }
}

function pointsOf({ data }: Answer): Map<string, string> {
  const points = new Map<string, string>()
  for (const { metric, value, values = [value!] } of data.result) {
    const labels = JSON.stringify(metric)
    for (const [t, v] of values) points.set(`${labels} ${t}`, v)
  }
  return points
}

/** Same points; same values, of sums and deviations within OFF_BY, or whatever they are where `hasSums` is false. */
function expectSame(got: Answer, want: Answer, asked: Asked, seed: number, hasSums = true): void {
  const what = `${JSON.stringify(asked.job)} (seed ${seed}) ${JSON.stringify(got.data?.stats?.tiers)}`
  expect(got.status, `${what} ${got.error}`).toBe('success')
  const a = pointsOf(got)
  const b = pointsOf(want)
  expect([...a.keys()].toSorted(), what).toEqual([...b.keys()].toSorted())
  for (const [key, text] of b) {
    const other = a.get(key)!
    // Which of two zeros comes first in a sort is nobody's promise.
    if (other === text || (asked.func === 'quantile_over_time' && Number(other) === 0 && Number(text) === 0)) continue
    const difference = Math.abs(Number(other) - Number(text)) / Math.abs(Number(text))
    const offBy = OFF_BY[asked.func]
    if (offBy === undefined || (hasSums && !(difference <= offBy))) expect.fail(`${what}: ${key} is ${other}, not ${text}`)
  }
}

function tierSteps({ data }: Answer): number {
  return (data.stats.tiers ?? []).reduce((sum, { tier, steps }) => (tier === 'raw' ? sum : sum + steps), 0)
}

function randomStore(random: Random, isWild: boolean): MemoryStorage {
  const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
  addRandomSeries(storage, random, { startMs: START - HOUR, endMs: END, isWild })
  return storage
}

describe('a tier that is chosen although raw samples are there', () => {
  it('answers as they would, whatever the samples', () => {
    let chosen = 0
    for (let seed = SEED; seed < SEED + STORES; seed++) {
      const random = new Random(seed)
      const storage = randomStore(random, true)
      const tiers = (['1m', '1h'] as const).map((name) => ({ name, from: -Infinity, to: END - random.int(3) * HOUR }))
      const store = new NaiveTiers(storage, { rawFrom: -Infinity, tiers, isApart: random.int(2) === 0 })
      for (let i = 0; i < 30; i++) {
        const asked = randomQuery(random, true)
        const got = ask(store, asked.job)
        expect(got.warnings ?? [], asked.query).toEqual([])
        expectSame(got, ask(storage, asked.job), asked, seed)
        if (tierSteps(got) > 0) chosen++
      }
    }
    expect(chosen).toBeGreaterThan(4 * STORES)
  }, TIMEOUT_MS)
})

describe('where raw samples are gone', () => {
  it('answers without a warning are those of the samples', () => {
    let same = 0
    let coarse = 0
    for (let seed = SEED; seed < SEED + STORES; seed++) {
      const random = new Random(seed)
      // Nobody is left to ask about sums that cancel or overflow.
      const isWild = random.int(2) === 0
      const storage = randomStore(random, isWild)
      const rawFrom = START + random.int(10 * HOUR)
      const minutes = { name: '1m' as const, from: START - 2 * HOUR + random.int(8) * HOUR, to: END - random.int(90) * MINUTE }
      const hours = { name: '1h' as const, from: -Infinity, to: END - random.int(3) * HOUR }
      const tiers = pick(random, [[minutes, hours], [hours], [minutes, hours]])
      const store = new NaiveTiers(storage, { rawFrom: Math.min(rawFrom, hours.to, minutes.to), tiers, isApart: random.int(2) === 0 })
      for (let i = 0; i < 60; i++) {
        const asked = randomQuery(random, random.int(2) === 0)
        const got = ask(store, asked.job)
        if (got.warnings?.some((text) => text.includes('answered from the')) ?? false) {
          coarse++
          continue
        }
        expectSame(got, ask(storage, asked.job), asked, seed, !isWild)
        if (tierSteps(got) > 0) same++
      }
    }
    expect(same).toBeGreaterThan(8 * STORES)
    expect(coarse).toBeGreaterThan(4 * STORES)
  }, TIMEOUT_MS)
})

describe('at the seam of raw samples and a tier', () => {
  it('every instant finds its newest sample', () => {
    let fromBoth = 0
    for (let seed = SEED; seed < SEED + 2 * STORES; seed++) {
      const random = new Random(seed)
      const storage = randomStore(random, false)
      const rawFrom = START + 2 * HOUR + random.int(HOUR)
      const store = new NaiveTiers(storage, { rawFrom, tiers: [{ name: '1m', from: -Infinity, to: END }], isApart: random.int(2) === 0 })
      const lookbackMs = pick(random, [5 * MINUTE, 90_000, HOUR])
      const limits = { lookbackMs, stats: 'true' as const, timeoutMs: 60_000, limit: 0 }
      // From the first step whose tail begins in raw samples.
      const startMs = Math.ceil(rawFrom / MINUTE) * MINUTE + random.int(20) * 1000
      for (const func of ['', 'timestamp', 'last_over_time', 'count_over_time', 'stdvar_over_time', 'rate', 'ts_of_first_over_time'] as const) {
        const skew = startMs % MINUTE
        const query = func === '' ? 'm_total' : func === 'timestamp' ? 'timestamp(m_total)' : `${func}(m_total[${3 * HOUR + skew}ms])`
        const asked: Asked = { func, query, job: { kind: 'range', query, startMs, endMs: startMs + HOUR, stepMs: func === '' ? 13_000 : MINUTE, ...limits } }
        const got = ask(store, asked.job)
        expect(got.warnings ?? [], `${query} (seed ${seed})`).toEqual([])
        expectSame(got, ask(storage, asked.job), asked, seed)
        if (new Set(got.data.stats.tiers!.map(({ tier }) => tier)).size === 2) fromBoth++
      }
    }
    expect(fromBoth).toBeGreaterThan(5 * STORES)
  }, TIMEOUT_MS)

  it('a series that only raw samples know is there', () => {
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    for (let t = START; t <= START + 10 * HOUR; t += 30_000) storage.add(['__name__', 'm_total', 'i', 'old'], t, t % 1000)
    for (let t = START + 9.5 * HOUR; t <= START + 10 * HOUR; t += 30_000) storage.add(['__name__', 'm_total', 'i', 'new'], t, 1)
    const store = new NaiveTiers(storage, { rawFrom: START + 5 * HOUR, tiers: [{ name: '1h', from: -Infinity, to: START + 9 * HOUR }] })
    const query = 'count_over_time(m_total[8h])'
    const job: InstantJob = { kind: 'instant', query, timeMs: START + 10 * HOUR, lookbackMs: 5 * MINUTE, stats: 'true', timeoutMs: 60_000, limit: 0 }
    const got = ask(store, job)
    expect(got.warnings).toBeUndefined()
    expect(pointsOf(got)).toEqual(pointsOf(ask(storage, job)))
    expect(got.data.stats.tiers).toEqual([{ tier: 'raw', steps: 0, rows: 120 + 2 * 61 }, { tier: '1h', steps: 1, rows: 7 }])
  })
})

describe('sums that cancel', () => {
  it('are those of the samples', () => {
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    for (let i = 0; i < 24 * 120; i++) {
      const value = 1000 / 3 + i % 120
      storage.add(['__name__', 'm'], START + (i + 1) * 30_000, i % 240 < 120 ? value : -value * (1 + (i % 7) * 1e-14))
    }
    const store = new NaiveTiers(storage, { rawFrom: -Infinity, tiers: [{ name: '1h', from: -Infinity, to: Infinity }] })
    const asked = (query: string): Asked => ({
      func: 'sum_over_time', query,
      job: { kind: 'range', query, startMs: START + 2 * HOUR, endMs: START + 24 * HOUR, stepMs: 2 * HOUR, lookbackMs: 1, stats: 'true', timeoutMs: 60_000, limit: 0 },
    })
    for (const query of ['sum_over_time(m[2h])', 'avg_over_time(m[2h])', 'sum_over_time(m[1h])']) {
      const got = ask(store, asked(query).job)
      expectSame(got, ask(storage, asked(query).job), asked(query), 0)
      // A bucket alone cancels with nothing.
      expect(got.data.stats.tiers![0]!.tier === 'raw', query).toBe(query.includes('2h'))
    }
  })
})

describe('counters whose values before drops overflow when they are summed', () => {
  it('are those of the samples', () => {
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    for (let i = 0; i < 24 * 120; i++) storage.add(['__name__', 'm_total'], START + (i + 1) * 30_000, i % 60 === 0 ? 1.2e308 : 1)
    const store = new NaiveTiers(storage, { rawFrom: -Infinity, tiers: [{ name: '1h', from: -Infinity, to: Infinity }] })
    for (const func of ['increase', 'rate']) {
      const query = `${func}(m_total[1h])`
      const job: RangeJob = { kind: 'range', query, startMs: START + HOUR, endMs: START + 24 * HOUR, stepMs: HOUR, lookbackMs: 1, stats: 'true', timeoutMs: 60_000, limit: 0 }
      const want = ask(storage, job)
      expect(want.data.result[0]!.values![0]![1]).not.toBe('+Inf')
      expectSame(ask(store, job), want, { func, query, job }, 0)
    }
  })
})

describe('deviations of values that are all the same but for NaN', () => {
  it('are NaN, as those of the samples', () => {
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    for (let i = 0; i < 24 * 120; i++) storage.add(['__name__', 'm'], START + (i + 1) * 30_000, i === 130 ? NaN : 39)
    const store = new NaiveTiers(storage, { rawFrom: -Infinity, tiers: [{ name: '1h', from: -Infinity, to: Infinity }] })
    for (const func of ['stdvar_over_time', 'stddev_over_time']) {
      const query = `${func}(m[1h])`
      const job: RangeJob = { kind: 'range', query, startMs: START + HOUR, endMs: START + 24 * HOUR, stepMs: HOUR, lookbackMs: 1, stats: 'true', timeoutMs: 60_000, limit: 0 }
      const got = ask(store, job)
      expect(tierSteps(got)).toBeGreaterThan(20)
      expect(got.data.result[0]!.values!.slice(0, 3).map(([, value]) => value)).toEqual(['0', 'NaN', '0'])
      expectSame(got, ask(storage, job), { func, query, job }, 0)
    }
  })
})
