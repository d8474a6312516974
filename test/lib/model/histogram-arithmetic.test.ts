// Expected values are derived by hand from the rules of Prometheus' model/histogram/float_histogram.go.
import { describe, expect, it } from 'vitest'
import {
  addHistograms, divideHistogram, equalHistograms, HistogramSum, isCounterReset, reduceSchema, scaleHistogram, subtractHistograms,
  withHint,
} from '../../../lib/model/histogram-arithmetic.ts'
import { HistogramMean } from '../../../lib/model/histogram-mean.ts'
import {
  compacted, CUSTOM_SCHEMA, denseBuckets, EMPTY_HISTOGRAM, HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, isSameHistogram,
  type Buckets, type FloatHistogram,
} from '../../../lib/model/histogram.ts'
import { Random } from '../../../lib/std/random.ts'

const make = (fields: Partial<FloatHistogram>): FloatHistogram => ({ ...EMPTY_HISTOGRAM, ...fields })
const custom = (bounds: number[], counts: number[], fields: Partial<FloatHistogram> = {}): FloatHistogram => make({
  schema: CUSTOM_SCHEMA, customValues: Float64Array.from(bounds), positive: denseBuckets(0, counts),
  count: counts.reduce((a, b) => a + b, 0), ...fields,
})
const pairs = ({ index, count }: Buckets): number[][] => Array.from(index, (at, k) => [at, count[k]!])
const sumOf = ({ count }: Buckets): number => count.reduce((a, b) => a + b, 0)

describe('adding', () => {
  it('adds bucket by bucket and keeps those that become empty', () => {
    const a = make({ count: 7, sum: 5, zeroCount: 1, positive: denseBuckets(0, [1, 2, 3]), negative: denseBuckets(2, [4]) })
    const b = make({ count: 3, sum: -1, zeroCount: 2, positive: denseBuckets(1, [-2, 5, 0, 7]), negative: denseBuckets(-3, [1]) })
    const { histogram, isCollision, isReconciled } = addHistograms(a, b)!
    expect(histogram).toMatchObject({ count: 10, sum: 4, zeroCount: 3, schema: 0 })
    expect(pairs(histogram.positive)).toEqual([[0, 1], [1, 0], [2, 8], [3, 0], [4, 7]])
    expect(pairs(histogram.negative)).toEqual([[-3, 1], [2, 4]])
    expect([isCollision, isReconciled]).toEqual([false, false])
    expect(pairs(a.positive)).toEqual([[0, 1], [1, 2], [2, 3]])
  })

  it('brings both to the coarser schema', () => {
    // Schema 1 buckets 1..4 cover (1, √2], (√2, 2], (2, 2√2], (2√2, 4]: those of schema 0 are 1 and 2.
    const fine = make({ schema: 1, positive: denseBuckets(1, [1, 2, 3, 4]) })
    const coarse = make({ schema: 0, positive: denseBuckets(0, [10, 20, 30]) })
    for (const sum of [addHistograms(fine, coarse)!, addHistograms(coarse, fine)!]) {
      expect(sum.histogram.schema).toBe(0)
      expect(pairs(sum.histogram.positive)).toEqual([[0, 10], [1, 23], [2, 37]])
    }
  })

  it('widens the narrower zero bucket to the end of the bucket the wider one cuts', () => {
    // Bucket 0 is (0.5, 1], bucket 1 is (1, 2]: a zero bucket up to 0.75 has to take in bucket 0 and reach to 1.
    const narrow = make({ zeroThreshold: 0.001, zeroCount: 1, positive: denseBuckets(-1, [2, 4, 8]), negative: denseBuckets(1, [16]) })
    const wide = make({ zeroThreshold: 0.75, zeroCount: 32, positive: denseBuckets(1, [64]) })
    for (const sum of [addHistograms(narrow, wide)!, addHistograms(wide, narrow)!]) {
      expect(sum.histogram).toMatchObject({ zeroThreshold: 1, zeroCount: 1 + 2 + 4 + 32 })
      expect(pairs(sum.histogram.positive)).toEqual([[1, 72]])
      expect(pairs(sum.histogram.negative)).toEqual([[1, 16]])
    }
  })

  it('takes the positive side in, too, where the negative one moves the threshold', () => {
    const narrow = make({ zeroThreshold: 0, zeroCount: 1, positive: denseBuckets(1, [2, 4]), negative: denseBuckets(1, [8]) })
    const wide = make({ zeroThreshold: 1.5, zeroCount: 16 })
    // Both have (1, 2]; from the positive side the threshold is 2 already, and once more from the negative one alone.
    expect(addHistograms(narrow, wide)!.histogram).toMatchObject({ zeroThreshold: 2, zeroCount: 27 })
    const lopsided = { ...narrow, positive: denseBuckets(0, [2, 0, 4]) }
    expect(addHistograms(lopsided, wide)!.histogram).toMatchObject({ zeroThreshold: 2, zeroCount: 27 })
  })

  it('leaves an empty bucket cut by the threshold alone', () => {
    const narrow = make({ zeroThreshold: 0, positive: denseBuckets(2, [5]) })
    expect(addHistograms(narrow, make({ zeroThreshold: 1.5 }))!.histogram.zeroThreshold).toBe(1.5)
  })

  it('keeps of custom bounds what both have', () => {
    const same = addHistograms(custom([1, 2], [1, 2, 3]), custom([1, 2], [10, 0, 30]))!
    expect(pairs(same.histogram.positive)).toEqual([[0, 11], [1, 2], [2, 33]])
    expect(same.isReconciled).toBe(false)
    const other = addHistograms(custom([1, 2, 5], [1, 2, 3, 4]), custom([2, 3, 5], [10, 20, 30, 40]))!
    expect([...other.histogram.customValues]).toEqual([2, 5])
    expect(pairs(other.histogram.positive)).toEqual([[0, 13], [1, 53], [2, 44]])
    expect(other.isReconciled).toBe(true)
    const none = addHistograms(custom([1], [1, 2]), custom([2], [4, 8]))!
    expect(pairs(none.histogram.positive)).toEqual([[0, 15]])
  })

  it('refuses custom bounds beside exponential ones', () => {
    expect(addHistograms(custom([1], [1]), make({}))).toBeNull()
    expect(subtractHistograms(make({}), custom([1], [1]))).toBeNull()
    expect(new HistogramSum(make({})).add(custom([1], [1]))).toBeNull()
  })

  it('combines hints: gauge wins, unknown next, reset and not reset collide', () => {
    const f = (a: number, b: number, want: number, isCollision = false): void => {
      for (const [x, y] of [[a, b], [b, a]] as const) {
        const sum = addHistograms(make({ hint: x as 0 }), make({ hint: y as 0 }))!
        expect([sum.histogram.hint, sum.isCollision]).toEqual([want, isCollision])
      }
    }
    f(HINT_RESET, HINT_RESET, HINT_RESET)
    f(HINT_GAUGE, HINT_RESET, HINT_GAUGE)
    f(HINT_GAUGE, HINT_UNKNOWN, HINT_GAUGE)
    f(HINT_UNKNOWN, HINT_NOT_RESET, HINT_UNKNOWN)
    f(HINT_RESET, HINT_NOT_RESET, HINT_UNKNOWN, true)
  })
})

