// Go's quoted strings and characters, read back (strconv.Unquote).

/** A literal that Go refuses; the message is Go's. */
export class LiteralError extends Error {
  readonly code = 'BAD_LITERAL'
}

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'], ['b', '\b'], ['f', '\f'], ['n', '\n'], ['r', '\r'], ['t', '\t'], ['v', '\v'], ['\\', '\\'],
])

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
