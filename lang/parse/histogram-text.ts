// Native histograms as rule tests write them: `{{schema:1 sum:10 count:22 buckets:[5 10 7]}}`. After Prometheus'
// promql/parser and model/histogram (TestExpression).
//
//   schema sum count               −53: custom bounds
//   z_bucket z_bucket_w            count and half width of the zero bucket
//   offset buckets                 counts side by side from bucket `offset` on; n_offset n_buckets: the negative side
//   custom_values                  upper bounds, +Inf left out
//   counter_reset_hint             unknown reset not_reset gauge
import {
  compacted, CUSTOM_SCHEMA, denseBuckets, HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, NO_CUSTOM_VALUES,
  type Buckets, type CounterResetHint, type FloatHistogram,
} from '../../lib/model/histogram.ts'
import { formatGeneral, quote } from '../../lib/std/go-format.ts'

/** A text that is no series or histogram; the message says why. */
export class SeriesTextError extends Error {
  readonly code = 'BAD_SERIES'
}

const HINTS: ReadonlyMap<string, CounterResetHint> = new Map<string, CounterResetHint>([
  ['unknown', HINT_UNKNOWN], ['reset', HINT_RESET], ['not_reset', HINT_NOT_RESET], ['gauge', HINT_GAUGE],
])
const LISTS: ReadonlySet<string> = new Set(['buckets', 'n_buckets', 'custom_values'])
const INTEGERS: ReadonlySet<string> = new Set(['schema', 'offset', 'n_offset'])
const NUMBERS: ReadonlySet<string> = new Set(['sum', 'count', 'z_bucket', 'z_bucket_w'])
const NUMBER = /^[+-]?(?:(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|nan)$/i

/** Reads one `{{…}}`. Throws SeriesTextError. */
export function parseHistogramText(text: string): FloatHistogram {
  const body = /^\{\{([^{}]*)\}\}$/.exec(text)?.[1]
  // Prometheus takes a space behind the last key, not before the first.
  if (body === undefined || /^\s+\S/.test(body)) throw new SeriesTextError(`${quote(text)} is no histogram`)
  const fields = fieldsOf(body, text)
  const number = (key: string): number => numberOf(fields.get(key) ?? '0')
  const list = (key: string): number[] => (fields.get(key) ?? '').split(/\s+/).filter((word) => word !== '').map(numberOf)
  return {
    schema: number('schema'), sum: number('sum'), count: number('count'), zeroCount: number('z_bucket'), zeroThreshold: number('z_bucket_w'),
    hint: HINTS.get(fields.get('counter_reset_hint') ?? 'unknown')!,
    positive: denseBuckets(number('offset'), list('buckets')), negative: denseBuckets(number('n_offset'), list('n_buckets')),
    customValues: fields.has('custom_values') ? Float64Array.from(list('custom_values')) : NO_CUSTOM_VALUES,
  }
}

/** Keys, in lower case, to their values; lists without brackets. */
function fieldsOf(body: string, text: string): Map<string, string> {
  const fields = new Map<string, string>()
  const rest = body.replace(/(?:^|\s)([a-zA-Z_]+):(\[[^\]]*\]|\S+)(?=\s|$)/g, (_, name: string, value: string) => {
    const key = name.toLowerCase()
    if (fields.has(key)) throw new SeriesTextError(`${key} is given twice in ${quote(text)}`)
    if (!isGood(key, value)) throw new SeriesTextError(`bad histogram descriptor in ${quote(text)}: ${name}:${value}`)
    fields.set(key, value.replace(/^\[|\]$/g, ''))
    return ''
  })
  if (rest.trim() !== '') throw new SeriesTextError(`unexpected ${quote(rest.trim())} in the histogram ${quote(text)}, expected a key such as buckets:[5 10 7]`)
  return fields
}

function isGood(key: string, value: string): boolean {
  if (LISTS.has(key)) {
    const words = /^\[(.*)\]$/s.exec(value)?.[1]?.trim().split(/\s+/) ?? ['']
    return words.every((word) => NUMBER.test(word))
  }
  if (INTEGERS.has(key)) return /^-?\d+$/.test(value)
  if (NUMBERS.has(key)) return NUMBER.test(value)
  return key === 'counter_reset_hint' && HINTS.has(value)
}

function numberOf(text: string): number {
  const lower = text.toLowerCase().replace(/^[+-]/, '')
  const number = lower === 'inf' ? Infinity : lower === 'nan' ? NaN : Number(lower.replaceAll('_', ''))
  return text.startsWith('-') ? -number : number
}

/** The notation of a histogram; histograms that are equal but for empty buckets have equal texts. */
export function histogramNotation(histogram: FloatHistogram): string {
  const h = compacted(histogram)
  const parts: string[] = []
  if (h.schema !== 0) parts.push(`schema:${h.schema}`)
  if (h.count !== 0) parts.push(`count:${formatGeneral(h.count)}`)
  if (h.sum !== 0) parts.push(`sum:${formatGeneral(h.sum)}`)
  if (h.zeroCount !== 0) parts.push(`z_bucket:${formatGeneral(h.zeroCount)}`)
  if (h.zeroThreshold !== 0) parts.push(`z_bucket_w:${formatGeneral(h.zeroThreshold)}`)
  if (h.schema === CUSTOM_SCHEMA) parts.push(`custom_values:[${Array.from(h.customValues, (bound) => formatGeneral(bound)).join(' ')}]`)
  if (h.hint !== HINT_UNKNOWN) parts.push(`counter_reset_hint:${[...HINTS].find(([, hint]) => hint === h.hint)![0]}`)
  return `{{${[...parts, ...sideText('offset', 'buckets', h.positive), ...sideText('n_offset', 'n_buckets', h.negative)].join(' ')}}}`
}

function sideText(offsetKey: string, key: string, { index, count }: Buckets): string[] {
  if (index.length === 0) return []
  const first = index[0]!
  const dense = Array.from({ length: index.at(-1)! - first + 1 }, () => 0)
  index.forEach((at, k) => (dense[at - first] = count[k]!))
  const counts = `${key}:[${dense.map((one) => formatGeneral(one)).join(' ')}]`
  return first === 0 ? [counts] : [`${offsetKey}:${first}`, counts]
}