describe('subtracting', () => {
  it('makes a gauge and tells of a collision', () => {
    const { histogram, isCollision } = subtractHistograms(
      make({ count: 1, zeroCount: 5, positive: denseBuckets(1, [1]), hint: HINT_RESET }),
      make({ count: 3, zeroCount: 5, positive: denseBuckets(1, [1, 2]), hint: HINT_NOT_RESET }),
    )!
    expect(histogram).toMatchObject({ count: -2, zeroCount: 0, hint: HINT_GAUGE })
    expect(pairs(histogram.positive)).toEqual([[1, 0], [2, -2]])
    expect(isCollision).toBe(true)
  })
})

describe('multiples', () => {
  it('scales every number, a negative factor makes a gauge', () => {
    const h = make({ count: 3, sum: 5, zeroCount: 1, positive: denseBuckets(1, [2]), hint: HINT_RESET })
    expect(scaleHistogram(h, 2)).toMatchObject({ count: 6, sum: 10, zeroCount: 2, hint: HINT_RESET })
    expect(scaleHistogram(h, -1).hint).toBe(HINT_GAUGE)
    expect(pairs(scaleHistogram(h, 0).positive)).toEqual([[1, 0]])
    expect(compacted(scaleHistogram(h, 0)).positive.index).toHaveLength(0)
    expect(divideHistogram(h, -2)).toMatchObject({ count: -1.5, hint: HINT_GAUGE })
  })

  it('divides by zero as floats do, without buckets', () => {
    const h = divideHistogram(make({ count: 3, sum: -5, zeroCount: 0, positive: denseBuckets(1, [3]) }), 0)
    expect(h).toMatchObject({ count: Infinity, sum: -Infinity, zeroCount: NaN })
    expect(h.positive.index).toHaveLength(0)
  })
})

