// What is posted to Alertmanager's API: alerts and silences, checked as its OpenAPI document says, with its messages and codes.
import type { SentAlert } from '../../lib/model/alert.ts'
import { labelsFromRecord } from '../../lib/model/labels.ts'
import type { Matcher, MatchOp } from '../../lib/model/matcher.ts'
import type { SilenceDraft } from '../../lib/notify/dispatch/silences.ts'
import { isRequestUri } from '../../lib/std/request-uri.ts'
import type { Steps } from '../../lib/std/steps.ts'
import { parseTime } from './params.ts'

/** A request that is refused; `body` is the answer's JSON. */
export class AlertmanagerError extends Error {
  readonly status: number
  readonly body: unknown

  /** With `code` the answer is `{code, message}`, else the message alone. */
  constructor(status: number, message: string, code: number | null = null) {
    super(message)
    this.status = status
    this.body = code === null ? message : { code, message }
  }
}

/** Go's decoder finds fields whatever the case of their keys; U+017F and U+212A are folded with s and k. */
const FIELDS: ReadonlyMap<string, string> = new Map(
  ['labels', 'annotations', 'generatorURL', 'startsAt', 'endsAt', 'comment', 'createdBy', 'id', 'matchers', 'name', 'value', 'isRegex', 'isEqual'].map((name) => [name.toLowerCase(), name]),
)
const FIELD_NAMES: ReadonlySet<string> = new Set(FIELDS.values())
const fieldOf = (key: string): string | undefined => FIELDS.get(key.toLowerCase().replaceAll('ſ', 's'))

/** Alerts read between two glances at the clock. */
const STEP_ALERTS = 64
const REQUIRED = 602
const WRONG_TYPE = 601
const TOO_FEW = 612

type Json = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The fields under their own names. Of a field that is there twice the last counts, of maps the last of each key. */
function withFields(object: Json): Json {
  if (Object.keys(object).every((key) => FIELD_NAMES.has(key) || fieldOf(key) === undefined)) return object
  const fields: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(object)) {
    const name = fieldOf(key)
    if (name === undefined) continue
    const before = fields[name]
    fields[name] = isObject(before) && isObject(value) ? { ...before, ...value } : value
  }
  return fields
}

export function badBody(what: string, why: string): AlertmanagerError {
  return new AlertmanagerError(400, `parsing ${what} body from "" failed, because ${why}`, 400)
}

function typed(what: string, path: string, type: string): AlertmanagerError {
  return badBody(what, `json: ${path} must be ${type}`)
}

/** `optional`: '' or null where it is absent. */
function textOf(what: string, object: Json, key: string, path: string): string | null {
  const value = object[key]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw typed(what, `${path}${key}`, 'a string')
  return value
}

function missing(path: string): AlertmanagerError {
  return new AlertmanagerError(422, `${path} in body is required`, REQUIRED)
}

function required<T>(value: T | null, path: string): T {
  if (value === null) throw missing(path)
  return value
}

/** Unix ms; null where it is absent or Go's zero time. */
function timeOf(what: string, object: Json, key: string, path: string): number | null {
  const text = textOf(what, object, key, path)
  if (text === null) return null
  // Go-openapi's time of an empty text.
  if (text === '') return 0
  const timeMs = parseDateTime(text)
  if (timeMs === null) throw badBody(what, `${path}${key} is no time: ${JSON.stringify(text.slice(0, 100))}; want RFC 3339, as 2026-01-02T15:04:05Z`)
  return timeMs === ZERO_TIME_MS ? null : timeMs
}

/** Scripts leave out the zone, which is UTC then, seconds, or the time of day. */
const SHORTENED = /^(\d{4}-\d\d-\d\d)(?:(?:T| (?=\d\d:\d\d:[\d.,]+$))(\d\d:\d\d)(?:(:\d\d(?:[.,]\d+)?)(Z|[+-]\d\d:\d\d)?|Z)?)?$/

/** Alertmanager's forms of a time (go-openapi strfmt.DateTime) as Unix ms; null for others. */
function parseDateTime(text: string): number | null {
  const m = SHORTENED.exec(text)
  return m === null ? null : parseTime(`${m[1]}T${m[2] ?? '00:00'}${(m[3] ?? ':00').replace(',', '.')}${m[4] ?? 'Z'}`)
}

const ZERO_TIME_MS = Date.parse('0001-01-01T00:00:00Z')

function textMapOf(what: string, object: Json, key: string, path: string): Record<string, string> | null {
  const value = object[key]
  if (value === undefined || value === null) return null
  if (!isObject(value)) throw typed(what, `${path}${key}`, 'an object of strings')
  // Go's decoder puts U+FFFD where half of a pair stands, and leaves a text empty where null does.
  return Object.fromEntries(Object.entries(value).map(([name, text]) => {
    if (typeof text !== 'string' && text !== null) throw typed(what, `${path}${key}.${name}`, 'a string')
    return [name.toWellFormed(), text?.toWellFormed() ?? '']
  }))
}

export interface PostedAlerts {
  alerts: SentAlert[]
  /** What is wrong with those that are left out. */
  faults: string[]
}

