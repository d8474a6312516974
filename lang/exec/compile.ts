// Syntax tree → operators. One Compiler per query; subqueries compile their inner expression on steps of their own.
// Scalar arguments are evaluated here, when the call around them is compiled.
import { assert } from '../../lib/std/assert.ts'
import { RANGE_KERNELS } from '../func/table.ts'
import type { AggregateExpr, BinaryExpr, Expr, NumberLiteral, Span, UnaryExpr, VectorSelector } from '../parse/ast.ts'
import { unwrapParens } from '../plan/tree.ts'
import { typeOf } from '../parse/value-type.ts'
import { Aggregate } from './aggregate.ts'
import { scalarWithScalar, vectorWithScalar } from './binary-scalar.ts'
import type { ExprCompiler } from './call-context.ts'
import { compileCall } from './compile-call.ts'
import { CountValues } from './count-values.ts'
import { CountsOnlySelection } from './counts-only-selection.ts'
import { ofArgument } from './annotations.ts'
import { bytesOf, DenseOperator, drain, drainScalar } from './dense.ts'
import { isFilter } from './element-op.ts'
import { joinInstants, withoutAbsent } from './instant-join.ts'
import { instantSelector } from './instant-selector.ts'
import type { JoinExpr } from './join-plan.ts'
import { Join, type JoinScope } from './join.ts'
import { keptOperator } from './kept-windows.ts'
import { isMarked } from './label-table.ts'
import { MappedRows, negate } from './mapped-rows.ts'
import { MergeSeries } from './merge-series.ts'
import type { Operator, Steps } from './operator.ts'
import { checkLabelName, checkQuantile } from './aggregate-params.ts'
import { Pick } from './topk.ts'
import { Quantile } from './quantile.ts'
import { nameDropper, nameRemover, type QueryScope } from './query-scope.ts'
import { ScalarOperator } from './scalar.ts'
import { SettledRows } from './settled-rows.ts'
import { SharedRows } from './shared-rows.ts'
import { Intersection, Union } from './set-operator.ts'
import { StepInvariant } from './step-invariant.ts'
import { AT_FIRST_STEP } from './step-samples.ts'
import type { Stretch, TimeShift } from './windows.ts'
import type { Selection } from '../../storage/interface.ts'

/** What is known of a tree before it is compiled. */
export interface CompilePlan {
  /** Subtrees to evaluate at one step (plan/step-invariant.ts). */
  readonly invariant: ReadonlySet<Expr>
  /** Subtrees that may be evaluated once for several places, with their text (plan/repeated.ts). */
  readonly repeated: ReadonlyMap<Expr, string>
}

/** Functions that change the rows of their argument in place. */
const NUMBERS_OF_HISTOGRAMS: ReadonlySet<string> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg', 'histogram_stddev', 'histogram_stdvar'])

const ALL_TIME: Stretch = { fromMs: -Infinity, toMs: Infinity }

export class Compiler implements ExprCompiler {
  readonly scope: QueryScope
  readonly dropName: (set: number) => number
  readonly removeName: (set: number) => number
  readonly #plan: CompilePlan
  /** By steps and text. */
  readonly #shared = new Map<string, { span: Span; rows: SharedRows }>()

  /** The tree's durations are folded. */
  constructor(scope: QueryScope, plan: CompilePlan) {
    this.scope = scope
    this.#plan = plan
    this.dropName = nameDropper(scope.labels, scope.features.delayedNameRemoval)
    this.removeName = nameRemover(scope.labels)
  }

  /** The operator of a scalar or instant vector expression. */
  compile(expr: Expr, steps: Steps): Operator {
    const { explainer } = this.scope
    return explainer === null ? this.#compile(expr, steps) : explainer.compile(expr, () => this.#compile(expr, steps))
  }

