// Marks the selectors whose native histograms are wanted for their count and sum alone, so that nobody carries and
// adds buckets in vain: those somewhere within histogram_count, _sum or _avg, and nowhere within what needs buckets
// (prometheus promql/engine.go, detectHistogramStatsDecoding). It shows: such samples tell resets by their hints
// (exec/counts-only-selection.ts), which may then conflict.
import type { Expr } from '../parse/ast.ts'
import { childrenOf, mapChildren } from './tree.ts'

const OF_COUNTS: ReadonlySet<string> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg'])
const OF_BUCKETS: ReadonlySet<string> = new Set(['histogram_quantile', 'histogram_quantiles', 'histogram_fraction'])

/** The tree with its selectors marked. */
export function markCountsOnly(expr: Expr): Expr {
  return mark(expr, false)
}

function mark(expr: Expr, isCountsOnly: boolean): Expr {
  if (needsBuckets(expr)) return expr
  switch (expr.type) {
    case 'vectorSelector':
      return isCountsOnly ? { ...expr, isCountsOnly } : expr
    case 'matrixSelector':
      return isCountsOnly ? { ...expr, selector: { ...expr.selector, isCountsOnly } } : expr
    case 'call':
      return mapChildren(expr, (child) => mark(child, isCountsOnly || OF_COUNTS.has(expr.func)))
    case 'number': case 'string': case 'paren': case 'unary': case 'binary': case 'aggregate': case 'subquery':
      return mapChildren(expr, (child) => mark(child, isCountsOnly))
  }
}

/** A subquery forgets hints: only buckets tell its resets. */
function needsBuckets(expr: Expr): boolean {
  if (expr.type === 'call') return OF_BUCKETS.has(expr.func)
  return expr.type === 'subquery' || (expr.type === 'binary' && (expr.op === '</' || expr.op === '>/'))
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