describe('counter resets', () => {
  const base = make({ count: 10, zeroCount: 1, positive: denseBuckets(1, [4, 5]) })
  const f = (name: string, current: Partial<FloatHistogram>, want: boolean, previous: FloatHistogram = base): void => {
    it(`${want ? 'sees' : 'sees none'}: ${name}`, () => expect(isCounterReset({ ...base, ...current }, previous)).toBe(want))
  }
  f('nothing changed', {}, false)
  f('all grew', { count: 20, zeroCount: 3, positive: denseBuckets(0, [1, 6, 10]) }, false)
  f('the count fell', { count: 9 }, true)
  f('a hint says so', { hint: HINT_RESET }, true)
  f('a hint denies it', { hint: HINT_NOT_RESET, count: 1 }, false)
  f('a bucket fell', { positive: denseBuckets(1, [5, 4]) }, true)
  f('a bucket is gone', { positive: denseBuckets(2, [9]) }, true)
  f('the last bucket is gone', { positive: denseBuckets(1, [9]) }, true)
  f('a negative bucket is gone', {}, true, { ...base, negative: denseBuckets(1, [1]) })
  f('the zero bucket fell', { zeroCount: 0 }, true)
  f('the schema is finer', { schema: 1 }, true)
  f('the schema is coarser', { schema: -1, positive: denseBuckets(1, [9]) }, false)
  f('the zero bucket is narrower', { zeroThreshold: 0.1 }, true, { ...base, zeroThreshold: 0.2 })
  f('the zero bucket took a bucket in', { zeroThreshold: 2, zeroCount: 5, positive: denseBuckets(2, [5]) }, false)
  f('the zero bucket took a bucket in and lost of it', { zeroThreshold: 2, zeroCount: 4, positive: denseBuckets(2, [6]) }, true)
  f('the zero bucket cuts a full bucket', { zeroThreshold: 1.5, zeroCount: 5, positive: denseBuckets(2, [5]) }, true)
  f('custom bounds came', custom([1], [10]), true)
  f('custom bounds changed, counts between shared ones grew', custom([2, 4], [5, 5]), false, custom([2, 3], [4, 1, 1]))
  f('custom bounds changed, a count between shared ones fell', custom([2, 4], [3, 9]), true, custom([2, 3], [4, 1, 1]))
})

describe('equality', () => {
  it('ignores the hint only; NaN equals itself', () => {
    const h = make({ count: NaN, sum: 1, positive: denseBuckets(1, [1]) })
    expect(equalHistograms(h, withHint(h, HINT_GAUGE))).toBe(true)
    expect(equalHistograms(h, { ...h, sum: 2 })).toBe(false)
    expect(equalHistograms(h, { ...h, positive: denseBuckets(2, [1]) })).toBe(false)
    expect(equalHistograms(h, { ...h, zeroThreshold: 1 })).toBe(false)
  })
})

describe('running sums', () => {
  it('keep what plain addition loses', () => {
    const big = make({ count: 1e100, sum: 1e100, zeroCount: 1e100, positive: denseBuckets(1, [1e100]) })
    const one = make({ count: 1, sum: 1, zeroCount: 1, positive: denseBuckets(1, [1]) })
    const sum = new HistogramSum(one)
    for (const h of [big, one, scaleHistogram(big, -1)]) sum.add(h)
    expect(sum.result()).toMatchObject({ count: 2, sum: 2, zeroCount: 2 })
    expect(pairs(sum.result().positive)).toEqual([[1, 2]])
    sum.scale(0.5)
    expect(sum.result()).toMatchObject({ count: 1, sum: 1, zeroCount: 1 })
  })

  it('averages past the greatest number', () => {
    const huge = make({ count: 1e308, sum: 1e308, positive: denseBuckets(1, [1e308]) })
    const mean = new HistogramMean(huge)
    for (let i = 0; i < 3; i++) mean.add(huge)
    expect(mean.result().count / 1e308).toBeCloseTo(1, 14)
    const small = new HistogramMean(make({ count: 1, sum: 3 }))
    small.add(make({ count: 2, sum: 4 }))
    expect(small.result()).toMatchObject({ count: 1.5, sum: 3.5 })
  })
})

