// Durations, `@ start()`, `@ end()` and the calls start(), end(), range(), step() become numbers once the query's
// times are known (prometheus promql/durations.go). Afterwards every Duration is fixed and every `at` a time.
//
// They speak of the whole query also within subqueries.
import { QueryError } from '../exec/query-error.ts'
import type { AtModifier, Duration, DurationExpr, Expr, NumberLiteral, Span, VectorSelector } from '../parse/ast.ts'
import { mapChildren } from './tree.ts'

/** Unix ms, ms. An instant query has startMs = endMs and stepMs 0. */
export interface QueryTimes {
  startMs: number
  endMs: number
  stepMs: number
}

/** Throws QueryError bad_data for durations that come out zero, negative or without meaning. */
export function foldDurations(expr: Expr, times: QueryTimes): Expr {
  const fold = (node: Expr): Expr => {
    switch (node.type) {
      case 'vectorSelector':
        return foldSelector(node, times)
      case 'matrixSelector':
        return { ...node, selector: foldSelector(node.selector, times), range: foldDuration(node.range, times, false) }
      case 'subquery':
        return {
          ...node, expr: fold(node.expr), range: foldDuration(node.range, times, false),
          step: node.step === null ? null : foldDuration(node.step, times, false),
          offset: node.offset === null ? null : foldDuration(node.offset, times, true), at: foldAt(node.at, times),
        }
      case 'call': {
        const seconds = timeOfQuery(node.func, times)
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

function foldSelector(selector: VectorSelector, times: QueryTimes): VectorSelector {
  const offset = selector.offset === null ? null : foldDuration(selector.offset, times, true)
  return { ...selector, offset, at: foldAt(selector.at, times) }
}

function foldAt(at: AtModifier | null, times: QueryTimes): AtModifier | null {
  if (at === null || at.kind === 'time') return at
  return { kind: 'time', ms: at.kind === 'start' ? times.startMs : times.endMs }
}

function timeOfQuery(func: string, times: QueryTimes): number | null {
  switch (func) {
    case 'start': return times.startMs / 1000
    case 'end': return times.endMs / 1000
    case 'range': return (times.endMs - times.startMs) / 1000
    case 'step': return times.stepMs / 1000
    default: return null
  }
}

function literal(value: number, at: Expr): NumberLiteral {
  return { type: 'number', value, isDuration: false, span: at.span }
}

/** What a Go duration can hold, in seconds. */
const DURATION_SECONDS_MAX = 9223372036

function foldDuration(duration: Duration, times: QueryTimes, isNegativeAllowed: boolean): Duration {
  if (duration.kind === 'fixed') return duration
  const { span } = duration
  const seconds = evaluate(duration.expr, times)
  if (seconds <= 0 && !isNegativeAllowed) throw badDuration(duration.expr.span, 'duration must be greater than 0')
  if (!(Math.abs(seconds) <= DURATION_SECONDS_MAX)) throw badDuration(duration.expr.span, 'duration is out of range')
  return { kind: 'fixed', ms: Math.trunc(seconds * 1000), span }
}

function evaluate(expr: DurationExpr, times: QueryTimes): number {
  switch (expr.kind) {
    case 'number': return expr.seconds
    case 'step': return times.stepMs / 1000
    case 'range': return (times.endMs - times.startMs) / 1000
    case 'unary': return expr.op === '-' ? -evaluate(expr.arg, times) : evaluate(expr.arg, times)
    case 'min_of': return Math.min(evaluate(expr.left, times), evaluate(expr.right, times))
    case 'max_of': return Math.max(evaluate(expr.left, times), evaluate(expr.right, times))
    case 'binary': return evaluateBinary(expr, times)
  }
}

function evaluateBinary(expr: Extract<DurationExpr, { kind: 'binary' }>, times: QueryTimes): number {
  const left = evaluate(expr.left, times)
  const right = evaluate(expr.right, times)
  switch (expr.op) {
    case '+': return left + right
    case '-': return left - right
    case '*': return left * right
    case '^': return left ** right
    case '/':
      if (right === 0) throw badDuration(expr.span, 'division by zero')
      return left / right
    case '%':
      if (right === 0) throw badDuration(expr.span, 'modulo by zero')
      return left % right
  }
}

/** The place is a range of offsets from 0, unlike everywhere else, as in Prometheus. */
function badDuration({ start, end }: Span, what: string): QueryError {
  return new QueryError('bad_data', `invalid parameter "query": ${start}:${end}: ${what}`)
}
