// Compares our answer to a query with the reference's: both are bodies of Prometheus' HTTP API.
//
// Values: relative error 1e-12 (1e-9 where quantiles or deviations are worked out), NaN as NaN, −0 as −0. Times, label
// sets, result types, error types and texts, warnings and infos: exactly. Series in order where the order means
// something, else as sets.
import { compareLabels, formatLabels, labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import type { GoldenCase } from './golden.ts'

export interface JsonHistogram {
  count: string
  sum: string
  buckets?: [number, string, string, string][]
}

export interface JsonSeries {
  metric: Record<string, string>
  value?: [number, string]
  values?: [number, string][]
  histogram?: [number, JsonHistogram]
  histograms?: [number, JsonHistogram][]
}

export interface Reply {
  status: 'success' | 'error'
  errorType?: string
  error?: string
  data?: { resultType: 'scalar' | 'string' | 'vector' | 'matrix'; result: unknown }
  warnings?: string[]
  infos?: string[]
}

const TOLERANCE = 1e-12
const LOOSE_TOLERANCE = 1e-9
/** Sums of squares and interpolations, where the last digits depend on the order of operations. */
const LOOSE = /quantile|stddev|stdvar/
const ORDERED_ROOTS: ReadonlySet<string> = new Set(['sort', 'sort_desc', 'sort_by_label', 'sort_by_label_desc', 'topk', 'bottomk', 'limitk', 'limit_ratio'])

/** What differs, in words; null where nothing does. */
export function differenceOf({ root, query, stepMs }: GoldenCase, want: Reply, got: Reply): string | null {
  if (want.status !== got.status) return `status ${got.status} ${got.error ?? ''}, not ${want.status} ${want.error ?? ''}`
  if (want.status === 'error') return differenceOfErrors(want, got)
  const tolerance = LOOSE.test(query) ? LOOSE_TOLERANCE : TOLERANCE
  const isOrdered = stepMs > 0 || ORDERED_ROOTS.has(root)
  return differenceOfNotes('warning', want.warnings, got.warnings)
    ?? differenceOfNotes('info', want.infos, got.infos)
    ?? differenceOfData(want, got, { tolerance, isOrdered })
}

function differenceOfErrors(want: Reply, got: Reply): string | null {
  if (want.errorType !== got.errorType) return `error type ${got.errorType}, not ${want.errorType}`
  return normalisedError(want.error!) === normalisedError(got.error!) ? null : `error "${got.error}", not "${want.error}"`
}

const PAIR = /(on the (?:left|right) hand-side of the operation: \[)(.*)(\];)/

/** Which of two duplicates comes first is an accident of storage. */
function normalisedError(text: string): string {
  return text.replace(PAIR, (_, before: string, pair: string, after: string) => before + pair.split('}, ').map((one) => one.replace(/\}$/, '')).toSorted().join('}, ') + after)
}

function differenceOfNotes(kind: string, want: readonly string[] = [], got: readonly string[] = []): string | null {
  const missing = want.filter((text) => !got.includes(text))
  const more = got.filter((text) => !want.includes(text))
  if (missing.length === 0 && more.length === 0) return null
  return `${kind}s ${missing.map((text) => `lack "${text}"`).concat(more.map((text) => `have "${text}"`)).join(', ')}`
}

interface Rules {
  tolerance: number
  isOrdered: boolean
}

function differenceOfData(want: Reply, got: Reply, rules: Rules): string | null {
  const [wanted, gotten] = [want.data!, got.data!]
  if (wanted.resultType !== gotten.resultType) return `result type ${gotten.resultType}, not ${wanted.resultType}`
  if (wanted.resultType === 'scalar' || wanted.resultType === 'string') {
    const [a, b] = [wanted.result as [number, string], gotten.result as [number, string]]
    const isSame = a[0] === b[0] && (a[1] === b[1] || (wanted.resultType === 'scalar' && isNear(a[1], b[1], rules.tolerance)))
    return isSame ? null : `${b.join(' ')}, not ${a.join(' ')}`
  }
  const byLabels = (a: Series, b: Series): number => compareLabels(a.labels, b.labels)
  let [a, b] = [seriesOf(wanted.result), seriesOf(gotten.result)]
  if (!rules.isOrdered) [a, b] = [a.toSorted(byLabels), b.toSorted(byLabels)]
  const labelsText = (list: readonly Series[]): string => list.map(({ labels }) => formatLabels(labels)).join(' ')
  if (a.length !== b.length || a.some((one, i) => byLabels(one, b[i]!) !== 0)) return `series [${labelsText(b)}], not [${labelsText(a)}]`
  for (const [i, one] of a.entries()) {
    const difference = differenceOfPoints(one, b[i]!, rules.tolerance)
    if (difference !== null) return `${formatLabels(one.labels)}: ${difference}`
  }
  return null
}

interface Series {
  labels: Labels
  values: readonly (readonly [number, string])[]
  histograms: readonly (readonly [number, JsonHistogram])[]
}

function seriesOf(result: unknown): Series[] {
  return (result as JsonSeries[]).map(({ metric, value, values, histogram, histograms }) => ({
    labels: labelsFromRecord(metric),
    values: values ?? (value === undefined ? [] : [value]),
    histograms: histograms ?? (histogram === undefined ? [] : [histogram]),
  }))
}

function differenceOfPoints(want: Series, got: Series, tolerance: number): string | null {
  const times = (list: readonly (readonly [number, unknown])[]): string => list.map(([t]) => t).join()
  if (times(want.values) !== times(got.values)) return `floats at ${times(got.values)}, not ${times(want.values)}`
  if (times(want.histograms) !== times(got.histograms)) return `histograms at ${times(got.histograms)}, not ${times(want.histograms)}`
  for (const [i, [t, v]] of want.values.entries()) {
    const other = got.values[i]![1]
    if (!isNear(v, other, tolerance)) return `${other} at ${t}, not ${v}`
  }
  for (const [i, [t, h]] of want.histograms.entries()) {
    const other = got.histograms[i]![1]
    if (!isSameHistogram(h, other, tolerance)) return `${JSON.stringify(other)} at ${t}, not ${JSON.stringify(h)}`
  }
  return null
}

function isSameHistogram(want: JsonHistogram, got: JsonHistogram, tolerance: number): boolean {
  const [a, b] = [want.buckets ?? [], got.buckets ?? []]
  return isNear(want.count, got.count, tolerance) && isNear(want.sum, got.sum, tolerance) && a.length === b.length &&
    a.every((bucket, i) => bucket[0] === b[i]![0] && [1, 2, 3].every((k) => isNear(bucket[k] as string, b[i]![k] as string, tolerance)))
}

function isNear(want: string, got: string, tolerance: number): boolean {
  if (want === got) return true
  const [a, b] = [numberOf(want), numberOf(got)]
  if (!Number.isFinite(a) || !Number.isFinite(b) || a === 0 || b === 0) return Object.is(a, b)
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b))
}

/** A sample value of the reply. */
export function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
}
