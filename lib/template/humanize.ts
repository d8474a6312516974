// Numbers for people, as Prometheus' templates write them (prometheus/common helpers/templates, prometheus template.go).
import { formatGeneral } from '../std/go-format.ts'
import { goTime } from './go-time.ts'
import { readFloat } from './literals.ts'
import { plain } from './print.ts'
import { sprintf } from './printf.ts'
import { CallError, GoObject, typeName, type Value } from './value.ts'

const INT64_EDGE = 2 ** 63
const UP = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'] as const
const UP_1024 = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'] as const
const DOWN = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'] as const

/** ConvertToFloat: numbers, texts of numbers, durations in seconds. Throws CallError in Go's words. */
export function toFloat(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string') return parseFloatText(value)
  if (value instanceof GoObject && value.typeName === 'time.Duration') return Number(value.int) / 1e9
  throw new CallError(`can't convert ${value === undefined ? '<nil>' : typeName(value)} to float`)
}

function parseFloatText(text: string): number {
  if (/^[+-]?(?:inf|infinity|nan)$/i.test(text)) return /nan/i.test(text) ? NaN : text.startsWith('-') ? -Infinity : Infinity
  const number = readFloat(text)
  if (number === null) throw new CallError(`strconv.ParseFloat: parsing ${sprintf('%q', [text])}: invalid syntax`)
  if (!Number.isFinite(number)) throw new CallError(`strconv.ParseFloat: parsing ${sprintf('%q', [text])}: value out of range`)
  return number
}

const short = (x: number): string => formatGeneral(x, 4)

export function humanize(value: Value): string {
  const x = toFloat(value)
  if (x === 0 || !Number.isFinite(x)) return short(x)
  return Math.abs(x) >= 1 ? scaledUp(x, 1000, UP) : scaledDown(x)
}

export function humanize1024(value: Value): string {
  const x = toFloat(value)
  if (Math.abs(x) <= 1 || !Number.isFinite(x)) return short(x)
  return scaledUp(x, 1024, UP_1024)
}

export function humanizePercentage(value: Value): string {
  return `${short(toFloat(value) * 100)}%`
}

export function humanizeDuration(value: Value): string {
  const x = toFloat(value)
  if (!Number.isFinite(x)) return short(x)
  if (x === 0) return `${short(x)}s`
  if (Math.abs(x) < 1) return `${scaledDown(x)}s`
  const sign = x < 0 ? '-' : ''
  const abs = Math.abs(x)
  // What int64 cannot hold is its minimum, as on amd64.
  const whole = abs < INT64_EDGE ? BigInt(Math.trunc(abs)) : -(2n ** 63n)
  const [days, hours, minutes, seconds] = [whole / 86_400n, (whole / 3600n) % 24n, (whole / 60n) % 60n, whole % 60n]
  if (days !== 0n) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`
  if (hours !== 0n) return `${sign}${hours}h ${minutes}m ${seconds}s`
  if (minutes !== 0n) return `${sign}${minutes}m ${seconds}s`
  return `${sign}${short(abs)}s`
}

export function humanizeTimestamp(value: Value): string {
  const x = toFloat(value)
  return Number.isFinite(x) ? plain(timeOf(x)) : short(x)
}

/** The *time.Time of Unix seconds. Throws CallError. */
export function timeOf(seconds: number): GoObject {
  if (!Number.isFinite(seconds)) throw new CallError('value is NaN or Inf')
  const ns = seconds * 1e9
  if (ns > INT64_EDGE || ns < -INT64_EDGE) throw new CallError(`${plain(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64`)
  // model.TimeFromUnixNano keeps milliseconds.
  return goTime((BigInt(Math.trunc(ns)) / 1_000_000n) * 1_000_000n, true)
}

function scaledUp(x: number, unit: number, prefixes: readonly string[]): string {
  let prefix = ''
  for (const next of prefixes) {
    if (Math.abs(x) < unit) break
    prefix = next
    x /= unit
  }
  return short(x) + prefix
}

function scaledDown(x: number): string {
  let prefix = ''
  for (const next of DOWN) {
    if (Math.abs(x) >= 1) break
    prefix = next
    x *= 1000
  }
  return short(x) + prefix
}