/** Takes the alerts that are well formed. Throws AlertmanagerError where the body as a whole is refused. */
export function* readAlerts(parse: Steps<unknown[]>, nowMs: number, resolveTimeoutMs: number): Steps<PostedAlerts> {
  const items = yield* parse
  const posted: PostedAlerts = { alerts: [], faults: [] }
  // A body of which some part is of a wrong type is refused for that, whatever else is wrong before.
  let refusal: AlertmanagerError | null = null
  for (const [i, item] of items.entries()) {
    if (!isObject(item)) throw typed('alerts', String(i), 'an object')
    const read = readAlert(withFields(item), `${i}.`, nowMs, resolveTimeoutMs)
    if (read instanceof AlertmanagerError) refusal ??= read
    else if (read.fault === null) posted.alerts.push(read.alert)
    else posted.faults.push(read.fault)
    if (i % STEP_ALERTS === STEP_ALERTS - 1) yield
  }
  if (refusal !== null) throw refusal
  return posted
}

/** Throws where a part is of a wrong type; gives what else the body is refused for. */
function readAlert(item: Json, path: string, nowMs: number, resolveTimeoutMs: number): { alert: SentAlert; fault: string | null } | AlertmanagerError {
  const given = textMapOf('alerts', item, 'labels', path)
  const annotations = textMapOf('alerts', item, 'annotations', path) ?? {}
  const generatorUrl = textOf('alerts', item, 'generatorURL', path) ?? ''
  const startsAtMs = timeOf('alerts', item, 'startsAt', path)
  const endsAtMs = timeOf('alerts', item, 'endsAt', path)
  if (generatorUrl !== '' && !isRequestUri(generatorUrl)) {
    return new AlertmanagerError(422, `${path}generatorURL in body must be of type uri: ${JSON.stringify(generatorUrl.slice(0, 200))}`, WRONG_TYPE)
  }
  if (given === null) return missing(`${path}labels`)
  const startMs = startsAtMs ?? endsAtMs ?? nowMs
  const endMs = endsAtMs ?? nowMs + resolveTimeoutMs
  const labels = labelsFromRecord(given)
  let fault: string | null = null
  if (endMs < startMs) fault = 'start time must be before end time'
  else if (labels.length === 0) fault = 'at least one label pair required'
  else if ((given[''] ?? '') !== '') fault = 'invalid label set: invalid name ""'
  else if ('' in annotations) fault = 'invalid annotations: invalid name ""'
  return {
    fault,
    alert: {
      labels, annotations: new Map(Object.entries(annotations)), startsAtMs: startMs, activeAtMs: startMs, value: null,
      endsAtMs: endMs, ...(endsAtMs === null && { isTimeout: true }), generatorUrl,
    },
  }
}

/** Throws AlertmanagerError; what its matchers say is not looked at. */
export function readSilence(given: unknown, nowMs: number): SilenceDraft {
  const whole = given === null ? {} : given
  if (!isObject(whole)) throw typed('silence', 'the body', 'an object')
  const body = withFields(whole)
  const comment = textOf('silence', body, 'comment', '')
  const createdBy = textOf('silence', body, 'createdBy', '')
  const endsAtMs = timeOf('silence', body, 'endsAt', '')
  const startsAtMs = timeOf('silence', body, 'startsAt', '')
  const id = textOf('silence', body, 'id', '') ?? ''
  const annotations = textMapOf('silence', body, 'annotations', '') ?? {}
  const { matchers } = body
  if (matchers !== undefined && matchers !== null && !Array.isArray(matchers)) throw typed('silence', 'matchers', 'a list')
  const list = (matchers ?? null) as unknown[] | null
  const read = (list ?? []).map(readMatcher)
  required(comment, 'comment')
  required(createdBy, 'createdBy')
  if ((body['endsAt'] ?? null) === null) required(endsAtMs, 'endsAt')
  if (required(list, 'matchers').length === 0) throw new AlertmanagerError(422, 'matchers in body should have at least 1 items', TOO_FEW)
  const checked = read.map((one, i) => one(`matchers.${i}.`))
  if ((body['startsAt'] ?? null) === null) required(startsAtMs, 'startsAt')
  const [startMs, endMs] = [startsAtMs ?? nowMs, endsAtMs ?? 0]
  if (startMs >= endMs) throw new AlertmanagerError(400, 'Failed to create silence: start time must be before end time')
  if (endMs < nowMs) throw new AlertmanagerError(400, "Failed to create silence: end time can't be in the past")
  return { id, matcherSets: [checked], startsAtMs: startMs, endsAtMs: endMs, createdBy: createdBy!, comment: comment!, annotations: new Map(Object.entries(annotations)) }
}

/** Types first, for all matchers; then what is required, for one after the other. */
function readMatcher(item: unknown, i: number): (path: string) => Matcher {
  const path = `matchers.${i}.`
  if (!isObject(item)) throw typed('silence', path.slice(0, -1), 'an object')
  const fields = withFields(item)
  const [name, value] = [textOf('silence', fields, 'name', path), textOf('silence', fields, 'value', path)]
  const flag = (key: string): boolean | null => {
    const given = fields[key]
    if (given === undefined || given === null) return null
    if (typeof given !== 'boolean') throw typed('silence', `${path}${key}`, 'a boolean')
    return given
  }
  const [isRegex, isEqual] = [flag('isRegex'), flag('isEqual') ?? true]
  return (where) => {
    required(isRegex, `${where}isRegex`)
    const op: MatchOp = isRegex === true ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!='
    return { name: required(name, `${where}name`), op, value: required(value, `${where}value`) }
  }
}
