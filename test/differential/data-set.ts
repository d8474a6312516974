// What the differential test evaluates over: a seeded set of float series with everything that makes engines differ.
// Both the reference and our stores are loaded from it, in the same order (`timeSlices`), since ties are broken by it.
//
// Only + − × ÷ and floor are used on the way, so that every platform makes the same bits.
import { createHash } from 'node:crypto'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { Random } from '../../lib/std/random.ts'

/** One sample: a float, a staleness marker (v is NaN) or a native histogram (v is NaN). */
export interface DataSample {
  /** Unix ms. */
  t: number
  v: number
  isStale: boolean
  h: FloatHistogram | null
}

export interface DataSeries {
  labels: Labels
  /** Times ascend strictly. */
  samples: DataSample[]
}

/** 2023-11-15 00:00 UTC, on every grid that queries use. */
export const DATA_START_MS = 1_700_006_400_000
/** Length of the data. */
export const DATA_SPAN_MS = 2_400_000
const SCRAPE_MS = 15_000

export function floatSample(t: number, v: number): DataSample {
  return { t, v, isStale: false, h: null }
}

export function staleSample(t: number): DataSample {
  return { t, v: NaN, isStale: true, h: null }
}

/** The float data set of a seed. */
export function floatDataSet(seed: number): DataSeries[] {
  const random = new Random(seed)
  return [
    ...counters(random), ...gauges(random), ...oddGauges(random), ...gappy(random), ...irregular(random), ...shortLived(random),
    ...classicHistograms(random), ...brokenHistograms(), ...infoMetrics(), ...labelShapes(random),
  ]
}

/** Scrape times from `from` to `to` (fractions of the span). */
function scrapes(from = 0, to = 1, everyMs = SCRAPE_MS): number[] {
  const times: number[] = []
  for (let t = Math.ceil((from * DATA_SPAN_MS) / everyMs) * everyMs; t < to * DATA_SPAN_MS; t += everyMs) times.push(DATA_START_MS + t)
  return times
}

function series(labels: Record<string, string>, samples: DataSample[]): DataSeries {
  return { labels: labelsFromRecord(labels), samples }
}

/** Rounded to `digits` decimals, so that goldens stay short. */
function decimal(x: number, digits: number): number {
  const scale = 10 ** digits
  return Math.round(x * scale) / scale
}

function counterSamples(random: Random, step: number, resetShare: number): DataSample[] {
  let v = random.int(1000)
  return scrapes().map((t) => {
    if (random.float() < resetShare) v = random.int(3)
    else v = decimal(v + random.float() * step, 2)
    return floatSample(t, step >= 5 ? Math.floor(v) : v)
  })
}

function counters(random: Random): DataSeries[] {
  const list: DataSeries[] = []
  for (const instance of ['i0', 'i1', 'i2']) {
    for (const path of ['/a', '/b']) {
      for (const code of ['200', '500']) {
        const samples = counterSamples(random, code === '200' ? 40 : 5, 0.015)
        list.push(series({ __name__: 'http_requests_total', job: 'api', instance, path, code }, samples))
      }
    }
    for (const mode of ['idle', 'user']) {
      list.push(series({ __name__: 'cpu_seconds_total', job: instance === 'i2' ? 'db' : 'api', instance, mode }, counterSamples(random, 3, 0.004)))
    }
  }
  return list
}

function gauges(random: Random): DataSeries[] {
  const list: DataSeries[] = []
  for (const [instance, job] of [['i0', 'api'], ['i1', 'api'], ['i2', 'db'], ['i3', 'db']] as const) {
    let level = random.float() * 100 - 20
    list.push(series({ __name__: 'temperature', job, instance }, scrapes().map((t) => {
      level += random.float() * 8 - 4
      return floatSample(t, decimal(level, 2))
    })))
    list.push(series({ __name__: 'queue_length', job, instance }, scrapes(0, 1, 60_000).map((t) => floatSample(t, random.int(7)))))
  }
  list.push(series({ __name__: 'limit', job: 'api' }, scrapes().map((t) => floatSample(t, 25))))
  list.push(series({ __name__: 'limit', job: 'db' }, scrapes().map((t) => floatSample(t, -3.5))))
  return list
}

