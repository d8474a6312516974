// The shape of syntax trees, for rewrites: children in order, and copies with other children.
import type { Expr } from '../parse/ast.ts'

/** Direct subexpressions, in the order written. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.type) {
    case 'number': case 'string': case 'vectorSelector':
      return []
    case 'matrixSelector':
      return [expr.selector]
    case 'subquery': case 'paren': case 'unary':
      return [expr.expr]
    case 'binary':
      return [expr.left, expr.right]
    case 'aggregate':
      return expr.param === null ? [expr.expr] : [expr.param, expr.expr]
    case 'call':
      return expr.args
  }
}

/** A copy whose subexpressions are what `f` makes of them. A matrix selector's own selector is not offered to `f`. */
export function mapChildren(expr: Expr, f: (child: Expr) => Expr): Expr {
  switch (expr.type) {
    case 'number': case 'string': case 'vectorSelector': case 'matrixSelector':
      return expr
    case 'subquery': case 'paren': case 'unary':
      return { ...expr, expr: f(expr.expr) }
    case 'binary':
      return { ...expr, left: f(expr.left), right: f(expr.right) }
    case 'aggregate':
      return { ...expr, param: expr.param === null ? null : f(expr.param), expr: f(expr.expr) }
    case 'call':
      return { ...expr, args: expr.args.map(f) }
  }
}

/**
 * A copy in which arguments of functions and aggregations stand without the parentheses around them: places of notes
 * are those of what is within (prometheus promql/engine.go: preprocessExprHelper).
 */
export function unwrapArguments(expr: Expr): Expr {
  const copy = mapChildren(expr, unwrapArguments)
  return copy.type === 'call' || copy.type === 'aggregate' ? mapChildren(copy, unwrapParens) : copy
}

/** How many selectors there are. */
export function selectorsIn(expr: Expr): number {
  return expr.type === 'vectorSelector' ? 1 : childrenOf(expr).reduce((sum, child) => sum + selectorsIn(child), 0)
}

/** The expression inside any parentheses. */
export function unwrapParens(expr: Expr): Expr {
  let inner = expr
  while (inner.type === 'paren') inner = inner.expr
  return inner
}
