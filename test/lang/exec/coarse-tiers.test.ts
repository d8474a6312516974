// What the engine makes of tiers where raw samples are gone and no exact answer is to be had: values, and the warning.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import type { ExplainNode } from '../../../lang/exec/explain.ts'
import type { InstantJob, RangeJob } from '../../../lang/job.ts'
import { EMPTY_HISTOGRAM } from '../../../lib/model/histogram.ts'
import type { TierName } from '../../../storage/tier/bucket.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { NaiveTiers } from '../../support/naive-tiers.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
/** Raw samples from here on; the 1-hour tier has all, the 1-minute tier the last hour before, too. */
const RAW_FROM = 100 * HOUR
const MINUTES_FROM = 99 * HOUR

/** A counter that grows by 2 a second, a sawtooth of an hour, and one that ended at 50:30. */
function store(): NaiveTiers {
  const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
  for (let t = 40 * HOUR + 10_000; t <= 104 * HOUR; t += 15_000) {
    storage.add(['__name__', 'c_total'], t, t / 500)
    storage.add(['__name__', 'saw'], t, t % HOUR / MINUTE)
    if (t < 50.5 * HOUR) storage.add(['__name__', 'ended'], t, 7)
  }
  storage.addStale(['__name__', 'ended'], 50.5 * HOUR)
  storage.addHistogram(['__name__', 'native'], 45 * HOUR + 1, { ...EMPTY_HISTOGRAM, schema: 0, count: 1, sum: 1 })
  storage.addHistogram(['__name__', 'native'], 101 * HOUR, { ...EMPTY_HISTOGRAM, schema: 0, count: 2, sum: 3 })
  storage.add(['__name__', 'native'], 46 * HOUR, 5)
  return new NaiveTiers(storage, { rawFrom: RAW_FROM, tiers: [{ name: '1m', from: MINUTES_FROM, to: 103 * HOUR }, { name: '1h', from: -Infinity, to: 103 * HOUR }] })
}

const tiers = store()

interface Answer {
  data: { result: { values?: [number, string][]; value?: [number, string] }[]; stats: { tiers: { tier: string; steps: number; rows: number }[] }; explain: ExplainNode }
  warnings?: string[]
}

function ask(query: string, job: { kind: 'instant'; timeMs: number } | { kind: 'range'; startMs: number; endMs: number; stepMs: number }, tier?: TierName): Answer {
  const limits = { lookbackMs: 5 * MINUTE, stats: 'true' as const, explain: true, timeoutMs: 60_000, limit: 0, ...(tier && { tier }) }
  const whole: InstantJob | RangeJob = { query, ...job, ...limits }
  const { status, body } = new Engine({ features: { experimentalFunctions: true, extendedRangeSelectors: true } }).run(whole, tiers)
  const text = new TextDecoder().decode(body)
  expect(status, text).toBe(200)
  return JSON.parse(text) as Answer
}

/** The one value at `timeMs`, NaN for none, and what is said of the tier. */
function at(query: string, timeMs: number, tier?: TierName): [value: number, ...warnings: string[]] {
  const { data, warnings = [] } = ask(query, { kind: 'instant', timeMs }, tier)
  return [Number(data.result[0]?.value?.[1] ?? NaN), ...warnings]
}

const HALF_PAST = 60.5 * HOUR
const said = (why: string, place: string): string => `PromQL warning: answered from the 1-hour tier${why} (${place})`
const ROUNDED = ': windows are rounded outwards to whole hours'
const POINTS = ': only the first and last sample of each hour are known'

