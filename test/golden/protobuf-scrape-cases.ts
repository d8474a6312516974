// Scrapes of the protobuf exposition format, and of text whose histograms are converted: what a target answers to each of its
// consecutive scrapes, and what is then asked. Read by the recorder and by the test that compares with its recording.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { familiesBody, type WrittenFamily, type WrittenHistogram, type WrittenMetric, type WrittenType } from '../support/metric-family-writer.ts'

/** Consecutive scrapes of each case. */
export const SCRAPES = 5
/** Between the times of samples that bring one. */
export const STEP_MS = 1000

const PROTO = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'
const NATIVE = { scrape_native_histograms: true }

export interface ProtobufCase {
  name: string
  /** Of the job, in the words of the configuration file. */
  config: Record<string, unknown>
  contentType: string
  /** Samples bring times, `baseMs` and a step for each scrape: answers are exact whenever the scrape was. */
  isTimed: boolean
  body: (scrape: number, timeMs: number) => Uint8Array | string
  /** Asked at the time of each scrape. */
  queries: readonly string[]
}

/** Asked of every case. */
const COMMON: readonly string[] = ['up', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling', 'scrape_series_added', '{__name__=~".+", __name__!~"up|scrape_.*"}']
const HISTOGRAMS: readonly string[] = [
  'rate(h[5s])', 'increase(h[3s])', 'histogram_quantile(0.9, rate(h[5s]))', 'histogram_quantile(0.1, h)', 'histogram_count(h)', 'histogram_sum(h)', 'histogram_avg(h)',
  'histogram_fraction(0, 2, h)', 'histogram_stddev(h)', 'sum(rate(h[5s]))', 'h * 2', 'resets(h[5s])', 'changes(h[5s])', 'sum_over_time(h[3s])', 'histogram_quantile(0.9, sum by (le) (rate(h_bucket[5s])))',
]

export const CASES: ProtobufCase[] = []

function add(name: string, family: WrittenFamily | WrittenFamily[] | ((scrape: number) => WrittenFamily[]), config: Record<string, unknown> = NATIVE, more: Partial<ProtobufCase> = {}): void {
  const isTimed = more.isTimed ?? false
  const body = (scrape: number, timeMs: number): Uint8Array => {
    const families = typeof family === 'function' ? family(scrape) : [family].flat()
    return familiesBody(...(isTimed ? families.map((one) => ({ ...one, metrics: one.metrics.map((metric) => ({ timeMs, ...metric })) })) : families))
  }
  CASES.push({ name, config, contentType: PROTO, isTimed, queries: [], body, ...more })
}

const one = (name: string, type: WrittenType, ...metrics: WrittenMetric[]): WrittenFamily => ({ name, type, help: `Help of ${name}.`, metrics })
const hist = (own: WrittenHistogram, type: WrittenType = 'histogram'): WrittenFamily => one('h', type, { labels: [['a', 'b']], histogram: own })

/** A native histogram with a classic one in it, growing, and starting anew at the fourth scrape. */
function growing(scrape: number): WrittenHistogram {
  const n = scrape >= 3 ? scrape - 2 : scrape + 4
  const counts = [n, 2 * n, 0, n + 1, 3]
  const deltas = counts.map((count, i) => count - (i === 0 ? 0 : counts[i - 1]!))
  const total = counts.reduce((sum, count) => sum + count, 0) + n + 2
  return {
    count: total, sum: 1.5 * n, schema: 1, zeroThreshold: 0.001, zeroCount: n, positive: { spans: [{ offset: -2, length: 3 }, { offset: 2, length: 2 }], deltas },
    negative: { spans: [{ offset: 1, length: 1 }], deltas: [2] },
    buckets: [{ bound: 0.5, count: 2 * n }, { bound: 1, count: 3 * n + 2, exemplar: { labels: { trace_id: `t${scrape}` }, value: 0.7 } }, { bound: 5, count: total - 1 }],
  }
}

const native = (scrape: number): WrittenFamily[] => [hist(growing(scrape))]
const timed = { isTimed: true, queries: HISTOGRAMS }
add('native', native, NATIVE, timed)
add('native off', native, {}, timed)
add('native and classic', native, { ...NATIVE, always_scrape_classic_histograms: true }, timed)
add('native and converted', native, { ...NATIVE, convert_classic_histograms_to_nhcb: true }, timed)
add('native off and converted', native, { convert_classic_histograms_to_nhcb: true }, timed)
add('all of it', native, { ...NATIVE, convert_classic_histograms_to_nhcb: true, always_scrape_classic_histograms: true }, timed)
add('converted and kept', native, { convert_classic_histograms_to_nhcb: true, always_scrape_classic_histograms: true }, timed)
add('no honor_timestamps', (scrape) => [one('h', 'histogram', { timeMs: 1234, histogram: growing(scrape) })], { ...NATIVE, honor_timestamps: false })
add('floats', (scrape) => {
  const n = scrape + 1.5
  return [hist({ countFloat: 4 * n, sum: n, zeroCountFloat: n, zeroThreshold: 0.5, schema: 0, positive: { spans: [{ offset: 0, length: 2 }], counts: [n, 2 * n] } })]
}, NATIVE, timed)
add('gauge histogram', (scrape) => [hist(growing(scrape), 'gaugehistogram')], NATIVE, { ...timed, queries: [...HISTOGRAMS, 'delta(h[5s])'] })
add('gauge histogram, converted', (scrape) => [hist(growing(scrape), 'gaugehistogram')], { convert_classic_histograms_to_nhcb: true }, timed)
add('NaN observations', hist({ count: 5, sum: NaN, schema: 0, positive: { spans: [{ offset: 0, length: 2 }], deltas: [1, 2] } }), NATIVE, timed)
add('no observations', [hist({ count: 0, sum: 0, schema: 3, positive: { spans: [{ offset: 0, length: 0 }] } }), one('g', 'histogram', { histogram: { count: 0, sum: 0, schema: 3 } })], NATIVE, { queries: ['histogram_quantile(0.5, h)', 'histogram_avg(h)'] })
const fine = hist({ count: 9, sum: 1, schema: 10, positive: { spans: [{ offset: -3, length: 9 }], deltas: [1, 0, 0, 0, 0, 0, 0, 0, 0] } })
add('fine schema', fine)
add('fine schema, made coarser', fine, { ...NATIVE, native_histogram_min_bucket_factor: 1.02 })
add('coarse schema', hist({ count: 3, sum: 1, schema: -4, positive: { spans: [{ offset: -1, length: 3 }], deltas: [1, 0, 0] } }))
for (const [name, schema] of [['schema 53', 53], ['schema -5', -5], ['schema -53', -53]] as const) add(name, hist({ count: 1, sum: 1, schema, positive: { spans: [{ offset: 1, length: 1 }], deltas: [1] } }))

const wide = (count: number): WrittenFamily => hist({ count, sum: 1, schema: 8, positive: { spans: [{ offset: 1, length: count }], deltas: Array.from({ length: count }, (_, i) => (i === 0 ? 1 : 0)) } })
for (const limit of [1, 2, 10, 40]) add(`bucket limit ${limit}`, wide(40), { ...NATIVE, native_histogram_bucket_limit: limit })
for (const factor of [1.001, 1.05, 1.5, 3, 100]) add(`bucket factor ${factor}`, wide(40), { ...NATIVE, native_histogram_min_bucket_factor: factor })
const far = hist({ count: 2, sum: 1, schema: 0, positive: { spans: [{ offset: -40, length: 1 }, { offset: 80, length: 1 }], deltas: [1, 0] } })
add('too many buckets', [one('a', 'gauge', { value: 1 }), far, one('b', 'gauge', { value: 1 })], { ...NATIVE, native_histogram_bucket_limit: 1 })
add('too many buckets, then fewer', (scrape) => [scrape % 2 === 0 ? far : wide(1)], { ...NATIVE, native_histogram_bucket_limit: 1 })
add('too many custom buckets', native, { convert_classic_histograms_to_nhcb: true, native_histogram_bucket_limit: 2 })
add('bucket limit and factor', wide(40), { ...NATIVE, native_histogram_bucket_limit: 4, native_histogram_min_bucket_factor: 1.05 })
add('sample limit', (scrape) => [hist(growing(scrape)), one('a', 'gauge', { value: 1 })], { ...NATIVE, sample_limit: 2 })
add('over the sample limit', (scrape) => [hist(growing(scrape)), one('a', 'gauge', { value: 1 })], { ...NATIVE, sample_limit: 2, always_scrape_classic_histograms: true })

add('histograms come and go', (scrape) => (scrape === 1 || scrape === 3 ? [one('a', 'gauge', { value: 1 })] : native(scrape)))
add('a gauge becomes a histogram', (scrape) => [scrape % 2 === 0 ? one('h', 'gauge', { labels: [['a', 'b']], value: 7 }) : hist(growing(scrape))])
add('classic becomes native', (scrape) => [hist(scrape < 2 ? { count: 3, sum: 1, buckets: [{ bound: 1, count: 2 }] } : growing(scrape))])
add('other layouts', (scrape) => [hist([
  { count: 3, sum: 1, schema: 2, positive: { spans: [{ offset: 0, length: 2 }], deltas: [1, 1] } }, { count: 4, sum: 1, schema: 1, positive: { spans: [{ offset: 0, length: 2 }], deltas: [2, 0] } },
  { count: 5, sum: 1, schema: 1, zeroThreshold: 1e-3, zeroCount: 1, positive: { spans: [{ offset: 5, length: 1 }], deltas: [4] } }, { countFloat: 5.5, sum: 1, schema: 1, positive: { spans: [{ offset: 5, length: 1 }], counts: [5.5] } },
  { count: 1, sum: 1, schema: 3, positive: { spans: [{ offset: -9, length: 1 }], deltas: [1] } },
][scrape]!)], NATIVE, timed)

add('plain metrics', (scrape) => [
  one('requests_total', 'counter', { labels: [['code', '200']], value: 10 * scrape }, { labels: [['code', '500']], value: scrape }), one('temp', 'gauge', { value: -1.5 }, { labels: [['x', '']], value: 9 }),
  one('u', 'untyped', { value: NaN }), { ...one('unit_bytes', 'gauge', { value: 1e300 }), unit: 'bytes' }, one('empty', 'gauge'),
  one('rpc', 'summary', { labels: [['m', 'GET']], summary: { count: 5 + scrape, sum: 2.5, quantiles: [[0, 1], [0.5, 2], [0.999, NaN], [1, 3]] } }, { summary: { count: 0, sum: 0, quantiles: [] } }),
], {}, { isTimed: true, queries: ['rate(requests_total[5s])', 'rate(rpc_count[5s])'] })
add('le and quantile', [
  one('h', 'histogram', { histogram: { count: 9, sum: 1, buckets: [-Infinity, -2.5, 0, 1e-5, 0.1, 1, 10, 123456, 1e6, 1.5e10, 1e21, Infinity].map((bound, count) => ({ bound, count })) } }),
  one('s', 'summary', { summary: { count: 1, sum: 1, quantiles: [[1e-9, 1], [0.95, 2], [NaN, 3]] } }),
])
add('names in UTF-8', [one('a.b', 'gauge', { labels: [['x y', 'é'], ['__proto__', 'p']], value: 1 }), one('名', 'counter', { value: 2 })])
add('legacy names only', [one('a.b', 'gauge', { value: 1 })], { metric_name_validation_scheme: 'legacy' })
add('relabeled', native, { ...NATIVE, metric_relabel_configs: [{ source_labels: ['__name__'], regex: '(h)', target_label: '__name__', replacement: 'renamed' }] })
add('relabeled away', (scrape) => [...native(scrape), one('x', 'gauge', { value: 1 })], { ...NATIVE, metric_relabel_configs: [{ source_labels: ['__name__'], regex: 'h', action: 'drop' }] })
add('settings by relabeling', native, { relabel_configs: [{ target_label: '__scrape_native_histograms__', replacement: 'T' }, { target_label: '__always_scrape_classic_histograms__', replacement: '1' }] })
add('label_limit', native, { ...NATIVE, label_limit: 3 })

add('twice', [one('a', 'gauge', { value: 1 }, { value: 2 }), hist({ count: 1, zeroCount: 1, sum: 1 }), hist({ count: 2, zeroCount: 2, sum: 1 }), one('a', 'counter', { value: 1 })])
add('labels twice, in another order', (scrape) => [one('a', 'gauge', { labels: [['a', '1'], ['b', '2']], value: scrape }, { labels: [['b', '2'], ['a', '1']], value: scrape }, { labels: [['b', '3'], ['a', '1']], value: 1 })])
add('a label that is no UTF-8', [], NATIVE, { body: () => Buffer.from(familiesBody(one('z', 'gauge', { value: 1 }), one('a', 'gauge', { labels: [['x', '@@']], value: 1 })).toString('latin1').replace('@@', '\xff@'), 'latin1') })
add('labels in another order', (scrape) => [one('a', 'gauge', { labels: scrape % 2 === 0 ? [['a', '1'], ['b', '2']] : [['b', '2'], ['a', '1']], value: scrape })])
add('own labels of the target', [one('a', 'gauge', { labels: [['job', 'own'], ['instance', 'x']], value: 1 })])
add('a label twice', [one('z', 'gauge', { value: 1 }), one('a', 'gauge', { labels: [['x', '1'], ['x', '2']], value: 1 }), one('b', 'gauge', { value: 1 })])
add('an own le', [one('h', 'histogram', { labels: [['le', '1']], histogram: { count: 1, sum: 1 } })])
add('a label without name', [one('z', 'gauge', { value: 1 }), one('a', 'gauge', { labels: [['', '1']], value: 1 })])
add('no metric name', [one('z', 'gauge', { value: 1 }), one('', 'gauge', { value: 1 })])
add('count without buckets', [one('z', 'gauge', { value: 1 }), hist({ count: 7, sum: 1, zeroCount: 1 }), one('y', 'gauge', { value: 1 })])
add('spans without buckets', [one('z', 'gauge', { value: 1 }), hist({ count: 1, sum: 1, positive: { spans: [{ offset: 0, length: 3 }], deltas: [1] } })])
add('negative buckets', [hist({ count: 1, sum: 1, positive: { spans: [{ offset: 0, length: 2 }], deltas: [2, -3] } })])
add('custom buckets that do not add up', [one('z', 'gauge', { value: 1 }), hist({ count: 7, sum: 1, buckets: [{ bound: 1, count: 5 }, { bound: 2, count: 3 }] })], { convert_classic_histograms_to_nhcb: true })
add('count below the last custom bucket', [one('z', 'gauge', { value: 1 }), hist({ count: 4, sum: 1, buckets: [{ bound: 1, count: 5 }] }), one('y', 'gauge', { value: 1 })], { convert_classic_histograms_to_nhcb: true })
add('a label that is no message', [], NATIVE, { body: () => Buffer.concat([familiesBody(one('z', 'gauge', { value: 1 })), Buffer.from([10, 10, 1, 97, 34, 5, 10, 3, 10, 9, 98])]) })
add('custom buckets of floats', [hist({ countFloat: 7.5, sum: 1, buckets: [{ bound: 1, countFloat: 0.5 }, { bound: 2, countFloat: 0.5 }, { bound: 3, countFloat: 6 }] })], { convert_classic_histograms_to_nhcb: true })
add('custom buckets with gaps', [hist({ count: 9, sum: 1, buckets: [0, 1, 1, 1, 2, 2, 2, 2, 9, 9].map((count, bound) => ({ bound, count })) })], { convert_classic_histograms_to_nhcb: true })
const truncated = (scrape: number): Uint8Array => familiesBody(one('z', 'gauge', { value: 1 }), ...native(scrape)).subarray(0, 60)
add('cut off', [], NATIVE, { body: truncated })
add('cut off between', [], NATIVE, { body: (scrape) => (scrape === 2 ? truncated(scrape).subarray(0, 20) : familiesBody(one('z', 'gauge', { value: 1 }), ...native(scrape))) })
add('empty', [], NATIVE)
add('no type and no fallback', native, NATIVE, { contentType: '' })
add('fallback', native, { ...NATIVE, fallback_scrape_protocol: 'PrometheusProto' }, { contentType: '' })
add('protobuf that was not asked for', native, { scrape_protocols: ['PrometheusText0.0.4'] }, { contentType: 'Application/Vnd.Google.Protobuf' })
add('order of protocols', native, { scrape_protocols: ['PrometheusText1.0.0', 'PrometheusProto', 'OpenMetricsText1.0.0'] })
add('body size', native, { ...NATIVE, body_size_limit: '40B' })

const exemplarsOf = (scrape: number): WrittenFamily[] => [
  one('c_total', 'counter', { value: 1, exemplar: { labels: { id: `c${scrape}` }, value: 0.5, timeMs: 1000 * scrape } }),
  hist({ ...growing(scrape), exemplars: [2, 0, 1].map((i) => ({ labels: { id: `n${scrape}.${i}` }, value: i, timeMs: 1000 * scrape + 100 * i })) }),
]
/** Exemplars' own times are told by the case's step, as those of samples. */
const withTimes = (families: (scrape: number) => WrittenFamily[]) => (scrape: number, timeMs: number): Uint8Array => {
  const shift = timeMs - 1000 * scrape
  const moved = JSON.parse(JSON.stringify(families(scrape)), (key, value: unknown) => (key === 'timeMs' ? (value as number) + shift : value)) as WrittenFamily[]
  return familiesBody(...moved.map((family) => ({ ...family, metrics: family.metrics.map((metric) => ({ ...metric, timeMs })) })))
}
add('exemplars', [], NATIVE, { isTimed: true, body: withTimes(exemplarsOf) })
add('exemplars of classic histograms', [], {}, { isTimed: true, body: withTimes(exemplarsOf) })
add('exemplars of both', [], { ...NATIVE, always_scrape_classic_histograms: true }, { isTimed: true, body: withTimes(exemplarsOf) })

const text = (scrape: number): string => `# HELP h Help.
# TYPE h histogram
h_bucket{a="b",le="0.5"} ${scrape + 1}
h_bucket{a="b",le="1"} ${2 * scrape + 1}
h_bucket{a="b",le="+Inf"} ${3 * scrape + 2}
h_sum{a="b"} ${scrape}
h_count{a="b"} ${3 * scrape + 2}
h_bucket{a="c",le="1"} 1
h_bucket{a="c",le="2"} 0
h_count{a="c"} 3
# TYPE g gauge
g_bucket{le="1"} 7
# TYPE s summary
s{quantile="0.5"} 1
s_count 3
`
for (const [name, more] of [['text', {}], ['text, kept', { always_scrape_classic_histograms: true }]] as const) {
  add(`${name}, converted`, [], { convert_classic_histograms_to_nhcb: true, ...more }, { contentType: 'text/plain; version=0.0.4', body: text })
  add(`${name}, OpenMetrics, converted`, [], { convert_classic_histograms_to_nhcb: true, ...more }, { contentType: 'application/openmetrics-text; version=1.0.0', body: (scrape) => `${text(scrape)}# EOF\n` })
}
add('text, converted, over the bucket limit', [], { convert_classic_histograms_to_nhcb: true, native_histogram_bucket_limit: 1 }, { contentType: 'text/plain', body: text })

/** What is asked of a case. */
export function queriesOf({ name, queries }: ProtobufCase): string[] {
  const job = `job=${JSON.stringify(name)}`
  return [...COMMON, ...queries].map((query) => query.replaceAll(/\b(up|h|h_bucket|scrape_\w+|requests_total|rpc_count)(?=$|[[ ),*])/g, `$1{${job}}`).replace('{__name__', `{${job}, __name__`))
}

/** Answers a case's path with the body of that case's next scrape, and with the last one from then on; notes what was asked for. */
export async function caseServer(cases: readonly ProtobufCase[], baseMs: number): Promise<{ server: http.Server; address: string; accepts: Map<string, string> }> {
  const answered = new Map<string, number>()
  const accepts = new Map<string, string>()
  const server = http.createServer((request, response) => {
    const found = cases.find((one) => casePath(one) === request.url)
    if (found === undefined) throw new Error(`no case at ${request.url}`)
    const index = answered.get(found.name) ?? 0
    answered.set(found.name, index + 1)
    accepts.set(found.name, request.headers.accept ?? '')
    const scrape = Math.min(index, SCRAPES - 1)
    if (found.contentType !== '') response.setHeader('content-type', found.contentType)
    response.end(found.body(scrape, baseMs + scrape * STEP_MS))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}`, accepts }
}

/** Where a case's target is, as metrics_path has it. */
export function casePath({ name }: ProtobufCase): string {
  return `/${name.replaceAll(/[^A-Za-z0-9]+/g, '-')}`
}