describe('properties', () => {
  const random = new Random(20260901)
  const int = (below: number): number => random.int(below)
  const side = (): Buckets => denseBuckets(int(40) - 20, Array.from({ length: int(12) }, () => int(4) && int(1000)))
  const any = (schema = int(13) - 4): FloatHistogram => {
    const [positive, negative, zeroCount] = [side(), side(), int(10)]
    return make({ schema, positive, negative, zeroCount, sum: int(100), count: zeroCount + sumOf(positive) + sumOf(negative) })
  }

  it('adding commutes, and subtracting undoes it', () => {
    for (let i = 0; i < 500; i++) {
      const [a, b] = [any(), any()]
      const sum = addHistograms(a, b)!.histogram
      expect(isSameHistogram(sum, addHistograms(b, a)!.histogram)).toBe(true)
      expect(equalHistograms(compacted(subtractHistograms(sum, b)!.histogram), compacted(reduceSchema(a, sum.schema)))).toBe(true)
    }
  })

  it('reducing the schema keeps all observations, and steps compose', () => {
    for (let i = 0; i < 500; i++) {
      const h = any(4 + int(5))
      const low = reduceSchema(h, int(8) - 4)
      expect(sumOf(low.positive) + sumOf(low.negative) + low.zeroCount).toBe(h.count)
      expect(equalHistograms(reduceSchema(reduceSchema(h, 3), low.schema > 3 ? 3 : low.schema), reduceSchema(h, Math.min(low.schema, 3)))).toBe(true)
    }
  })

  it('a sum of a counter never looks like a reset of its parts', () => {
    for (let i = 0; i < 500; i++) {
      const [a, b] = [any(2), any(int(7) - 4)]
      expect(isCounterReset(addHistograms(a, b)!.histogram, a)).toBe(false)
    }
  })
})

describe('sums of different resolutions', () => {
  const h = (schema: number, zero: { threshold: number; count: number }, from: number, counts: number[]): FloatHistogram => ({
    ...EMPTY_HISTOGRAM, schema, zeroThreshold: zero.threshold, zeroCount: zero.count, count: 1, sum: 1, positive: denseBuckets(from, counts.map((x) => x * 0.37)),
  })
  const none = { threshold: 0, count: 0 }

  // FloatHistogram.KahanAdd and Add of Prometheus 3.14.0: what buckets lose when they are put together is kept, and added before the next.
  it.each<[string, FloatHistogram[], { zero: number; sum: number[]; raw: number[]; plain: number[] }]>([
    ['the last is coarser', [h(2, none, -3, [38, 45, 31, 26, 16, 7, 3]), h(2, none, -3, [19, 16, 17, 10, 13, 6, 1]), h(0, none, -3, [34, 33, 16, 19, 11, 12, 3])], {
      zero: 0, sum: [12.58, 12.209999999999999, 5.92, 81.77, 21.09, 4.4399999999999995, 1.1099999999999999],
      raw: [12.58, 12.209999999999999, 5.92, 81.77000000000001, 21.09, 4.4399999999999995, 1.1099999999999999],
      plain: [12.58, 12.209999999999999, 5.92, 81.77000000000001, 21.09, 4.4399999999999995, 1.1099999999999999],
    }],
    ['the first is coarser', [h(0, none, -3, [34, 33, 16, 19, 11, 12, 3]), h(2, none, -3, [38, 45, 31, 26, 16, 7, 3]), h(1, none, -3, [19, 16, 17, 10, 13, 6, 1])], {
      zero: 0, sum: [12.58, 12.209999999999999, 18.87, 68.82, 20.72, 4.81, 1.1099999999999999],
      raw: [12.58, 12.209999999999999, 18.869999999999997, 68.82, 20.72, 4.81, 1.1099999999999999],
      plain: [12.58, 12.209999999999999, 18.869999999999997, 68.82, 20.72, 4.81, 1.1099999999999999],
    }],
    ['a wider zero bucket among them', [
      h(3, { threshold: 0.001, count: 0.1 }, -20, [1e15, 1, 3, 7, 1e8, 11]), h(3, { threshold: 0.001, count: 0.7 }, -20, [3, 1e12, 7, 11, 13, 17]),
      h(0, { threshold: 0.9, count: 0.3 }, 0, [1, 2, 3]), h(2, { threshold: 0.001, count: 0.9 }, -6, [5, 1e10, 7, 9, 5]),
    ], { zero: 3.703737370000386e14, sum: [5.55, 0.74, 1.1099999999999999], raw: [5.550000000000001, 0.74, 1.1099999999999999], plain: [5.55, 0.74, 1.1099999999999999] }],
  ])('%s', (_, histograms, want) => {
    const [first, ...others] = histograms
    const sum = new HistogramSum(first!)
    for (const other of others) sum.add(other)
    const { zeroCount, positive } = sum.result()
    const plain = others.reduce((all, other) => addHistograms(all, other)!.histogram, first!)
    expect({ zero: zeroCount, sum: [...positive.count], raw: [...sum.uncompensated().positive.count], plain: [...plain.positive.count] }).toEqual(want)
  })
})
