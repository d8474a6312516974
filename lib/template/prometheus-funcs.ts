// The functions of Prometheus' templates (docs/configuration/template_reference.md, template/template.go), and the data
// that alert templates see: $labels, $externalLabels, $externalURL, $value.
import { DurationError, parseDuration } from '../model/duration.ts'
import { escapeQuery } from './builtins.ts'
import { goDuration } from './go-time.ts'
import { stripDomain, stripPort } from './host-port.ts'
import { humanize, humanize1024, humanizeDuration, humanizePercentage, humanizeTimestamp, timeOf, toFloat } from './humanize.ts'
import { mapRunes, matched, replaced } from './text-funcs.ts'
import { titleCase } from './title-case.ts'
import { ANY, CallError, GoFunction, GoList, GoMap, GoObject, GoText, type Value } from './value.ts'

const SAMPLE = '*template.sample'
const RESULT = 'template.queryResult'

/** One element of what a query in a template gives. */
export interface TemplateSample {
  labels: ReadonlyMap<string, string>
  /** A number, or a native histogram as `histogramValue` makes it. */
  value: Value
}

export interface TemplateContext {
  /** Evaluates an instant query at the template's time. Throws CallError with what is wrong. */
  query: (expr: string) => readonly TemplateSample[]
  /** Unix ms of the evaluation; read at each call. */
  readonly timeMs: number
  externalUrl: string
}

/** A native histogram as templates see it: something to print. */
export function histogramValue(text: string): GoObject {
  return new GoObject({ typeName: '*histogram.FloatHistogram', text })
}

function sampleValue({ labels, value }: TemplateSample): GoObject {
  return new GoObject({ typeName: SAMPLE, fields: new Map<string, Value>([['Labels', new GoMap(labels, 'string')], ['Value', value]]) })
}

function labelOf(sample: Value, name: string): string {
  // What Go says where nothing was given.
  if (!(sample instanceof GoObject)) throw new CallError('runtime error: invalid memory address or nil pointer dereference')
  const labels = sample.fields.get('Labels')
  const value = labels instanceof GoMap ? labels.entries.get(name) : undefined
  return typeof value === 'string' ? value : ''
}

function items(result: Value): readonly Value[] {
  return result instanceof GoList ? result.items : []
}

function first(result: Value): Value {
  const [sample] = items(result)
  if (sample === undefined) throw new CallError('first() called on vector with no elements')
  return sample
}

function sortByLabel(name: Value, result: Value): Value {
  const keyed = items(result).map((sample) => ({ sample, key: Buffer.from(labelOf(sample, name as string)) }))
  return new GoList(keyed.toSorted((a, b) => Buffer.compare(a.key, b.key)).map(({ sample }) => sample), RESULT)
}

function durationSeconds(text: Value): number {
  const given = text as string
  const isNegative = given.startsWith('-')
  try {
    const ms = parseDuration(isNegative ? given.slice(1) : given)
    return (isNegative ? -ms : ms) / 1000
  } catch (error) {
    if (error instanceof DurationError) throw new CallError(error.message, { cause: error })
    throw error
  }
}

function args(...values: readonly Value[]): GoMap {
  return new GoMap(new Map(values.map((value, i) => [`arg${i}`, value])), ANY)
}

function toDuration(value: Value): Value {
  const ns = toFloat(value) * 1e9
  // What int64 cannot hold is its minimum, as on amd64.
  return goDuration(Math.abs(ns) < 2 ** 63 ? BigInt(Math.trunc(ns)) : -(2n ** 63n), true)
}

const text = (call: (text: string) => Value): GoFunction => new GoFunction(['string'], (value) => call(value as string))
const number = (call: (value: Value) => Value): GoFunction => new GoFunction([ANY], call)

const FIXED: readonly (readonly [string, GoFunction])[] = [
  ['first', new GoFunction([RESULT], first)],
  ['label', new GoFunction(['string', SAMPLE], (name, sample) => labelOf(sample, name as string))],
  ['value', new GoFunction([SAMPLE], (sample) => {
    labelOf(sample, '')
    return (sample as GoObject).fields.get('Value')
  })],
  ['strvalue', new GoFunction([SAMPLE], (sample) => labelOf(sample, '__value__'))],
  ['args', new GoFunction([ANY], args, true)],
  ['reReplaceAll', new GoFunction(['string', 'string', 'string'], replaced)],
  ['safeHtml', text((given) => new GoText('template.HTML', given))],
  ['match', new GoFunction(['string', 'string'], matched)],
  ['title', text(titleCase)],
  ['toUpper', text((given) => mapRunes(given, (rune) => rune.toUpperCase()))],
  ['toLower', text((given) => mapRunes(given, (rune) => rune.toLowerCase()))],
  ['graphLink', text((expr) => `/graph?g0.expr=${escapeQuery(expr)}&g0.tab=0`)],
  ['tableLink', text((expr) => `/graph?g0.expr=${escapeQuery(expr)}&g0.tab=1`)],
  ['sortByLabel', new GoFunction(['string', RESULT], sortByLabel)],
  ['stripPort', text(stripPort)],
  ['stripDomain', text(stripDomain)],
  ['humanize', number(humanize)],
  ['humanize1024', number(humanize1024)],
  ['humanizeDuration', number(humanizeDuration)],
  ['humanizePercentage', number(humanizePercentage)],
  ['humanizeTimestamp', number(humanizeTimestamp)],
  ['toTime', number((value) => timeOf(toFloat(value)))],
  ['toDuration', number(toDuration)],
  ['parseDuration', new GoFunction(['string'], durationSeconds)],
  ['urlQueryEscape', text(escapeQuery)],
]

/** All functions of alert templates. */
export function prometheusFunctions(context: TemplateContext): ReadonlyMap<string, GoFunction> {
  const { query, externalUrl } = context
  const pathPrefix = URL.canParse(externalUrl) ? new URL(externalUrl).pathname.replace(/\/$/, '') : ''
  return new Map([
    ...FIXED,
    ['query', new GoFunction(['string'], (expr) => new GoList(query(expr as string).map(sampleValue), RESULT))],
    ['now', new GoFunction([], () => context.timeMs / 1000)],
    ['pathPrefix', new GoFunction([], () => pathPrefix)],
    ['externalURL', new GoFunction([], () => externalUrl)],
  ])
}

/** What an alert's templates are executed on. */
export function alertData(labels: ReadonlyMap<string, string>, externalLabels: ReadonlyMap<string, string>, externalUrl: string, value: Value): GoObject {
  return new GoObject({
    typeName: 'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }',
    fields: new Map<string, Value>([
      ['Labels', new GoMap(labels, 'string')], ['ExternalLabels', new GoMap(externalLabels, 'string')], ['ExternalURL', externalUrl], ['Value', value],
    ]),
  })
}

/** Stands before every template of an alert. */
export const ALERT_VARIABLES = '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}'
