// Go's time.Time and time.Duration for templates: nanoseconds as bigint, printed and taken apart as Go does, in UTC or in a
// zone of the tz database (through Intl, which carries one).
import { CallError, GoFunction, GoObject, type Value } from './value.ts'

export const MONTHS: readonly string[] = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
export const WEEKDAYS: readonly string[] = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const SECOND_NS = 1_000_000_000n
const MINUTE_NS = 60n * SECOND_NS
const HOUR_NS = 60n * MINUTE_NS

/** Floor division. */
function div(a: bigint, b: bigint): bigint {
  const q = a / b
  return a % b < 0n ? q - 1n : q
}

interface Civil {
  date: Date
  nanos: number
  /** Minutes east of UTC. */
  offset: number
  zone: string
}

function civil(ns: bigint, zone: string): Civil {
  const ms = Number(div(ns, 1_000_000n))
  const nanos = Number(ns - div(ns, SECOND_NS) * SECOND_NS)
  const offset = zone === 'UTC' ? 0 : zoneOffset(ms, zone)
  return { date: new Date(ms + offset * 60_000), nanos, offset, zone }
}

function zoneOffset(ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(ms)
  const m = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(parts.find(({ type }) => type === 'timeZoneName')?.value ?? '')
  return m?.[1] === undefined ? 0 : (m[1] === '-' ? -1 : 1) * (Number(m[2]) * 60 + Number(m[3]))
}

function zoneName({ date, offset, zone }: Civil): string {
  if (zone === 'UTC') return 'UTC'
  const name = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' })
    .formatToParts(date.getTime() - offset * 60_000).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  return name.startsWith('GMT') ? offsetText(offset, '') : name
}

