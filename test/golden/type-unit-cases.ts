// Scrapes with the feature type-and-unit-labels, of all formats: what a target answers to each of its consecutive scrapes.
// Read by the recorder (record-protobuf-scrape.ts) and by the test that compares with its recording.
import { familiesBody, type WrittenFamily, type WrittenMetric, type WrittenType } from '../support/metric-family-writer.ts'
import type { ProtobufCase } from './protobuf-scrape-cases.ts'

const TEXT = 'text/plain; version=0.0.4'
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0'
const PROTO = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'
const CONVERTED = { convert_classic_histograms_to_nhcb: true }
const KEPT = { ...CONVERTED, always_scrape_classic_histograms: true }

export const CASES: ProtobufCase[] = []

function add(name: string, contentType: string, body: (scrape: number) => Uint8Array | string, config: Record<string, unknown> = {}): void {
  CASES.push({ name, config, contentType, isTimed: false, queries: [], body })
}
const text = (name: string, body: string | ((scrape: number) => string), config: Record<string, unknown> = {}): void => {
  add(`text: ${name}`, TEXT, typeof body === 'string' ? () => body : body, config)
}
const openMetrics = (name: string, body: string | ((scrape: number) => string), config: Record<string, unknown> = {}): void => {
  add(`OpenMetrics: ${name}`, OPENMETRICS, (scrape) => `${typeof body === 'string' ? body : body(scrape)}# EOF\n`, config)
}
const proto = (name: string, families: WrittenFamily[] | ((scrape: number) => WrittenFamily[]), config: Record<string, unknown> = {}): void => {
  add(`protobuf: ${name}`, PROTO, (scrape) => familiesBody(...(typeof families === 'function' ? families(scrape) : families)), config)
}
const family = (name: string, type: WrittenType, ...metrics: WrittenMetric[]): WrittenFamily => ({ name, type, help: `Help of ${name}.`, metrics })

const HISTOGRAM = `# HELP h_seconds Help.
# TYPE h_seconds histogram
h_seconds_bucket{a="b",le="1"} 1
h_seconds_bucket{a="b",le="+Inf"} 3
h_seconds_sum{a="b"} 4
h_seconds_count{a="b"} 3
`
const OTHERS = `# TYPE c_total counter
c_total{x="1"} 1
c_total{x="2"} 2
# TYPE g_bytes gauge
g_bytes 3
# TYPE s summary
s{quantile="0.5"} 1
s_sum 2
s_count 3
# TYPE u untyped
u 5
`
text('all types', `first 1\n${HISTOGRAM}${OTHERS}`)
text('no TYPE', 'a 1\n# HELP b Help.\nb{x="y"} 2\n')
text('no TYPE after one', '# TYPE a counter\na 1\nb 2\n# HELP d Help.\nd 3\n')
text('TYPE behind the samples', 'a 1\n# TYPE a counter\nb 2\n# TYPE b gauge\n')
text('TYPE in the midst', 'a{x="1"} 1\n# TYPE a counter\na{x="2"} 2\n')
text('converted', HISTOGRAM + OTHERS, CONVERTED)
text('converted and kept', HISTOGRAM + OTHERS, KEPT)
text('own labels', '# TYPE a counter\na{__type__="gauge",__unit__="bytes",x="1"} 1\n# TYPE b untyped\nb{__type__="gauge",__unit__="bytes"} 2\n# TYPE d gauge\nd{__type__="",__name__="e"} 3\n')
text('an own label twice', '# TYPE a counter\na{__type__="x",__type__="y"} 1\n')
text('series come and go', (scrape) => `# TYPE a counter\na{x="1"} 1\n${scrape % 2 === 0 ? '' : 'a{x="2"} 2\n'}# TYPE b gauge\nb 1\n${scrape === 3 ? 'b{x="y"} 2\n' : ''}`)
text('families come and go', (scrape) => `${scrape % 2 === 0 ? '# TYPE a counter\na 1\n' : ''}# TYPE b gauge\nb 1\n${scrape < 2 ? '' : '# TYPE d summary\nd_sum 1\nd_count 2\n'}`)
text('order of families', (scrape) => ['# TYPE a counter\na 1\n', '# TYPE b gauge\nb 1\n', '# TYPE d untyped\nd 1\n'].map((_, i, all) => all[(i + scrape) % 3]!).join(''))
text('names in UTF-8', '# TYPE "a.b" counter\n{"a.b",x="y"} 1\n')
text('legacy names', '# TYPE a counter\na{x="y"} 1\n', { metric_name_validation_scheme: 'legacy' })
text('relabeled by type', OTHERS, { metric_relabel_configs: [{ source_labels: ['__type__'], regex: 'counter', action: 'drop' }, { source_labels: ['__type__'], target_label: 'kind' }] })
text('labels relabeled away', OTHERS, { metric_relabel_configs: [{ regex: '__type__', action: 'labeldrop' }] })
text('kept labels', OTHERS, { metric_relabel_configs: [{ regex: '__name__|job|instance|x', action: 'labelkeep' }] })
text('honor_labels', '# TYPE a counter\na{job="own",instance="x",__type__="gauge"} 1\n', { honor_labels: true })
text('label_limit', OTHERS, { label_limit: 4 })
text('over the label_limit', OTHERS, { label_limit: 3 })
text('label_value_length_limit', OTHERS, { label_value_length_limit: 25 })

