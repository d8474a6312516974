import { describe, expect, it } from 'vitest'
import { CountsOnlySelection } from '../../../lang/exec/counts-only-selection.ts'
import { denseBuckets, EMPTY_HISTOGRAM, HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, type FloatHistogram } from '../../../lib/model/histogram.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

const labels = ['__name__', 'h']
const matchers = [{ name: '__name__', op: '=' as const, value: 'h' }]
const hints = { startMs: 0, endMs: 9000, stepMs: 0, rangeMs: 0, func: '' }

function read(...histograms: FloatHistogram[]): FloatHistogram[] {
  return readFrom(0, ...histograms)
}

function readFrom(mint: number, ...histograms: FloatHistogram[]): FloatHistogram[] {
  const storage = new MemoryStorage({ shape: 'equal', outOfOrderWindowMs: Infinity })
  histograms.forEach((h, i) => storage.addHistogram(labels, i * 1000, h, 0))
  const selection = new CountsOnlySelection(storage.querier().select(matchers, 0, 9000, hints), mint)
  const batch = selection.next()!
  return histograms.map((_, k) => batch.histograms![batch.v[k]!]!)
}

const h = (count: number, buckets: number[], fields: Partial<FloatHistogram> = {}): FloatHistogram => ({
  ...EMPTY_HISTOGRAM, count, sum: 10 * count, positive: denseBuckets(1, buckets), ...fields,
})

describe('counts without buckets', () => {
  it('keeps count, sum and schema, and drops buckets', () => {
    const [only] = read(h(3, [1, 2], { schema: 2, zeroCount: 4 }))
    expect(only).toMatchObject({ count: 3, sum: 30, schema: 2, zeroCount: 0 })
    expect(only!.positive.index).toHaveLength(0)
  })

  it('says of each sample what became of the one before it', () => {
    const read4 = read(h(3, [1, 2]), h(5, [2, 3]), h(5, [1, 4]), h(9, [1, 8]))
    expect(read4.map(({ hint }) => hint)).toEqual([HINT_UNKNOWN, HINT_NOT_RESET, HINT_RESET, HINT_NOT_RESET])
  })

  it('knows nothing of what was before it asked', () => {
    const read3 = readFrom(1000, h(9, [9]), h(3, [3]), h(4, [4]))
    expect(read3.map(({ hint }) => hint)).toEqual([HINT_UNKNOWN, HINT_UNKNOWN, HINT_NOT_RESET])
  })

  it('believes hints that samples come with', () => {
    const given = read(h(9, [9], { hint: HINT_NOT_RESET }), h(3, [3], { hint: HINT_GAUGE }), h(4, [4], { hint: HINT_RESET }))
    expect(given.map(({ hint }) => hint)).toEqual([HINT_NOT_RESET, HINT_GAUGE, HINT_RESET])
  })
})