describe('a window that is no run of whole buckets', () => {
  it('is rounded outwards, and never empty for being small', () => {
    expect(at('max_over_time(saw[5m])', HALF_PAST)).toEqual([59 + 55 / 60, said(ROUNDED, '1:15')])
    expect(at('count_over_time(saw[90m])', 61 * HOUR)[0]).toBe(360)
    expect(at('last_over_time(saw[1m] offset 1h)', HALF_PAST)).toEqual([59 + 55 / 60, said(ROUNDED, '1:16')])
  })

  it('counts for the length that was asked for', () => {
    const f = (query: string, want: number): void => {
      const [value, ...warnings] = at(query, HALF_PAST)
      expect(value, query).toBeCloseTo(want, 6)
      expect(warnings, query).toEqual([said(ROUNDED, `1:${query.indexOf('(') + 2}`)])
    }
    f('rate(c_total[5m])', 2)
    f('increase(c_total[5m])', 600)
    f('delta(c_total[5m])', 600)
    f('count_over_time(saw[5m])', 20)
    f('sum_over_time(saw[5m])', 20 * (30 + 1 / 24))
    f('avg_over_time(saw[5m])', 30 + 1 / 24)
  })

  it('on the grid is none: nothing is said', () => {
    expect(at('increase(c_total[2h])', 61 * HOUR)).toEqual([14_400])
    expect(at('increase(c_total[2h] @ 216000)', HALF_PAST)).toEqual([14_400])
    expect(at('max_over_time(saw[1h] offset 30m)', HALF_PAST)).toEqual([59 + 55 / 60])
    expect(at('max_over_time(max_over_time(saw[1h])[6h:1h])', HALF_PAST)).toEqual([59 + 55 / 60])
  })
})

describe('a function that has no form over buckets', () => {
  it('sees the first and the last sample of each', () => {
    const f = (query: string, want: number): void => {
      const [value, ...warnings] = at(query, HALF_PAST)
      expect(value, query).toBeCloseTo(want, 6)
      expect(warnings, query).toEqual([said(POINTS, `1:${query.indexOf('c_total') + 1}`)])
    }
    f('irate(c_total[5m])', 2)
    f('deriv(c_total[5m])', 2)
    f('changes(c_total[5h])', 11)
    f('predict_linear(c_total[1h], 3600)', HALF_PAST / 500 + 7200)
    f('increase(c_total[1h] smoothed)', 7200)
    f('rate(c_total[1h] anchored)', 2)
    f('c_total smoothed', HALF_PAST / 500)
  })

  it('of a selector alone they are the answer', () => {
    const { data, warnings } = ask('saw[5m]', { kind: 'instant', timeMs: HALF_PAST })
    expect(data.result[0]!.values).toEqual([[60 * 3600 + 10, String(1 / 6)], [60 * 3600 + 3595, String(59 + 55 / 60)]])
    expect(warnings).toEqual([said(POINTS, '1:1')])
  })

  it('quantiles come from sketches, but for the 99th of one bucket', () => {
    const [value, ...warnings] = at('quantile_over_time(0.5, saw[6h])', 62 * HOUR)
    expect(Math.abs(value / (30 + 1 / 24) - 1)).toBeLessThan(0.01)
    expect(warnings).toEqual([said(': quantiles are within 1 %, of windows rounded outwards to whole hours', '1:25')])
    // The same as that of raw samples, later.
    expect(at('quantile_over_time(0.99, saw[1h])', 62 * HOUR)).toEqual(at('quantile_over_time(0.99, saw[1h])', 102 * HOUR))
    expect(ask('quantile_over_time(2, saw[1h])', { kind: 'instant', timeMs: 62 * HOUR }).data.result[0]!.value![1]).toBe('+Inf')
  })
})

describe('an instant within a bucket', () => {
  it('takes the bucket\'s last value where the bucket does not tell', () => {
    const why = ': a value within the hour is that of its end'
    expect(at('saw', HALF_PAST)).toEqual([59 + 55 / 60, said(why, '1:1')])
    expect(at('timestamp(saw)', HALF_PAST)).toEqual([60 * 3600 + 3595, said(why, '1:11')])
    expect(at('saw', 60 * HOUR)).toEqual([59 + 55 / 60])
    // Behind the bucket's last sample nothing is in doubt.
    expect(at('saw', 60 * HOUR - 2000)).toEqual([59 + 55 / 60])
  })

  it('knows an end', () => {
    expect(at('ended', 50.25 * HOUR)[0]).toBe(7)
    expect(at('ended', 50.75 * HOUR)[0]).toBeNaN()
    expect(at('ended', 51 * HOUR)).toEqual([NaN])
    expect(at('ended', 51.5 * HOUR)).toEqual([NaN])
    expect(at('absent_over_time(ended[1h])', 51.5 * HOUR)[0]).toBe(NaN)
    expect(at('absent_over_time(ended[1h])', 53 * HOUR)).toEqual([1])
  })
})

