// The deadline is looked at between the windows of one series: some have windows for minutes of work.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { ALL_FEATURES } from '../../../lang/parse/parse.ts'
import type { Clock } from '../../../lib/std/clock.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

const SAMPLES = 7000

/** A value a second that rises and falls, and adds up to 0: nothing of it can be shared by two windows. */
const store = new MemoryStorage()
for (let i = 0; i < SAMPLES; i++) {
  store.add(['__name__', 'm'], i * 1000, i % 2 === 0 ? 1 : -1)
  store.add(['__name__', 'started'], i * 1000, i, 1)
}

/** Status of 2,000 windows of 5,000 samples each, on a clock that moves by 1 ms with each look at it. */
function statusOf(query: string, startTimestamps = false): number {
  let looks = 0
  const clock: Clock = { now: () => 0, monotonic: () => looks++, after: () => ({ cancel: () => {} }) }
  const engine = new Engine({ clock, features: { ...ALL_FEATURES, startTimestamps } })
  return engine.run({
    kind: 'range', query, startMs: 5_000_000, endMs: 6_999_000, stepMs: 1000, timeoutMs: 25, limit: 0, lookbackMs: 300_000, stats: '',
  }, store).status
}

describe('the deadline', () => {
  it.each([
    'quantile_over_time(0.5, m[5000s])', 'mad_over_time(m[5000s])', 'stddev_over_time(m[5000s])', 'stdvar_over_time(m[5000s])',
    'deriv(m[5000s])', 'predict_linear(m[5000s], 60)', 'double_exponential_smoothing(m[5000s], 0.5, 0.5)',
    'ts_of_min_over_time(m[5000s])', 'ts_of_max_over_time(m[5000s])', 'sum_over_time(m[5000s])', 'avg_over_time(m[5000s])',
    'rate(m[5000s]) + rate(m[5000s] offset 1s)', 'increase(m[5000s] anchored)',
    'quantile_over_time(0.5, m[5000s:1s])',
  ])('ends %s amid the windows of a series', (query) => {
    expect(statusOf(query)).toBe(503)
  })

  it.each(['rate', 'resets'])('ends %s with start times', (func) => {
    expect(statusOf(`${func}(started[5000s])`, true)).toBe(503)
  })

  it('leaves time to functions that look at each sample once', () => {
    for (const func of ['max_over_time', 'changes', 'count_over_time', 'last_over_time']) expect(statusOf(`${func}(m[5000s])`), func).toBe(200)
  })

  it('is not what a deep query with an error waits for', () => {
    const nest = (depth: number): string => (depth === 0 ? 'sum_over_time({__name__=~"m|started"}[5000s])' : `label_replace(${nest(depth - 1)}, "a", "b", "", "")`)
    let looks = 0
    const clock: Clock = { now: () => 0, monotonic: () => looks++, after: () => ({ cancel: () => {} }) }
    const engine = new Engine({ clock, features: ALL_FEATURES })
    const { body } = engine.run({ kind: 'range', query: nest(95), startMs: 5_000_000, endMs: 5_300_000, stepMs: 1000, timeoutMs: 1e6, limit: 0, lookbackMs: 300_000, stats: '' }, store)
    expect(JSON.parse(new TextDecoder().decode(body))).toMatchObject({ errorType: 'execution', error: 'vector cannot contain metrics with the same labelset' })
    // Evaluated once; and again for half a second of the clock, then no more.
    expect(looks).toBeLessThan(1000)
  })
})
