// Whether alerts and samples are as a test expects them, and promtool's words where not.
import type { InstantElement } from '../../../lang/instant-elements.ts'
import { histogramNotation, parseHistogramText, SeriesTextError } from '../../../lang/parse/histogram-text.ts'
import { ParseError } from '../../../lang/parse/parse-error.ts'
import { parseMetric } from '../../../lang/parse/parse.ts'
import { parseSeriesValues } from '../../../lang/parse/series-values.ts'
import { compareLabels, compareText, isLegacyLabelName, type Labels } from '../../model/labels.ts'
import { quote } from '../../std/go-format.ts'
import type { Alert } from '../alerting-rule.ts'
import { alertsDiff } from './alert-diff.ts'
import type { AlertTest, ExpectedSample } from './test-file.ts'

interface ShownAlert {
  labels: Labels
  annotations: Labels
}

/** '' where the firing alerts are the expected ones, else both lists, or one text of both in colours. */
export function alertDifference({ alertName, expected }: AlertTest, firing: readonly Alert[], isDiff: boolean): string {
  const want = expected.map(({ labels, annotations }) => ({ labels: flat(new Map([...labels, ['alertname', alertName]])), annotations: flat(annotations) }))
  const got = firing.map(({ labels, annotations }) => ({ labels, annotations: flat(annotations) }))
  const compare = (a: ShownAlert, b: ShownAlert): number => compareLabels(a.labels, b.labels) || compareLabels(a.annotations, b.annotations)
  const [a, b] = [want.toSorted(compare), got.toSorted(compare)]
  if (a.length === b.length && a.every((one, i) => compare(one, b[i]!) === 0)) return ''
  if (isDiff) return `\n        diff: ${indented(alertsDiff(a, b))}`
  return `\n        exp:${alertsText(a)}, \n        got:${alertsText(b)}`
}

/** Sorted, empty values kept: an annotation may be empty, a label that is expected to be is never there. */
function flat(map: ReadonlyMap<string, string>): Labels {
  return [...map].toSorted(([a], [b]) => compareText(a, b)).flat()
}

function alertsText(alerts: readonly ShownAlert[]): string {
  if (alerts.length === 0) return '[]'
  const texts = alerts.map(({ labels, annotations }, i) => `${i}:\n  Labels:${labelsText(labels)}\n  Annotations:${labelsText(annotations)}`)
  return indented(`[\n${texts.join(',\n')}\n]`)
}

/** All lines but the first are moved to the right. */
function indented(text: string): string {
  return text.replaceAll('\n', '\n            ')
}

/** As Go prints a label set. */
export function labelsText(labels: Labels): string {
  const parts = labels.flatMap((name, i) => (i % 2 === 0 ? [`${isLegacyLabelName(name) ? name : quote(name)}=${quote(labels[i + 1]!)}`] : []))
  return `{${parts.join(', ')}}`
}

interface ShownSample {
  labels: Labels
  value: number
  /** '' of a float. */
  histogram: string
}

/** '' where the result is the expected one, else both, or why the expectation cannot be read. */
export function sampleDifference(expected: readonly ExpectedSample[], result: readonly InstantElement[], isFuzzy: boolean): string {
  const want: ShownSample[] = []
  for (const sample of expected) {
    const read = readSample(sample)
    if (typeof read === 'string') return ` err: labels ${quote(sample.labels)}: ${read}`
    want.push(read)
  }
  const got = result.map(({ labels, value, histogram }) => ({ labels, value, histogram: histogram === null ? '' : histogramNotation(histogram) }))
  const compare = (a: ShownSample, b: ShownSample): number => compareLabels(a.labels, b.labels)
  const [a, b] = [want.toSorted(compare), got.toSorted(compare)]
  if (a.length === b.length && a.every((one, i) => isSame(one, b[i]!, isFuzzy))) return ''
  return `\n        exp: ${samplesText(a)}\n        got: ${samplesText(b)}`
}

function readSample({ labels, value, histogram }: ExpectedSample): ShownSample | string {
  try {
    const set = parseMetric(labels)
    if (histogram === '') return { labels: set, value, histogram }
    const values = parseSeriesValues(histogram)
    if (values.length !== 1) return `expected 1 value, got ${values.length}`
    if (values[0]!.kind !== 'histogram') return `expected histogram, got ${histogram}`
    return { labels: set, value, histogram: histogramNotation(parseHistogramText(histogram.trim())) }
  } catch (error) {
    if (error instanceof ParseError || error instanceof SeriesTextError) return error.message
    throw error
  }
}

/** NaN equals nothing, as in promtool; fuzzily the next double is equal, too. */
function isSame(a: ShownSample, b: ShownSample, isFuzzy: boolean): boolean {
  const isEqual = a.value === b.value || (isFuzzy && (nextAfter(a.value, -Infinity) === b.value || nextAfter(a.value, Infinity) === b.value))
  return isEqual && a.histogram === b.histogram && compareLabels(a.labels, b.labels) === 0
}

const BITS = new DataView(new ArrayBuffer(8))

/** The next double towards `to`, an infinity. */
function nextAfter(x: number, to: number): number {
  if (x !== x || x === to) return x
  if (x === 0) return to > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE
  BITS.setFloat64(0, x)
  BITS.setBigInt64(0, BITS.getBigInt64(0) + (x > 0 === to > 0 ? 1n : -1n))
  return BITS.getFloat64(0)
}

function samplesText(samples: readonly ShownSample[]): string {
  if (samples.length === 0) return 'nil'
  return samples.map(({ labels, value, histogram }) => `${labelsText(labels)} ${histogram === '' ? exponentText(value) : histogram}`).join(', ')
}

/** Go's FormatFloat(x, 'E', -1, 64). */
function exponentText(x: number): string {
  if (!Number.isFinite(x)) return x !== x ? 'NaN' : x > 0 ? '+Inf' : '-Inf'
  const [mantissa, exponent] = x.toExponential().split('e') as [string, string]
  return `${Object.is(x, -0) ? '-' : ''}${mantissa}E${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}
