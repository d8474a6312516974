// A whole query over one Querier: plan, compile, run to the end. The result still speaks of label sets by id.
import { assert } from '../../lib/std/assert.ts'
import type { Expr } from '../parse/ast.ts'
import { typeName, typeOf } from '../parse/value-type.ts'
import { markCountsOnly } from '../plan/counts-only.ts'
import { foldDurations, type QueryTimes } from '../plan/fold-durations.ts'
import { findRepeated } from '../plan/repeated.ts'
import { findStepInvariant } from '../plan/step-invariant.ts'
import { unwrapArguments, unwrapParens } from '../plan/tree.ts'
import { Compiler } from './compile.ts'
import { drain, type DenseRows } from './dense.ts'
import { firstError } from './first-error.ts'
import type { Steps } from './operator.ts'
import { ExecutionError, LimitError, QueryError } from './query-error.ts'
import type { QueryScope } from './query-scope.ts'
import { rawMatrix, type RawSeries } from './raw-matrix.ts'

/** `rows`: instant vectors and range queries, series in order of the operator, empty rows included. */
export type QueryResult =
  | { kind: 'string'; value: string }
  | { kind: 'scalar'; value: number }
  | { kind: 'rows'; rows: DenseRows }
  | { kind: 'matrix'; series: RawSeries[] }

const NONE_REPEATED: ReadonlyMap<Expr, string> = new Map()

/**
 * `times` are the query's own: its end may lie behind the last step. Throws QueryError (bad_data for times and types that do not fit, execution, timeout, canceled).
 */
export function evaluate(parsed: Expr, steps: Steps, times: QueryTimes, scope: QueryScope): QueryResult {
  const type = typeOf(parsed)
  if (scope.isRangeQuery && type !== 'scalar' && type !== 'vector') {
    throw new QueryError('bad_data', `invalid parameter "query": invalid expression type "${typeName(type)}" for range query, must be Scalar or instant Vector`)
  }
  const expr = markCountsOnly(unwrapArguments(foldDurations(parsed, scope.query, times)))
  // Notes on start times count how often they happened: of what is evaluated for two they would count once.
  const repeated = scope.features.startTimestamps ? NONE_REPEATED : findRepeated(expr, scope.query)
  const invariant = findStepInvariant(expr)
  try {
    return evaluated(expr, steps, new Compiler(scope, { invariant, repeated }))
  } catch (error) {
    if (error instanceof ExecutionError && !(error instanceof LimitError)) throw firstError(error, { expr, steps }, scope, invariant)
    throw error
  }
}

function evaluated(expr: Expr, steps: Steps, compiler: Compiler): QueryResult {
  const { scope } = compiler
  switch (typeOf(expr)) {
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
  }
}

function evaluateMatrix(expr: Expr, steps: Steps, compiler: Compiler): RawSeries[] {
  assert(expr.type === 'matrixSelector' || expr.type === 'subquery', `range vector of ${expr.type}`)
  return rawMatrix(compiler, expr, steps, (operator, inner) => compiler.finished(operator, inner))
}
