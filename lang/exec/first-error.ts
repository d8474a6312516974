// Which of several errors a query ends with. Operators meet errors in an order of their own: labels before points,
// arguments when they are compiled. Prometheus evaluates the parts of an expression one after the other, each whole,
// and then the expression itself (prometheus promql/engine.go: eval). So when a query has failed, the parts that may
// fail are evaluated once more, in that order, and the first to do so tells the error.
import { assert } from '../../lib/std/assert.ts'
import type { FuncArg } from '../func/contract.ts'
import { OPERATOR_FUNCS } from '../func/table.ts'
import type { Call, Expr, VectorSelector } from '../parse/ast.ts'
import { METRIC_NAME } from '../../lib/model/labels.ts'
import { childrenOf, unwrapParens } from '../plan/tree.ts'
import { typeOf } from '../parse/value-type.ts'
import { checkLabelName } from './aggregate-params.ts'
import { contextOf } from './call-context.ts'
import { Compiler } from './compile.ts'
import { drain } from './dense.ts'
import type { Steps } from './operator.ts'
import { ExecutionError, LimitError, QueryError } from './query-error.ts'
import type { QueryScope } from './query-scope.ts'
import { emptyOperator } from './range-call.ts'
import { innerSteps } from './subquery.ts'

const FALLIBLE_FUNCS: ReadonlySet<string> = new Set(['label_replace', 'label_join', 'double_exponential_smoothing', 'info', 'histogram_quantiles'])
const FALLIBLE_AGGREGATORS: ReadonlySet<string> = new Set(['count_values', 'topk', 'bottomk', 'limitk', 'limit_ratio'])
/** These look at their other arguments before the vector is evaluated. */
const RELABELING: ReadonlySet<string> = new Set(['label_replace', 'label_join'])

/** After so long no further part is looked at: deep queries have many, each as dear as what stands within it. */
const LOOK_MS_MAX = 500

interface Part {
  expr: Expr
  steps: Steps
}

/** The error that `expr` ends with, given that it ended with `failed`; that one too where looking again takes too much. */
export function firstError(failed: ExecutionError, whole: Part, scope: QueryScope, invariant: ReadonlySet<Expr>): ExecutionError {
  const search = new FirstError(scope, invariant)
  try {
    search.look(whole)
  } catch (error) {
    if (error instanceof ExecutionError && !(error instanceof LimitError)) return error
    if (!(error instanceof QueryError)) throw error
  }
  return failed
}

class FirstError {
  readonly #scope: QueryScope
  readonly #invariant: ReadonlySet<Expr>
  readonly #compiler: Compiler
  readonly #leastRemainingMs: number

  constructor(scope: QueryScope, invariant: ReadonlySet<Expr>) {
    this.#scope = scope
    this.#invariant = invariant
    this.#compiler = new Compiler(scope, { invariant, repeated: new Map() })
    this.#leastRemainingMs = scope.budget.remainingMs() - LOOK_MS_MAX
  }

  /** Throws the first error of a failed expression but for its own. */
  look(part: Part): void {
    this.#checkFixed(part)
    for (const inner of this.#partsOf(part)) {
      if (inner.expr.type === 'vectorSelector' || !mayFail(inner.expr)) continue
      if (this.#scope.budget.remainingMs() < this.#leastRemainingMs) return
      try {
        this.#run(inner)
      } catch (error) {
        if (error instanceof ExecutionError && !(error instanceof LimitError)) this.look(inner)
        throw error
      }
    }
  }

  #run({ expr, steps }: Part): void {
    if (typeOf(expr) === 'scalar') this.#compiler.scalar(expr, steps)
    else drain(this.#compiler.compile(expr, steps), steps, this.#scope.budget)
  }

  /** What is wrong before anything is evaluated. */
  #checkFixed({ expr, steps }: Part): void {
    if (expr.type === 'aggregate' && expr.op === 'count_values') {
      const label = unwrapParens(expr.param!)
      assert(label.type === 'string', `count_values of ${label.type}`)
      checkLabelName(label.value)
    }
    if (expr.type !== 'call' || !RELABELING.has(expr.func)) return
    const args = expr.args.map((arg): FuncArg => {
      const inner = unwrapParens(arg)
      return inner.type === 'string' ? { kind: 'string', value: inner.value, expr: arg } : { kind: 'vector', operator: emptyOperator(), expr: arg }
    })
    OPERATOR_FUNCS.get(expr.func)!(contextOf(this.#compiler, expr, steps), args)
  }

  /** What is evaluated for an expression, in Prometheus' order, each on its own steps. */
  #partsOf({ expr, steps }: Part): Part[] {
    const parts = expr.type === 'call' ? argumentsOf(expr) : childrenOf(expr)
    return parts.flatMap((inner) => this.#evaluated(inner, steps))
  }

  #evaluated(expr: Expr, steps: Steps): Part[] {
    const type = typeOf(expr)
    const own = this.#invariant.has(expr) ? { ...steps, count: 1 } : steps
    if (type === 'scalar' || type === 'vector') return [{ expr, steps: own }]
    const source = unwrapParens(expr)
    if (source.type !== 'subquery') return []
    const inner = innerSteps(source, this.#scope.subqueryStepMs, own, this.#scope.budget)
    return inner.count === 0 ? [] : this.#evaluated(source.expr, inner)
  }
}

/** A subquery is evaluated before the arguments beside it. */
function argumentsOf({ args }: Call): readonly Expr[] {
  return args.toSorted((a, b) => Number(typeOf(b) === 'matrix') - Number(typeOf(a) === 'matrix'))
}

/** Whether evaluating it may end in an error; of selectors that name their metric only operations can. */
function mayFail(expr: Expr): boolean {
  switch (expr.type) {
    case 'vectorSelector': return !hasFixedName(expr)
    case 'matrixSelector': return expr.selector.isAnchored || expr.selector.isSmoothed || mayFail(expr.selector)
    case 'binary': return (expr.matching !== null && typeOf(expr.left) === 'vector' && typeOf(expr.right) === 'vector') || childrenOf(expr).some(mayFail)
    case 'aggregate': return FALLIBLE_AGGREGATORS.has(expr.op) || childrenOf(expr).some(mayFail)
    case 'call': return FALLIBLE_FUNCS.has(expr.func) || childrenOf(expr).some(mayFail)
    case 'number': case 'string': case 'paren': case 'unary': case 'subquery': return childrenOf(expr).some(mayFail)
  }
}

function hasFixedName({ matchers }: VectorSelector): boolean {
  return matchers.some(({ name, op }) => name === METRIC_NAME && op === '=')
}
