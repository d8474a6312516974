// The double must keep the waist's promises, or every test that stands on it is worthless.
import { describe, expect, it } from 'vitest'
import type { Labels } from '../../lib/model/labels.ts'
import { REJECT_DUPLICATE, REJECT_FUTURE, REJECT_OUT_OF_ORDER, STORED, type Querier, type SelectHints } from '../../storage/interface.ts'
import { MemoryStorage, type BatchShape } from './memory-storage.ts'

const A: Labels = ['__name__', 'm', 'x', 'a']
const B: Labels = ['__name__', 'm', 'x', 'b']
const HINTS: SelectHints = { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' }

/** All samples a selection yields, `ref: t=v …`, the batches told apart by `|`. */
function read(querier: Querier, mint: number, maxt: number, regex = '.*'): string {
  const matchers = [{ name: '__name__', op: '=', value: 'm' }, { name: 'x', op: '=~', value: regex }] as const
  const selection = querier.select(matchers, mint, maxt, HINTS)
  const out: string[] = []
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    const words = Math.ceil(batch.n / 32)
    const rows: string[] = []
    for (let s = 0; s < batch.seriesCount; s++) {
      const cells: string[] = []
      for (let i = 0; i < batch.n; i++) {
        const word = s * words + (i >>> 5)
        if (batch.hasGaps[s] === 1 && ((batch.present[word]! >>> (i & 31)) & 1) === 0) continue
        const isStale = batch.hasGaps[s] === 1 && ((batch.stale[word]! >>> (i & 31)) & 1) === 1
        cells.push(`${batch.t[i]}=${isStale ? 'stale' : batch.v[s * batch.n + i]}`)
      }
      rows.push(`${selection.refs[batch.index[s]!]}: ${cells.join(' ')}`)
    }
    out.push(rows.join(', '))
  }
  return out.join(' | ')
}

describe('MemoryStorage', () => {
  it.each<[BatchShape, string]>([
    ['equal', '1: 20=2 30=stale | 2: 20=5 40=6'],
    ['each', '1: 20=2 30=stale | 2: 20=5 40=6'],
    ['union', '1: 20=2 30=stale, 2: 20=5 40=6'],
  ])('reads what was appended in range, in shape %s', (shape, want) => {
    const storage = new MemoryStorage({ shape })
    storage.add(A, 10, 1)
    storage.add(A, 20, 2)
    storage.addStale(A, 30)
    storage.add(B, 20, 5)
    storage.add(B, 40, 6)
    storage.add(B, 41, 7)
    expect(read(storage.querier(), 11, 40)).toBe(want)
    expect(read(storage.querier(), 11, 40, 'a|c')).toBe('1: 20=2 30=stale')
  })

  it('puts series with equal times into one batch', () => {
    const storage = new MemoryStorage()
    for (const t of [10, 20]) for (const labels of [A, B]) storage.add(labels, t, t)
    expect(read(storage.querier(), 0, 100)).toBe('1: 10=10 20=20, 2: 10=10 20=20')
  })

  it('gives a verdict per sample', () => {
    const storage = new MemoryStorage({ now: () => 10_000_000 })
    const refs = new Uint32Array(7).fill(storage.series(A))
    const times = Float64Array.of(5_000_000, 5_000_000, 5_000_000, 4_400_000, 4_399_999, 10_600_000, 10_600_001)
    const values = Float64Array.of(NaN, NaN, 1, 2, 3, 4, 5)
    const verdicts = new Uint8Array(7)
    expect(storage.append({ count: 7, refs, values, times, t: 0, stale: null }, verdicts)).toBe(3)
    expect([...verdicts]).toEqual([STORED, STORED, REJECT_DUPLICATE, STORED, REJECT_OUT_OF_ORDER, STORED, REJECT_FUTURE])
    expect(read(storage.querier(), 0, 1e9)).toBe('1: 4400000=2 5000000=NaN 10600000=4')
  })

  it('shows an open querier one state', () => {
    const storage = new MemoryStorage()
    storage.add(A, 10, 1)
    storage.add(A, 30, 3)
    const querier = storage.querier()
    storage.add(A, 40, 4)
    storage.add(A, 20, 2)
    storage.add(B, 20, 2)
    expect(read(querier, 0, 100)).toBe('1: 10=1 30=3')
    expect(read(storage.querier(), 0, 100)).toBe('1: 10=1 20=2 30=3 40=4 | 2: 20=2')
  })

  it('answers label questions only from series with samples in range', () => {
    const storage = new MemoryStorage()
    storage.add(A, 10, 1)
    storage.add(['__name__', 'n', 'y', 'c'], 50, 1)
    const querier = storage.querier()
    expect(querier.labelNames([], 0, 100)).toEqual(['__name__', 'x', 'y'])
    expect(querier.labelNames([], 0, 49)).toEqual(['__name__', 'x'])
    expect(querier.labelValues('__name__', [], 0, 100)).toEqual(['m', 'n'])
    expect(querier.labelValues('__name__', [[{ name: 'y', op: '!=', value: '' }]], 0, 100)).toEqual(['n'])
    expect([...querier.seriesRefs([], 0, 100)]).toEqual([1, 2])
  })

  it('refuses a selector that matches everything', () => {
    expect(() => new MemoryStorage().querier().select([{ name: 'x', op: '=~', value: '.*' }], 0, 1, HINTS)).toThrow(/at least one/)
  })
})
