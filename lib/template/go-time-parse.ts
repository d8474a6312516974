// Go's time.Parse and time.ParseDuration: layout element by layout element, with Go's words for what does not fit. After go
// src/time/format.go.
import { LAYOUT, MONTHS, WEEKDAYS } from './go-time.ts'
import { CallError } from './value.ts'

/** A time as it was written: nanoseconds of Unix time, and the zone that Intl knows it by. */
export interface ParsedTime {
  ns: bigint
  zone: string
}

interface Fields {
  year: number
  month: number
  day: number
  /** -1: none was given. */
  yearDay: number
  hour: number
  minute: number
  second: number
  nanos: number
  isPm: boolean | null
  /** Minutes east of UTC. */
  offset: number
}

class RangeFault extends Error {}
class Mismatch extends Error {}

/** Throws CallError in Go's words. In UTC where the value names no zone. */
export function parseTime(layout: string, value: string): ParsedTime {
  const fields: Fields = { year: 0, month: 1, day: 1, yearDay: -1, hour: 0, minute: 0, second: 0, nanos: 0, isPm: null, offset: 0 }
  const head = `parsing time ${JSON.stringify(value)}`
  let rest = value
  let at = 0
  const cannot = (what: string): CallError => new CallError(`${head} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(what)}`)
  try {
    for (const match of layout.matchAll(LAYOUT)) {
      const literal = layout.slice(at, match.index)
      rest = skip(rest, literal) ?? fail(cannot(literal))
      at = match.index + match[0].length
      try {
        rest = take(match[0], rest, fields, layout.slice(at))
      } catch (error) {
        if (error instanceof Mismatch) throw cannot(match[0])
        throw error
      }
    }
    const literal = layout.slice(at)
    rest = skip(rest, literal) ?? fail(cannot(literal))
    if (rest !== '') throw new CallError(`${head}: extra text: ${JSON.stringify(rest)}`)
    return timeOf(fields)
  } catch (error) {
    if (error instanceof RangeFault) throw new CallError(`${head}: ${error.message} out of range`, { cause: error })
    throw error
  }
}

function fail(error: Error): never {
  throw error
}

/** What follows a literal of the layout; a space stands for any number of them. null: it is not there. */
function skip(value: string, literal: string): string | null {
  let rest = value
  for (let at = 0; at < literal.length;) {
    if (literal[at] === ' ') {
      if (rest !== '' && rest[0] !== ' ') return null
      while (literal[at] === ' ') at++
      rest = rest.replace(/^ +/, '')
      continue
    }
    if (rest[0] !== literal[at]) return null
    rest = rest.slice(1)
    at++
  }
  return rest
}

const NUMBERS: Readonly<Record<string, { field: keyof Fields & ('month' | 'day' | 'hour' | 'minute' | 'second'); isFixed: boolean; max: number; min: number; name: string }>> = {
  '01': { field: 'month', isFixed: true, min: 1, max: 12, name: 'month' }, '1': { field: 'month', isFixed: false, min: 1, max: 12, name: 'month' },
  '02': { field: 'day', isFixed: true, min: 0, max: 99, name: 'day' }, '2': { field: 'day', isFixed: false, min: 0, max: 99, name: 'day' }, '_2': { field: 'day', isFixed: false, min: 0, max: 99, name: 'day' },
  '15': { field: 'hour', isFixed: false, min: 0, max: 23, name: 'hour' }, '03': { field: 'hour', isFixed: true, min: 0, max: 12, name: 'hour' }, '3': { field: 'hour', isFixed: false, min: 0, max: 12, name: 'hour' },
  '04': { field: 'minute', isFixed: true, min: 0, max: 59, name: 'minute' }, '4': { field: 'minute', isFixed: false, min: 0, max: 59, name: 'minute' },
  '05': { field: 'second', isFixed: true, min: 0, max: 59, name: 'second' }, '5': { field: 'second', isFixed: false, min: 0, max: 59, name: 'second' },
}