describe('native histograms', () => {
  it('are in no tier, and the answer says so', () => {
    const why = ', which has no native histograms'
    expect(at('count_over_time(native[2h])', 46 * HOUR)).toEqual([1, said(why, '1:17')])
    expect(at('native', 46 * HOUR)).toEqual([5, said(why, '1:1')])
    // Also where nothing else is: nobody may take them for gone.
    expect(at('absent(native)', 48 * HOUR)).toEqual([1, said(why, '1:8')])
    expect(at('count_over_time(native[1h])', 48 * HOUR)).toEqual([NaN, said(why, '1:17')])
    expect(at('irate(native[1h])', 48 * HOUR)).toEqual([NaN, said(why, '1:7')])
    expect(at('quantile_over_time(0.5, native[3h])', 50 * HOUR)).toEqual([NaN, said(why, '1:25')])
    expect(at('native[1h]', 48 * HOUR)).toEqual([NaN, said(why, '1:1')])
    expect(at('native', 101.5 * HOUR, '1h')).toEqual([NaN, said(why, '1:1')])
    // Raw samples have it.
    expect(at('histogram_count(native)', 101 * HOUR)).toEqual([2])
  })
})

describe('a range', () => {
  const range = { kind: 'range', startMs: 98 * HOUR, endMs: 104 * HOUR, stepMs: 10 * MINUTE } as const

  it('is answered by one tier after the other, without a seam', () => {
    const { data, warnings } = ask('rate(c_total[10m])', range)
    const values = data.result[0]!.values!
    expect(values).toHaveLength(37)
    for (const [t, v] of values) expect(Number(v), String(t)).toBeCloseTo(2, 9)
    expect(warnings).toEqual([said(ROUNDED, '1:6')])
    // Windows that begin before 99:00, before 100:00, and behind.
    expect(data.stats.tiers).toEqual([{ tier: 'raw', steps: 24, rows: 24 * 40 }, { tier: '1m', steps: 6, rows: 60 }, { tier: '1h', steps: 7, rows: 2 }])
    expect(data.explain.tiers).toEqual(data.stats.tiers)
  })

  it('counts rows of buckets in windows as samples, step by step', () => {
    const f = (query: string, perStep: number[]): void => {
      const job: RangeJob = { query, ...range, stepMs: HOUR, lookbackMs: 5 * MINUTE, stats: 'all', timeoutMs: 60_000, limit: 0 }
      const { body } = new Engine({ features: { perStepStats: true } }).run(job, tiers)
      const { data } = JSON.parse(new TextDecoder().decode(body)) as { data: { stats: { samples: { totalQueryableSamplesPerStep: [number, number][]; totalQueryableSamples: number } } } }
      const { totalQueryableSamplesPerStep: byStep, totalQueryableSamples: total } = data.stats.samples
      expect(byStep.map(([, count]) => count), query).toEqual(perStep)
      expect(total).toBe(perStep.reduce((a, b) => a + b))
    }
    // The 1-hour tier, the 1-minute tier from 99:00 on, raw samples from 100:00 on.
    f('max_over_time(saw[1h])', [1, 1, 1, 240, 240, 240, 240])
    f('max_over_time(saw[90m])', [2, 2, 2, 90, 360, 360, 360])
    f('saw', [1, 1, 1, 1, 1, 1, 1])
    f('ended', [0, 0, 0, 0, 0, 0, 0])
  })

  it('of two selectors tells of both', () => {
    const { data, warnings } = ask('saw + on() max_over_time(saw[1h])', range)
    expect(data.result[0]!.values).toHaveLength(37)
    expect(warnings).toHaveLength(2)
    expect(data.explain.children.map((node) => node.tiers!.reduce((sum, { steps }) => sum + steps, 0))).toEqual([37, 37])
  })

  it('is the same of raw samples alone, as far as there are any', () => {
    const { data, warnings } = ask('rate(c_total[10m])', range, 'raw')
    expect(data.result[0]!.values![0]![0]).toBe(100 * 3600 + 600 - (100 * 3600 + 600) % 600)
    expect(warnings).toBeUndefined()
    expect(data.stats.tiers.map(({ tier, steps }) => [tier, steps])).toEqual([['raw', 37]])
  })

  it('takes a tier that is asked for wherever it covers', () => {
    const { data, warnings } = ask('rate(c_total[10m])', range, '1h')
    expect(data.stats.tiers.map(({ tier, steps }) => [tier, steps])).toEqual([['raw', 6], ['1h', 31]])
    expect(warnings).toEqual([said(ROUNDED, '1:6')])
    expect(ask('increase(c_total[10m])', range, '1m').warnings).toEqual([said(ROUNDED, '1:10')])
    expect(ask('increase(c_total[10m])', { ...range, startMs: 99.5 * HOUR }, '1m').data.stats.tiers.map(({ tier, steps }) => [tier, steps]))
      .toEqual([['raw', 6], ['1m', 22]])
    expect(at('rate(c_total[5m])', 102.5 * HOUR, '1h')).toEqual([2, said(ROUNDED, '1:6')])
  })
})

