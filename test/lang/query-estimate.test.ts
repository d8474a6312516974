import { describe, expect, it } from 'vitest'
import type { InstantJob } from '../../lang/job.ts'
import { QueryEstimates } from '../../lang/query-estimate.ts'

function job(query: string): InstantJob {
  return { kind: 'instant', query, timeMs: 0, lookbackMs: 300_000, stats: '', timeoutMs: 1000, limit: 0 }
}

describe('estimates of queries', () => {
  it('are those of the text, however long', () => {
    const estimates = new QueryEstimates()
    const long = `up{job=~"${'a|'.repeat(60_000)}`
    estimates.learn(job('up'), 5)
    estimates.learn(job(`${long}b"}`), 70)
    estimates.learn(job(`${long}c"}`), 90)
    const got = ['up', `${long}b"}`, `${long}c"}`].map((text) => estimates.estimateMs(job(text)))
    expect(got).toEqual([5, 70, 90])
    expect(estimates.estimateMs(job(`${long}d"}`))).toBeLessThan(1)
  })

  it('of the longest queries take little memory', () => {
    const estimates = new QueryEstimates()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 1000; i++) estimates.learn(job(`up{n="${i}",job="${String(i).repeat(30_000).slice(0, 30_000)}"}`), 1)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20e6)
    expect(estimates.estimateMs(job('up'))).toBeLessThan(1)
  })
})