function offsetText(minutes: number, colon: string): string {
  const abs = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(abs / 60))}${colon}${two(abs % 60)}`
}

const two = (n: number): string => String(n).padStart(2, '0')
const three = (n: number): string => String(n).padStart(3, '0')

/** Elements of a layout, longest first where one begins another. */
export const LAYOUT: RegExp = /January|Jan|Monday|Mon|MST|2006|__2|_2|002|01|02|03|04|05|06|15|1|2|3|4|5|PM|pm|-07:00:00|-07:00|-0700|-07|Z07:00|Z0700|Z07|[.,]0+(?!\d)|[.,]9+(?!\d)/g

/** time.Time.Format. */
export function formatTime(ns: bigint, layout: string, zone = 'UTC'): string {
  const at = civil(ns, zone)
  return layout.replace(LAYOUT, (element) => elementText(element, at))
}

function elementText(element: string, at: Civil): string {
  const { date, nanos, offset } = at
  const hour12 = date.getUTCHours() % 12 || 12
  const yearDay = Math.floor((Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1
  switch (element) {
    case 'January': return MONTHS[date.getUTCMonth()]!
    case 'Jan': return MONTHS[date.getUTCMonth()]!.slice(0, 3)
    case 'Monday': return WEEKDAYS[date.getUTCDay()]!
    case 'Mon': return WEEKDAYS[date.getUTCDay()]!.slice(0, 3)
    case 'MST': return zoneName(at)
    case '2006': return String(date.getUTCFullYear()).padStart(4, '0')
    case '06': return two(date.getUTCFullYear() % 100)
    case '01': return two(date.getUTCMonth() + 1)
    case '1': return String(date.getUTCMonth() + 1)
    case '02': return two(date.getUTCDate())
    case '_2': return String(date.getUTCDate()).padStart(2)
    case '2': return String(date.getUTCDate())
    case '002': return three(yearDay)
    case '__2': return String(yearDay).padStart(3)
    case '15': return two(date.getUTCHours())
    case '03': return two(hour12)
    case '3': return String(hour12)
    case '04': return two(date.getUTCMinutes())
    case '4': return String(date.getUTCMinutes())
    case '05': return two(date.getUTCSeconds())
    case '5': return String(date.getUTCSeconds())
    case 'PM': return date.getUTCHours() < 12 ? 'AM' : 'PM'
    case 'pm': return date.getUTCHours() < 12 ? 'am' : 'pm'
    case '-07:00:00': return `${offsetText(offset, ':')}:00`
    case '-07:00': return offsetText(offset, ':')
    case '-0700': return offsetText(offset, '')
    case '-07': return offsetText(offset, '').slice(0, 3)
    case 'Z07:00': return offset === 0 ? 'Z' : offsetText(offset, ':')
    case 'Z0700': return offset === 0 ? 'Z' : offsetText(offset, '')
    case 'Z07': return offset === 0 ? 'Z' : offsetText(offset, '').slice(0, 3)
    default: return fractionText(element, nanos)
  }
}

function fractionText(element: string, nanos: number): string {
  const digits = String(nanos).padStart(9, '0').slice(0, element.length - 1).padEnd(element.length - 1, '0')
  if (element[1] === '0') return element[0]! + digits
  const kept = digits.replace(/0+$/, '')
  return kept === '' ? '' : element[0]! + kept
}

/** time.Duration.String: `1h2m3.5s`, `1.5ms`, `0s`. */
export function durationText(ns: bigint): string {
  if (ns === 0n) return '0s'
  const abs = ns < 0n ? -ns : ns
  const sign = ns < 0n ? '-' : ''
  if (abs < SECOND_NS) {
    const [unit, size] = abs < 1000n ? ['ns', 1n] as const : abs < 1_000_000n ? ['µs', 1000n] as const : ['ms', 1_000_000n] as const
    return `${sign}${decimal(abs, size)}${unit}`
  }
  const hours = abs / HOUR_NS
  const minutes = (abs / MINUTE_NS) % 60n
  const head = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : ''
  return `${sign}${head}${decimal(abs % MINUTE_NS, SECOND_NS)}s`
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = String(value % unit).padStart(String(unit).length - 1, '0').replace(/0+$/, '')
  return `${value / unit}${fraction === '' || unit === 1n ? '' : `.${fraction}`}`
}

function intOf(value: Value): bigint {
  const int = value instanceof GoObject ? value.int : null
  if (int === null) throw new CallError('runtime error: invalid memory address or nil pointer dereference')
  return int
}

const fn = (call: () => Value): GoFunction => new GoFunction([], call)

/** A time.Time, or a pointer to one, which templates cannot tell apart but by its type's name. */
export function goTime(ns: bigint, isPointer = false, zone = 'UTC'): GoObject {
  const at = civil(ns, zone)
  const { date } = at
  const part = (value: number): GoFunction => fn(() => BigInt(value))
  return new GoObject({
    typeName: isPointer ? '*time.Time' : 'time.Time', int: ns,
    text: formatTime(ns, '2006-01-02 15:04:05.999999999 -0700 MST', zone),
    methods: new Map([
      ['Format', new GoFunction(['string'], (layout) => formatTime(ns, layout as string, zone))],
      ['String', fn(() => formatTime(ns, '2006-01-02 15:04:05.999999999 -0700 MST', zone))],
      ['Unix', fn(() => div(ns, SECOND_NS))], ['UnixMilli', fn(() => div(ns, 1_000_000n))], ['UnixNano', fn(() => ns)],
      ['Year', part(date.getUTCFullYear())], ['Day', part(date.getUTCDate())], ['Hour', part(date.getUTCHours())],
      ['Minute', part(date.getUTCMinutes())], ['Second', part(date.getUTCSeconds())], ['Nanosecond', part(at.nanos)],
      ['Month', fn(() => named('time.Month', date.getUTCMonth() + 1, MONTHS[date.getUTCMonth()]!))],
      ['Weekday', fn(() => named('time.Weekday', date.getUTCDay(), WEEKDAYS[date.getUTCDay()]!))],
      ['YearDay', fn(() => BigInt(Number(elementText('002', at))))],
      ['UTC', fn(() => goTime(ns))], ['IsZero', fn(() => ns === ZERO_TIME_NS)],
      ['Add', new GoFunction(['time.Duration'], (by) => goTime(ns + intOf(by), false, zone))],
      ['Sub', new GoFunction(['time.Time'], (from) => goDuration(ns - intOf(from)))],
      ['Before', new GoFunction(['time.Time'], (other) => ns < intOf(other))],
      ['After', new GoFunction(['time.Time'], (other) => ns > intOf(other))],
      ['Equal', new GoFunction(['time.Time'], (other) => ns === intOf(other))],
    ]),
  })
}

/** Go's zero time, year 1, in Unix nanoseconds. */
export const ZERO_TIME_NS: bigint = -62_135_596_800n * SECOND_NS

function named(typeName: string, value: number, text: string): GoObject {
  return new GoObject({ typeName, text, int: BigInt(value), isInteger: true, methods: new Map([['String', fn(() => text)]]) })
}

/** A time.Duration, or a pointer to one. */
export function goDuration(ns: bigint, isPointer = false): GoObject {
  const units = (unit: bigint): GoFunction => fn(() => Number(ns / unit) + Number(ns % unit) / Number(unit))
  const toMultiple = (round: boolean): GoFunction => new GoFunction(['time.Duration'], (unit) => goDuration(multiple(ns, intOf(unit), round)))
  return new GoObject({
    typeName: isPointer ? '*time.Duration' : 'time.Duration', text: durationText(ns), int: ns, isInteger: true,
    methods: new Map([
      ['String', fn(() => durationText(ns))],
      ['Hours', units(HOUR_NS)], ['Minutes', units(MINUTE_NS)], ['Seconds', units(SECOND_NS)],
      ['Milliseconds', fn(() => ns / 1_000_000n)], ['Microseconds', fn(() => ns / 1000n)], ['Nanoseconds', fn(() => ns)],
      ['Abs', fn(() => goDuration(ns < 0n ? -ns : ns))], ['Round', toMultiple(true)], ['Truncate', toMultiple(false)],
    ]),
  })
}

function multiple(ns: bigint, unit: bigint, round: boolean): bigint {
  if (unit <= 0n) return ns
  const rest = ns % unit
  const cut = ns - rest
  const isUp = round && 2n * (rest < 0n ? -rest : rest) >= unit
  return isUp ? cut + (ns < 0n ? -unit : unit) : cut
}
