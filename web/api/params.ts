// Parameters of the HTTP API: from the URL and, with POST, from a form in the body, whose values come first (Go's
// Request.Form). Texts of errors are Prometheus' (web/api/v1/api.go).
import type { FastifyRequest } from 'fastify'
import { DurationError, parseDuration } from '../../lib/model/duration.ts'
import { ApiError, badParameter } from './envelope.ts'

/** The bounds of time here: those of a JavaScript date, inside which every millisecond is exact. */
export const MIN_TIME_MS = -8.64e15
export const MAX_TIME_MS = 8.64e15
/** What Prometheus' own clients send for "since ever" and "for ever". */
const MAGIC_MIN = '-292273086-05-16T16:47:06Z'
const MAGIC_MAX = '292277025-08-18T07:12:54.999999999Z'
/** User text echoed in an error. */
const ECHO_CHARS = 200

export class Params {
  readonly #form: URLSearchParams | null
  readonly #query: URLSearchParams

  /** `isTaken`: pairs of the URL, as they are written, that count. */
  constructor(request: FastifyRequest, isTaken: (pair: string) => boolean = () => true) {
    const url = request.raw.url ?? ''
    const at = url.indexOf('?')
    this.#query = new URLSearchParams(at < 0 ? '' : url.slice(at + 1).split('&').filter(isTaken).join('&'))
    this.#form = request.body instanceof URLSearchParams ? request.body : null
  }

  /** The first value, '' where there is none. */
  text(name: string): string {
    return this.#form?.get(name) ?? this.#query.get(name) ?? ''
  }

  all(name: string): string[] {
    return [...(this.#form?.getAll(name) ?? []), ...this.#query.getAll(name)]
  }

  /** Unix ms, or `fallback` where the parameter is absent or empty. */
  time(name: string, fallback: number): number {
    const text = this.text(name)
    if (text === '') return fallback
    const timeMs = parseTime(text)
    if (timeMs === null) throw badParameter(name, `invalid time value for '${name}': ${cannotParse(text, 'timestamp')}`)
    return timeMs
  }

  requiredTime(name: string): number {
    const text = this.text(name)
    const timeMs = parseTime(text)
    if (timeMs === null) throw badParameter(name, cannotParse(text, 'timestamp'))
    return timeMs
  }

  /** A duration in ms. */
  requiredDuration(name: string): number {
    return this.#duration(name, (why) => badParameter(name, why))
  }

  /** A duration in ms, or `fallback` where the parameter is absent or empty; `fail` words the error. */
  duration(name: string, fallback: number, fail?: (why: string) => ApiError): number {
    return this.text(name) === '' ? fallback : this.#duration(name, fail ?? ((why) => badParameter(name, why)))
  }

  /** A count ≥ 0; 0, also where absent, means all. */
  limit(): number {
    const text = this.text('limit')
    if (text === '') return 0
    if (!/^[+-]?\d+$/.test(text)) throw badParameter('limit', `strconv.Atoi: parsing ${echo(text)}: invalid syntax`)
    if (!isInt64(text)) throw badParameter('limit', `strconv.Atoi: parsing ${echo(text)}: value out of range`)
    const limit = Number(text)
    if (limit < 0) throw badParameter('limit', 'limit must be non-negative')
    return limit
  }

  /** An integer, -1 where absent; the endpoints of metadata have an error text of their own. */
  count(name: string): number {
    const text = this.text(name)
    if (text === '') return -1
    if (!/^[+-]?\d+$/.test(text) || !isInt64(text)) throw new ApiError('bad_data', `${name} must be a number`)
    return Number(text)
  }

  #duration(name: string, fail: (why: string) => ApiError): number {
    const text = this.text(name)
    const durationMs = parseSeconds(text)
    if (durationMs === null) throw fail(cannotParse(text, 'duration'))
    // Nanoseconds.
    if (Math.abs(durationMs) * 1e6 > 2 ** 63) throw fail(`${cannotParse(text, 'duration')}. It overflows int64`)
    return durationMs
  }
}

/** `text` is an integer of any length. */
function isInt64(text: string): boolean {
  const value = BigInt(text.replace(/^\+/, ''))
  return value === BigInt.asIntN(64, value)
}

/** User text as an error quotes it. */
export function echo(text: string): string {
  return JSON.stringify(text.length > ECHO_CHARS ? `${text.slice(0, ECHO_CHARS)}…` : text)
}

const cannotParse = (text: string, what: string): string => `cannot parse ${echo(text)} to a valid ${what}`

const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const INFINITE = /^[+-]?inf(?:inity)?$/i
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/

/** Float seconds, rounded to ms, or RFC 3339 with any fraction, cut to ms; null for all else. */
export function parseTime(text: string): number | null {
  if (FLOAT.test(text)) {
    const seconds = Number(text)
    const whole = Math.trunc(seconds)
    const part = (seconds - whole) * 1000
    const timeMs = whole * 1000 + Math.sign(part) * Math.round(Math.abs(part))
    return timeMs >= MIN_TIME_MS && timeMs <= MAX_TIME_MS ? timeMs + 0 : null
  }
  if (text === MAGIC_MIN) return MIN_TIME_MS
  if (text === MAGIC_MAX) return MAX_TIME_MS
  const m = RFC3339.exec(text)
  if (m === null) return null
  const [year, month, day] = [Number(m[1]), Number(m[2]), Number(m[3])]
  const [hour, minute, second] = [Number(m[4]), Number(m[5]), Number(m[6])]
  const [zoneHour, zoneMinute] = [Number(m[9] ?? 0), Number(m[10] ?? 0)]
  if (hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) return null
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  // A day that the month does not have rolls over.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null
  const zoneMs = (zoneHour * 60 + zoneMinute) * 60_000 * (m[8] === '-' ? -1 : 1)
  return date.setUTCHours(hour, minute, second, Number((m[7] ?? '').padEnd(3, '0').slice(0, 3))) - zoneMs
}

/** Float seconds, infinite ones too, or `1h30m`, in ms; null where it is neither. */
export function parseSeconds(text: string): number | null {
  if (FLOAT.test(text)) return Number(text) * 1000
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  try {
    return parseDuration(text)
  } catch (error) {
    if (error instanceof DurationError) return null
    throw error
  }
}
