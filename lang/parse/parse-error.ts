// The one error of the parser: what is wrong in a query text and where, worded as Prometheus words it
// (promql/parser ParseErr, util/strutil; texts checked against a running server).
import type { Span } from './ast.ts'

/**
 * A query text that is no expression. `message` is `line:col: parse error: …`; `detail` is the text without place;
 * line and column start at 1, the column counts UTF-8 bytes, as in Prometheus. `span` is in UTF-16 offsets.
 */
export class ParseError extends Error {
  readonly code = 'PARSE_ERROR'
  readonly line: number
  readonly col: number
  readonly span: Span
  readonly detail: string

  constructor(query: string, span: Span, detail: string, place?: string) {
    const before = query.slice(0, span.start)
    const line = before.split('\n').length
    const col = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1)) + 1
    super(`${place ?? `${line}:${col}`}: parse error: ${detail}`)
    this.name = 'ParseError'
    this.line = line
    this.col = col
    this.span = span
    this.detail = detail
  }
}

/** A fault met inside the grammar, where the query text is not at hand; parse.ts makes it a ParseError. */
export class Fault extends Error {
  readonly code = 'PARSE_FAULT'
  readonly span: Span

  constructor(span: Span, detail: string) {
    super(detail)
    this.span = span
  }
}
