// The values of literals: numbers (Go's ParseInt base 0, then ParseFloat) and strings (util/strutil Unquote). The lexer has checked their outer shape.

/** `not a number`, worded as Go words it. */
export function parseNumber(text: string): number | string {
  const wrong = (why: string): string => `error parsing number: strconv.ParseFloat: parsing "${text}": ${why}`
  const lower = text.toLowerCase()
  if (lower === 'inf') return Infinity
  if (lower === 'nan') return NaN
  let plain = text
  if (text.includes('_')) {
    // Underscores part digits, or the prefix from the digits.
    if (!/^(0[xX](_?[0-9a-fA-F])+|[0-9]+(_[0-9]+)*(\.[0-9]*(_[0-9]+)*)?([eE][+-]?[0-9]+(_[0-9]+)*)?|\.[0-9]+(_[0-9]+)*([eE][+-]?[0-9]+(_[0-9]+)*)?)$/.test(text)) {
      return wrong('invalid syntax')
    }
    plain = text.replaceAll('_', '')
  }
  if (/^0[xX]/.test(plain)) {
    if (!/^0[xX][0-9a-fA-F]+$/.test(plain) || BigInt(plain) > 0x7fff_ffff_ffff_ffffn) return wrong('invalid syntax')
    return Number(plain)
  }
  if (/^0[0-7]+$/.test(plain)) {
    const octal = BigInt(`0o${plain.slice(1)}`)
    if (octal <= 0x7fff_ffff_ffff_ffffn) return Number(octal)
  }
  const value = Number(plain)
  if (Number.isNaN(value)) return wrong('invalid syntax')
  return Number.isFinite(value) ? value : wrong('value out of range')
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'], ['b', '\b'], ['f', '\f'], ['n', '\n'], ['r', '\r'], ['t', '\t'], ['v', '\v'],
])

/**
 * The value of a quoted string, quotes included, that the lexer has passed. Byte escapes (`\xff`, `\377`) make bytes;
 * one that is no UTF-8 becomes a lone surrogate, U+DC00 and the byte, so that such a text equals no stored one and
 * can be shown as it was written.
 */
export function unquote(text: string): string {
  const body = text.slice(1, -1)
  if (text[0] === '`') return body.replaceAll('\r', '')
  if (!body.includes('\\')) return body
  const parts: Buffer[] = []
  for (const [piece, byteText, hex] of body.matchAll(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U[0-9a-fA-F]{8}|[0-7]{3}|[^])|[^\\]+/g)) {
    if (piece[0] !== '\\') parts.push(Buffer.from(piece))
    else if (byteText !== undefined) parts.push(Buffer.of(Number.parseInt(byteText, 16)))
    else if (hex !== undefined) parts.push(Buffer.from(String.fromCodePoint(Number.parseInt(hex, 16))))
    else if (piece[1] === 'U') parts.push(Buffer.from(String.fromCodePoint(Number.parseInt(piece.slice(2), 16))))
    else if (/^\\[0-7]/.test(piece)) parts.push(Buffer.of(Number.parseInt(piece.slice(1), 8)))
    else parts.push(Buffer.from(SIMPLE_ESCAPES.get(piece[1]!) ?? piece.slice(1)))
  }
  return decodeUtf8(Buffer.concat(parts))
}

function decodeUtf8(bytes: Buffer): string {
  const text = bytes.toString()
  if (!text.includes('\ufffd')) return text
  let out = ''
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find((n) => isRune(bytes.subarray(at, at + n)))
    out += length === undefined ? String.fromCharCode(0xdc00 + bytes[at]!) : bytes.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return out
}

/** Whether the bytes are the UTF-8 of one character. */
function isRune(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes) && Array.from(bytes.toString()).length === 1
}