/** Reads an element off the value's head; what follows it. */
function take(element: string, value: string, fields: Fields, layoutRest: string): string {
  const number = NUMBERS[element]
  if (number !== undefined) {
    const text = element === '_2' ? value.replace(/^ /, '') : value
    const digits = (number.isFixed ? /^\d\d/ : /^\d\d?/).exec(text)?.[0] ?? mismatch()
    fields[number.field] = within(Number(digits), number.min, number.max, number.name)
    const rest = text.slice(digits.length)
    return number.field === 'second' ? takeUnasked(rest, fields, layoutRest) : rest
  }
  if (/^[.,]/.test(element)) return takeFraction(element, value, fields)
  if (/^[-Z]/.test(element)) return takeOffset(element, value, fields)
  return takeName(element, value, fields)
}

function takeName(element: string, value: string, fields: Fields): string {
  switch (element) {
    case '2006': case '06': {
      const digits = (element === '2006' ? /^\d{4}/ : /^\d\d/).exec(value)?.[0] ?? mismatch()
      fields.year = element === '2006' ? Number(digits) : Number(digits) + (Number(digits) >= 69 ? 1900 : 2000)
      return value.slice(digits.length)
    }
    case 'January': case 'Jan': {
      const [index, length] = lookUp(element === 'Jan' ? MONTHS.map((name) => name.slice(0, 3)) : MONTHS, value)
      fields.month = index + 1
      return value.slice(length)
    }
    case 'Monday': case 'Mon': return value.slice(lookUp(element === 'Mon' ? WEEKDAYS.map((name) => name.slice(0, 3)) : WEEKDAYS, value)[1])
    case '002': case '__2': {
      const text = element === '__2' ? value.replace(/^ {1,2}/, '') : value
      const digits = (element === '__2' ? /^\d{1,3}/ : /^\d{3}/).exec(text)?.[0] ?? mismatch()
      fields.yearDay = Number(digits)
      return text.slice(digits.length)
    }
    case 'PM': case 'pm': {
      const half = value.slice(0, 2)
      const [am, pm] = element === 'PM' ? ['AM', 'PM'] : ['am', 'pm']
      if (half !== am && half !== pm) return mismatch()
      fields.isPm = half === pm
      return value.slice(2)
    }
    default: {
      // The abbreviation of a zone that UTC does not know has no offset, but for GMT+3 and its like.
      const name = /^(?:UTC|GMT(?:[+-]\d{1,2})?|ChST|MeST|WITA|[A-Z]{2,3}T|[A-Z]{4}T|[A-Z]{3}|[+-](?:0*(?:1?\d|2[0-3]))(?!\d))/.exec(value)?.[0] ?? mismatch()
      fields.offset = name.startsWith('GMT') && name.length > 3 ? Number(name.slice(3)) * 60 : 0
      return value.slice(name.length)
    }
  }
}

function lookUp(names: readonly string[], value: string): [index: number, length: number] {
  const index = names.findIndex((name) => value.slice(0, name.length).toLowerCase() === name.toLowerCase())
  return index < 0 ? mismatch() : [index, names[index]!.length]
}

function takeOffset(element: string, value: string, fields: Fields): string {
  if (element.startsWith('Z') && value.startsWith('Z')) {
    fields.offset = 0
    return value.slice(1)
  }
  const shape = element.slice(1)
  const pattern = shape.includes(':') ? (shape.length > 5 ? /^([+-])(\d\d):(\d\d):(\d\d)/ : /^([+-])(\d\d):(\d\d)()/) : shape.length === 2 ? /^([+-])(\d\d)()()/ : /^([+-])(\d\d)(\d\d)()/
  const [text, sign, hours, minutes, seconds] = pattern.exec(value) ?? mismatch()
  const part = (digits: string | undefined, max: number, name: string): number => within(Number(digits), 0, max, `time zone offset ${name}`)
  fields.offset = (sign === '-' ? -1 : 1) * (part(hours, 24, 'hour') * 60 + part(minutes, 60, 'minute') + part(seconds, 60, 'second') / 60)
  return value.slice(text.length)
}

