// The values of a series in rule tests: `1 2 0+10x5 1x3 _ _x4 stale {{schema:0 count:1}}x2`. After Prometheus'
// promql/parser (series_description of the grammar); neither hexadecimal numbers nor durations are values here.
import { addHistograms, subtractHistograms } from '../../lib/model/histogram-arithmetic.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { quote } from '../../lib/std/go-format.ts'
import { parseHistogramText, SeriesTextError } from './histogram-text.ts'

export type SeriesValue =
  | { kind: 'float'; value: number }
  | { kind: 'histogram'; histogram: FloatHistogram }
  | { kind: 'stale' }
  /** No sample. */
  | { kind: 'gap' }

/** Values one text may stand for; `x` would else fill the memory. */
const VALUES_MAX = 10_000_000

const NUMERIC = /^([+-]?)([^x+-]+(?:[eE][+-][^x+-]+)?)(?:([+-])([^x]+))?(?:x(.*))?$/
const NUMBER = /^(?:(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?|inf|nan)$/i

/** The values in order, one an interval. Throws SeriesTextError. */
export function parseSeriesValues(text: string): SeriesValue[] {
  const values: SeriesValue[] = []
  for (const token of tokensOf(text)) {
    const more = valuesOf(token)
    if (values.length + more.count > VALUES_MAX) throw new SeriesTextError(`a series may have at most ${VALUES_MAX} values`)
    for (let i = 0; i < more.count; i++) values.push(more.at(i))
  }
  return values
}

/** Words between spaces; a histogram's own spaces are part of it. */
function tokensOf(text: string): string[] {
  const tokens: string[] = []
  let token = ''
  let isInHistogram = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (text.startsWith('{{', at)) isInHistogram = true
    if (text.startsWith('}}', at)) isInHistogram = false
    if (!isInHistogram && /\s/.test(char)) {
      if (token !== '') tokens.push(token)
      token = ''
    } else token += char
  }
  if (token !== '') tokens.push(token)
  return tokens
}

interface Run {
  count: number
  at: (i: number) => SeriesValue
}

function valuesOf(token: string): Run {
  const gap = /^_(?:x(\d+))?$/.exec(token)
  if (gap) return { count: Number(gap[1] ?? 1), at: () => ({ kind: 'gap' }) }
  if (token === 'stale') return { count: 1, at: () => ({ kind: 'stale' }) }
  return token.startsWith('{{') ? histogramsOf(token) : floatsOf(token)
}

function floatsOf(token: string): Run {
  const m = NUMERIC.exec(token)
  const [, sign = '', base = '', stepSign, step, times] = m ?? []
  const isGood = m !== null && NUMBER.test(base) && (step === undefined || NUMBER.test(step)) && (times === undefined ? step === undefined : /^\d+$/.test(times))
  if (!isGood) throw new SeriesTextError(`unexpected ${quote(token)} in series values, expected a number, a number with a change and a count as 0+10x5, _, stale or a histogram in {{ }}`)
  const first = signed(sign, base)
  const change = step === undefined ? 0 : signed(stepSign!, step)
  // Sums accumulate, as Prometheus' do.
  let next = first
  return {
    count: Number(times ?? 0) + 1,
    at: () => {
      const value = next
      next += change
      return { kind: 'float', value }
    },
  }
}

function signed(sign: string, text: string): number {
  const lower = text.toLowerCase()
  const number = lower === 'inf' ? Infinity : lower === 'nan' ? NaN : Number(text.replaceAll('_', ''))
  return sign === '-' ? -number : number
}

function histogramsOf(token: string): Run {
  const m = /^(\{\{.*?\}\})(?:([+-])(\{\{.*?\}\}))?(?:x(\d+))?$/s.exec(token)
  const [, base = '', sign, change, times] = m ?? []
  if (m === null || (change !== undefined && times === undefined)) throw new SeriesTextError(`unexpected ${quote(token)} in series values, expected a histogram as {{…}}, {{…}}x3 or {{…}}+{{…}}x3`)
  const first = parseHistogramText(base)
  const step = change === undefined ? null : parseHistogramText(change)
  if (step !== null && first.schema > step.schema) throw new SeriesTextError(`error combining histograms: cannot merge from schema ${step.schema} to ${first.schema}`)
  let last: FloatHistogram | null = null
  return {
    count: Number(times ?? 0) + 1,
    at: () => ({ kind: 'histogram', histogram: (last = last === null || step === null ? first : combined(last, step, sign!)) }),
  }
}

function combined(histogram: FloatHistogram, step: FloatHistogram, sign: string): FloatHistogram {
  const result = sign === '+' ? addHistograms(histogram, step) : subtractHistograms(histogram, step)
  if (result === null) throw new SeriesTextError('error combining histograms: custom and exponential buckets do not add')
  return result.histogram
}
