import { describe, expect, it } from 'vitest'
import { QueryChecks } from '../../prove/query-checks.ts'
import { mutatedQuery } from '../../support/mutated-query.ts'
import { testSeed } from '../../support/seed.ts'

describe('mutated queries', () => {
  it('are answered or refused, never with a crash, an internal error or two seconds of silence', { timeout: 120_000 }, () => {
    const seed = testSeed()
    console.log(`mutated queries, SEED=${seed}`)
    const checks = new QueryChecks()
    for (let i = 0; i < 10_000; i++) expect(checks.check(mutatedQuery(seed, i), i)).toBe(null)
    // Some are good enough to be evaluated, or nothing would have been tried.
    expect(checks.statuses.get(200)).toBeGreaterThan(500)
    expect(checks.statuses.get(400)).toBeGreaterThan(3_000)
  })
})
