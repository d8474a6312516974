// What a query holds at once is limited, not what it reads in all: aggregations let go of what they have read.
import { describe, expect, it } from 'vitest'
import { Engine, type EngineOptions } from '../../../lang/engine.ts'
import type { AggregateScope } from '../../../lang/exec/aggregate-scope.ts'
import { Annotations } from '../../../lang/exec/annotations.ts'
import { Budget } from '../../../lang/exec/budget.ts'
import { DenseOperator, drain } from '../../../lang/exec/dense.ts'
import { HistogramTable } from '../../../lang/exec/histogram-table.ts'
import { Join } from '../../../lang/exec/join.ts'
import { LabelTable } from '../../../lang/exec/label-table.ts'
import type { Operator } from '../../../lang/exec/operator.ts'
import { Quantile } from '../../../lang/exec/quantile.ts'
import { Pick } from '../../../lang/exec/topk.ts'
import { ALL_FEATURES, parseExpr } from '../../../lang/parse/parse.ts'
import { systemClock } from '../../../lib/std/clock.ts'
import { denseBuckets, EMPTY_HISTOGRAM } from '../../../lib/model/histogram.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

const SERIES = 400
const STEPS = 200

const store = new MemoryStorage()
for (let s = 0; s < SERIES; s++) {
  for (let i = 0; i < STEPS; i++) store.add(['__name__', 'm', 'le', String(s), 's', String(s)], i * 1000, s + i)
}

function ask(query: string, options: Partial<EngineOptions>): { status: number; text: string } {
  const engine = new Engine({ features: ALL_FEATURES, ...options })
  const { status, body } = engine.run({
    kind: 'range', query, startMs: 0, endMs: (STEPS - 1) * 1000, stepMs: 1000, timeoutMs: 30_000, limit: 0, lookbackMs: 300_000, stats: 'true',
  }, store)
  return { status, text: new TextDecoder().decode(body) }
}

/** Adds up three of them that no reader shares. */
const thrice = (f: (selector: string) => string): string => ['m', 'm offset 1s', 'm offset 2s'].map(f).join(' + on() group_left ')

