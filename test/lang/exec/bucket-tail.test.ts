// Raw samples as rows of buckets, against rows worked out the plain way.
import { describe, expect, it } from 'vitest'
import { readTail } from '../../../lang/exec/bucket-tail.ts'
import { Budget } from '../../../lang/exec/budget.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import type { BucketColumn } from '../../../storage/tier/bucket.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { columnsOf } from '../../support/naive-tiers.ts'
import { addRandomSeries } from '../../support/random-series.ts'

const EXACT: readonly Exclude<BucketColumn, 'p99'>[] = ['count', 'min', 'max', 'first', 'last', 'correction', 'firstT', 'lastT']
const SPAN_MS = 4 * 3_600_000

describe('the rows of a tail', () => {
  it.each(['equal', 'each', 'union'] as const)('hold what lies between their ends, of batches %s', (shape) => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = new Random(seed)
      const storage = new MemoryStorage({ shape, outOfOrderWindowMs: Infinity })
      addRandomSeries(storage, random, { startMs: 0, endMs: SPAN_MS, isWild: false })
      const fromMs = random.int(SPAN_MS)
      const ends = Float64Array.from(new Set(Array.from({ length: 1 + random.int(20) }, () => fromMs + random.int(SPAN_MS - fromMs)))).sort()
      const hints = { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' }
      const selection = storage.querier().select([{ name: '__name__', op: '=', value: 'm_total' }], 0, SPAN_MS, hints)
      const budget = new Budget({ clock: new FakeClock(), deadlineMs: Infinity, samplesMax: Infinity, bytesMax: Infinity })
      const { rows: { columns } } = readTail(selection, { fromMs, ends }, ['sum', 'm2', 'min', 'max', 'correction'], budget)
      storage.dump().forEach(({ samples }, s) => {
        ends.forEach((end, i) => {
          const entries = samples.filter(({ t }) => t > (i === 0 ? fromMs : ends[i - 1]!) && t <= end)
          const k = s * ends.length + i
          const want = entries.length === 0 ? null : columnsOf(entries)
          expect(columns.count[k]).toBe(want?.count ?? 0)
          expect(columns.staleAtEnd[k]).toBe(want?.staleAtEnd ?? 0)
          if (want === null || want.count === 0) return
          for (const name of EXACT) expect(columns[name][k], `${name} of ${s} at ${i} (seed ${seed})`).toBe(want[name])
          for (const name of ['sum', 'm2'] as const) expectClose(columns[name][k]!, want[name])
        })
      })
    }
  })
})

function expectClose(got: number, want: number): void {
  if (Number.isNaN(want)) expect(got).toBeNaN()
  else expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-13 * Math.abs(want))
}
