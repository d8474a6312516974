// Finds the place a server's parse error speaks of. The text is Prometheus':
//   invalid parameter "query": 1:5: parse error: unclosed left parenthesis
// line and column count from 1; the column counts UTF-8 bytes (promql/parser/parse.go, ParseErr.Error).

/** What the server said, and the span of the token it points at (UTF-16 offsets into the expression, half-open). */
export interface PlacedError {
  message: string
  start: number
  end: number
}

const PLACED = /(?:^|: )(\d+):(\d+): (parse error: [^]*)$/

/** The error with its place, or undefined when the text names none. The span is never empty unless `expr` is. */
export function placeError(serverText: string, expr: string): PlacedError | undefined {
  const match = PLACED.exec(serverText)
  if (!match) return undefined
  const start = offsetAt(expr, Number(match[1]), Number(match[2]))
  const token = tokenAt(expr, start)
  return { message: match[3]!, start: token[0], end: token[1] }
}

/** UTF-16 offset of a line and byte column (both from 1), clamped into the text. */
function offsetAt(expr: string, line: number, column: number): number {
  let offset = 0
  for (let at = 1; at < line; at++) {
    const newline = expr.indexOf('\n', offset)
    if (newline < 0) return expr.length
    offset = newline + 1
  }
  let bytes = 1
  while (bytes < column && offset < expr.length) {
    const codePoint = expr.codePointAt(offset)!
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4
    offset += codePoint < 0x10000 ? 1 : 2
  }
  return offset
}

/**
 * The word, string or character at the offset. Where it is blank or past the end, the last character before it that
 * shows: Prometheus' lexer reports an unexpected closing bracket one place too far.
 */
function tokenAt(expr: string, offset: number): [number, number] {
  if (/^\s*$/.test(expr.slice(offset, offset + 1))) {
    const end = expr.slice(0, offset).trimEnd().length
    return end === 0 ? [0, Math.min(1, expr.length)] : [end - 1, end]
  }
  const token = /^(?:[\p{L}\p{N}_:.]+|"(?:\\[^]|[^"\\])*"?|'(?:\\[^]|[^'\\])*'?|`[^`]*`?|[^])/u.exec(expr.slice(offset))
  return [offset, offset + (token?.[0].length ?? 1)]
}
