// Durations, `@ start()`, `@ end()` and the calls start(), end(), range(), step() become numbers once the query's
// times are known (prometheus promql/durations.go). Afterwards every Duration is fixed and every `at` a time.
//
// They speak of the whole query also within subqueries.
import { pow } from '../../lib/std/go-pow.ts'
import { QueryError } from '../exec/query-error.ts'
import type { AtModifier, Duration, DurationExpr, Expr, NumberLiteral, Span, SubqueryExpr, VectorSelector } from '../parse/ast.ts'
import { DURATION_SECONDS_MAX } from '../parse/build-duration.ts'
import { mapChildren } from './tree.ts'

/** Unix ms, ms. An instant query has startMs = endMs and stepMs 0. */
export interface QueryTimes {
  startMs: number
  endMs: number
  stepMs: number
}

/** The times, and the text that spans speak of. */
interface Query extends QueryTimes {
  text: string
}

/** Throws QueryError bad_data for durations that come out zero, negative or without meaning; `text` is the query's. */
export function foldDurations(expr: Expr, text: string, times: QueryTimes): Expr {
  const query: Query = { ...times, text }
  const fold = (node: Expr): Expr => {
    switch (node.type) {
      case 'vectorSelector':
        return foldSelector(node, query)
      case 'matrixSelector':
        // Its range first: that is whose fault is told where both are wrong.
        return { ...node, range: foldDuration(node.range, query, false), selector: foldSelector(node.selector, query) }
      case 'subquery':
        return foldSubquery(node, query, fold)
      case 'call': {
        const seconds = timeOfQuery(node.func, query)
        return seconds === null ? mapChildren(node, fold) : literal(seconds, node)
      }
      case 'number': case 'string': case 'paren': case 'unary': case 'binary': case 'aggregate':
        return mapChildren(node, fold)
    }
  }
  return fold(expr)
}

/** Milliseconds of a folded duration. */
export function durationMs(duration: Duration): number {
  if (duration.kind === 'fixed') return duration.ms
  throw new QueryError('internal', 'duration was not folded')
}

/** Unix ms of a folded `@`. */
export function atMs(at: AtModifier): number {
  if (at.kind === 'time') return at.ms
  throw new QueryError('internal', '@ modifier was not folded')
}

/** Of several bad durations that of the outermost is told, its offset's before its step's before its range's. */
function foldSubquery(node: SubqueryExpr, query: Query, fold: (expr: Expr) => Expr): SubqueryExpr {
  const offset = node.offset === null ? null : foldDuration(node.offset, query, true)
  const step = node.step === null ? null : foldDuration(node.step, query, false)
  const range = foldDuration(node.range, query, false)
  return { ...node, expr: fold(node.expr), range, step, offset, at: foldAt(node.at, query) }
}

function foldSelector(selector: VectorSelector, query: Query): VectorSelector {
  const offset = selector.offset === null ? null : foldDuration(selector.offset, query, true)
  return { ...selector, offset, at: foldAt(selector.at, query) }
}

function foldAt(at: AtModifier | null, query: Query): AtModifier | null {
  if (at === null || at.kind === 'time') return at
  return { kind: 'time', ms: at.kind === 'start' ? query.startMs : query.endMs }
}

function timeOfQuery(func: string, query: Query): number | null {
  switch (func) {
    case 'start': return query.startMs / 1000
    case 'end': return query.endMs / 1000
    case 'range': return (query.endMs - query.startMs) / 1000
    case 'step': return query.stepMs / 1000
    default: return null
  }
}

function literal(value: number, at: Expr): NumberLiteral {
  return { type: 'number', value, isDuration: false, span: at.span }
}

function foldDuration(duration: Duration, query: Query, isNegativeAllowed: boolean): Duration {
  if (duration.kind === 'fixed') return duration
  const { span } = duration
  const seconds = evaluate(duration.expr, query)
  if (!Number.isFinite(seconds)) throw badDuration(query, duration.expr.span, 'duration is NaN or infinite')
  if (seconds <= 0 && !isNegativeAllowed) throw badDuration(query, duration.expr.span, 'duration must be greater than 0')
  if (Math.abs(seconds) > DURATION_SECONDS_MAX) throw badDuration(query, duration.expr.span, 'duration is out of range')
  return { kind: 'fixed', ms: Math.trunc(seconds * 1000), span }
}

function evaluate(expr: DurationExpr, query: Query): number {
  switch (expr.kind) {
    case 'number': return expr.seconds
    case 'step': return query.stepMs / 1000
    case 'range': return (query.endMs - query.startMs) / 1000
    case 'unary': return expr.op === '-' ? -evaluate(expr.arg, query) : evaluate(expr.arg, query)
    case 'min_of': return Math.min(evaluate(expr.left, query), evaluate(expr.right, query))
    case 'max_of': return Math.max(evaluate(expr.left, query), evaluate(expr.right, query))
    case 'binary': return evaluateBinary(expr, query)
  }
}

function evaluateBinary(expr: Extract<DurationExpr, { kind: 'binary' }>, query: Query): number {
  const left = evaluate(expr.left, query)
  const right = evaluate(expr.right, query)
  switch (expr.op) {
    case '+': return left + right
    case '-': return left - right
    case '*': return left * right
    case '^': return pow(left, right)
    case '/':
      if (right === 0) throw badDuration(query, expr.span, 'division by zero')
      return left / right
    case '%':
      if (right === 0) throw badDuration(query, expr.span, 'modulo by zero')
      return left % right
  }
}

/** The place is a range of offsets in bytes from 0, unlike everywhere else, as in Prometheus. */
function badDuration({ text }: Query, { start, end }: Span, what: string): QueryError {
  const [from, to] = [start, end].map((offset) => Buffer.byteLength(text.slice(0, offset)))
  return new QueryError('bad_data', `invalid parameter "query": ${from}:${to}: ${what}`)
}
