// Bodies of the protobuf format on their way into a store: known, new, repeated, vanished series, limits, and text whose
// histograms are converted, which goes the same way.
import { describe, expect, it } from 'vitest'
import { EMPTY_HISTOGRAM } from '../../../lib/model/histogram.ts'
import { limitedHistogram } from '../../../lib/scrape/histogram-limits.ts'
import { targetMetadata } from '../../../lib/scrape/metadata.ts'
import { Random } from '../../../lib/std/random.ts'
import { familiesBody, type WrittenFamily, type WrittenHistogram } from '../../support/metric-family-writer.ts'
import { randomFamilies, textOf } from '../../support/random-families.ts'
import { ScrapeBench } from '../../support/scrape-bench.ts'
import { relabelConfig } from '../../support/scrape-fixture.ts'

const NATIVE = { readsNative: true, keepsClassic: false, convertsClassic: false, schemaMax: 8 }

const gauge = (name: string, ...values: (number | [number, number])[]): WrittenFamily => ({
  name, type: 'gauge', metrics: values.map((value, i) => ({
    labels: [['i', String(i)]], ...(typeof value === 'number' ? { value } : { value: value[0], timeMs: value[1] }),
  })),
})
const histogram = (own: WrittenHistogram): WrittenFamily => ({ name: 'h', type: 'histogram', metrics: [{ histogram: own }] })
/** A native histogram of `count` observations in as many buckets of schema 8. */
const wide = (count: number): WrittenFamily => histogram({ count, sum: 1, schema: 8, positive: { spans: [{ offset: 1, length: count }], deltas: Array.from({ length: count }, (_, i) => (i === 0 ? 1 : 0)) } })

function bench(changes: ConstructorParameters<typeof ScrapeBench>[0] = {}, histograms = NATIVE): ScrapeBench {
  const made = new ScrapeBench(changes)
  made.histograms = histograms
  return made
}

const scrape = (target: ScrapeBench, ...families: WrittenFamily[]): string => target.scrape(familiesBody(...families), 'protobuf')

/** Native histograms of the store: series, time, schema and count. */
function histograms(target: ScrapeBench): string[] {
  return target.storage.dump().flatMap(({ labels, samples }) => samples.flatMap(({ t, h }) => (h ? [`${labels[labels.indexOf('__name__') + 1]!}@${t} n${h.schema} c${h.count} ${h.positive.index.join(',')}`] : [])))
}