/** `.000` wants as many digits; `.999` takes those there are, and asks for none. */
function takeFraction(element: string, value: string, fields: Fields): string {
  if (element[1] === '9') {
    const digits = /^[.,](\d{1,9})/.exec(value)
    if (digits === null) return value
    fields.nanos = Number(digits[1]!.padEnd(9, '0'))
    return value.slice(digits[0].length).replace(/^\d+/, '')
  }
  const text = value.slice(0, element.length)
  if (!/^[.,]\d+$/.test(text) || text.length < element.length) return mismatch()
  fields.nanos = Number(text.slice(1).padEnd(9, '0').slice(0, 9))
  return value.slice(text.length)
}

/** A fraction behind the seconds that the layout does not name. */
function takeUnasked(value: string, fields: Fields, layoutRest: string): string {
  if (/^[.,][09]/.test(layoutRest)) return value
  const digits = /^[.,](\d+)/.exec(value)
  if (digits === null) return value
  fields.nanos = Number(digits[1]!.padEnd(9, '0').slice(0, 9))
  return value.slice(digits[0].length)
}

function mismatch(): never {
  throw new Mismatch()
}

function within(value: number, min: number, max: number, name: string): number {
  if (value < min || value > max) throw new RangeFault(name)
  return value
}

function timeOf({ year, month, day, yearDay, hour, minute, second, nanos, isPm, offset }: Fields): ParsedTime {
  const date = new Date(0)
  const isYearDay = yearDay >= 0
  date.setUTCFullYear(year, isYearDay ? 0 : month - 1, isYearDay ? yearDay : day)
  if (isYearDay ? yearDay < 1 || date.getUTCFullYear() !== year : day < 1 || date.getUTCMonth() !== month - 1) throw new RangeFault(isYearDay ? 'day-of-year' : 'day')
  const hours = isPm === null ? hour : isPm ? (hour < 12 ? hour + 12 : hour) : hour === 12 ? 0 : hour
  const ms = date.getTime() + Math.round(((hours * 60 + minute - offset) * 60 + second) * 1000)
  const sign = offset < 0 ? '-' : '+'
  const abs = Math.floor(Math.abs(offset))
  const zone = offset === 0 ? 'UTC' : `${sign}${String(Math.floor(abs / 60)).padStart(2, '0')}:${String(abs % 60).padStart(2, '0')}`
  return { ns: BigInt(ms) * 1_000_000n + BigInt(nanos), zone }
}

const UNITS: Readonly<Record<string, bigint>> = { ns: 1n, us: 1000n, µs: 1000n, μs: 1000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n }

/** `1h30m`, `-1.5h`, `300ms` in nanoseconds. Throws CallError in Go's words. */
export function parseGoDuration(given: string): bigint {
  const invalid = `time: invalid duration ${JSON.stringify(given)}`
  const [, sign, text = ''] = /^([+-]?)(.*)$/s.exec(given)!
  if (text === '0') return 0n
  if (text === '') throw new CallError(invalid)
  let ns = 0n
  for (let rest = text; rest !== '';) {
    const [number, whole = '', fraction = ''] = /^(\d*)(?:\.(\d*))?/.exec(rest)!
    if (whole === '' && fraction === '') throw new CallError(invalid)
    rest = rest.slice(number.length)
    const unit = /^[^.0-9]+/.exec(rest)?.[0]
    if (unit === undefined) throw new CallError(`time: missing unit in duration ${JSON.stringify(given)}`)
    const size = UNITS[unit]
    if (size === undefined) throw new CallError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(given)}`)
    ns += BigInt(whole || '0') * size + (fraction === '' ? 0n : BigInt(Math.trunc(Number(`0.${fraction}`) * Number(size))))
    if (ns > (1n << 63n)) throw new CallError(invalid)
    rest = rest.slice(unit.length)
  }
  if (sign !== '-' && ns > (1n << 63n) - 1n) throw new CallError(invalid)
  return sign === '-' ? -ns : ns
}
