// What test/golden/federation.json holds: samples pushed before a moment, and questions for /federate, as a real Prometheus with
// the external labels below answered them then (record-federation.ts).
import { HINT_GAUGE, HINT_NOT_RESET, CUSTOM_SCHEMA, NO_BUCKETS, NO_CUSTOM_VALUES, type FloatHistogram } from '../../lib/model/histogram.ts'
import { STALE_NAN, field, label, writeBody, type BodySeries } from '../support/remote-write-body.ts'
import { histogramField } from '../support/remote-write-histogram.ts'

export const EXTERNAL_LABELS: Readonly<Record<string, string>> = { site: 'eu', replica: 'a', 'dotted.name': 'x' }

const MINUTE = 60_000

function histogram(change: Partial<FloatHistogram>): FloatHistogram {
  return {
    schema: 3, zeroThreshold: 2 ** -128, zeroCount: 2.5, count: 25.5, sum: -1.5e10, hint: HINT_NOT_RESET,
    positive: { index: Int32Array.of(-3, -2, 5, 6, 7, 900), count: Float64Array.of(1, 2, 3, 4, 5, 6) },
    negative: { index: Int32Array.of(0, 4), count: Float64Array.of(0.5, 1.5) }, customValues: NO_CUSTOM_VALUES, ...change,
  }
}

const CUSTOM = histogram({
  schema: CUSTOM_SCHEMA, zeroThreshold: 0, zeroCount: 0, count: 10, sum: 12.25, negative: NO_BUCKETS,
  positive: { index: Int32Array.of(0, 2, 3), count: Float64Array.of(1, 4, 5) }, customValues: Float64Array.of(0.1, 0.25, 1e6),
})

/** A remote write body. */
export function pushed(baseMs: number): Uint8Array {
  const at = (minutesAgo: number): number => baseMs - minutesAgo * MINUTE
  const one = (name: string, labels: Record<string, string>, ...samples: BodySeries['samples']): BodySeries => ({ labels: Object.entries({ __name__: name, ...labels }).toSorted(([a], [b]) => (a < b ? -1 : 1)), samples })
  const native = (name: string, labels: Record<string, string>, h: FloatHistogram): Uint8Array => field(1, ...one(name, labels).labels.map(([key, value]) => label(key, value)), histogramField(h, at(1)))
  const values = [0, -0, 1, -1, NaN, Infinity, -Infinity, 0.1, 1234567, 999999, 1e21, 1.5e-7, 0.00012, 4.9e-324, 1.7976931348623157e308, -2.5]
  return writeBody([
    ...values.map((value, i) => one('values', { i: String(i).padStart(2, '0') }, [value, at(1)])),
    one('up', { job: 'b', instance: 'b:1' }, [1, at(2)], [0, at(1)]),
    one('up', { job: 'a', instance: 'a:1' }, [1, at(1)]),
    one('aggregate', {}, [5, at(3)]),
    one('own_external', { site: 'us', replica: 'z' }, [5, at(1)]),
    one('before', { A: 'x', Z: 'y', z: 'w' }, [5, at(1)]),
    one('old', {}, [5, at(9)]),
    one('nearly_old', {}, [5, at(4)]),
    one('stale', { kind: 'ended' }, [5, at(2)], [STALE_NAN, at(1)]),
    one('stale', { kind: 'again' }, [STALE_NAN, at(2)], [7, at(1)]),
    one('quoted', { text: 'a"b\\c\nd', empty_is_none: 'ä€😀' }, [1, at(1)]),
    one('dotted.metric_name', { 'http.status': '200', 'ü': '1' }, [1, at(1)]),
    one('mixed', { kind: 'float' }, [3, at(1)]),
  ], native('mixed', { kind: 'native' }, histogram({})), native('native', { job: 'a' }, histogram({})), native('native', { job: 'b' }, histogram({ hint: HINT_GAUGE })),
  native('native', { job: 'c' }, histogram({ positive: NO_BUCKETS, negative: NO_BUCKETS, count: 2.5, schema: -4 })), native('nhcb', { job: 'a' }, CUSTOM))
}

export const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'
const SCRAPE = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
/** At most 12 series: more of them Prometheus sorts in no certain order. */
const FLOATS = ['{__name__=~"aggregate|before|dotted.*|mixed|nearly_old|own_external|quoted|stale|up",kind!="native"}']

export interface FederationCase {
  matches: readonly string[]
  accept: string
}

/** One histogram each: Prometheus writes the last of several in the place of all. */
const HISTOGRAMS = ['native{job="a"}', 'native{job="b"}', 'native{job="c"}', 'nhcb', 'mixed']

export const CASES: readonly FederationCase[] = [
  ...['*/*', SCRAPE, PROTOBUF, `${PROTOBUF};escaping=allow-utf-8;q=0.7,${SCRAPE.replaceAll('q=0.', 'q=0.0')}`, 'text/plain;escaping=values', 'text/plain;version=0.0.4;escaping=dots', 'text/plain;version=1.0.0',
    `text/plain;q=0.1,${PROTOBUF};q=0.2`, 'application/json', 'text/plain;escaping=nonsense', `application/openmetrics-text;escaping=dots, ${PROTOBUF};q=0.5`,
  ].map((accept) => ({ matches: FLOATS, accept })),
  ...HISTOGRAMS.flatMap((match) => ['*/*', PROTOBUF].map((accept) => ({ matches: [match], accept }))),
  ...['values{i=~"0.*"}', 'values{i=~"1.*"}'].flatMap((match) => ['*/*', PROTOBUF].map((accept) => ({ matches: [match], accept }))),
  ...[[], ['up'], ['up', '{job="a",instance!=""}'], ['{job="a",instance!=""}', 'up', 'up{job="b"}'], ['none'], ['old'], ['{__name__=~"st.*"}'], ['up{'], [''], ['rate(up[5m])'], ['up[5m]'], ['up offset 1m'], ['up @ 5']]
    .map((matches) => ({ matches, accept: '*/*' })),
]

export interface FederationAnswer {
  status: number
  type: string
  /** Base64. */
  body: string
}

export async function ask(base: string, { matches, accept }: FederationCase): Promise<FederationAnswer> {
  const reply = await fetch(`${base}/federate?${new URLSearchParams(matches.map((match) => ['match[]', match]))}`, { headers: { accept } })
  return { status: reply.status, type: reply.headers.get('content-type') ?? '', body: Buffer.from(await reply.arrayBuffer()).toString('base64') }
}
