// Re-runs of an instant case (promqltest's atModifierTestCases): with `@` on every selector the answer must not depend
// on the time of evaluation.
import type { Expr } from '../../lang/parse/ast.ts'
import { printExpr } from '../../lang/parse/print.ts'
import { childrenOf } from '../../lang/plan/tree.ts'

/** Functions whose answer depends on the time of evaluation whatever the selectors say. */
const UNPINNABLE: ReadonlySet<string> = new Set([
  'days_in_month', 'day_of_month', 'day_of_week', 'day_of_year', 'hour', 'minute', 'month', 'year',
  'predict_linear', 'time', 'timestamp', 'start', 'end', 'range', 'step',
])
/** Functions that answer differently in a range query. */
const RANGE_BOUND: ReadonlySet<string> = new Set(['start', 'end', 'range', 'step'])

/** The expression with `@ time` wherever no outer part has one, and when to ask it; null where it cannot be pinned. */
export function pinned(expr: Expr, timeMs: number): { text: string; timesMs: readonly number[] } | null {
  if (calls(expr, UNPINNABLE) || !fitsRange(expr)) return null
  const timesMs = timeMs === 0 ? [-1000, 0, 1000] : [-10 * timeMs, 0, Math.trunc(timeMs / 5), timeMs, 10 * timeMs]
  const copy = structuredClone(expr)
  pin(copy, timeMs)
  return { text: printExpr(copy), timesMs }
}

/** Whether a range query around the time may be asked for the same: nothing speaks of the query's own range and step. */
export function fitsRange(expr: Expr): boolean {
  return !calls(expr, RANGE_BOUND) && !/"kind":"(?:step|range)"/.test(JSON.stringify(expr))
}

function calls(expr: Expr, names: ReadonlySet<string>): boolean {
  if (expr.type === 'call' && names.has(expr.func)) return true
  return childrenOf(expr).some((child) => calls(child, names))
}

function pin(expr: Expr, timeMs: number): void {
  const selector = expr.type === 'matrixSelector' ? expr.selector : expr
  if (selector.type === 'vectorSelector' || selector.type === 'subquery') {
    if (selector.at?.kind !== 'time') selector.at = { kind: 'time', ms: timeMs }
    return
  }
  childrenOf(expr).forEach((child) => pin(child, timeMs))
}