describe('samples held', () => {
  it.each<[string, (selector: string) => string]>([
    ['sum', (m) => `sum(${m})`], ['quantile', (m) => `quantile(0.5, ${m})`], ['topk', (m) => `topk(1, ${m})`],
    ['count_values', (m) => `sum(count_values("v", ${m} > bool 100))`], ['histogram_quantile', (m) => `sum(histogram_quantile(0.5, sum by (le) (${m})))`],
  ])('by the parts of a sum of three do not add up: %s', (_, f) => {
    const samplesMax = SERIES * STEPS * 2
    expect(ask(thrice(f), { samplesMax }).text).toMatch(/^{"status":"success"/)
    expect(ask(f('m'), { samplesMax: SERIES * STEPS / 2 })).toMatchObject({ status: 422 })
  })

  it.each([
    'm or m offset 1s or m offset 2s or m offset 3s or m offset 4s', 'm and m offset 1s and m offset 2s and m offset 3s and m offset 4s',
    'm unless (m offset 1s < 0) unless (m offset 2s < 0) unless (m offset 3s < 0)',
    'm > 1e9 or m offset 1s > 1e9 or m offset 2s > 1e9 or m offset 3s > 1e9 or m',
    'max_over_time(m[2s:1s]) or max_over_time(m[3s:1s]) or max_over_time(m[4s:1s])',
    'm + m offset 1s + m offset 2s + m offset 3s + m offset 4s', 'absent(m) or absent(m offset 1s) or absent(m offset 2s) or m',
    'vector(scalar(m) + scalar(m offset 1s) + scalar(m offset 2s) + scalar(m offset 3s)) or m',
  ])('are those of its result and of what is being read, as in Prometheus: %s', (query) => {
    expect(ask(query, { samplesMax: SERIES * STEPS * 3 }).text).toMatch(/^{"status":"success"/)
  })

  it('at most are told by the statistics', () => {
    const peakOf = (query: string): number => (JSON.parse(ask(query, {}).text) as { data: { stats: { samples: { peakSamples: number } } } }).data.stats.samples.peakSamples
    expect(peakOf('sum(m)')).toBe(SERIES * STEPS)
    // What the first sum has left, beside all that the second one reads.
    expect(peakOf('sum(m) + sum(m offset 0s)')).toBe(SERIES * STEPS + STEPS)
  })
})

/** An operator that loads samples to know its series. */
function loading(loaded: number, budget: Budget, labels: LabelTable): Operator {
  const series = Uint32Array.from({ length: SERIES }, (_, s) => labels.ofLabels(['s', String(s)]))
  const rows = new DenseOperator({ series, values: new Float64Array(SERIES * STEPS), kinds: new Uint8Array(SERIES * STEPS).fill(1) })
  let isLoaded = false
  const load = (): void => {
    if (!isLoaded) budget.addSamples(loaded)
    isLoaded = true
  }
  return { series: () => (load(), rows.series()), next: () => rows.next() }
}

describe('a quantile', () => {
  it('lets go also of what its input loaded to know its series', () => {
    const budget = new Budget({ clock: systemClock, deadlineMs: Infinity, samplesMax: Infinity, bytesMax: Infinity })
    const labels = new LabelTable(new MemoryStorage().querier())
    const steps = { startMs: 0, stepMs: 1000, count: STEPS }
    const scope = { steps, budget, labels, histograms: new HistogramTable(budget), annotations: new Annotations(''), at: { start: 0, end: 0 } }
    drain(new Quantile(loading(7, budget, labels), { grouping: [], isWithout: false, param: new Float64Array(STEPS).fill(0.5) }, scope), steps, budget)
    expect(budget.samplesHeld).toBe(STEPS)
  })
})

describe('joins of joins', () => {
  it('let go of what they have read once', () => {
    const budget = new Budget({ clock: systemClock, deadlineMs: Infinity, samplesMax: Infinity, bytesMax: Infinity })
    const labels = new LabelTable(new MemoryStorage().querier())
    const steps = { startMs: 0, stepMs: 1000, count: STEPS }
    const side = (loaded: number): Operator => loading(loaded, budget, labels)
    const expr = parseExpr('a + b', ALL_FEATURES)
    const join = (many: Operator, one: Operator): Operator => {
      if (expr.type !== 'binary' || expr.matching === null) throw new Error('no join')
      return new Join({ ...expr, matching: expr.matching }, [many, one], {
        steps, budget, labels, histograms: new HistogramTable(budget), annotations: new Annotations(''), dropName: (set) => set, removeName: (set) => set,
      })
    }
    drain(join(join(join(side(5), side(7)), join(side(11), side(13))), side(17)), steps, budget)
    expect(budget.samplesHeld).toBe(SERIES * STEPS)
  })
})

describe('memory', () => {
  it.each<[string, (selector: string) => string]>([
    ['topk', (m) => `topk(1, ${m})`], ['quantile', (m) => `quantile(0.5, ${m})`], ['a join', (m) => `sum(${m} + ${m} * 2)`],
    ['histogram_quantile', (m) => `sum(histogram_quantile(0.5, sum by (le) (${m})))`],
    ['set operators', (m) => `${m} and ${m} * 2 or ${m}`], ['series made one', (m) => `label_replace({__name__=~"m"} unless ${m}, "s", "", "", "") or ${m}`],
  ])('of what was read to its end is given back: %s', (_, f) => {
    // Rows of all series take 720 kB; operators between them have buffers of 150 kB of their own.
    const bytesMax = SERIES * STEPS * 9 * 8
    const query = ['m', 'm offset 1s', 'm offset 2s', 'm offset 3s', 'm offset 4s', 'm offset 5s'].map((m) => `count(${f(m)})`).join(' + ')
    expect(ask(query, { bytesMax })).toMatchObject({ status: 200 })
  })
})

describe('memory of native histograms', () => {
  const natives = new MemoryStorage()
  for (let s = 0; s < 120; s++) {
    for (let i = 0; i < 400; i++) {
      natives.addHistogram(['__name__', 'h', 's', String(s)], i * 1000, { ...EMPTY_HISTOGRAM, schema: 0, count: 3 * (i + 1), sum: i, positive: denseBuckets(0, [i + 1, 0, i + 1, i + 1]) })
    }
  }
  // All of a selector take 11 MB, a batch 4.
  const answerOf = (query: string): { status: string; data?: unknown } => {
    const engine = new Engine({ bytesMax: 9 << 20 })
    const { body } = engine.run({
      kind: 'range', query, startMs: 0, endMs: 399_000, stepMs: 1000, timeoutMs: 30_000, limit: 0, lookbackMs: 300_000, stats: '',
    }, natives)
    return JSON.parse(new TextDecoder().decode(body)) as { status: string }
  }

  it.each([
    'sum(h)', 'avg(h * 2)', 'sum(rate(h[5s]))', 'histogram_quantile(0.9, sum(rate(h[5s])))', 'sum(histogram_count(rate(h[5s])))', 'sum(-h)', 'count(h)', 'sum(last_over_time((h)[5s:1s]))',
  ])('that an aggregation has read is given back: %s', (query) => {
    const isStreamed = !query.includes(':')
    expect(answerOf(query).status).toBe(isStreamed ? 'success' : 'error')
  })

  it('keeps those that are still to be read', () => {
    const few = (of: string): string => `sum(${of}{s=~"[1-9]"})`
    const { data } = answerOf(`histogram_count(${few('h')} + ${few('h')}) / histogram_count(${few('h')} * 2)`)
    const values = (data as { result: { values: [number, string][] }[] }).result[0]!.values
    expect(values.map(([, value]) => value)).toEqual(Array.from({ length: 400 }, () => '1'))
  })
})

describe('the deadline', () => {
  const WIDTH = 3000
  /** Ends a query at the second look at the clock. */
  const read = (rows: number, make: (input: Operator, scope: AggregateScope) => Operator): void => {
    let looks = 0
    const budget = new Budget({ clock: { now: () => 0, monotonic: () => looks++, after: () => ({ cancel: () => {} }) }, deadlineMs: 0, samplesMax: Infinity, bytesMax: Infinity })
    const labels = new LabelTable(new MemoryStorage().querier())
    const series = Uint32Array.from({ length: rows }, (_, s) => labels.ofLabels(['s', String(s)]))
    const input = new DenseOperator({ series, values: new Float64Array(rows * WIDTH), kinds: new Uint8Array(rows * WIDTH).fill(1) })
    make(input, {
      steps: { startMs: 0, stepMs: 1000, count: WIDTH }, budget, labels, histograms: new HistogramTable(budget), annotations: new Annotations(''), at: { start: 0, end: 0 },
    }).next()
  }
  const spec = { grouping: [], isWithout: false, param: new Float64Array(WIDTH).fill(0.5) }

  it.each<[string, (input: Operator, scope: AggregateScope) => Operator]>([
    ['topk', (input, scope) => new Pick(input, { ...spec, op: 'topk', param: spec.param.map(() => 3), paramAt: { start: 0, end: 0 } }, scope)],
    ['limit_ratio', (input, scope) => new Pick(input, { ...spec, op: 'limit_ratio', paramAt: { start: 0, end: 0 } }, scope)],
    ['quantile', (input, scope) => new Quantile(input, spec, scope)],
  ])('is looked at amid the steps of %s', (_, make) => {
    expect(() => read(100, make)).toThrow('query timed out in query execution')
    expect(() => read(50, make)).not.toThrow()
  })
})
