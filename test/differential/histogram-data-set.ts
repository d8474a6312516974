// The second data set: native histograms of every kind, exponential and custom, counters and gauges, broken in the ways
// that make engines differ, beside some of the floats for joins.
import { labelsFromRecord } from '../../lib/model/labels.ts'
import {
  CUSTOM_SCHEMA, denseBuckets, HINT_GAUGE, HINT_UNKNOWN, NO_BUCKETS, NO_CUSTOM_VALUES, type FloatHistogram,
} from '../../lib/model/histogram.ts'
import { Random } from '../../lib/std/random.ts'
import type { Metric } from './catalog.ts'
import { DATA_SPAN_MS, DATA_START_MS, floatDataSet, floatSample, staleSample, type DataSample, type DataSeries } from './data-set.ts'

const SCRAPE_MS = 15_000
const SCRAPES = DATA_SPAN_MS / SCRAPE_MS

/** The float metrics that it keeps. */
const KEPT: ReadonlySet<string> = new Set([
  'http_requests_total', 'temperature', 'limit', 'owner', 'build_info', 'target_info', 'queue_length', 'latency_seconds_bucket',
])

const PLACE = { job: ['api', 'db'], instance: ['i0', 'i1', 'i2'] }

/** What the generator knows of it; float metrics come from the catalog of floats. */
export const HISTOGRAM_METRICS: readonly Metric[] = [
  { name: 'rpc_seconds', nature: 'native', labels: PLACE, weight: 8 },
  { name: 'size_bytes', nature: 'native', labels: PLACE, weight: 6 },
  { name: 'depth', nature: 'native', labels: { kind: ['plain', 'negative', 'wide', 'mixed', 'nan', 'inf', 'empty'] }, weight: 5 },
  { name: 'shifting', nature: 'native', labels: { shift: ['schema', 'bounds', 'kind', 'zero', 'type'] }, weight: 3 },
  { name: 'both', nature: 'native', labels: { le: ['1', '+Inf'], job: ['api'] }, weight: 1 },
]
export const KEPT_FLOATS: ReadonlySet<string> = KEPT

export function histogramDataSet(seed: number): DataSeries[] {
  const random = new Random(seed)
  return [
    ...floatDataSet(seed).filter(({ labels }) => KEPT.has(labels[labels.indexOf('__name__') + 1]!)),
    ...counters(random), ...custom(random), ...gauges(random), ...shifting(random), ...both(),
  ]
}

function histogramSample(t: number, h: FloatHistogram): DataSample {
  return { t, v: NaN, isStale: false, h }
}

/** One sample at each scrape; null: none. */
function series(labels: Record<string, string>, make: (i: number) => FloatHistogram | number | 'stale' | null): DataSeries {
  const samples: DataSample[] = []
  for (let i = 0; i < SCRAPES; i++) {
    const t = DATA_START_MS + i * SCRAPE_MS
    const made = make(i)
    if (made === 'stale') samples.push(staleSample(t))
    else if (typeof made === 'number') samples.push(floatSample(t, made))
    else if (made !== null) samples.push(histogramSample(t, made))
  }
  return { labels: labelsFromRecord(labels), samples }
}

interface Parts {
  schema?: number
  offset?: number
  counts?: readonly number[]
  negativeOffset?: number
  negative?: readonly number[]
  zeroCount?: number
  zeroThreshold?: number
  sum?: number
  isGauge?: boolean
  customValues?: readonly number[]
}

function histogram({ schema = 0, offset = 0, counts = [], negativeOffset = 0, negative = [], zeroCount = 0, zeroThreshold = 0, sum = 0, isGauge = false, customValues }: Parts): FloatHistogram {
  const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)
  return {
    schema: customValues === undefined ? schema : CUSTOM_SCHEMA, zeroThreshold, zeroCount, sum,
    count: total(counts) + total(negative) + zeroCount, hint: isGauge ? HINT_GAUGE : HINT_UNKNOWN,
    positive: denseBuckets(offset, counts), negative: negative.length > 0 ? denseBuckets(negativeOffset, negative) : NO_BUCKETS,
    customValues: customValues === undefined ? NO_CUSTOM_VALUES : Float64Array.from(customValues),
  }
}

/** Adds some observations to each of the counts. */
function grow(random: Random, counts: number[], most: number): void {
  for (let i = random.int(most); i > 0; i--) counts[Math.min(random.int(counts.length), random.int(counts.length))]! += 1
}

