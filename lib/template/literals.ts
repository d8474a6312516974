// Go's literals: quoted strings, characters and numbers (strconv.Unquote, text/template/parse newNumber).
import { quote } from '../std/go-format.ts'
import type { NumberNode } from './node.ts'

/** A literal that Go refuses; the message is Go's. */
export class LiteralError extends Error {
  readonly code = 'BAD_LITERAL'
}

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'], ['b', '\b'], ['f', '\f'], ['n', '\n'], ['r', '\r'], ['t', '\t'], ['v', '\v'], ['\\', '\\'],
])
const INT64_MAX = (1n << 63n) - 1n
const UINT64_MAX = (1n << 64n) - 1n

/** The text of a string or character in any of Go's quotes. Throws LiteralError (`invalid syntax`). */
export function unquote(source: string): string {
  const mark = source[0]!
  if (mark === '`') return source.slice(1, -1).replaceAll('\r', '')
  const body = source.slice(1, -1)
  if (!body.includes('\\')) return body
  // Escapes may be parts of a rune: what they make is bytes.
  const parts: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const stop = body.indexOf('\\', at)
    parts.push(Buffer.from(body.slice(at, stop < 0 ? body.length : stop)))
    if (stop < 0) break
    const escape = readEscape(body.slice(stop + 1), mark)
    parts.push(escape.bytes)
    at = stop + 1 + escape.length
  }
  return Buffer.concat(parts).toString('utf8')
}

function readEscape(rest: string, mark: string): { bytes: Buffer; length: number } {
  const letter = rest[0] ?? ''
  const simple = letter === mark ? mark : SIMPLE.get(letter)
  if (simple !== undefined) return { bytes: Buffer.from(simple), length: 1 }
  const octal = /^[0-7]{3}/.exec(rest)
  if (octal && Number.parseInt(octal[0], 8) < 256) return { bytes: Buffer.from([Number.parseInt(octal[0], 8)]), length: 3 }
  const hex = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest)
  if (!hex) throw new LiteralError('invalid syntax')
  const code = Number.parseInt((hex[1] ?? hex[2] ?? hex[3])!, 16)
  if (hex[1] !== undefined) return { bytes: Buffer.from([code]), length: 3 }
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new LiteralError('invalid syntax')
  return { bytes: Buffer.from(String.fromCodePoint(code)), length: hex[0].length }
}

/** `'a'` as the number of its rune. */
export function charNumber(pos: number, source: string): NumberNode {
  let text = ''
  try {
    text = unquote(source)
  } catch (error) {
    if (!(error instanceof LiteralError)) throw error
  }
  if (Array.from(text).length !== 1) throw new LiteralError(`malformed character constant: ${source}`)
  const code = text.codePointAt(0)!
  return { kind: 'number', pos, text: source, int: BigInt(code), uint: BigInt(code), float: code, isComplex: false }
}

/** A number in any of Go's notations. Throws LiteralError. */
export function parseNumber(pos: number, source: string): NumberNode {
  const number: NumberNode = { kind: 'number', pos, text: source, int: null, uint: null, float: null, isComplex: source.endsWith('i') }
  if (number.isComplex) return number
  const whole = readInteger(source)
  if (whole !== null) {
    if (whole >= 0n && whole <= UINT64_MAX && !/^[+-]/.test(source)) number.uint = whole
    if (whole <= INT64_MAX && whole >= -INT64_MAX - 1n) number.int = whole
    if (whole === 0n) number.uint = 0n
    if (number.int !== null || number.uint !== null) number.float = Number(whole)
    else throw new LiteralError(`integer overflow: ${quote(source)}`)
    return number
  }
  const float = readFloat(source)
  if (float === null || !Number.isFinite(float)) throw new LiteralError(`illegal number syntax: ${quote(source)}`)
  if (!/[.eEpP]/.test(source)) throw new LiteralError(`integer overflow: ${quote(source)}`)
  number.float = float
  // A float without a fraction serves as an integer, too.
  if (Number.isInteger(float) && Math.abs(float) < 2 ** 63) {
    number.int = BigInt(float)
    if (float >= 0) number.uint = number.int
  }
  return number
}

function readInteger(source: string): bigint | null {
  const m = /^([+-]?)(0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0[oO]_?[0-7]+(?:_[0-7]+)*|0[bB]_?[01]+(?:_[01]+)*|0_?[0-7]+(?:_[0-7]+)*|0|[1-9][0-9]*(?:_[0-9]+)*)$/.exec(source)
  if (!m) return null
  const digits = m[2]!.replaceAll('_', '')
  const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits)
  return m[1] === '-' ? -value : value
}

const DECIMAL = /^[+-]?(?:[0-9]+(?:_[0-9]+)*\.?(?:[0-9]+(?:_[0-9]+)*)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+)?$/

/** A finite or overflowing float in Go's notation, null where it is none. */
export function readFloat(source: string): number | null {
  const hex = /^([+-]?)0[xX]([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?[0-9]+)$/.exec(source)
  if (hex && (hex[2] !== '' || hex[3] !== '')) {
    const fraction = hex[3]!.replaceAll('_', '')
    const mantissa = Number(`0x${hex[2]!.replaceAll('_', '')}${fraction}`)
    return (hex[1] === '-' ? -1 : 1) * mantissa * 2 ** (Number(hex[4]) - 4 * fraction.length)
  }
  if (!DECIMAL.test(source)) return null
  return Number(source.replaceAll('_', ''))
}
