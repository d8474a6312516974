// Texts and numbers under the flags, width and precision of a directive, as Go's fmt/format.go writes them. Each gives null for a
// verb that is not for its kind.
import { formatExponential, formatFixed, formatGeneral, isPrintable, quote } from '../std/go-format.ts'
import { floatInBits, floatInHex } from './float-bits.ts'

/** Of a directive such as `%+08.3f`. */
export interface Format {
  sharp: boolean
  zero: boolean
  plus: boolean
  minus: boolean
  space: boolean
  /** `%#v` and `%+v`, whose flags ask for Go's syntax and the names of fields. */
  sharpV: boolean
  plusV: boolean
  width: number | null
  precision: number | null
}

export const PLAIN: Readonly<Format> = { sharp: false, zero: false, plus: false, minus: false, space: false, sharpV: false, plusV: false, width: null, precision: null }

/** To the width in runes; zeros only to the left. */
export function pad(text: string, f: Readonly<Format>): string {
  const missing = f.width === null ? 0 : f.width - runeCount(text)
  if (missing <= 0) return text
  return f.minus ? text + ' '.repeat(missing) : (f.zero ? '0' : ' ').repeat(missing) + text
}

function padSpaces(text: string, f: Readonly<Format>): string {
  return pad(text, { ...f, zero: false })
}

function runeCount(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

export function formatBool(value: boolean, verb: string, f: Readonly<Format>): string | null {
  return verb === 't' || verb === 'v' ? pad(String(value), f) : null
}

export function formatString(text: string, verb: string, f: Readonly<Format>): string | null {
  switch (verb) {
    case 'v': return f.sharpV ? quoted(text, f) : pad(cut(text, f), f)
    case 's': return pad(cut(text, f), f)
    case 'q': return quoted(text, f)
    case 'x': return hexText(text, f)
    case 'X': return hexText(text, f).toUpperCase()
    default: return null
  }
}

function cut(text: string, { precision }: Readonly<Format>): string {
  return precision === null ? text : Array.from(text).slice(0, precision).join('')
}

function quoted(text: string, f: Readonly<Format>): string {
  const shown = cut(text, f)
  if (f.sharp && canBackquote(shown)) return pad(`\`${shown}\``, f)
  return pad(f.plus ? toAscii(quote(shown)) : quote(shown), f)
}

/** strconv.CanBackquote. */
export function canBackquote(text: string): boolean {
  return Array.from(text).every((rune) => (rune >= ' ' || rune === '\t') && rune !== '`' && rune !== '\u007f' && rune !== '\ufeff')
}

function toAscii(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, (rune) => {
    const code = rune.codePointAt(0)!
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`
  })
}

function hexText(text: string, f: Readonly<Format>): string {
  const bytes = Buffer.from(text).subarray(0, f.precision ?? undefined)
  if (bytes.length === 0) return pad('', f)
  const prefix = f.sharp ? '0x' : ''
  return pad(f.space ? Array.from(bytes, (byte) => prefix + byte.toString(16).padStart(2, '0')).join(' ') : prefix + bytes.toString('hex'), f)
}

const BASES: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }
const RUNE_MAX = 0x10ffffn

export function formatInteger(value: bigint, verb: string, f: Readonly<Format>): string | null {
  const base = BASES[verb]
  if (base !== undefined) return integerDigits(value, base, verb, f)
  const code = BigInt.asUintN(64, value)
  switch (verb) {
    case 'c': return pad(runeOf(code), f)
    case 'q': {
      const rune = runeOf(code)
      const inner = rune === "'" ? "\\'" : rune === '"' ? '"' : quote(rune).slice(1, -1)
      return pad(`'${f.plus ? toAscii(inner) : inner}'`, f)
    }
    case 'U': {
      const isShown = f.sharp && code <= RUNE_MAX && isPrintable(runeOf(code))
      return padSpaces(`U+${code.toString(16).toUpperCase().padStart(Math.max(4, f.precision ?? 0), '0')}${isShown ? ` '${runeOf(code)}'` : ''}`, f)
    }
    default: return null
  }
}

function runeOf(code: bigint): string {
  return code > RUNE_MAX || (code >= 0xd800n && code <= 0xdfffn) ? '\ufffd' : String.fromCodePoint(Number(code))
}

function integerDigits(value: bigint, base: number, verb: string, f: Readonly<Format>): string {
  const isNegative = value < 0n
  // Nothing but padding.
  if (f.precision === 0 && value === 0n) return padSpaces('', { ...f, minus: false })
  const sign = isNegative ? '-' : f.plus ? '+' : f.space ? ' ' : ''
  const least = f.precision ?? (f.zero && !f.minus && f.width !== null ? f.width - sign.length : 0)
  let digits = (isNegative ? -value : value).toString(base).padStart(least, '0')
  if (verb === 'X') digits = digits.toUpperCase()
  if (f.sharp && base === 2) digits = `0b${digits}`
  if (f.sharp && base === 8 && !digits.startsWith('0')) digits = `0${digits}`
  if (f.sharp && base === 16) digits = `0${verb === 'X' ? 'X' : 'x'}${digits}`
  if (verb === 'O') digits = `0o${digits}`
  return padSpaces(sign + digits, f)
}

export function formatFloat(value: number, verb: string, f: Readonly<Format>): string | null {
  const text = floatDigits(value, verb, f.precision)
  if (text === null) return null
  const isNegative = text.startsWith('-')
  const sign = isNegative ? '-' : f.plus ? '+' : f.space ? ' ' : ''
  const digits = text.replace(/^[-+]/, '')
  if (!Number.isFinite(value)) return padSpaces((sign === '' && value === Infinity ? '+' : sign) + digits, f)
  const shown = f.sharp && verb !== 'b' ? withPoint(digits, verb, f.precision) : digits
  if (sign !== '' && f.zero && !f.minus && f.width !== null) return sign + pad(shown, { ...f, width: f.width - 1 })
  return pad(sign + shown, f)
}

/** What doubles have at most. */
const DIGITS_MAX = 100

function floatDigits(value: number, verb: string, precision: number | null): string | null {
  switch (verb) {
    case 'v': case 'g': return formatGeneral(value, precision ?? undefined)
    case 'G': return Number.isFinite(value) ? formatGeneral(value, precision ?? undefined).toUpperCase() : formatGeneral(value)
    case 'f': case 'F': return formatFixed(value, Math.min(precision ?? 6, DIGITS_MAX))
    case 'e': return formatExponential(value, precision ?? 6)
    case 'E': return Number.isFinite(value) ? formatExponential(value, precision ?? 6).toUpperCase() : formatFixed(value, 0)
    case 'b': return Number.isFinite(value) ? floatInBits(value) : formatFixed(value, 0)
    case 'x': return Number.isFinite(value) ? floatInHex(value, precision) : formatFixed(value, 0)
    case 'X': return Number.isFinite(value) ? floatInHex(value, precision).toUpperCase() : formatFixed(value, 0)
    default: return null
  }
}

/** With a decimal point, and of some verbs with zeros behind it. */
function withPoint(digits: string, verb: string, precision: number | null): string {
  const end = digits.search(verb === 'x' || verb === 'X' ? /p/i : /e/i)
  const tail = end < 0 ? '' : digits.slice(end)
  let number = end < 0 ? digits : digits.slice(0, end)
  let missing = 'vgGx'.includes(verb) ? (precision ?? 6) - number.replace('.', '').replace(/^0+/, '').length : 0
  if (!number.includes('.')) {
    if (number === '0') missing--
    number += '.'
  }
  return number + '0'.repeat(Math.max(0, missing)) + tail
}