function counters(random: Random): DataSeries[] {
  return ([['i0', 'api', 2], ['i1', 'api', 2], ['i2', 'db', 0]] as const).map(([instance, job, schema]) => {
    const counts = Array.from({ length: 7 }, () => 0)
    let zeroCount = 0
    return series({ __name__: 'rpc_seconds', job, instance }, (i) => {
      if (random.float() < 0.02) {
        counts.fill(0)
        zeroCount = 0
      }
      grow(random, counts, 9)
      zeroCount += random.int(2)
      if (instance === 'i1' && i % 40 > 32) return i % 40 === 33 ? 'stale' : null
      const sum = counts.reduce((all, count, k) => all + count * (k - 2), 0) / 4
      return histogram({ schema, offset: -3, counts, zeroCount, zeroThreshold: 0.001, sum })
    })
  })
}

function custom(random: Random): DataSeries[] {
  return ([['i0', 'api', [1, 5, 10]], ['i1', 'api', [1, 5, 10]], ['i2', 'db', [1, 2, 5, 20]]] as const).map(([instance, job, bounds]) => {
    const counts = Array.from({ length: bounds.length + 1 }, () => 0)
    return series({ __name__: 'size_bytes', job, instance }, (i) => {
      if (random.float() < 0.015) counts.fill(0)
      grow(random, counts, 7)
      if (instance === 'i0' && i % 50 > 44) return null
      return histogram({ counts, customValues: bounds, sum: counts.reduce((all, count, k) => all + count * k * 2.5, 0) })
    })
  })
}

function gauges(random: Random): DataSeries[] {
  const some = (count: number, most = 9): number[] => Array.from({ length: count }, () => random.int(most))
  const makers: Readonly<Record<string, (i: number) => FloatHistogram | number>> = {
    plain: () => histogram({ schema: 1, offset: -1, counts: some(4), sum: random.int(100) / 4, isGauge: true }),
    negative: () => histogram({ counts: some(3), negative: some(3), negativeOffset: -1, zeroCount: random.int(4), zeroThreshold: 0.5, sum: random.int(60) - 30, isGauge: true }),
    wide: () => histogram({ schema: -1, offset: -2, counts: some(5, 1000), sum: random.int(100_000), isGauge: true }),
    mixed: (i) => (i % 3 === 0 ? random.int(20) : histogram({ counts: some(2), sum: random.int(10), isGauge: true })),
    nan: () => histogram({ counts: some(3), sum: NaN, isGauge: true }),
    inf: () => histogram({ counts: [...some(3), 1], sum: Infinity, isGauge: true }),
    empty: () => histogram({ isGauge: true }),
  }
  return Object.entries(makers).map(([kind, make]) => series({ __name__: 'depth', kind }, make))
}

/** Series whose layout changes on the way. */
function shifting(random: Random): DataSeries[] {
  const counts = [1, 2, 3, 2]
  const makers: Readonly<Record<string, (i: number) => FloatHistogram | number>> = {
    schema: (i) => histogram({ schema: i % 60 < 30 ? 3 : 1, offset: -2, counts, sum: i }),
    bounds: (i) => histogram({ counts, sum: i, customValues: i % 60 < 30 ? [1, 5, 10] : [1, 10, 20] }),
    kind: (i) => (i % 60 < 30 ? histogram({ counts, sum: i }) : histogram({ counts, sum: i, customValues: [1, 2, 4] })),
    zero: (i) => histogram({ counts, sum: i, zeroCount: i, zeroThreshold: i % 60 < 30 ? 0.001 : 0.1 }),
    type: (i) => (i % 50 < 25 ? i : histogram({ counts, sum: i })),
  }
  return Object.entries(makers).map(([shift, make]) => series({ __name__: 'shifting', shift }, (i) => {
    if (random.float() < 0.3) counts[random.int(4)]! += 1
    return make(i)
  }))
}

/** A classic and a native histogram of one name. */
function both(): DataSeries[] {
  return [
    series({ __name__: 'both', job: 'api', le: '1' }, (i) => i), series({ __name__: 'both', job: 'api', le: '+Inf' }, (i) => 2 * i),
    series({ __name__: 'both', job: 'api' }, (i) => histogram({ counts: [i, i], sum: i })),
  ]
}