describe('protobuf bodies', () => {
  it('are stored, and known again without their labels', () => {
    const target = bench()
    expect(scrape(target, gauge('a', 1, 2), gauge('b', 3))).toBe('')
    expect(target.report).toEqual(['1', '3', '3', '3'])
    const calls = target.seriesCalls
    expect(scrape(target, gauge('a', 4, 5), gauge('b', 6))).toBe('')
    expect(target.report).toEqual(['1', '3', '3', '0'])
    // In another order, one fewer, one more.
    expect(scrape(target, gauge('b', 7), gauge('c', 8), gauge('a', 9))).toBe('')
    expect(target.report).toEqual(['1', '3', '3', '1'])
    expect(target.seriesCalls).toBe(calls + 1)
    expect(target.all).toMatchObject({
      'a{i="0"}': ['1000:1', '2000:4', '3000:9'], 'a{i="1"}': ['1000:2', '2000:5', '3000:stale'], 'b{i="0"}': ['1000:3', '2000:6', '3000:7'], 'c{i="0"}': ['3000:8'],
    })
  })

  it('mark what vanishes, histograms too, and all when a scrape fails', () => {
    const target = bench()
    scrape(target, wide(3), gauge('a', 1))
    scrape(target, gauge('a', 1))
    expect(target.all['h']!.at(-1)).toBe('2000:stale')
    scrape(target, wide(3), gauge('a', 1))
    expect(target.scrape(familiesBody(gauge('a', 1)).subarray(0, 9), 'protobuf')).toMatch(/^byte 0: metric family of \d+ bytes runs past/)
    expect([target.all['h']!.at(-1), target.all['a{i="0"}']!.at(-1), target.report[0]]).toEqual(['4000:stale', '4000:stale', '0'])
    expect(scrape(target, gauge('a', 2))).toBe('')
    expect(target.report).toEqual(['1', '1', '1', '0'])
  })

  it('say each series once, unless with times of its own', () => {
    const target = bench()
    const twice: WrittenFamily = { name: 'a', type: 'gauge', metrics: [{ value: 1 }, { value: 2 }] }
    for (let i = 0; i < 2; i++) expect(scrape(target, twice)).toBe('')
    expect(target.all['a']).toEqual(['1000:1', '2000:1'])
    expect(target.report).toEqual(['1', '2', '2', '0'])
    const timed: WrittenFamily = { name: 'h', type: 'histogram', metrics: [1, 2].map((count) => ({ timeMs: 1000 * count, histogram: { count, zeroCount: count, sum: 1 } })) }
    expect(scrape(target, timed, gauge('b', [5, 1500]))).toBe('')
    expect(histograms(target)).toEqual(['h@1000 n0 c1 ', 'h@2000 n0 c2 '])
    expect(target.all['b{i="0"}']).toEqual(['1500:5'])
    // Series with times of their own are not marked.
    expect(scrape(target)).toBe('')
    expect(target.all['b{i="0"}']).toEqual(['1500:5'])
    expect(target.all['h']).toHaveLength(2)
  })

  it('pass relabeling, and are counted as Prometheus counts them', () => {
    const target = bench({ metricRelabelConfigs: [relabelConfig({ sourceLabels: ['__name__'], regex: 'h', action: 'drop' })] })
    for (let i = 0; i < 2; i++) {
      // A bad histogram that is dropped harms nobody.
      expect(scrape(target, histogram({ count: 5, zeroCount: 1, sum: 1 }), gauge('a', 1))).toBe('')
      expect(target.report).toEqual(['1', '2', '1', i === 0 ? '1' : '0'])
    }
    const other = bench()
    scrape(other, gauge('z', 1))
    expect(scrape(other, gauge('a', 1), histogram({ count: 5, zeroCount: 1, sum: 1 }), gauge('b', 1))).toContain('histogram "h": 1 observations found in buckets, but the Count field is 5')
    expect(other.report).toEqual(['0', '2', '1', '1'])
    expect(other.all['z{i="0"}']!.at(-1)).toBe('2000:stale')
  })

  it('keep to sample_limit, of which a histogram is one', () => {
    const limits = { bodySizeBytes: 0, samples: 2, labels: 0, labelNameLength: 0, labelValueLength: 0, targets: 0, keepDroppedTargets: 0, newSeries: 0 }
    const target = bench({ limits })
    expect(scrape(target, wide(9), gauge('a', 1))).toBe('')
    expect(scrape(target, wide(9), gauge('a', 1, 2))).toBe('sample limit exceeded (more than 2 samples: sample_limit)')
    expect(target.report).toEqual(['0', '3', '3', '0'])
  })

  it('have no histogram whose buckets are too many however wide they are made', () => {
    const far = { ...EMPTY_HISTOGRAM, count: 3, positive: { index: Int32Array.of(1, 17, 33), count: Float64Array.of(1, 1, 1) } }
    expect(limitedHistogram(far, 8, 3)).toEqual(far)
    const near = { ...far, positive: { index: Int32Array.of(1, 15, 33), count: Float64Array.of(1, 1, 1) } }
    expect(limitedHistogram(near, 8, 2)).toMatchObject({ schema: -4, positive: { index: Int32Array.of(1, 3), count: Float64Array.of(2, 1) } })
    expect(limitedHistogram(far, 8, 2)).toBe(null)
  })

  it('have histograms as fine as they may be', async () => {
    const target = bench({ nativeHistogramBucketLimit: 4 })
    expect(scrape(target, wide(9))).toBe('')
    expect(histograms(target)).toEqual(['h@1000 n6 c9 1,2,3'])
    expect(scrape(target, wide(4))).toBe('')
    expect(histograms(target)[1]).toBe('h@2000 n8 c4 1,2,3,4')
    const coarse = bench({}, { ...NATIVE, schemaMax: 3 })
    expect(scrape(coarse, wide(33))).toBe('')
    expect(histograms(coarse)).toEqual(['h@1000 n3 c33 1,2'])
    // Nothing coarser than schema -4: two buckets cannot become one.
    const tight = bench({ nativeHistogramBucketLimit: 1 })
    const far = histogram({ count: 2, sum: 1, schema: 0, positive: { spans: [{ offset: -40, length: 1 }, { offset: 80, length: 1 }], deltas: [1, 0] } })
    for (let i = 0; i < 2; i++) {
      expect(scrape(tight, far, gauge('a', 1))).toBe('histogram bucket limit exceeded (native_histogram_bucket_limit)')
      expect(tight.report).toEqual(['0', '2', '2', '0'])
    }
    expect(await tight.metrics.registry.metrics()).toContain('prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total 2')
  })

  it('tell what their families are, and keep telling when text takes over', () => {
    const target = bench()
    scrape(target, { ...gauge('a', 1), help: 'Of a.', unit: 'seconds' }, wide(2))
    expect(Object.fromEntries(targetMetadata(target.cache))).toEqual({ a: { type: 'gauge', help: 'Of a.', unit: 'seconds' }, h: { type: 'histogram', help: '', unit: '' } })
    expect(target.scrape('# TYPE a counter\na{i="0"} 2\n')).toBe('')
    expect(Object.fromEntries(targetMetadata(target.cache))).toEqual({ a: { type: 'counter', help: '', unit: '' } })
    expect(scrape(target, gauge('a', 3))).toBe('')
    expect(target.all['a{i="0"}']).toEqual(['1000:1', '2000:2', '3000:3'])
    expect(target.all['h']!.slice(1)).toEqual(['2000:stale'])
  })

  it('store what the text of the same families stores', () => {
    const random = new Random(42)
    for (let round = 0; round < 60; round++) {
      const [proto, text] = [bench({}, { ...NATIVE, readsNative: false }), bench()]
      for (let i = 0; i < 4; i++) {
        const families = randomFamilies(random)
        const errors = [scrape(proto, ...families), text.scrape(textOf(families))]
        expect(errors).toEqual(['', ''])
        // The key of a line of text goes by the kind of its family, too: another kind counts as another series.
        const [{ scrape_series_added: _, ...got }, { scrape_series_added: __, ...want }] = [proto.all, text.all]
        expect(got).toEqual(want)
      }
    }
  })
})