const UNITS = `# HELP c_seconds Help.
# TYPE c_seconds counter
# UNIT c_seconds seconds
c_seconds_total{x="1"} 1 # {trace_id="t"} 1
c_seconds_created{x="1"} 1700000000
c_seconds_total{x="2"} 2
# UNIT g_bytes bytes
# TYPE g_bytes gauge
g_bytes 3
# TYPE h_meters histogram
# UNIT h_meters meters
h_meters_bucket{le="1"} 1
h_meters_bucket{le="+Inf"} 3
h_meters_sum 4
h_meters_count 3
h_meters_created 1700000000
# TYPE gh_meters gaugehistogram
# UNIT gh_meters meters
gh_meters_bucket{le="1"} 1
gh_meters_bucket{le="+Inf"} 3
gh_meters_gsum 4
gh_meters_gcount 3
# TYPE s_ratio summary
# UNIT s_ratio ratio
s_ratio{quantile="0.5"} 1
s_ratio_sum 2
s_ratio_count 3
`
const UNITLESS = `first 1
# TYPE i info
i_info{version="1"} 1
# TYPE st stateset
st{st="a"} 1
st{st="b"} 0
# TYPE u unknown
u 1
`
openMetrics('all types', UNITLESS + UNITS)
// Prometheus leaves out _created behind the first histogram that it converts.
const UNCREATED = UNITS.replace('h_meters_created 1700000000\n', '')
openMetrics('converted', UNITLESS + UNCREATED, CONVERTED)
openMetrics('converted and kept', UNITLESS + UNCREATED, KEPT)
openMetrics('unknown with a unit', '# TYPE a_bytes unknown\n# UNIT a_bytes bytes\na_bytes 1\n')
openMetrics('a unit only', '# UNIT a_bytes bytes\na_bytes 1\n')
openMetrics('an empty unit', '# TYPE a gauge\n# UNIT a \na 1\n')
openMetrics('own labels', '# TYPE a_bytes gauge\n# UNIT a_bytes bytes\na_bytes{__type__="x",__unit__="y"} 1\n')
openMetrics('own labels, no unit', '# TYPE a unknown\na{__type__="x",__unit__="y"} 1\n')
openMetrics('UNIT behind the samples', '# TYPE a_bytes gauge\na_bytes{x="1"} 1\n# UNIT a_bytes bytes\n')
openMetrics('series come and go', (scrape) => `# TYPE a_bytes gauge\n# UNIT a_bytes bytes\na_bytes{x="1"} ${scrape}\n${scrape % 2 === 0 ? '' : 'a_bytes{x="2"} 2\n'}# UNIT b_meters meters\n# TYPE b_meters counter\nb_meters_total 1\n${scrape === 3 ? 'b_meters_total{x="y"} 2\n' : ''}`)
openMetrics('relabeled by unit', UNITS, { metric_relabel_configs: [{ source_labels: ['__unit__'], regex: 'seconds|meters', action: 'drop' }] })
openMetrics('names in UTF-8', '# TYPE "a.b_bytes" gauge\n# UNIT "a.b_bytes" bytes\n{"a.b_bytes",x="y"} 1\n')

const native = { count: 7, sum: 9, schema: 1, zeroCount: 1, positive: { spans: [{ offset: 0, length: 2 }], deltas: [2, 2] }, buckets: [{ bound: 1, count: 3 }] }
const classic = { count: 7, sum: 9, buckets: [{ bound: 1, count: 3 }, { bound: 2, count: 5 }] }
const all: WrittenFamily[] = [
  { ...family('c_seconds_total', 'counter', { labels: [['x', '1']], value: 1 }, { labels: [['x', '2']], value: 2 }), unit: 'seconds' }, family('g', 'gauge', { value: 3 }),
  { ...family('h_meters', 'histogram', { histogram: classic }), unit: 'meters' }, family('n', 'histogram', { histogram: native }),
  { ...family('gh', 'gaugehistogram', { histogram: classic }), unit: 'any' }, family('gn', 'gaugehistogram', { histogram: native }),
  { ...family('s', 'summary', { summary: { count: 5, sum: 2.5, quantiles: [[0.5, 2]] } }), unit: 'ratio' }, { ...family('u', 'untyped', { value: 1 }), unit: 'u' }, family('w', 'untyped', { value: 1 }),
]
proto('all types', all)
proto('native histograms', all, { scrape_native_histograms: true })
proto('native and classic histograms', all, { scrape_native_histograms: true, always_scrape_classic_histograms: true })
proto('converted', all, CONVERTED)
proto('converted and kept', all, KEPT)
const own: [string, string][] = [['__type__', 'x'], ['__unit__', 'y'], ['a', 'b']]
proto('own labels', [family('g', 'gauge', { labels: own, value: 1 }), { ...family('v', 'gauge', { labels: own, value: 1 }), unit: 'z' }, family('u', 'untyped', { labels: own, value: 1 })])
proto('an own name', [family('g', 'gauge', { labels: [['__name__', 'x']], value: 1 })])
proto('an own label twice', [family('g', 'gauge', { labels: [['__type__', 'x'], ['__type__', 'y']], value: 1 })])
proto('the type changes', (scrape) => [family('a', scrape % 2 === 0 ? 'gauge' : 'counter', { value: scrape }), family('b', 'gauge', { value: 1 })])
proto('the unit changes', (scrape) => [{ ...family('a', 'gauge', { value: scrape }), unit: ['', 'x', 'x', 'y', ''][scrape]! }, family('b', 'gauge', { value: 1 })])
proto('one name, two types', [family('a', 'gauge', { value: 1 }), family('a', 'counter', { value: 2 }), family('b', 'gauge', { value: 1 })])
proto('relabeled by type', all, { metric_relabel_configs: [{ source_labels: ['__type__', '__unit__'], regex: '(histogram|gauge);.*', action: 'drop' }] })
proto('label_limit', all, { label_limit: 4 })
