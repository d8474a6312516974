import { describe, expect, it } from 'vitest'
import { locate, makeWindows } from '../../../lang/exec/windows.ts'
import { subquerySteps } from '../../../lang/exec/subquery.ts'
import { Random } from '../../../lib/std/random.ts'
import { windowsOver } from '../../support/windows.ts'

describe('windows', () => {
  it('agree with a search of every column, walked or halved', () => {
    const random = new Random(3)
    for (let round = 0; round < 200; round++) {
      const n = random.int(400)
      const t = new Float64Array(n)
      for (let i = 0, at = random.int(2000); i < n; i++) t[i] = at += 1 + random.int(50)
      const steps = { startMs: random.int(5000), stepMs: random.int(100), count: 1 + random.int(random.int(2) === 0 ? 3 : 200) }
      const rangeMs = 1 + random.int(600)
      const offsetMs = random.int(400) - 200
      const windows = makeWindows(steps, { rangeMs, offsetMs, atMs: null })
      locate(windows, t, n)
      expect(windows).toEqual(windowsOver(t, steps, rangeMs, offsetMs))
    }
  })

  it('are left-open', () => {
    const windows = makeWindows({ startMs: 60_000, stepMs: 0, count: 1 }, { rangeMs: 60_000, offsetMs: 0, atMs: null })
    locate(windows, Float64Array.of(0, 1, 60_000, 60_001), 4)
    expect([windows.lo[0], windows.hi[0]]).toEqual([1, 3])
  })

  it('stand still under @, but for the evaluation time', () => {
    const windows = makeWindows({ startMs: 0, stepMs: 10, count: 3 }, { rangeMs: 5, offsetMs: 2, atMs: 100 })
    expect([[...windows.startMs], [...windows.endMs], [...windows.evalMs]]).toEqual([[93, 93, 93], [98, 98, 98], [0, 10, 20]])
  })
})

describe('the grid of a subquery', () => {
  const shift = { rangeMs: 100, offsetMs: 0, atMs: null }

  // Multiples of the step in (start - range, end].
  it.each<[string, number, number, number, { startMs: number; count: number; endMs?: number }]>([
    ['on the grid', 1000, 0, 1, { startMs: 920, count: 5 }],
    ['between grid points', 1010, 0, 1, { startMs: 920, count: 5, endMs: 1010 }],
    ['a window start on the grid is left out', 1020, 0, 1, { startMs: 940, count: 5 }],
    ['of several steps', 1000, 50, 3, { startMs: 920, count: 10 }],
    ['before the epoch', -10, 0, 1, { startMs: -100, count: 5, endMs: -10 }],
  ])('%s', (_name, startMs, stepMs, count, want) => {
    expect(subquerySteps({ startMs, stepMs, count }, shift, 20)).toEqual({ ...want, stepMs: 20 })
  })

  it('is empty where the step is longer than the range and no point falls in', () => {
    expect(subquerySteps({ startMs: 1010, stepMs: 0, count: 1 }, { ...shift, rangeMs: 5 }, 100).count).toBe(0)
  })
})
