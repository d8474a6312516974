// Answers of the query API as promtool prints them: for people (`-o promql`) as prometheus/common's model types write
// themselves, or as JSON in Go's manner.
import { formatFixed, formatGeneral, quote } from '../../lib/std/go-format.ts'
import { formatPlain } from '../../lang/reply/number-text.ts'

export type LabelRecord = Readonly<Record<string, string>>
type Bucket = [boundaries: number, lower: string, upper: string, count: string]
interface Histogram {
  count: string
  sum: string
  buckets?: readonly Bucket[]
}
type Pair<V> = [timeSeconds: number, value: V]
export interface Series {
  metric: LabelRecord
  value?: Pair<string>
  histogram?: Pair<Histogram>
  values?: readonly Pair<string>[]
  histograms?: readonly Pair<Histogram>[]
}

/** `data` of an instant or range query. */
export type QueryData =
  | { resultType: 'scalar' | 'string'; result: Pair<string> }
  | { resultType: 'vector' | 'matrix'; result: readonly Series[] }

/** Whether an answer's data have the outline of a query's. */
export function isQueryData(data: unknown): data is QueryData {
  if (typeof data !== 'object' || data === null || !('resultType' in data) || !('result' in data) || !Array.isArray(data.result)) return false
  return ['scalar', 'string', 'vector', 'matrix'].includes(String(data.resultType))
}

/** For people: a line a sample; vectors in the order of the answer, matrices sorted. Without a newline at the end. */
export function resultText({ resultType, result }: QueryData): string {
  switch (resultType) {
    case 'scalar': return `scalar: ${plain(result[1])} @[${result[0]}]`
    case 'string': return result[1]
    case 'vector': return result.map((series) => {
      const { metric, value, histogram } = series
      return `${metricText(metric)} => ${histogram ? histogramPair(histogram) : floatPair(value!)}`
    }).join('\n')
    case 'matrix': return result.toSorted((a, b) => compareMetrics(a.metric, b.metric)).map(({ metric, values = [], histograms = [] }) => {
      return `${metricText(metric)} =>\n${[...values.map(floatPair), ...histograms.map(histogramPair)].join('\n')}`
    }).join('\n')
  }
}

/** As JSON: numbers without exponent, keys of labels sorted. */
export function resultJson({ resultType, result }: QueryData): string {
  switch (resultType) {
    case 'scalar': return goJson(plainPair(result))
    case 'string': return goJson(result)
    case 'vector': case 'matrix': return goJson(result.map((series) => {
      const { metric, value, values, histogram, histograms } = series
      return {
        metric: sortedRecord(metric),
        ...(value && { value: plainPair(value) }), ...(histogram && { histogram: plainHistogram(histogram) }),
        ...(values && { values: values.map(plainPair) }), ...(histograms && { histograms: histograms.map(plainHistogram) }),
      }
    }))
  }
}

/** A label set, the name among the labels: `{__name__="up", job="a"}`. */
export function labelSetText(labels: LabelRecord): string {
  return `{${Object.keys(labels).toSorted().map((name) => `${name}=${quote(labels[name]!)}`).join(', ')}}`
}

/** Go's encoding/json escapes what HTML might take for its own. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (ch) => `\\u${ch.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function sortedRecord(labels: LabelRecord): LabelRecord {
  return Object.fromEntries(Object.keys(labels).toSorted().map((name) => [name, labels[name]!]))
}

/** `up{job="a"}`; the pairs sorted as texts. */
function metricText(metric: LabelRecord): string {
  const name = Object.hasOwn(metric, '__name__') ? metric['__name__']! : ''
  const pairs = Object.keys(metric).filter((label) => label !== '__name__').map((label) => `${label}=${quote(metric[label]!)}`)
  if (pairs.length === 0) return name === '' ? '{}' : name
  return `${name}{${pairs.toSorted().join(', ')}}`
}

/** Fewer labels first, then by the first name or value that differs (model.LabelSet.Before). */
function compareMetrics(a: LabelRecord, b: LabelRecord): number {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  const countsDiffer = Object.keys(a).length - Object.keys(b).length
  if (countsDiffer !== 0) return countsDiffer
  for (const name of [...names].toSorted()) {
    if (!Object.hasOwn(a, name)) return -1
    if (!Object.hasOwn(b, name)) return 1
    if (a[name]! !== b[name]!) return a[name]! < b[name]! ? -1 : 1
  }
  return 0
}

/** The API's `1e-07` as Go's %f without needless digits: `0.0000001`. */
function plain(value: string): string {
  return formatPlain(number(value))
}

function number(value: string): number {
  if (value === '+Inf' || value === 'Inf') return Infinity
  return value === '-Inf' ? -Infinity : Number(value)
}

function plainPair([timeSeconds, value]: Pair<string>): Pair<string> {
  return [timeSeconds, plain(value)]
}

function plainHistogram([timeSeconds, { count, sum, buckets }]: Pair<Histogram>): unknown {
  return [timeSeconds, {
    count: plain(count), sum: plain(sum), buckets: buckets?.map(([kind, lower, upper, n]) => [kind, plain(lower), plain(upper), plain(n)]) ?? null,
  }]
}

function floatPair([timeSeconds, value]: Pair<string>): string {
  return `${plain(value)} @[${timeSeconds}]`
}

function histogramPair([timeSeconds, { count, sum, buckets = [] }]: Pair<Histogram>): string {
  const shown = buckets.map(([kind, lower, upper, n]) => {
    const open = kind === 1 || kind === 3 ? '[' : '('
    const close = kind === 0 || kind === 3 ? ']' : ')'
    return `${open}${formatGeneral(number(lower))},${formatGeneral(number(upper))}${close}:${plain(n)}`
  })
  return `Count: ${formatFixed(number(count), 6)}, Sum: ${formatFixed(number(sum), 6)}, Buckets: [${shown.join(' ')}] @[${timeSeconds}]`
}
