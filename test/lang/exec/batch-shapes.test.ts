// The store may cut its answer into batches as it likes: together, apart, with gaps. No query may tell.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { Random } from '../../../lib/std/random.ts'
import type { Labels } from '../../../lib/model/labels.ts'
import { MemoryStorage, type BatchShape } from '../../support/memory-storage.ts'

const LOOKBACK_MS = 300_000

interface Sample {
  t: number
  v: number
  isStale: boolean
}

interface Series {
  labels: Labels
  samples: Sample[]
}

/** Series with jitter, gaps and staleness markers, some on shared times. */
function randomSeries(random: Random): Series[] {
  return Array.from({ length: 14 }, (_, s): Series => {
    const samples: Sample[] = []
    for (let i = 0; i < 120; i++) {
      if (s > 3 && random.int(6) === 0) continue
      const isStale = s > 1 && random.int(12) === 0
      // Above 0: Prometheus treats counters that touch zero specially, which is the kernels' affair.
      samples.push({ t: i * 15_000 + (s % 3 === 2 ? random.int(5000) : 0), v: 1000 + s * 100 + i * (s + 1) - (s % 4) * 7 * (i % 5), isStale })
    }
    const job = s % 2 === 0 ? 'x' : 'y'
    return { labels: ['__name__', s < 10 ? 'm_total' : 'n', 'g', String(s % 3), 'i', String(s), 'job', job], samples }
  })
}

function stored(series: readonly Series[], shape: BatchShape): MemoryStorage {
  const store = new MemoryStorage({ shape })
  for (const { labels, samples } of series) {
    for (const { t, v, isStale } of samples) void (isStale ? store.addStale(labels, t) : store.add(labels, t, v))
  }
  return store
}

const QUERIES = [
  'm_total', 'm_total offset 1m', 'm_total @ 600', 'timestamp(m_total)', 'm_total offset -45s', 'm_total @ 600 offset 20s',
  'rate(m_total[1m])', 'increase(m_total[5m] offset 30s)', 'delta(m_total[7m] @ 900)', 'sum_over_time(m_total[50s])', 'last_over_time(m_total[1m])',
  'sum by(g)(m_total)', 'avg without(i)(m_total)', 'min by(job)(m_total)', 'max(m_total)', 'count by(g)(m_total)', 'group(m_total)',
  'stddev by(g)(m_total)', 'quantile by(g)(0.3, m_total)', 'topk(3, m_total)', 'bottomk by(g)(1, m_total)', 'count_values("v", m_total % 3)',
  'm_total + 1', '2 ^ (m_total % 5)', 'm_total > 1500', 'm_total >= bool 1500', '-m_total', 'm_total / on(i) m_total',
  'm_total - on(g, job) group_left() max by(g, job)(m_total)', 'min by(g)(n) * on(g) group_right(job) m_total', 'm_total and on(g) n', 'm_total unless on(job, g) n', 'm_total or n',
  'max_over_time(rate(m_total[1m])[5m:20s])', 'avg_over_time(n[2m:])', 'absent(n{i="99"})', 'absent_over_time(m_total[30s])', 'scalar(sum(m_total)) + m_total',
  'sum(rate(m_total[2m])) / count(m_total)', 'abs(m_total - 1400)', 'clamp(m_total, 1200, 1500)', 'm_total[1m]', 'rate(m_total[1m])[3m:30s]',
]

function answer(query: string, store: MemoryStorage, isRange: boolean): string {
  const common = { query, lookbackMs: LOOKBACK_MS, stats: '' as const, timeoutMs: 60_000, limit: 0 }
  const job = isRange
    ? { ...common, kind: 'range' as const, startMs: 60_000, endMs: 2_400_000, stepMs: 37_000 }
    : { ...common, kind: 'instant' as const, timeMs: 1_234_567 }
  const { body } = new Engine({ subqueryStepMs: 60_000 }).run(job, store)
  return new TextDecoder().decode(body)
}

describe('answers', () => {
  const series = randomSeries(new Random(20))
  const [equal, each, union] = (['equal', 'each', 'union'] as const).map((shape) => stored(series, shape))

  it.each(QUERIES)('%s: the same from batches of every shape', (query) => {
    for (const isRange of query.endsWith(']') ? [false] : [false, true]) {
      const expected = answer(query, equal!, isRange)
      expect(expected).toContain('"status":"success"')
      // Vectors are unordered; series order is the store's, and the same for all shapes.
      expect(answer(query, each!, isRange)).toBe(expected)
      expect(answer(query, union!, isRange)).toBe(expected)
    }
  })

  it('of a selector agree with a search sample by sample', () => {
    const result = JSON.parse(answer('{job=~".+"}', union!, true)) as { data: { result: { metric: Record<string, string>; values: [number, string][] }[] } }
    const got = new Map(result.data.result.map(({ metric, values }) => [metric['i'], values]))
    for (const { labels, samples } of series) {
      const want: [number, string][] = []
      for (let t = 60_000; t <= 2_400_000; t += 37_000) {
        const newest = samples.findLast((sample) => sample.t <= t)
        if (newest !== undefined && newest.t > t - LOOKBACK_MS && !newest.isStale) want.push([t / 1000, String(newest.v)])
      }
      expect(got.get(labels[5]!)).toEqual(want)
    }
  })
})
