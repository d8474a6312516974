// A whole query over one Querier: plan, compile, run to the end. The result still speaks of label sets by id.
import { assert } from '../../lib/std/assert.ts'
import type { Expr } from '../parse/ast.ts'
import { durationMs, foldDurations, type QueryTimes } from '../plan/fold-durations.ts'
import { refuseUnsupported } from '../plan/refuse.ts'
import { findStepInvariant } from '../plan/step-invariant.ts'
import { unwrapParens } from '../plan/tree.ts'
import { typeOf } from '../plan/value-type.ts'
import { Compiler } from './compile.ts'
import { drain, type DenseRows } from './dense.ts'
import type { Steps } from './operator.ts'
import { QueryError } from './query-error.ts'
import type { QueryScope } from './query-scope.ts'
import { readMatrix, readSubquery, type RawSeries } from './raw-matrix.ts'
import { selectedSets } from './selected-rows.ts'
import { innerSteps, timesOf } from './subquery.ts'
import { shiftOf } from './time-shift.ts'

/** `rows`: instant vectors and range queries, series in order of the operator, empty rows included. */
export type QueryResult =
  | { kind: 'string'; value: string }
  | { kind: 'scalar'; value: number }
  | { kind: 'rows'; rows: DenseRows }
  | { kind: 'matrix'; series: RawSeries[] }

/**
 * `times` are the query's own: its end may lie behind the last step. Throws QueryError (bad_data for times and types that do not fit, execution, timeout, canceled).
 */
export function evaluate(parsed: Expr, steps: Steps, times: QueryTimes, scope: QueryScope): QueryResult {
  const type = typeOf(parsed)
  if (scope.isRangeQuery && type !== 'scalar' && type !== 'vector') {
    const name = type === 'matrix' ? 'range vector' : type
    throw new QueryError('bad_data', `invalid parameter "query": invalid expression type "${name}" for range query, must be Scalar or instant Vector`)
  }
  const expr = foldDurations(parsed, times)
  refuseUnsupported(expr)
  const compiler = new Compiler(scope, findStepInvariant(expr))
  switch (type) {
    case 'string': {
      const inner = unwrapParens(expr)
      assert(inner.type === 'string', `string of ${inner.type}`)
      return { kind: 'string', value: inner.value }
    }
    case 'matrix':
      return { kind: 'matrix', series: evaluateMatrix(unwrapParens(expr), steps, compiler) }
    case 'scalar':
      if (!scope.isRangeQuery) return { kind: 'scalar', value: compiler.scalar(expr, steps)[0]! }
      return { kind: 'rows', rows: drain(compiler.compile(expr, steps), steps, scope.budget) }
    case 'vector':
      return { kind: 'rows', rows: drain(compiler.finished(compiler.compile(expr, steps), steps), steps, scope.budget) }
    case 'none':
      throw new QueryError('internal', 'expression without a type')
  }
}

function evaluateMatrix(expr: Expr, steps: Steps, compiler: Compiler): RawSeries[] {
  const { budget, labels, subqueryStepMs } = compiler.scope
  if (expr.type === 'matrixSelector') {
    const shift = shiftOf(expr.selector, durationMs(expr.range))
    const selection = compiler.select(expr.selector, steps, { shift, func: '', rangeMs: shift.rangeMs })
    return readMatrix(selection, selectedSets(selection, labels, budget), { evalMs: steps.startMs, shift }, budget)
  }
  assert(expr.type === 'subquery', `range vector of ${expr.type}`)
  const inner = innerSteps(expr, subqueryStepMs, { ...steps, count: 1 }, budget)
  if (inner.count === 0) return []
  return readSubquery(compiler.finished(compiler.compile(expr.expr, inner), inner), timesOf(inner), budget)
}
