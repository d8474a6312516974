// Scanners of one literal each: given the text and where the literal begins, they say where it ends or what is wrong.
// They accept and refuse the same characters in the same order as promql/parser/lex.go (scanNumber,
// acceptRemainingDuration, lexString, lexEscape), since their errors quote how far they came.
import { isPrintable, quote } from '../../lib/std/go-format.ts'

/** Where a literal ends (exclusive), or the error. */
export type Scanned = { end: number; isDuration: boolean } | { error: string }

const isOneOf = (set: string, ch: string | undefined): boolean => ch !== undefined && set.includes(ch)

export function isDigit(ch: string | undefined): boolean {
  return ch !== undefined && ch >= '0' && ch <= '9'
}

export function isAlpha(ch: string | undefined): boolean {
  return ch !== undefined && ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch === '_')
}

export function isAlphaNumeric(ch: string | undefined): boolean {
  return isAlpha(ch) || isDigit(ch)
}

/** A number (`1`, `.5`, `1e3`, `0x1F`, `1_000`) or a duration (`1h30m`) at `start`. */
export function scanNumber(text: string, start: number): Scanned {
  const { at, isNumber } = number(text, start)
  if (isNumber) return { end: at, isDuration: false }
  const { end, isDuration } = duration(text, at)
  return isDuration ? { end, isDuration } : { error: `bad number or duration syntax: ${quote(text.slice(start, end))}` }
}

function number(text: string, start: number): { at: number; isNumber: boolean } {
  let at = start
  let digits = '0123456789'
  if (text[at] === '0') {
    at++
    if (isOneOf('xX', text[at])) {
      at++
      if (text[at] === '_') at++
      digits = '0123456789abcdefABCDEF'
    }
  }
  if (text[at] === '.') at++
  if (isOneOf(digits, text[at])) at++
  let hasDot = false
  let hasExponent = false
  for (;;) {
    const ch = text[at]
    if (ch === '.') {
      at++
      if (hasDot) return { at, isNumber: false }
      hasDot = true
      if (isOneOf('_.', text[at])) return { at: at + 1, isNumber: false }
      if (digits.length > 10) return { at, isNumber: false }
    } else if (isOneOf('eE', ch)) {
      at++
      if (hasExponent) return { at, isNumber: false }
      hasExponent = true
      if (isOneOf('+-', text[at])) at++
      if (isOneOf('._eE', text[at])) return { at: at + 1, isNumber: false }
      if (at === text.length) return { at, isNumber: false }
    } else if (ch === '_') {
      at++
      if (isOneOf('._eE', text[at])) return { at: at + 1, isNumber: false }
      if (at === text.length) return { at, isNumber: false }
    } else if (isOneOf(digits, ch)) {
      while (isOneOf(digits, text[at])) at++
    } else {
      return { at, isNumber: at > start && !isAlphaNumeric(ch) }
    }
  }
}

/** What follows the digits that number() took. */
function duration(text: string, start: number): { end: number; isDuration: boolean } {
  let at = start
  if (!isOneOf('smhdwy', text[at])) return { end: at, isDuration: false }
  at++
  if (text[at] === 's') at++
  while (isDigit(text[at])) {
    while (isDigit(text[at])) at++
    // Years always come first.
    if (!isOneOf('smhdw', text[at])) return { end: at, isDuration: false }
    at++
    if (text[at] === 's') at++
  }
  return isAlphaNumeric(text[at]) ? { end: at + 1, isDuration: false } : { end: at, isDuration: true }
}

/** A quoted string at `start`, which holds its quote: where it ends, or the error. */
export function scanString(text: string, start: number): number | string {
  const open = text[start]!
  let at = start + 1
  for (;;) {
    const ch = text[at]
    if (ch === undefined || (ch === '\n' && open !== '`')) {
      return open === '`' ? 'unterminated raw string' : 'unterminated quoted string'
    }
    if (ch === open) return at + 1
    if (ch === '\ufffd' || isLoneSurrogate(text, at)) return 'invalid UTF-8 rune'
    if (ch === '\\' && open !== '`') {
      const next = scanEscape(text, at + 1, open)
      if (typeof next === 'string') return next
      at = next
    } else {
      at++
    }
  }
}

/** Not half of a pair: no UTF-8 text holds one, so Go's reader would see U+FFFD. */
function isLoneSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  if (unit < 0xd800 || unit > 0xdfff) return false
  return unit < 0xdc00 ? (text.codePointAt(at)! < 0x10000) : !((text.charCodeAt(at - 1) & 0xfc00) === 0xd800)
}

const ESCAPES: ReadonlyMap<string, { digits: number; base: number; max: number }> = new Map([
  ['x', { digits: 2, base: 16, max: 0xff }], ['u', { digits: 4, base: 16, max: 0x10ffff }], ['U', { digits: 8, base: 16, max: 0x10ffff }],
  ...'01234567'.split('').map((ch) => [ch, { digits: 3, base: 8, max: 0xff }] as const),
])

/** Behind a backslash at `at - 1`: where the escape ends, or the error. */
function scanEscape(text: string, at: number, open: string): number | string {
  const ch = text[at]
  if (ch === undefined) return 'escape sequence not terminated'
  if ('abfnrtv\\'.includes(ch) || ch === open) return at + 1
  const escape = ESCAPES.get(ch)
  if (escape === undefined) return `unknown escape sequence ${describeRune(text, at)}`
  const first = escape.base === 8 ? at : at + 1
  let value = 0
  for (let i = first; i < first + escape.digits; i++) {
    const digit = text[i]
    if (digit === undefined) return 'escape sequence not terminated'
    const worth = /[0-9a-fA-F]/.test(digit) ? Number.parseInt(digit, 16) : 16
    if (worth >= escape.base) return `illegal character ${describeRune(text, i)} in escape sequence`
    value = value * escape.base + worth
  }
  if (value > escape.max || (value >= 0xd800 && value < 0xe000)) return 'escape sequence is an invalid Unicode code point'
  return first + escape.digits
}

/** Go's `%#U`: `U+0063 'c'`. */
function describeRune(text: string, at: number): string {
  const code = text.codePointAt(at)!
  const rune = String.fromCodePoint(code)
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}${isPrintable(rune) ? ` '${rune}'` : ''}`
}

/** Go's `%q` of the rune at `at`: `'x'`, U+FFFD at the end of the text. */
export function quoteRune(text: string, at: number): string {
  const code = text.codePointAt(at)
  if (code === undefined || (code >= 0xd800 && code < 0xe000)) return '\'\ufffd\''
  const rune = String.fromCodePoint(code)
  if (rune === '\'') return '\'\\\'\''
  return rune === '"' ? '\'"\'' : `'${quote(rune).slice(1, -1)}'`
}
