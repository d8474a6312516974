// Marks the selectors whose native histograms are wanted for their count and sum alone, so that nobody carries and
// adds buckets in vain: those with histogram_count, _sum or _avg as the nearest histogram function around them and
// neither a binary operator nor a subquery between (prometheus promql/engine.go, detectHistogramStatsDecoding). It
// shows: such samples tell resets by their hints (exec/counts-only-selection.ts), which may then conflict.
import type { Expr } from '../parse/ast.ts'
import { childrenOf, mapChildren } from './tree.ts'

const OF_COUNTS: ReadonlySet<string> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg'])
const OF_BUCKETS: ReadonlySet<string> = new Set(['histogram_quantile', 'histogram_quantiles', 'histogram_fraction'])

/** The tree with its selectors marked. */
export function markCountsOnly(expr: Expr): Expr {
  return mark(expr, false)
}

function mark(expr: Expr, isCountsOnly: boolean): Expr {
  switch (expr.type) {
    case 'vectorSelector':
      return isCountsOnly ? { ...expr, isCountsOnly } : expr
    case 'matrixSelector':
      return isCountsOnly ? { ...expr, selector: { ...expr.selector, isCountsOnly } } : expr
    case 'call': {
      const isWithin = OF_COUNTS.has(expr.func) || (isCountsOnly && !OF_BUCKETS.has(expr.func))
      return mapChildren(expr, (child) => mark(child, isWithin))
    }
    // A subquery forgets hints, so that only buckets could tell a reset.
    case 'binary': case 'subquery':
      return mapChildren(expr, (child) => mark(child, false))
    case 'number': case 'string': case 'paren': case 'unary': case 'aggregate':
      return mapChildren(expr, (child) => mark(child, isCountsOnly))
  }
}

/** Tells trees of the same text apart whose selectors are marked differently. */
export function marksOf(expr: Expr): string {
  const marks: string[] = []
  const visit = (node: Expr): void => {
    if (node.type === 'vectorSelector') marks.push(node.isCountsOnly === true ? 'c' : 'b')
    else childrenOf(node).forEach(visit)
  }
  visit(expr)
  return marks.join('')
}
