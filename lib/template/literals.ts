// Go's literals as templates have them: characters and numbers (text/template/parse newNumber).
import { quote } from '../std/go-format.ts'
import { LiteralError, unquote } from '../std/go-unquote.ts'
import type { NumberNode } from './node.ts'

const INT64_MAX = (1n << 63n) - 1n
const UINT64_MAX = (1n << 64n) - 1n

/** `'a'` as the number of its rune. */
export function charNumber(pos: number, source: string): NumberNode {
  let text = ''
  try {
    text = unquote(source)
  } catch (error) {
    if (!(error instanceof LiteralError)) throw error
  }
  // What Go says of no character, or of an escape that there is not.
  if (source === "''" || (text === '' && source.startsWith("'\\"))) throw new LiteralError('invalid syntax')
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
