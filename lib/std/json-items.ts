// The items of a JSON array, one after the other: so that a body of many megabytes is parsed in turns of the event loop. Only
// the array's own brackets and commas are looked at; each item is left to JSON.parse.
import type { Steps } from './steps.ts'

/** Bytes looked at between two glances at the clock. */
const STEP_BYTES = 64 << 10

const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE, OPEN_BRACE, CLOSE_BRACE] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d]

/** Throws SyntaxError where the text is no JSON, or null where it is no array. */
export function* parseItems(text: Buffer): Steps<unknown[] | null> {
  let at = skipBlanks(text, 0)
  if (text[at] !== OPEN) {
    JSON.parse(text.toString('utf8'))
    return null
  }
  const items: unknown[] = []
  let glanceAt = STEP_BYTES
  at = skipBlanks(text, at + 1)
  if (text[at] === CLOSE) return atEnd(text, at + 1, items)
  for (;;) {
    const end = endOfItem(text, at)
    items.push(JSON.parse(text.toString('utf8', at, end)))
    if (text[end] === CLOSE) return atEnd(text, end + 1, items)
    if (text[end] !== COMMA) throw new SyntaxError('unexpected EOF')
    at = end + 1
    if (at >= glanceAt) {
      glanceAt = at + STEP_BYTES
      yield
    }
  }
}

/** The comma or bracket behind the item, or the text's end. */
function endOfItem(text: Buffer, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const byte = text[at]
    if (byte === QUOTE) {
      for (at++; at < text.length && text[at] !== QUOTE; at++) if (text[at] === BACKSLASH) at++
    } else if (byte === OPEN || byte === OPEN_BRACE) depth++
    else if (depth === 0 && (byte === COMMA || byte === CLOSE)) return at
    else if (byte === CLOSE || byte === CLOSE_BRACE) depth--
  }
  return text.length
}

function atEnd(text: Buffer, from: number, items: unknown[]): unknown[] {
  if (skipBlanks(text, from) < text.length) throw new SyntaxError('there is more behind the array')
  return items
}

function skipBlanks(text: Buffer, from: number): number {
  let at = from
  while (text[at] === 0x20 || text[at] === 0x0a || text[at] === 0x0d || text[at] === 0x09) at++
  return at
}