const ODD_VALUES: Readonly<Record<string, readonly number[]>> = {
  nan: [NaN], inf: [Infinity], ninf: [-Infinity], negzero: [-0], zero: [0], denormal: [5e-324, 1e-310, -5e-324, 0],
  huge: [1.7e308, 1.6e308, -1.7e308, 9e307], mixed: [1, NaN, -1, Infinity, 2.5, -0, -Infinity, 0, 1e300, 3],
  somenan: [1, 2, NaN, 4, 5], const: [42.5], tiny: [1e-7, 2e-7, -3e-9], big: [9007199254740992, 1e21, 123456789012],
}

function oddGauges(random: Random): DataSeries[] {
  return Object.entries(ODD_VALUES).map(([kind, values]) => (
    series({ __name__: 'odd', kind }, scrapes().map((t) => floatSample(t, random.pick(values))))
  ))
}

/** Scrapes that fail for a while: with a marker at the first, without any, or both in turn; some markers stand alone. */
function gappy(random: Random): DataSeries[] {
  return ['marked', 'silent', 'flapping', 'ends'].map((gap) => {
    let v = 0
    const samples = scrapes().flatMap((t, i) => {
      v = decimal(v + random.float() * 10, 1)
      const isGone = gap === 'flapping' ? i % 7 > 4 : gap === 'ends' ? i >= 90 : Math.floor(i / 25) % 3 === 2
      if (!isGone) return [floatSample(t, v)]
      const isFirst = gap === 'flapping' ? i % 7 === 5 : gap === 'ends' ? i === 90 : i % 25 === 0
      return isFirst && gap !== 'silent' ? [staleSample(t)] : []
    })
    return series({ __name__: 'gappy_total', gap, job: 'api' }, samples)
  })
}

function irregular(random: Random): DataSeries[] {
  return ['a', 'b', 'c'].map((id) => {
    const samples: DataSample[] = []
    let v = 100
    for (let t = DATA_START_MS + random.int(9000); t < DATA_START_MS + DATA_SPAN_MS; t += 1 + random.int(id === 'c' ? 90_000 : 25_000)) {
      v = decimal(v + random.float() * 4 - 1.9, 3)
      samples.push(floatSample(t, v))
    }
    return series({ __name__: 'irregular', id }, samples)
  })
}

function shortLived(random: Random): DataSeries[] {
  const lives: readonly (readonly [string, number, number])[] = [['early', 0, 0.3], ['middle', 0.35, 0.6], ['late', 0.7, 1], ['blink', 0.5, 0.502]]
  return lives.map(([phase, from, to]) => {
    const samples = scrapes(from, to).map((t) => floatSample(t, random.int(50)))
    if (phase === 'middle') samples.push(staleSample(samples.at(-1)!.t + SCRAPE_MS))
    return series({ __name__: 'short_lived', phase, job: phase === 'late' ? 'db' : 'api' }, samples)
  })
}

const BOUNDS = ['0.1', '0.5', '1', '2.5', '+Inf']

function classicHistograms(random: Random): DataSeries[] {
  const list: DataSeries[] = []
  for (const [instance, job] of [['i0', 'api'], ['i1', 'api'], ['i2', 'db']] as const) {
    const counts = BOUNDS.map(() => 0)
    let sum = 0
    const rows = scrapes().map((t, k) => {
      if (instance === 'i1' && k === 70) counts.fill(0)
      for (let i = random.int(12); i > 0; i--) {
        const bucket = Math.min(random.int(5), random.int(5))
        counts[bucket]! += 1
        sum = decimal(sum + bucket * 0.4, 2)
      }
      return { t, counts: [...counts], sum }
    })
    const base = { job, instance }
    BOUNDS.forEach((le, i) => list.push(series({ __name__: 'latency_seconds_bucket', ...base, le }, rows.map((row) => (
      floatSample(row.t, row.counts.slice(0, i + 1).reduce((a, b) => a + b, 0))
    )))))
    list.push(series({ __name__: 'latency_seconds_sum', ...base }, rows.map((row) => floatSample(row.t, row.sum))))
    list.push(series({ __name__: 'latency_seconds_count', ...base }, rows.map((row) => floatSample(row.t, row.counts.reduce((a, b) => a + b, 0)))))
  }
  return list
}

