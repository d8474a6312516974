// Pieces of PromQL written from checked parts.
import { isLegacyLabelName, isLegacyMetricName, METRIC_NAME } from '../../model/labels.ts'
import { formatDuration } from '../../model/duration.ts'
import { formatMatcher, type Matcher } from '../../model/matcher.ts'
import type { Aggregation, Source } from './json-rule.ts'

const FUNCTIONS: Readonly<Record<Exclude<Aggregation, 'p99'>, string>> = {
  avg: 'avg_over_time', min: 'min_over_time', max: 'max_over_time', sum: 'sum_over_time', count: 'count_over_time', last: 'last_over_time', rate: 'rate',
}
/** Read as numbers where a metric is meant. */
const NUMBER_WORDS = /^(?:inf|nan)$/i

/** `cpu{env="prod"}`; more matchers of equality under `labels`. */
export function selector({ metric, filters }: Source, labels: Readonly<Record<string, string>> = {}): string {
  const matchers = [...Object.entries(filters).map(([name, values]) => filterOf(name, values)), ...Object.entries(labels).map(([name, value]): Matcher => ({ name, op: '=', value }))]
  const isPlain = isLegacyMetricName(metric) && !NUMBER_WORDS.test(metric)
  const all = isPlain ? matchers : [{ name: METRIC_NAME, op: '=' as const, value: metric }, ...matchers]
  const inside = all.map(formatMatcher).join(',')
  return isPlain ? `${metric}${inside === '' ? '' : `{${inside}}`}` : `{${inside}}`
}

/** `avg_over_time(series[5m])`, with an offset where `offsetMs` is not 0. */
export function aggregate(aggregation: Aggregation, series: string, windowMs: number, offsetMs = 0): string {
  const range = `${series}[${formatDuration(windowMs)}]${offsetMs === 0 ? '' : ` offset ${formatDuration(offsetMs)}`}`
  return aggregation === 'p99' ? `quantile_over_time(0.99, ${range})` : `${FUNCTIONS[aggregation]}(${range})`
}

export function labelList(names: readonly string[]): string {
  return names.map((name) => (isLegacyLabelName(name) ? name : JSON.stringify(name))).join(', ')
}

/** A number as PromQL reads it back to the same double. */
export function numberText(x: number): string {
  return String(x)
}

function filterOf(name: string, values: readonly string[]): Matcher {
  if (values.length === 1) return { name, op: '=', value: values[0]! }
  return { name, op: '=~', value: values.map((value) => value.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|') }
}
