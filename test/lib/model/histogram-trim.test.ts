import { describe, expect, it } from 'vitest'
import { trimHistogram } from '../../../lib/model/histogram-trim.ts'
import {
  CUSTOM_SCHEMA, denseBuckets, EMPTY_HISTOGRAM, NO_BUCKETS, type FloatHistogram,
} from '../../../lib/model/histogram.ts'

/** Buckets (0.5,1] (1,2] (2,4] and their mirror images, zero bucket ±0.1. */
const EXPONENTIAL: FloatHistogram = {
  ...EMPTY_HISTOGRAM, zeroThreshold: 0.1, zeroCount: 4, count: 20, sum: 1,
  positive: denseBuckets(0, [2, 4, 8]), negative: denseBuckets(1, [2]),
}
/** (−∞,5] (5,10] (10,∞). */
const CUSTOM: FloatHistogram = {
  ...EMPTY_HISTOGRAM, schema: CUSTOM_SCHEMA, count: 12, sum: 77, customValues: Float64Array.of(5, 10), positive: denseBuckets(0, [4, 6, 2]),
}

/** count, sum, zero count, positive and negative buckets. */
function shape(h: FloatHistogram): unknown {
  const side = ({ index, count }: FloatHistogram['positive']): unknown => Object.fromEntries(Array.from(index, (i, k) => [i, count[k]]))
  return [h.count, h.sum, h.zeroCount, side(h.positive), side(h.negative)]
}

describe('trimming a histogram', () => {
  it('returns the histogram itself where nothing goes', () => {
    expect(trimHistogram(EXPONENTIAL, Infinity, true)).toBe(EXPONENTIAL)
    expect(trimHistogram(EXPONENTIAL, -Infinity, false)).toBe(EXPONENTIAL)
    expect(trimHistogram(CUSTOM, Infinity, true)).toBe(CUSTOM)
    expect(trimHistogram(CUSTOM, 0, false)).toBe(CUSTOM)
  })

  it('leaves nothing beyond all observations, or of NaN', () => {
    expect(shape(trimHistogram(EXPONENTIAL, Infinity, false))).toEqual([0, 0, 0, {}, {}])
    expect(shape(trimHistogram(EXPONENTIAL, -Infinity, true))).toEqual([0, 0, 0, {}, {}])
    expect(shape(trimHistogram({ ...EXPONENTIAL, zeroCount: 0 }, NaN, true))).toEqual([0, 0, 0, {}, {}])
  })

  it('cuts exponential buckets where the logarithm is', () => {
    // √8 halves (2,4] on the logarithmic scale: 4 of 8 stay on either side.
    const root = Math.sqrt(8)
    const below = trimHistogram(EXPONENTIAL, root, true)
    expect(shape(below)).toEqual([expect.closeTo(16, 12), expect.anything(), 4, { 0: 2, 1: 4, 2: expect.closeTo(4, 12) }, { 1: 2 }])
    // Middles are geometric: √(0.5·1), √(1·2), √(2·√8), −√(1·2); the zero bucket's is 0.
    expect(below.sum).toBeCloseTo(2 * Math.SQRT1_2 + 4 * Math.SQRT2 + 4 * Math.sqrt(2 * root) - 2 * Math.SQRT2, 12)
    const above = trimHistogram(EXPONENTIAL, root, false)
    expect(above.count).toBeCloseTo(4, 12)
    expect(above.sum).toBeCloseTo(4 * Math.sqrt(4 * root), 12)
    expect(above.positive.index).toEqual(Int32Array.of(2))
  })

  it('cuts negative buckets from the other side', () => {
    // −√2 halves [−2,−1) on the logarithmic scale.
    const below = trimHistogram(EXPONENTIAL, -Math.SQRT2, true)
    expect(below.count).toBeCloseTo(1, 12)
    expect(below.sum).toBeCloseTo(-Math.sqrt(2 * Math.SQRT2), 12)
    expect(below.positive).toBe(NO_BUCKETS)
    expect(below.zeroCount).toBe(0)
  })

  it('takes a zero bucket without width for what lies above a cut at 0', () => {
    const h = { ...EXPONENTIAL, zeroThreshold: 0 }
    expect(shape(trimHistogram(h, 0, true))).toEqual([2, expect.closeTo(-2 * Math.SQRT2, 12), 0, {}, { 1: 2 }])
    expect(trimHistogram(h, 0, false)).toMatchObject({ count: 18, zeroCount: 4 })
  })

  it('cuts the zero bucket evenly, only on the side that has observations', () => {
    // Both sides: −0.1 to 0.1, a quarter lies above 0.05, around 0.075.
    const both = { ...EXPONENTIAL, positive: NO_BUCKETS, negative: NO_BUCKETS }
    expect(shape(trimHistogram(both, 0.05, false))).toEqual([expect.closeTo(1, 12), expect.closeTo(0.075, 12), expect.closeTo(1, 12), {}, {}])
    // Positive alone: 0 to 0.1, half lies above 0.05; the buckets' middles are √½ and √2 and √8.
    const upper = { ...EXPONENTIAL, negative: NO_BUCKETS }
    expect(trimHistogram(upper, 0.05, false).zeroCount).toBeCloseTo(2, 12)
    expect(trimHistogram(upper, 0, false)).toBe(upper)
  })

  it('cuts custom buckets evenly, the first from 0, and nothing of the last from below', () => {
    // </ 7.5: all 4 below 5 (middle 2.5), half of 6 in (5,10] (middle 6.25).
    expect(shape(trimHistogram(CUSTOM, 7.5, true))).toEqual([7, 4 * 2.5 + 3 * 6.25, 0, { 0: 4, 1: 3 }, {}])
    // </ 2: 4 · 2/5 around 1.
    expect(shape(trimHistogram(CUSTOM, 2, true))).toEqual([1.6, 1.6, 0, { 0: 1.6 }, {}])
    // >/ 12: what is above 10 is taken to be above 12 too, and at 12.
    expect(shape(trimHistogram(CUSTOM, 12, false))).toEqual([2, 24, 0, { 2: 2 }, {}])
    // </ 12: nothing is known of how far above 10 the last ones are.
    expect(shape(trimHistogram(CUSTOM, 12, true))).toEqual([10, 4 * 2.5 + 6 * 7.5, 0, { 0: 4, 1: 6 }, {}])
  })

  it('keeps a first bucket that ends below 0 whole from above, and drops it from below', () => {
    const low = { ...CUSTOM, customValues: Float64Array.of(-5, 10) }
    expect(shape(trimHistogram(low, -7, true))).toEqual([4, 4 * -7, 0, { 0: 4 }, {}])
    expect(trimHistogram(low, -7, false).positive.index).toEqual(Int32Array.of(1, 2))
  })
})