/** Classic histograms that break the rules, each in its own way, constant but for one that grows. */
function brokenHistograms(): DataSeries[] {
  const cases: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
    noinf: [['1', 5], ['2', 10]],
    dip: [['1', 5], ['2', 4], ['4', 9], ['+Inf', 9]],
    wobble: [['1', 5], ['2', 5 - 1e-13], ['+Inf', 9]],
    empty: [['1', 0], ['2', 0], ['+Inf', 0]],
    onlyinf: [['+Inf', 3]],
    badle: [['1', 2], ['abc', 3], ['+Inf', 4]],
    negative: [['-2', 1], ['-1', 3], ['0', 4], ['1', 8], ['+Inf', 8]],
    nan: [['1', NaN], ['2', 4], ['+Inf', 6]],
    samele: [['1', 2], ['1.0', 3], ['2', 6], ['+Inf', 7]],
  }
  return Object.entries(cases).flatMap(([flaw, buckets]) => buckets.map(([le, count]) => (
    series({ __name__: 'broken_bucket', flaw, le }, scrapes().map((t, i) => floatSample(t, flaw === 'dip' ? count * (i + 1) : count)))
  )))
}

function infoMetrics(): DataSeries[] {
  const list: DataSeries[] = []
  for (const [instance, job] of [['i0', 'api'], ['i1', 'api'], ['i2', 'db']] as const) {
    const first = scrapes(0, 0.5)
    const old = first.map((t) => floatSample(t, 1))
    old.push(staleSample(first.at(-1)! + SCRAPE_MS))
    list.push(series({ __name__: 'target_info', job, instance, version: '1.0', zone: `z-${instance}` }, old))
    list.push(series({ __name__: 'target_info', job, instance, version: '1.1', zone: `z-${instance}` }, scrapes(0.51).map((t) => floatSample(t, 1))))
    list.push(series({ __name__: 'build_info', job, instance, revision: `r${instance}` }, scrapes().map((t) => floatSample(t, 1))))
    list.push(series({ __name__: 'owner', instance, team: instance === 'i2' ? 'blue' : 'red' }, scrapes().map((t) => floatSample(t, 1))))
  }
  return list
}

/** Labels missing on some, names outside ASCII, names in dots, values with quotes. */
function labelShapes(random: Random): DataSeries[] {
  const shapes: readonly Record<string, string>[] = [
    { __name__: 'partial' }, { __name__: 'partial', a: '1' }, { __name__: 'partial', b: '1' }, { __name__: 'partial', a: '1', b: '1' },
    { __name__: 'partial', a: '2', b: '10' }, { __name__: 'partial', a: '10', b: '9' },
    { __name__: 'my.dotted.metric', 'lab.el': 'x', job: 'api' }, { __name__: 'my.dotted.metric', 'lab.el': 'y', job: 'db' },
    { __name__: 'grüße', 'größe': 'klein', job: 'api' }, { __name__: 'grüße', 'größe': '大', job: 'api' },
    { __name__: 'quoted', text: 'say "hi"\\n' }, { __name__: 'quoted', text: 'multi\nline' },
  ]
  return shapes.map((labels) => series(labels, scrapes().map((t) => floatSample(t, random.int(20)))))
}

/** Samples by minute, series in their order: the order in which every store is loaded. */
export function* timeSlices(data: readonly DataSeries[]): Generator<DataSeries[]> {
  const at = data.map(() => 0)
  for (let end = DATA_START_MS; end <= DATA_START_MS + DATA_SPAN_MS; end += 60_000) {
    const slice: DataSeries[] = []
    data.forEach(({ labels, samples }, s) => {
      const from = at[s]!
      let to = from
      while (to < samples.length && samples[to]!.t < end) to++
      at[s] = to
      if (to > from) slice.push({ labels, samples: samples.slice(from, to) })
    })
    if (slice.length > 0) yield slice
  }
}

/** Tells whether goldens were recorded over the same data. */
export function digestOf(data: readonly DataSeries[]): string {
  const plain = JSON.stringify(data, (_, value: unknown) => {
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
    return ArrayBuffer.isView(value) ? Array.from(value as Float64Array, String) : value
  })
  return createHash('sha256').update(plain).digest('hex').slice(0, 16)
}
