// Families in the text format 0.0.4, as prometheus/common writes them (expfmt/text_create.go). Names that are none of the old kind
// stand quoted inside the braces.
import { isLegacyMetricName, type Labels } from '../../lib/model/labels.ts'
import { formatGeneral } from '../../lib/std/go-format.ts'
import type { ByteWriter } from './byte-writer.ts'
import { cumulativeBuckets, type FederatedFamily, type FederatedMetric } from './federated-family.ts'

export function writeTextFamily(out: ByteWriter, { name, type, metrics }: FederatedFamily): void {
  out.text(`# TYPE ${nameText(name)} ${type === 'untyped' ? 'untyped' : 'histogram'}\n`)
  for (const metric of metrics) {
    if (metric.histogram === null) out.text(lineOf(name, metric.labels, metric.v, metric))
    else out.text(histogramText(name, metric))
  }
}

/** One with custom buckets, as a classic one. */
function histogramText(name: string, metric: FederatedMetric): string {
  const { labels } = metric
  const { count, sum } = metric.histogram!
  const buckets = [...cumulativeBuckets(metric.histogram!), { bound: Infinity, count }]
  const lines = buckets.map((bucket) => lineOf(`${name}_bucket`, [...labels, 'le', numberText(bucket.bound)], bucket.count, metric))
  return lines.join('') + lineOf(`${name}_sum`, labels, sum, metric) + lineOf(`${name}_count`, labels, count, metric)
}

function lineOf(name: string, labels: Labels, value: number, { t }: FederatedMetric): string {
  const isPlain = isLegacyMetricName(name)
  const inside = isPlain ? [] : [nameText(name)]
  for (let i = 0; i < labels.length; i += 2) inside.push(`${nameText(labels[i]!)}="${escaped(labels[i + 1]!)}"`)
  const braces = inside.length === 0 ? '' : `{${inside.join(',')}}`
  return `${isPlain ? name : ''}${braces} ${numberText(value)} ${t}\n`
}

function nameText(name: string): string {
  return isLegacyMetricName(name) ? name : `"${escaped(name)}"`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

/** There is no -0 here. */
function numberText(x: number): string {
  return formatGeneral(x + 0)
}
