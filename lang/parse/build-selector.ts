// Selectors and what may follow them: matchers, ranges, subqueries, offset, @, anchored and smoothed. Nodes are
// extended in place while the grammar reads on; nobody else holds them yet. Texts as in promql/parser/parse.go.
import type { IToken } from 'chevrotain'
import type { Matcher, MatchOp } from '../../lib/model/matcher.ts'
import { matcherRegex, RegexError } from '../../lib/std/regex.ts'
import { formatFixed } from '../../lib/std/go-format.ts'
import type { AtModifier, Duration, Expr, MatrixSelector, Span, SubqueryExpr, VectorSelector } from './ast.ts'
import { unquote } from './literals.ts'
import { Fault } from './parse-error.ts'
import { endOf, StringText } from './tokens.ts'

/** What stands in the braces of a selector. */
export interface Braces {
  matchers: Matcher[]
  span: Span
}

/** `name="value"`; a quoted name may be any text. */
export function buildMatcher(nameToken: IToken, opToken: IToken, valueToken: IToken): Matcher {
  const name = nameToken.tokenType === StringText ? unquote(nameToken.image) : nameToken.image
  const op = opToken.image as MatchOp
  const value = unquote(valueToken.image)
  if (op === '=~' || op === '!~') {
    try {
      matcherRegex(value)
    } catch (error) {
      if (!(error instanceof RegexError)) throw error
      throw new Fault({ start: nameToken.startOffset, end: endOf(valueToken) }, error.message)
    }
  }
  return { name, op, value }
}

/** `foo`, `foo{…}`, `{…}`. The name before the braces becomes the last matcher. */
export function buildSelector(nameToken: IToken | undefined, braces: Braces | undefined): VectorSelector {
  const matchers = braces?.matchers ?? []
  const start = nameToken ? nameToken.startOffset : braces!.span.start
  const end = braces ? braces.span.end : endOf(nameToken!)
  const named = nameToken ? [] : matchers.filter(({ name, op }) => name === '__name__' && op === '=')
  const nameInBraces = named.length === 1 ? named[0]!.value : ''
  if (nameToken) matchers.push({ name: '__name__', op: '=', value: nameToken.image })
  return {
    type: 'vectorSelector', name: nameToken?.image ?? nameInBraces, ...(nameInBraces !== '' && { isNameInBraces: true }), matchers,
    offset: null, at: null, isAnchored: false, isSmoothed: false, span: { start, end },
  }
}

/**
 * `expr[range]`, the brackets at `brackets`. Of what belongs behind them Prometheus takes before them what it does not
 * see: offsets that are expressions, anchored and smoothed. (3.14.0 neither sees start() and end(); its own tests want them refused.)
 */
export function buildMatrix(expr: Expr, range: Duration, brackets: Span): MatrixSelector {
  if (expr.type !== 'vectorSelector') throw new Fault(brackets, 'ranges only allowed for vector selectors')
  if (expr.offset?.kind === 'fixed' && hasOffset(expr.offset)) throw new Fault(brackets, 'no offset modifiers allowed before range')
  if (expr.at !== null) throw new Fault(brackets, 'no @ modifiers allowed before range')
  return { type: 'matrixSelector', selector: expr, range, span: { start: expr.span.start, end: brackets.end } }
}

/** `expr[range:step]`. */
export function buildSubquery(expr: Expr, range: Duration, step: Duration | null, end: number): SubqueryExpr {
  return { type: 'subquery', expr, range, step, offset: null, at: null, span: { start: expr.span.start, end } }
}

/** An offset of nothing may be set again, as in Prometheus. */
function hasOffset(offset: Duration | null): boolean {
  return offset !== null && !(offset.kind === 'fixed' && offset.ms === 0 && offset.isBelowMs !== true)
}

const MODIFIABLE = 'must be preceded by an instant vector selector or range vector selector or a subquery'

function modifiable(expr: Expr, what: string): VectorSelector | SubqueryExpr {
  if (expr.type === 'vectorSelector' || expr.type === 'subquery') return expr
  if (expr.type === 'matrixSelector') return expr.selector
  throw new Fault(expr.span, `${what} modifier ${MODIFIABLE}`)
}

/** Sets `offset` on the selector or subquery, which then reaches to `end`. */
export function setOffset(expr: Expr, offset: Duration, end: number): Expr {
  const target = modifiable(expr, 'offset')
  if (hasOffset(target.offset)) throw new Fault(expr.span, 'offset may not be set multiple times')
  target.offset = offset
  expr.span.end = end
  return expr
}

/** Seconds to the `@` modifier's milliseconds. */
export function atTime(expr: Expr, seconds: number): AtModifier {
  if (!(Math.abs(seconds) < 2 ** 63)) {
    throw new Fault(expr.span, `timestamp out of bounds for @ modifier: ${formatFixed(seconds, 6)}`)
  }
  // Half a millisecond goes away from zero, as Go rounds.
  return { kind: 'time', ms: Math.sign(seconds) * Math.round(Math.abs(seconds) * 1000) + 0 }
}

export function setAt(expr: Expr, at: AtModifier, end: number): Expr {
  const target = modifiable(expr, '@')
  if (target.at !== null) throw new Fault(expr.span, '@ <timestamp> may not be set multiple times')
  target.at = at
  expr.span.end = end
  return expr
}

/** `anchored` or `smoothed`, never both. */
export function setExtended(expr: Expr, token: IToken, isEnabled: boolean): Expr {
  const word = token.image.toLowerCase()
  if (!isEnabled) throw new Fault(expr.span, `${word} modifier is experimental and not enabled`)
  if (expr.type === 'subquery') throw new Fault(expr.span, `${word} modifier is not supported for subqueries`)
  const target = expr.type === 'matrixSelector' ? expr.selector : expr
  if (target.type !== 'vectorSelector') throw new Fault(expr.span, `${word} modifier not implemented`)
  target.isAnchored ||= word === 'anchored'
  target.isSmoothed ||= word === 'smoothed'
  if (target.isAnchored && target.isSmoothed) throw new Fault(expr.span, 'anchored and smoothed modifiers cannot be used together')
  expr.span.end = endOf(token)
  return expr
}
