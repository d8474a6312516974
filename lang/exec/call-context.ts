// What the compilation of calls needs of the compiler around it, and what it hands to functions.
import type { FuncContext } from '../func/contract.ts'
import type { Call, Expr, VectorSelector } from '../parse/ast.ts'
import type { Selection } from '../../storage/interface.ts'
import type { Operator, Steps } from './operator.ts'
import type { QueryScope } from './query-scope.ts'
import type { TimeShift } from './windows.ts'

/** The compiler (compile.ts) as calls see it. */
export interface ExprCompiler {
  readonly scope: QueryScope
  readonly dropName: (set: number) => number
  compile(expr: Expr, steps: Steps): Operator
  scalar(expr: Expr, steps: Steps): Float64Array
  select(selector: VectorSelector, steps: Steps, hints: { shift: TimeShift; func: string; rangeMs: number }): Selection
  merged(operator: Operator, steps: Steps, isStrict?: boolean): Operator
}

/** The context of one call on its steps. */
export function contextOf(compiler: ExprCompiler, call: Call, steps: Steps): FuncContext {
  const { isRangeQuery, lookbackMs, labels, histograms, annotations, budget } = compiler.scope
  return { steps, isRangeQuery, lookbackMs, labels, histograms, annotations, budget, call, dropName: compiler.dropName }
}
