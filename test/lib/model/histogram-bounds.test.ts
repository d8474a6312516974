// Bounds as Prometheus 3.5.3 printed them for histograms pushed to it by remote write.
import { describe, expect, it } from 'vitest'
import { bucketAt, bucketTotal, exponentialBound, wholeBuckets, type Bucket } from '../../../lib/model/histogram-bounds.ts'
import { CUSTOM_SCHEMA, denseBuckets, EMPTY_HISTOGRAM, type FloatHistogram } from '../../../lib/model/histogram.ts'

describe('exponential bounds', () => {
  const f = (schema: number, index: number, want: number): void => {
    it(`schema ${schema}, bucket ${index}: ${want}`, () => expect(exponentialBound(index, schema)).toBe(want))
  }
  f(0, 0, 1)
  f(0, 1, 2)
  f(0, -1, 0.5)
  f(1, -1, 0.7071067811865475)
  f(1, 1, 1.414213562373095)
  f(2, -2, 0.7071067811865475)
  f(2, -1, 0.8408964152537144)
  f(2, 3, 1.6817928305074288)
  f(3, -7, 0.5452538663326288)
  f(4, 15, 1.915206561397147)
  f(5, -31, 0.5109485743270583)
  f(6, 63, 1.9784560263879505)
  f(7, -127, 0.5027149505564014)
  f(8, -255, 0.5013556375251013)
  f(8, -199, 0.5834400184762408)
  f(8, 255, 1.9945921121709396)
  f(8, 261868, 8.514665588934803e307)
  f(2, 4088, 4.49423283715579e307)
  f(3, -8541, 4.1e-322)
  f(-4, 64, Number.MAX_VALUE)
  f(-1, 512, Number.MAX_VALUE)
  f(0, 1024, Number.MAX_VALUE)
  f(0, 1025, Infinity)
  f(8, 1024 * 256, Number.MAX_VALUE)
  f(0, -1074, 5e-324)
  f(0, -1075, 0)
  f(-4, -68, 0)
})

describe('buckets in order', () => {
  const row = (b: Bucket): unknown[] => [b.lower, b.upper, b.isLowerInclusive, b.isUpperInclusive, b.count]
  const rows = (h: FloatHistogram): unknown[] => {
    const cut = Array.from({ length: bucketTotal(h) }, (_, k) => row(bucketAt(h, k)))
    const whole = wholeBuckets(h).map(row)
    expect(cut.filter((bucket) => bucket.at(-1) !== 0)).toEqual(whole)
    return whole
  }

  it('goes from the negative ones over the zero bucket to the positive ones', () => {
    const h = { ...EMPTY_HISTOGRAM, zeroThreshold: 0.001, zeroCount: 7, negative: denseBuckets(1, [1, 2]), positive: denseBuckets(0, [3, 0, 4]) }
    expect(rows(h)).toEqual([
      [-4, -2, true, false, 2], [-2, -1, true, false, 1], [-0.001, 0.001, true, true, 7], [0.5, 1, false, true, 3], [2, 4, false, true, 4],
    ])
  })

  it('starts custom buckets at −Inf and ends them at +Inf', () => {
    const h = { ...EMPTY_HISTOGRAM, schema: CUSTOM_SCHEMA, customValues: Float64Array.of(1, 5), positive: denseBuckets(0, [3, 2, 1]) }
    expect(rows(h)).toEqual([[-Infinity, 1, true, true, 3], [1, 5, false, true, 2], [5, Infinity, false, true, 1]])
  })

  it('cuts buckets where the zero bucket ends, unless they are wanted whole', () => {
    const h = { ...EMPTY_HISTOGRAM, zeroThreshold: 1.5, zeroCount: 7, negative: denseBuckets(0, [1, 2]), positive: denseBuckets(1, [3]) }
    // As 3.5.3 shows them; a bucket within the zero bucket comes out upside down there, too.
    expect(Array.from({ length: 4 }, (_, k) => row(bucketAt(h, k)))).toEqual([
      [-2, -1.5, true, false, 2], [-1, -1.5, true, false, 1], [-1.5, 1.5, true, true, 7], [1.5, 2, false, true, 3],
    ])
    expect(wholeBuckets(h).map(row)).toEqual([
      [-2, -1, true, false, 2], [-1, -0.5, true, false, 1], [-1.5, 1.5, true, true, 7], [1, 2, false, true, 3],
    ])
  })
})
