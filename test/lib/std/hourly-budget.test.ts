import { describe, expect, it } from 'vitest'
import { HourlyBudget } from '../../../lib/std/hourly-budget.ts'

const HOUR = 3_600_000

describe('HourlyBudget', () => {
  it('gives so many an hour, which begins with the first that is taken', () => {
    const budget = new HourlyBudget()
    const takes = (n: number, nowMs: number, limit = 3): number => Array.from({ length: n }, () => budget.take(limit, nowMs)).filter(Boolean).length
    expect(takes(5, 100)).toBe(3)
    expect(takes(5, 100 + HOUR - 1)).toBe(0)
    expect(takes(5, 100 + HOUR - 1, 5), 'a limit that was raised').toBe(2)
    expect(takes(2, 100 + HOUR)).toBe(2)
    expect(takes(5, 150 + HOUR)).toBe(1)
    expect(takes(5, 50), 'a clock that was set back').toBe(3)
    expect(takes(50, 60, 0), 'no limit').toBe(50)
  })
})
