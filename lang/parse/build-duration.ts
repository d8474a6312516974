// Durations of ranges, subqueries and offsets: the nodes of duration expressions, and the checks Prometheus makes
// while it reads them (promql/parser/generated_parser.y, duration_expr).
import type { IToken } from 'chevrotain'
import { DURATION_MS_MAX, DurationError, parseDuration } from '../../lib/model/duration.ts'
import type { Duration, DurationExpr } from './ast.ts'
import type { Binder } from './chain.ts'
import { parseNumber } from './literals.ts'
import { Fault } from './parse-error.ts'
import { DurationText, spanOf } from './tokens.ts'

/** What a Go duration can hold, in seconds. */
export const DURATION_SECONDS_MAX: number = 2 ** 63 / 1e9

type BinaryDurationOp = Extract<DurationExpr, { kind: 'binary' }>['op']

/** Value of a number or duration token, in seconds where it is a duration. */
export function literalValue(token: IToken): number {
  if (token.tokenType === DurationText) return durationMs(token) / 1000
  const value = parseNumber(token.image)
  if (typeof value === 'string') throw new Fault(spanOf(token), value)
  return value
}

function durationMs(token: IToken): number {
  try {
    return parseDuration(token.image)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw new Fault(spanOf(token), error.message)
  }
}

/** A number as a duration; `sign`: the one between it and `offset`, where what is wrong with it is placed. NaN passes. */
export function durationNumber(token: IToken, sign: IToken | null): DurationExpr {
  const seconds = literalValue(token)
  const span = spanOf(token)
  if (Math.abs(seconds) > DURATION_SECONDS_MAX) throw new Fault(sign === null ? span : spanOf(sign), 'duration out of range')
  return { kind: 'number', seconds, isDuration: token.tokenType === DurationText, span }
}

/** `5m * 2`, `-step()`. */
export const durationBinder: Binder<DurationExpr, never> = {
  sign(sign, arg) {
    const op = sign.image as '+' | '-'
    const span = { start: sign.startOffset, end: arg.span.end }
    if (arg.kind === 'number') return { ...arg, seconds: op === '-' ? -arg.seconds : arg.seconds, span }
    return op === '+' ? arg : { kind: 'unary', op, arg, span }
  },
  binary(operator, _, left, right) {
    const op = operator.image as BinaryDurationOp
    if (right.kind === 'number' && right.seconds === 0) {
      if (op === '/') throw new Fault(spanOf(operator), 'division by zero')
      if (op === '%') throw new Fault(spanOf(operator), 'modulo by zero')
    }
    return { kind: 'binary', op, left, right, span: { start: left.span.start, end: right.span.end } }
  },
}

/** Behind `offset` Prometheus keeps a plus before step(), range(), min_of and max_of in the tree, and nowhere else. */
export const offsetBinder: Binder<DurationExpr, never> = {
  ...durationBinder,
  sign(sign, arg) {
    const isWord = arg.kind !== 'number' && arg.kind !== 'unary' && arg.kind !== 'binary' && arg.isWrapped !== true
    if (sign.image !== '+' || !isWord) return durationBinder.sign(sign, arg)
    return { kind: 'unary', op: '+', arg, span: { start: sign.startOffset, end: arg.span.end } }
  },
}

/** A duration in parentheses; those around a plain number leave no trace. */
export function wrapDuration(expr: DurationExpr): DurationExpr {
  return expr.kind === 'number' ? expr : { ...expr, isWrapped: true }
}

/** For ranges and steps, which must be longer than nothing. */
export function positiveDuration(expr: DurationExpr): Duration {
  if (expr.kind === 'number' && !(expr.seconds > 0)) throw new Fault(expr.span, 'duration must be greater than 0')
  return toDuration(expr)
}

/** Whole milliseconds, as the engine counts. */
export function toDuration(expr: DurationExpr): Duration {
  if (expr.kind !== 'number') return { kind: 'expr', expr, span: expr.span }
  // What Go makes of NaN and of 2⁶³ ns on most machines: the least duration there is, so that nothing is found.
  if (!(expr.seconds < DURATION_SECONDS_MAX)) return { kind: 'fixed', ms: -DURATION_MS_MAX, span: expr.span }
  // Nanoseconds first, as Go does, so that 0.001 s is 1 ms whatever the binary fraction.
  const nanoseconds = Math.round(expr.seconds * 1e9)
  const ms = Math.trunc(nanoseconds / 1e6)
  return { kind: 'fixed', ms, ...(ms === 0 && nanoseconds !== 0 && { isBelowMs: true }), span: expr.span }
}
