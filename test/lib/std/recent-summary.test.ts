import { describe, expect, it } from 'vitest'
import { Metrics } from '../../../lib/std/metrics.ts'
import { RecentSummary } from '../../../lib/std/recent-summary.ts'

const MINUTE = 60_000

/** Values by suffix and quantile. */
function read(summary: RecentSummary): Record<string, number> {
  return Object.fromEntries(summary.values().map(({ suffix, labels, value }) => [suffix === '' ? String(labels['quantile']) : suffix, value]))
}

describe('a summary', () => {
  it('has the quantiles of few values exactly', () => {
    const summary = new RecentSummary('l', [0, 0.01, 0.5, 0.9, 0.99, 1])
    for (let i = 100; i >= 1; i--) summary.observe('a', i, 0)
    expect(read(summary)).toEqual({ 0: 1, 0.01: 1, 0.5: 50, 0.9: 90, 0.99: 99, 1: 100, _sum: 5050, _count: 100 })
  })

  it('estimates those of many, counting all', () => {
    const summary = new RecentSummary('l', [0.1, 0.5, 0.9])
    for (let i = 0; i < 100_000; i++) summary.observe('a', (i * 7919) % 100_000, i)
    const { 0.1: low, 0.5: middle, 0.9: high, _count: count } = read(summary)
    // The standard error of a quantile q of 500 values is sqrt(q (1 - q) / 500): 1.3 % and 2.2 %; five of them.
    expect(Math.abs(low! - 10_000)).toBeLessThan(6700)
    expect(Math.abs(middle! - 50_000)).toBeLessThan(11_200)
    expect(Math.abs(high! - 90_000)).toBeLessThan(6700)
    expect(count).toBe(100_000)
  })

  it('forgets values after 5 to 10 minutes, but not that they were', () => {
    const summary = new RecentSummary('l', [1])
    summary.observe('a', 9, 0)
    summary.observe('a', 1, 5 * MINUTE)
    expect(read(summary)).toEqual({ 1: 9, _sum: 10, _count: 2 })
    summary.observe('a', 1, 10 * MINUTE)
    expect(read(summary)).toEqual({ 1: 1, _sum: 11, _count: 3 })
    summary.observe('a', 5, 21 * MINUTE)
    summary.observe('a', 2, 27 * MINUTE)
    expect(read(summary)).toEqual({ 1: 5, _sum: 18, _count: 5 })
    summary.observe('a', 3, 60 * MINUTE)
    expect(read(summary)).toEqual({ 1: 3, _sum: 21, _count: 6 })
  })

  it('weighs the values of a busy stretch as many as they were', () => {
    const summary = new RecentSummary('l', [0.5])
    for (let i = 0; i < 5000; i++) summary.observe('a', 1, 0)
    for (let i = 0; i < 500; i++) summary.observe('a', 2, 5 * MINUTE)
    expect(read(summary)[0.5]).toBe(1)
  })

  it('is printed as Prometheus prints summaries', async () => {
    const metrics = new Metrics()
    const summary = metrics.summary('x_seconds', 'Help.', [0.5, 0.99], 'interval')
    summary.observe('15s', 2, 0)
    summary.observe('1m', 3, 0)
    expect(await metrics.registry.metrics()).toBe(`# HELP x_seconds Help.
# TYPE x_seconds summary
x_seconds{interval="15s",quantile="0.5"} 2
x_seconds{interval="15s",quantile="0.99"} 2
x_seconds_sum{interval="15s"} 2
x_seconds_count{interval="15s"} 1
x_seconds{interval="1m",quantile="0.5"} 3
x_seconds{interval="1m",quantile="0.99"} 3
x_seconds_sum{interval="1m"} 3
x_seconds_count{interval="1m"} 1
`)
  })

  it('may have no label', async () => {
    const metrics = new Metrics()
    metrics.summary('x_seconds', 'Help.', [0.5], '').observe('', 2, 0)
    expect((await metrics.registry.metrics()).split('\n').slice(2, -1)).toEqual(['x_seconds{quantile="0.5"} 2', 'x_seconds_sum 2', 'x_seconds_count 1'])
  })
})
