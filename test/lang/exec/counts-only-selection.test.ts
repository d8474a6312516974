import { describe, expect, it } from 'vitest'
import { CountsOnlySelection } from '../../../lang/exec/counts-only-selection.ts'
import { denseBuckets, EMPTY_HISTOGRAM, HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, type FloatHistogram } from '../../../lib/model/histogram.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

const labels = ['__name__', 'h']
const matchers = [{ name: '__name__', op: '=' as const, value: 'h' }]
const hints = { startMs: 0, endMs: 9000, stepMs: 0, rangeMs: 0, func: '' }

const ONE_STEP = { startMs: 9000, stepMs: 0, count: 1 }

function read(...histograms: FloatHistogram[]): FloatHistogram[] {
  return readFrom(0, ...histograms)
}

function readFrom(mint: number, ...histograms: FloatHistogram[]): FloatHistogram[] {
  const storage = new MemoryStorage({ shape: 'equal', outOfOrderWindowMs: Infinity })
  histograms.forEach((h, i) => storage.addHistogram(labels, i * 1000, h, 0))
  const selection = new CountsOnlySelection(storage.querier().select(matchers, 0, 9000, hints), mint, { steps: ONE_STEP, shift: { rangeMs: 9000, offsetMs: 0, atMs: null } })
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

  it.each([
    // Windows (0, 2], (5, 7]: the sample at 2 s is where the iterator stands; from there to 5 s is a leap.
    ['leaps', { stepMs: 5000, rangeMs: 2000 }, [HINT_UNKNOWN, HINT_NOT_RESET, HINT_NOT_RESET, HINT_NOT_RESET, HINT_NOT_RESET, HINT_UNKNOWN, HINT_NOT_RESET, HINT_NOT_RESET]],
    // (0, 2], (2, 4], …: no leap where the next window begins where the iterator stands.
    ['goes on', { stepMs: 2000, rangeMs: 2000 }, [HINT_UNKNOWN, ...Array.from({ length: 7 }, () => HINT_NOT_RESET)]],
    // (0, 2], (3, 5], (6, 8].
    ['leaps by a little', { stepMs: 3000, rangeMs: 2000 }, [HINT_UNKNOWN, HINT_NOT_RESET, HINT_NOT_RESET, HINT_UNKNOWN, HINT_NOT_RESET, HINT_NOT_RESET, HINT_UNKNOWN, HINT_NOT_RESET]],
  ])('%s between windows', (_, { stepMs, rangeMs }, want) => {
    const storage = new MemoryStorage({ shape: 'equal', outOfOrderWindowMs: Infinity })
    for (let i = 0; i < 8; i++) storage.addHistogram(labels, i * 1000, h(i + 1, [1, i]), 0)
    const selection = new CountsOnlySelection(storage.querier().select(matchers, 0, 9000, hints), 0, {
      steps: { startMs: 2000, stepMs, count: 1 + Math.floor(6000 / stepMs) }, shift: { rangeMs, offsetMs: 0, atMs: null },
    })
    const batch = selection.next()!
    expect(want.map((_hint, k) => batch.histograms![batch.v[k]!]!.hint)).toEqual(want)
  })
})
