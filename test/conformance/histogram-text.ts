// Native histograms as `.test` files write them: `{{schema:1 sum:10 count:22 buckets:[5 10 7]}}`.
//
//   schema sum count               −53: custom bounds
//   z_bucket z_bucket_w            count and half width of the zero bucket
//   offset buckets                 counts side by side from bucket `offset` on; n_offset n_buckets: the negative side
//   custom_values                  upper bounds, +Inf left out
//   counter_reset_hint             unknown reset not_reset gauge
import { addHistograms, subtractHistograms } from '../../lib/model/histogram-arithmetic.ts'
import {
  CUSTOM_SCHEMA, denseBuckets, HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, NO_CUSTOM_VALUES,
  type Buckets, type CounterResetHint, type FloatHistogram,
} from '../../lib/model/histogram.ts'
import { formatGeneral } from '../../lib/std/go-format.ts'
import { parseNumber } from './numbers.ts'

const HINTS: ReadonlyMap<string, CounterResetHint> = new Map<string, CounterResetHint>([
  ['unknown', HINT_UNKNOWN], ['reset', HINT_RESET], ['not_reset', HINT_NOT_RESET], ['gauge', HINT_GAUGE],
])
const KEYS: ReadonlySet<string> = new Set([
  'schema', 'sum', 'count', 'z_bucket', 'z_bucket_w', 'offset', 'buckets', 'n_offset', 'n_buckets', 'custom_values', 'counter_reset_hint',
])

/** A histogram of a series line. */
export interface HistogramItem {
  kind: 'histogram'
  h: FloatHistogram
  /** Its hint was written, so it counts in comparisons. */
  isHintWritten: boolean
}

/** Reads one `{{…}}`; throws what is wrong with it. */
export function parseHistogram(text: string): HistogramItem {
  const body = /^\{\{(.*)\}\}$/.exec(text)?.[1]
  if (body === undefined) throw new Error(`no histogram: ${text}`)
  const fields = new Map<string, string>()
  for (const [, key = '', value = ''] of body.matchAll(/([a-z_]+):(\[[^\]]*\]|\S+)/g)) {
    if (!KEYS.has(key) || fields.has(key)) throw new Error(`unknown or repeated ${key} in ${text}`)
    fields.set(key, value)
  }
  const number = (key: string): number => parseNumber(fields.get(key) ?? '0')
  const list = (key: string): number[] => (fields.get(key) ?? '[]').slice(1, -1).trim().split(/\s+/).filter((word) => word !== '').map(parseNumber)
  const hint = fields.get('counter_reset_hint')
  if (hint !== undefined && !HINTS.has(hint)) throw new Error(`no counter reset hint: ${hint}`)
  const h: FloatHistogram = {
    schema: number('schema'), sum: number('sum'), count: number('count'), zeroCount: number('z_bucket'), zeroThreshold: number('z_bucket_w'),
    hint: HINTS.get(hint ?? 'unknown')!,
    positive: denseBuckets(number('offset'), list('buckets')), negative: denseBuckets(number('n_offset'), list('n_buckets')),
    customValues: fields.has('custom_values') ? Float64Array.from(list('custom_values')) : NO_CUSTOM_VALUES,
  }
  return { kind: 'histogram', h, isHintWritten: hint !== undefined }
}

/** `{{…}}`, `{{…}}x5`, `{{…}}+{{…}}x5`, `{{…}}-{{…}}x5`; n besides the first. */
export function parseHistograms(text: string): HistogramItem[] {
  const match = /^(\{\{.*?\}\})(?:([+-])(\{\{.*?\}\}))?(?:x(\d+))?$/.exec(text)
  if (match === null) throw new Error(`no histograms: ${text}`)
  const [, base = '', sign, increment, times = '0'] = match
  const items = [parseHistogram(base)]
  const step = increment === undefined ? null : parseHistogram(increment).h
  if (step !== null && items[0]!.h.schema > step.schema) throw new Error(`schema of ${base} is finer than that of ${increment}`)
  for (let i = 0; i < Number(times); i++) {
    const last = items[i]!
    items.push(step === null ? last : { ...last, h: combined(last.h, step, sign!) })
  }
  return items
}

function combined(h: FloatHistogram, step: FloatHistogram, sign: string): FloatHistogram {
  const result = sign === '+' ? addHistograms(h, step) : subtractHistograms(h, step)
  if (result === null) throw new Error('custom and exponential buckets do not add')
  return result.histogram
}

/** The notation of a histogram, for messages. */
export function histogramText(h: FloatHistogram): string {
  const parts = [`schema:${h.schema}`, `count:${formatGeneral(h.count)}`, `sum:${formatGeneral(h.sum)}`]
  if (h.hint !== HINT_UNKNOWN) parts.push(`counter_reset_hint:${[...HINTS].find(([, hint]) => hint === h.hint)![0]}`)
  if (h.zeroCount !== 0 || h.zeroThreshold !== 0) parts.push(`z_bucket:${formatGeneral(h.zeroCount)} z_bucket_w:${formatGeneral(h.zeroThreshold)}`)
  if (h.schema === CUSTOM_SCHEMA) parts.push(`custom_values:[${[...h.customValues].map((x) => formatGeneral(x)).join(' ')}]`)
  parts.push(...sideText('offset', 'buckets', h.positive), ...sideText('n_offset', 'n_buckets', h.negative))
  return `{{${parts.join(' ')}}}`
}

function sideText(offsetKey: string, key: string, { index, count }: Buckets): string[] {
  if (index.length === 0) return []
  const first = index[0]!
  const dense = Array.from({ length: index.at(-1)! - first + 1 }, () => 0)
  index.forEach((at, k) => (dense[at - first] = count[k]!))
  const counts = `${key}:[${dense.map((x) => formatGeneral(x)).join(' ')}]`
  return first === 0 ? [counts] : [`${offsetKey}:${first}`, counts]
}
