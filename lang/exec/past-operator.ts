// The operator of a subquery of one step that looks at nothing but the past: its result is kept (past-results.ts), and is that of all
// queries until the next step.
import type { Expr, SubqueryExpr } from '../parse/ast.ts'
import { durationMs } from '../plan/fold-durations.ts'
import { childrenOf } from '../plan/tree.ts'
import { bytesOf, DenseOperator, drain } from './dense.ts'
import { FLOAT, HISTOGRAM, type Operator, type Steps } from './operator.ts'
import type { QueryScope } from './query-scope.ts'

/** How far back lies what counts as past. */
const PAST_MS = 3_600_000

/** The inner operator of a subquery, what `compile` makes unless its result is kept. */
export function pastOperator(scope: QueryScope, source: SubqueryExpr, inner: Steps, compile: () => Operator): Operator {
  const { kept, query, labels, budget } = scope
  if (kept === null || inner.count !== 1 || source.at !== null || leastOffsetMs(source) < PAST_MS) return compile()
  const text = query.slice(source.expr.span.start, source.expr.span.end)
  const known = kept.past.find(text, inner.startMs, labels)
  if (known !== null) {
    budget.addBytes(bytesOf(known))
    return new DenseOperator(known, budget)
  }
  const rows = drain(compile(), inner, budget)
  // Histograms are ids of this query's own table. Nothing is soon read again, and may be something then.
  if (rows.kinds.includes(FLOAT) && !rows.kinds.includes(HISTOGRAM)) kept.past.keep(text, { atMs: inner.startMs, generation: labels.generation, rows })
  return new DenseOperator(rows, budget)
}

/** Of all selectors, behind the evaluation: the least; -Infinity where one is pinned. */
function leastOffsetMs(expr: Expr): number {
  const own = expr.type === 'vectorSelector' || expr.type === 'subquery' ? expr : null
  if (own !== null && own.at !== null) return -Infinity
  const offsetMs = own === null || own.offset === null ? 0 : durationMs(own.offset)
  if (expr.type === 'vectorSelector') return offsetMs
  return offsetMs + Math.min(Infinity, ...childrenOf(expr).map(leastOffsetMs))
}