  #compile(expr: Expr, steps: Steps): Operator {
    if ((steps.count > 1 || steps.endMs !== undefined) && this.#plan.invariant.has(expr)) {
      const { budget } = this.scope
      const step = { startMs: steps.startMs, stepMs: steps.stepMs, count: 1 }
      // Scalars are evaluated when they are compiled.
      const once = budget.readTimes(steps.count, () => this.compile(expr, step), AT_FIRST_STEP)
      return steps.count > 1 ? new StepInvariant(once, steps, budget) : once
    }
    const text = this.#plan.repeated.get(expr)
    return text === undefined ? this.#operator(expr, steps) : this.#sharedReader(text, expr, steps)
  }

  /** A reader of the one evaluation of all copies of a subtree on the same steps. */
  #sharedReader(text: string, expr: Expr, steps: Steps): Operator {
    const { annotations, budget, explainer } = this.scope
    const key = `${steps.startMs} ${steps.stepMs} ${steps.count} ${text}`
    const known = this.#shared.get(key)
    if (known?.rows.isOpen) {
      annotations.copy(known.span, expr.span.start)
      return known.rows.reader()
    }
    const rows = new SharedRows(() => this.#operator(expr, steps), steps, budget, explainer?.sharing())
    this.#shared.set(key, { span: expr.span, rows })
    return rows.reader()
  }

  #operator(expr: Expr, steps: Steps): Operator {
    const operator = this.#unsettled(expr, steps)
    return leavesPointsOut(expr) ? new SettledRows(operator, steps, this.scope) : operator
  }

  #unsettled(expr: Expr, steps: Steps): Operator {
    switch (expr.type) {
      case 'number': return literal(expr, steps)
      case 'vectorSelector':
        return keptOperator(this.scope, { selector: expr, func: '', arg: 0, windowMs: this.scope.lookbackMs }, steps) ?? instantSelector(this, expr, steps, { func: '', wanted: 'value' })
      case 'paren': return this.compile(expr.expr, steps)
      case 'unary': return this.#unary(expr, steps)
      case 'binary': return this.#binary(expr, steps)
      case 'aggregate': return this.#aggregate(expr, steps)
      case 'call': return compileCall(this, expr, steps)
      case 'string': case 'matrixSelector': case 'subquery':
        throw new Error(`BUG: ${expr.type} where a vector or scalar was checked`)
    }
  }

  /** The values of a scalar expression at every step. */
  scalar(expr: Expr, steps: Steps): Float64Array {
    assert(typeOf(expr) === 'scalar', `scalar expected, not ${typeOf(expr)}`)
    return drainScalar(this.compile(expr, steps), steps)
  }

  /** Asks the store for what the windows of all steps can touch. */
  select(selector: VectorSelector, steps: Steps, hints: { shift: TimeShift; func: string; rangeMs: number }): Selection {
    this.scope.budget.check()
    const { shift, func, rangeMs } = hints
    const endMs = steps.startMs + (steps.count - 1) * steps.stepMs
    const { fromMs, toMs } = shift.visible ?? ALL_TIME
    const mint = Math.max((shift.atMs ?? steps.startMs) - shift.offsetMs - shift.rangeMs, fromMs) + 1
    const maxt = Math.min((shift.atMs ?? endMs) - shift.offsetMs, toMs)
    const selection = this.scope.querier.select(selector.matchers, mint, maxt, {
      startMs: steps.startMs, endMs, stepMs: steps.stepMs, rangeMs, func,
    })
    return selector.isCountsOnly === true ? new CountsOnlySelection(selection, mint, { steps, shift }) : selection
  }

  /** Drops the names whose removal was delayed; an operator at the end of the query or of a raw subquery. */
  finished(operator: Operator, steps: Steps): Operator {
    const { features } = this.scope
    const named = features.delayedNameRemoval
      ? new MappedRows(operator, (set) => (isMarked(set) ? this.removeName(set) : set), () => {})
      : operator
    // A filter may leave two series of one set apart; the answer must not hold both.
    return this.merged(named, steps)
  }

  /** Makes equal label sets one series, or an error. */
  merged(operator: Operator, steps: Steps, isStrict = false): Operator {
    const { budget, features } = this.scope
    // With delayed names Prometheus looks for equal sets only at the end, and then not strictly.
    return new MergeSeries(operator, { steps, budget, isStrict: isStrict && !features.delayedNameRemoval })
  }

  #unary(expr: UnaryExpr, steps: Steps): Operator {
    const input = this.compile(expr.expr, steps)
    if (expr.op === '+') return input
    return this.merged(new MappedRows(input, this.dropName, (batch) => negate(batch, steps.count, this.scope.histograms)), steps)
  }

  #binary(expr: BinaryExpr, steps: Steps): Operator {
    const isLeftScalar = typeOf(expr.left) === 'scalar'
    const isRightScalar = typeOf(expr.right) === 'scalar'
    if (isLeftScalar && isRightScalar) {
      return scalarWithScalar(expr.op, this.scalar(expr.left, steps), this.scalar(expr.right, steps))
    }
    if (isLeftScalar || isRightScalar) {
      const vector = this.compile(isLeftScalar ? expr.right : expr.left, steps)
      const values = this.scalar(isLeftScalar ? expr.left : expr.right, steps)
      const { histograms, annotations } = this.scope
      const rows = vectorWithScalar(expr, vector, { values, isLeft: isLeftScalar }, { steps, histograms, annotations, dropName: this.dropName })
      return this.merged(isFilter(expr) && this.#isTick(steps) ? this.#present(rows, steps) : rows, steps)
    }
    const { matching, op } = expr
    assert(matching !== null, 'two vectors without matching')
    const sides = [this.compile(expr.left, steps), this.compile(expr.right, steps)] as const
    const { budget, labels, histograms, annotations } = this.scope
    if (op === 'and' || op === 'unless') return new Intersection(op, sides, matching, { steps, budget, labels })
    if (op === 'or') return this.merged(new Union(sides, matching, { steps, budget, labels }), steps)
    const scope = { steps, budget, labels, histograms, annotations, dropName: this.dropName, removeName: this.removeName }
    return this.#isTick(steps) ? this.#joinOfTick({ ...expr, matching }, sides, scope) : this.merged(new Join({ ...expr, matching }, sides, scope), steps)
  }

  /** Whether it is a rule's query, one of many at this moment: what its rows cost counts, not when they come. */
  #isTick({ count }: Steps): boolean {
    const { kept, features } = this.scope
    return kept !== null && count === 1 && !features.delayedNameRemoval
  }

  /** The rows with a point. */
  #present(operator: Operator, steps: Steps): Operator {
    const { budget } = this.scope
    return new DenseOperator(withoutAbsent(drain(operator, steps, budget)), budget)
  }

  #joinOfTick(expr: JoinExpr, sides: readonly [Operator, Operator], scope: JoinScope): Operator {
    const { steps, budget } = scope
    const [left, right] = [drain(sides[0], steps, budget), drain(sides[1], steps, budget)]
    const rows = joinInstants(expr, left, right, scope)
    if (rows === null) return this.merged(new Join(expr, [new DenseOperator(left, budget), new DenseOperator(right, budget)], scope), steps)
    budget.releaseBytes(bytesOf(left) + bytesOf(right))
    return new DenseOperator(isFilter(expr) ? withoutAbsent(rows) : rows, budget)
  }

  #aggregate(expr: AggregateExpr, steps: Steps): Operator {
    const { budget, labels, histograms, annotations } = this.scope
    const scope = { steps, budget, labels, histograms, annotations, at: ofArgument(expr.expr.span, expr.span) }
    const { op } = expr
    const input = this.compile(expr.expr, steps)
    switch (op) {
      case 'sum': case 'avg': case 'min': case 'max': case 'count': case 'group': case 'stddev': case 'stdvar':
        return new Aggregate(op, input, expr, scope, this.#isStreamed(expr.expr))
      case 'quantile': {
        const param = this.scalar(paramOf(expr), steps)
        checkQuantile(param, annotations, placeOf(expr))
        return new Quantile(input, { grouping: expr.grouping, isWithout: expr.isWithout, param }, scope)
      }
      case 'topk': case 'bottomk': case 'limitk': case 'limit_ratio': {
        const param = this.scalar(paramOf(expr), steps)
        // What is ignored is told of the aggregation, not of its argument.
        return new Pick(input, { op, grouping: expr.grouping, isWithout: expr.isWithout, param, paramAt: placeOf(expr) }, { ...scope, at: expr.span })
      }
      case 'count_values': {
        const label = unwrapParens(paramOf(expr))
        assert(label.type === 'string', `count_values of ${label.type}`)
        checkLabelName(label.value)
        return new CountValues(input, { grouping: expr.grouping, isWithout: expr.isWithout, label: label.value }, scope)
      }
    }
  }

  /** Whether the rows of an expression come batch by batch from the store, and nothing on their way keeps any. */
  #isStreamed(expr: Expr): boolean {
    if (this.#plan.invariant.has(expr) || this.#plan.repeated.has(expr)) return false
    switch (expr.type) {
      case 'vectorSelector': return true
      case 'paren': case 'unary': return this.#isStreamed(expr.expr)
      case 'binary':
        if (typeOf(expr.left) === 'scalar') return this.#isStreamed(expr.right)
        return typeOf(expr.right) === 'scalar' && this.#isStreamed(expr.left)
      case 'call':
        if (RANGE_KERNELS.has(expr.func)) return expr.args.some((arg) => unwrapParens(arg).type === 'matrixSelector')
        return NUMBERS_OF_HISTOGRAMS.has(expr.func) && this.#isStreamed(expr.args[0]!)
      case 'number': case 'string': case 'matrixSelector': case 'subquery': case 'aggregate': return false
    }
  }
}

/** Functions that read more than they give; those that read all at once settle that themselves. */
const SUMMARIES: ReadonlySet<string> = new Set(['scalar', 'absent', 'absent_over_time', 'info'])

/** Whether an operation may give fewer points than it reads, and neither aggregates nor joins. */
function leavesPointsOut(expr: Expr): boolean {
  if (expr.type === 'call') return SUMMARIES.has(expr.func) || expr.args.some((arg) => unwrapParens(arg).type === 'subquery')
  if (expr.type !== 'binary') return false
  if (expr.op === 'and' || expr.op === 'or' || expr.op === 'unless') return true
  return expr.matching === null && isFilter(expr)
}

function literal(expr: NumberLiteral, steps: Steps): Operator {
  return new ScalarOperator(new Float64Array(steps.count).fill(expr.value))
}

function paramOf(expr: AggregateExpr): Expr {
  assert(expr.param !== null, `${expr.op} without parameter`)
  return expr.param
}

function placeOf(expr: AggregateExpr): Span {
  return ofArgument(paramOf(expr).span, expr.span)
}
