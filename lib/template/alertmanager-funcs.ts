// The functions of Alertmanager's notification templates (alertmanager template/template.go, DefaultFuncs).
import { escapeQuery } from './builtins.ts'
import { formatTime, goDuration, goTime, ZERO_TIME_NS } from './go-time.ts'
import { parseGoDuration, parseTime } from './go-time-parse.ts'
import { humanizeDuration } from './humanize.ts'
import { plain } from './print.ts'
import { mapRunes, matched, replaced } from './text-funcs.ts'
import { titleCaseAlone } from './title-case.ts'
import { ANY, CallError, GoFunction, GoList, GoMap, GoObject, GoText, isTrue, typeName, type Value } from './value.ts'

const STRINGS = '[]string'

function nanoseconds(time: Value): bigint {
  if (!(time instanceof GoObject) || time.int === null) throw new CallError('runtime error: invalid memory address or nil pointer dereference')
  return time.int
}

function inZone(name: Value, time: Value): Value {
  const zone = name === 'Local' ? 'UTC' : (name as string)
  try {
    return goTime(nanoseconds(time), false, zone === '' ? 'UTC' : zone)
  } catch (error) {
    // Intl's word for a zone that is not there.
    if (error instanceof RangeError) throw new CallError(`unknown time zone ${zone}`, { cause: error })
    throw error
  }
}

function dateOf(layout: Value, given: Value): Value {
  const { ns, zone } = parseTime(layout as string, given as string)
  return goTime(ns, false, zone)
}

function dateOrZero(layout: Value, given: Value): Value {
  try {
    return dateOf(layout, given)
  } catch (error) {
    if (error instanceof CallError) return goTime(ZERO_TIME_NS)
    throw error
  }
}

function floorMs(ns: bigint): bigint {
  return (ns - (((ns % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n
}

function unescaped(text: string): string {
  const bad = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)
  if (bad !== null) throw new CallError(`invalid URL escape ${JSON.stringify(bad[0])}`)
  const bytes = Buffer.from(text.replaceAll('+', ' ').replace(/%([0-9a-fA-F]{2})|([\s\S])/gu, (_, hex?: string, rune?: string) => hex ?? Buffer.from(rune!).toString('hex')), 'hex')
  return bytes.toString('utf8')
}

function json(value: Value): unknown {
  if (value === undefined) return null
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof GoText) return value.text
  if (value instanceof GoList) return value.items.map(json)
  if (value instanceof GoMap) return Object.fromEntries(value.sorted().map(([key, item]) => [key, json(item)]))
  if (value instanceof GoObject) {
    if (value.typeName.endsWith('time.Time')) return formatTime(value.int!, '2006-01-02T15:04:05.999999999Z07:00')
    return value.isInteger ? Number(value.int) : fieldsJson(value)
  }
  if (value instanceof GoFunction) throw new CallError('json: unsupported type: func')
  if (typeof value === 'number' && !Number.isFinite(value)) throw new CallError(`json: unsupported value: ${value}`)
  return value
}

function fieldsJson({ fields, jsonNames }: GoObject): unknown {
  return Object.fromEntries([...fields].flatMap(([key, item]) => {
    const [name, option] = (jsonNames?.get(key) ?? key).split(',') as [string, string?]
    return option === 'omitempty' && !isTrue(item) ? [] : [[name, json(item)]]
  }))
}

/** encoding/json, which also escapes what HTML would read. */
export function toJson(value: Value): string {
  return JSON.stringify(json(value)).replace(/[<>&\u2028\u2029]/g, (rune) => `\\u${rune.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function dict(...values: readonly Value[]): Value {
  if (values.length % 2 !== 0) throw new CallError('dict requires an even number of arguments')
  const entries = new Map<string, Value>()
  for (let i = 0; i < values.length; i += 2) {
    const key = values[i]
    if (typeof key !== 'string') throw new CallError('dict keys must be strings')
    entries.set(key, values[i + 1])
  }
  return new GoMap(entries, ANY)
}

function joined(separator: Value, list: Value): string {
  if (list === undefined) return ''
  if (!(list instanceof GoList)) throw new CallError(`join expects a slice or array, got ${typeName(list)}`)
  return list.items.map(plain).join(separator as string)
}

/** Of the alphabet that may stand in a URL, padded. */
function base64(given: string): string {
  return Buffer.from(given).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

function fromBase64(given: string): string {
  const bad = /[^A-Za-z0-9_-]/.exec(given.replace(/={0,2}$/, ''))
  if (bad !== null || given.length % 4 !== 0) throw new CallError(`illegal base64 data at input byte ${bad?.index ?? given.length}`)
  return Buffer.from(given, 'base64url').toString('utf8')
}

const text = (call: (text: string) => Value): GoFunction => new GoFunction(['string'], (value) => call(value as string))

/** All functions of notification templates; `nowMs` is for `since`, `routeLabel` gives a label of the route by its name. */
export function alertmanagerFunctions(nowMs: () => number, routeLabel: (name: string) => string): ReadonlyMap<string, GoFunction> {
  return new Map([
    ['toUpper', text((given) => mapRunes(given, (rune) => rune.toUpperCase()))],
    ['toLower', text((given) => mapRunes(given, (rune) => rune.toLowerCase()))],
    ['title', text(titleCaseAlone)],
    ['trimSpace', text((given) => given.trim())],
    ['join', new GoFunction(['string', ANY], joined)],
    ['match', new GoFunction(['string', 'string'], matched)],
    ['safeHtml', text((given) => new GoText('template.HTML', given))],
    ['safeUrl', text((given) => new GoText('template.URL', given))],
    ['urlUnescape', text(unescaped)],
    ['urlQueryEscape', text(escapeQuery)],
    ['reReplaceAll', new GoFunction(['string', 'string', 'string'], replaced)],
    ['stringSlice', new GoFunction(['string'], (...items) => new GoList(items, STRINGS), true)],
    ['date', new GoFunction(['string', 'time.Time'], (layout, time) => (time as GoObject).methods.get('Format')!.call(layout))],
    ['tz', new GoFunction(['string', 'time.Time'], inZone)],
    ['now', new GoFunction([], () => goTime(BigInt(Math.round(nowMs())) * 1_000_000n))],
    ['base64encode', text(base64)],
    ['base64decode', text(fromBase64)],
    ['routeLabels', text(routeLabel)],
    ['toDate', new GoFunction(['string', 'string'], dateOrZero)],
    ['mustToDate', new GoFunction(['string', 'string'], dateOf)],
    ['addDuration', new GoFunction(['string', 'time.Time'], (by, time) => floorMs(nanoseconds(time) + parseGoDuration(by as string)))],
    ['since', new GoFunction(['time.Time'], (time) => goDuration(BigInt(Math.round(nowMs())) * 1_000_000n - nanoseconds(time)))],
    ['humanizeDuration', new GoFunction([ANY], humanizeDuration)],
    ['toJson', new GoFunction([ANY], toJson)],
    ['list', new GoFunction([ANY], (...items) => new GoList(items), true)],
    ['append', new GoFunction([`[]${ANY}`, ANY], (list, ...items) => new GoList([...(list instanceof GoList ? list.items : []), ...items]), true)],
    ['dict', new GoFunction([ANY], dict, true)],
    // Monitor's own: how many of a list's items are not at hand.
    ['leftOut', new GoFunction([ANY], (list) => BigInt(list instanceof GoList ? list.length - list.items.length : 0))],
  ])
}
