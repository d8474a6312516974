// Native histograms in replies, as Prometheus 3.5.3 wrote them for the same histograms pushed to it.
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { ALL_FEATURES } from '../../../lang/parse/parse.ts'
import { CUSTOM_SCHEMA, denseBuckets, EMPTY_HISTOGRAM, type FloatHistogram } from '../../../lib/model/histogram.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

const storage = new MemoryStorage({ shape: 'equal', outOfOrderWindowMs: Infinity })
const add = (series: string, t: number, h: Partial<FloatHistogram>): void => {
  storage.addHistogram(['__name__', 'h', 's', series], t, { ...EMPTY_HISTOGRAM, ...h }, 0)
}
add('exponential', 60_000, {
  schema: 1, count: 12.5, sum: -1e-7, zeroThreshold: 0.001, zeroCount: 2,
  positive: denseBuckets(0, [1, 0, 3]), negative: denseBuckets(1, [2, 4.5]),
})
add('custom', 60_000, { schema: CUSTOM_SCHEMA, customValues: Float64Array.of(1, 5), count: 6, sum: NaN, positive: denseBuckets(0, [1, 2, 3]) })
add('empty', 60_000, {})
storage.add(['__name__', 'h', 's', 'mixed'], 0, 3)
add('mixed', 30_000, { count: 1, sum: 2, positive: denseBuckets(1, [1]) })
storage.add(['__name__', 'h', 's', 'mixed'], 60_000, 4)

const EXPONENTIAL = '{"count":"12.5","sum":"-1e-07","buckets":[[1,"-2","-1.414213562373095","4.5"],[1,"-1.414213562373095","-1","2"],'
  + '[3,"-0.001","0.001","2"],[0,"0.7071067811865475","1","1"],[0,"1.414213562373095","2","3"]]}'

function ask(query: string, range?: { startMs: number; endMs: number; stepMs: number }): string {
  const common = { timeoutMs: 30_000, limit: 0, lookbackMs: 300_000, stats: '', query } as const
  const job = range === undefined ? { ...common, kind: 'instant', timeMs: 60_000 } as const : { ...common, kind: 'range', ...range } as const
  return new TextDecoder().decode(new Engine({ features: ALL_FEATURES }).run(job, storage).body)
}

const resultOf = (reply: string): string => reply.slice(reply.indexOf('"result":') + 9, reply.lastIndexOf('}}'))

describe('native histograms in replies', () => {
  it('stand in a vector as histogram', () => {
    expect(resultOf(ask('h{s="exponential"}'))).toBe(`[{"metric":{"__name__":"h","s":"exponential"},"histogram":[60,${EXPONENTIAL}]}]`)
  })

  it('begin at −Inf and end at +Inf with custom bounds', () => {
    expect(resultOf(ask('h{s="custom"}'))).toContain(
      '"histogram":[60,{"count":"6","sum":"NaN","buckets":[[3,"-Inf","1","1"],[0,"1","5","2"],[0,"5","+Inf","3"]]}]')
  })

  it('have no buckets where nothing is in any', () => {
    expect(resultOf(ask('h{s="empty"}'))).toContain('"histogram":[60,{"count":"0","sum":"0"}]')
  })

  it('stand in a matrix behind the values', () => {
    const reply = ask('h{s="mixed"}', { startMs: 0, endMs: 60_000, stepMs: 30_000 })
    expect(resultOf(reply)).toBe('[{"metric":{"__name__":"h","s":"mixed"},"values":[[0,"3"],[60,"4"]],'
      + '"histograms":[[30,{"count":"1","sum":"2","buckets":[[0,"1","2","1"]]}]]}]')
  })

  it('stand in a matrix alone where there are no values', () => {
    const reply = ask('h{s="exponential"}', { startMs: 60_000, endMs: 61_000, stepMs: 1000 })
    expect(resultOf(reply)).toBe(`[{"metric":{"__name__":"h","s":"exponential"},"histograms":[[60,${EXPONENTIAL}],[61,${EXPONENTIAL}]]}]`)
  })

  it('stand in a range vector', () => {
    expect(resultOf(ask('h{s="mixed"}[1m]'))).toBe('[{"metric":{"__name__":"h","s":"mixed"},"values":[[60,"4"]],'
      + '"histograms":[[30,{"count":"1","sum":"2","buckets":[[0,"1","2","1"]]}]]}]')
  })
})
