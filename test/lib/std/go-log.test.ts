// Values of Go 1.26's math.Log2 and math.Log10, and of the engine of Prometheus 3.14.0.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { denseBuckets, EMPTY_HISTOGRAM } from '../../../lib/model/histogram.ts'
import { exp2 } from '../../../lib/std/go-exp.ts'
import { log10, log2 } from '../../../lib/std/go-log.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

describe('logarithms', () => {
  it('have the last digits of Go', () => {
    expect([3, 100, 1.7e308, 9e307, Number.MAX_VALUE].map(log2)).toEqual([1.5849625007211563, 6.643856189774724, 1023.9193879716706, 1023.0018501318625, 1024])
    expect([3, 1000, 0.001, 1e15, 10].map(log10)).toEqual([0.4771212547196624, 3, -3, 14.999999999999998, 1])
  })

  it('of 2 are whole for each power of two, and exp2 gives it back', () => {
    for (let k = -1074; k <= 1023; k++) {
      expect(log2(2 ** k)).toBe(k)
      expect(exp2(k)).toBe(2 ** k)
    }
  })

  it('are those of the edges', () => {
    for (const log of [log2, log10]) expect([0, -0, Infinity, -1, NaN].map(log)).toEqual([-Infinity, -Infinity, Infinity, NaN, NaN])
  })

  it('reach the last bucket that a native histogram can have', () => {
    const store = new MemoryStorage()
    const buckets = denseBuckets(1023, [2, 2])
    store.addHistogram(['__name__', 'large'], 0, { ...EMPTY_HISTOGRAM, schema: 0, count: 4, sum: 1e308, positive: buckets })
    store.addHistogram(['__name__', 'low'], 0, { ...EMPTY_HISTOGRAM, schema: 0, count: 4, sum: -1e308, negative: buckets })
    const valueOf = (query: string): string => {
      const { body } = new Engine().run({ kind: 'instant', query, timeMs: 0, timeoutMs: 1000, limit: 0, lookbackMs: 300_000, stats: '' }, store)
      return (JSON.parse(new TextDecoder().decode(body)) as { data: { result: { value: [number, string] }[] } }).data.result[0]!.value[1]
    }
    expect([
      'histogram_quantile(0.9, large)', 'histogram_quantile(0.1, low)', 'histogram_fraction(0, 1.5e308, large)', 'log10(vector(1e15))', 'log2(vector(3))',
    ].map(valueOf)).toEqual(['1.564982771187915e+308', '-1.564982771187915e+308', '0.8694078630143736', '14.999999999999998', '1.5849625007211563'])
  })
})