describe('text with converted histograms', () => {
  const CONVERT = { ...NATIVE, readsNative: false, convertsClassic: true }
  const body = (a: number, b: number): string => `# HELP h Help.
# TYPE h histogram
h_bucket{x="1",le="1"} ${a}
h_bucket{x="1",le="2"} ${a + 1}
h_bucket{x="1",le="+Inf"} ${a + b + 1}
h_sum{x="1"} 3.5
h_count{x="1"} ${a + b + 1}

h_bucket{x="2",le="+Inf"} 1
h_count{x="2"} 1
# TYPE g gauge
g_bucket{le="1"} 7
`

  it('stores histograms in the place of their series', () => {
    const target = bench({}, CONVERT)
    for (let i = 0; i < 2; i++) {
      expect(target.scrape(body(2 + i, 1))).toBe('')
      expect(target.report).toEqual(['1', '3', '3', i === 0 ? '3' : '0'])
    }
    expect(histograms(target)).toEqual(['h@1000 n-53 c4 0,1,2', 'h@2000 n-53 c5 0,1,2', 'h@1000 n-53 c1 0', 'h@2000 n-53 c1 0'])
    expect(Object.keys(target.all).filter((name) => name.startsWith('h_'))).toEqual([])
    expect(Object.fromEntries(targetMetadata(target.cache))).toEqual({ h: { type: 'histogram', help: 'Help.', unit: '' }, g: { type: 'gauge', help: '', unit: '' } })
  })

  it('keeps the series where told so, and leaves out what makes no histogram', () => {
    const target = bench({}, { ...CONVERT, keepsClassic: true })
    expect(target.scrape(body(2, 1))).toBe('')
    expect(target.report).toEqual(['1', '10', '10', '10'])
    const other = bench({}, CONVERT)
    expect(other.scrape(body(2, -5))).toBe('')
    expect(histograms(other)).toEqual(['h@1000 n-53 c1 0'])
    expect(other.scrape('# TYPE h histogram\nh_count 1\n???\n')).toContain('line 3')
    expect(other.all['h{x="2"}']!.at(-1)).toBe('2000:stale')
  })
})