describe('a tier that must be fetched', () => {
  it('is not asked for what is here', () => {
    const storage = new MemoryStorage({ outOfOrderWindowMs: Infinity })
    for (let t = 0; t <= 40 * HOUR; t += 15_000) storage.add(['__name__', 'm'], t, t)
    const job: RangeJob = {
      kind: 'range', query: 'max_over_time(m[1h])', startMs: HOUR, endMs: 40 * HOUR, stepMs: HOUR, lookbackMs: HOUR, stats: 'true', timeoutMs: 60_000, limit: 0,
    }
    const f = (rawFrom: number, minutesFrom: number, localFrom: number, want: [string, number][]): void => {
      const made = new NaiveTiers(storage, {
        rawFrom, tiers: [{ name: '1m', from: minutesFrom, to: 40 * HOUR }, { name: '1h', from: -Infinity, to: 40 * HOUR, localFrom }],
      })
      const { data } = JSON.parse(new TextDecoder().decode(new Engine().run(job, made).body)) as Answer
      expect(data.stats.tiers.map(({ tier, steps }) => [tier, steps])).toEqual(want)
    }
    f(-Infinity, -Infinity, -Infinity, [['1h', 40]])
    f(-Infinity, -Infinity, 30 * HOUR, [['raw', 30], ['1h', 10]])
    f(20 * HOUR, 10 * HOUR, Infinity, [['raw', 20], ['1m', 10], ['1h', 10]])
    f(20 * HOUR, 10 * HOUR, 5 * HOUR, [['1h', 40]])
  })
})

describe('a window that reaches from a tier into raw samples', () => {
  it('is whole', () => {
    const query = 'increase(c_total[50h])'
    const [value, ...warnings] = at(query, 104 * HOUR - 5000)
    expect(value).toBeCloseTo(360_000, 6)
    expect(warnings).toEqual([said(ROUNDED, '1:10')])
    expect(at('count_over_time(saw[50h])', 104 * HOUR)).toEqual([50 * 240])
    expect(at('max_over_time(saw[50h])', 104 * HOUR - 90_000)[0]).toBe(59 + 55 / 60)
    // Points of the tier, then samples.
    expect(at('changes(saw[50h])', 104 * HOUR)).toEqual([2 * 49 + 240 - 1, said(POINTS, '1:9')])
    expect(ask('saw[5h]', { kind: 'instant', timeMs: 104 * HOUR }).data.result[0]!.values).toHaveLength(2 * 4 * 60 + 240)
  })
})
