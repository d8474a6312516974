// Metric families at random for the writer of the protobuf format, and the text (0.0.4) that says the same of their classic
// parts.
import type { Random } from '../../lib/std/random.ts'
import type { WrittenFamily, WrittenHistogram, WrittenMetric, WrittenType } from './metric-family-writer.ts'

const TYPES: readonly WrittenType[] = ['counter', 'gauge', 'untyped', 'summary', 'histogram', 'gaugehistogram']
const VALUES: readonly number[] = [0, -0, 1, 1.5, 1e300, -2, NaN, Infinity, -Infinity, 0.1]
const BOUNDS: readonly number[] = [-1, 0, 0.00001, 0.5, 1, 10, 1e6, 1e21]
const NAMES: readonly string[] = ['a', 'rpc_seconds', 'b.c', 'ünïcode', 'x y']
const LABELS: readonly (readonly [string, string])[] = [['code', '200'], ['path', '/"\\x'], ['é', 'line\nbreak'], ['z', '']]

export function randomFamilies(random: Random): WrittenFamily[] {
  return Array.from({ length: random.int(4) }, (_, i) => {
    const type = random.pick(TYPES)
    const metrics = Array.from({ length: 1 + random.int(3) }, (__, k): WrittenMetric => ({
      labels: [['n', String(k)], ...LABELS.filter(() => random.int(2) === 0)], ...(random.int(4) === 0 ? { timeMs: 1 + random.int(4000) } : {}), ...randomValue(random, type),
    }))
    return { name: `${random.pick(NAMES)}${i}`, type, help: random.pick(['', 'Help.']), ...(random.int(3) === 0 ? { unit: 'seconds' } : {}), metrics }
  })
}

function randomValue(random: Random, type: WrittenType): WrittenMetric {
  if (type === 'summary') {
    const quantiles = [0, 0.5, 0.99, 1].filter(() => random.int(2) === 0).map((quantile): [number, number] => [quantile, random.pick(VALUES)])
    return { summary: { count: random.int(1000), sum: random.pick(VALUES), quantiles } }
  }
  if (type === 'histogram' || type === 'gaugehistogram') return { histogram: randomHistogramOf(random) }
  const exemplar = { labels: { trace: String(random.int(1e6)) }, value: random.float(), ...(random.int(2) === 0 ? { timeMs: random.int(1e9) } : {}) }
  return { value: random.pick(VALUES), ...(type === 'counter' && random.int(2) === 0 ? { exemplar, startMs: 1 + random.int(1e9) } : {}) }
}

/** A classic one, often with a native one in it. */
function randomHistogramOf(random: Random): WrittenHistogram {
  const isFloat = random.int(3) === 0
  let total = 0
  const grown = (): number => (total += random.int(20) + (isFloat ? 0.5 : 0))
  const buckets = BOUNDS.filter(() => random.int(2) === 0).map((bound) => (isFloat ? { bound, countFloat: grown() } : { bound, count: grown() }))
  const classic: WrittenHistogram = { ...(isFloat ? { countFloat: total } : { count: total }), sum: random.pick(VALUES), buckets }
  if (random.int(2) === 0) return classic
  const length = random.int(5)
  const spans = [{ offset: random.int(9) - 4, length }]
  const counts = Array.from({ length }, () => random.int(4))
  const deltas = counts.map((count, i) => count - (i === 0 ? 0 : counts[i - 1]!))
  return { ...classic, schema: random.int(12) - 4, zeroThreshold: random.pick([0, 1e-128]), positive: isFloat ? { spans, counts } : { spans, deltas }, isUnpacked: random.int(2) === 0 }
}

/** What a text exporter would write of the families, native histograms left out. */
export function textOf(families: readonly WrittenFamily[]): string {
  let text = ''
  for (const { name, type, metrics } of families) {
    text += `# TYPE "${name}" ${type === 'gaugehistogram' ? 'histogram' : type}\n`
    for (const metric of metrics) {
      const line = (suffix: string, value: number, bound?: readonly [string, string]): void => {
        const labels = [...(metric.labels ?? []), ...(bound === undefined ? [] : [bound])].map(([label, own]) => `,"${label}"="${escaped(own)}"`)
        text += `{"${name}${suffix}"${labels.join('')}} ${number(value)}${metric.timeMs === undefined ? '' : ` ${metric.timeMs}`}\n`
      }
      const { summary, histogram } = metric
      if (summary !== undefined) {
        line('_count', summary.count)
        line('_sum', summary.sum)
        for (const [quantile, value] of summary.quantiles) line('', value, ['quantile', number(quantile)])
      } else if (histogram !== undefined) {
        const count = histogram.countFloat || histogram.count || 0
        line('_count', count)
        line('_sum', histogram.sum ?? 0)
        for (const { bound, count: own, countFloat } of histogram.buckets ?? []) line('_bucket', countFloat || own || 0, ['le', number(bound)])
        line('_bucket', count, ['le', '+Inf'])
      } else line('', metric.value ?? 0)
    }
  }
  return text
}

function number(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : Object.is(value, -0) ? '-0' : String(value)
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
