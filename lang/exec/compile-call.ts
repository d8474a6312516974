// Function calls: looked up in lang/func/table.ts, argument by argument compiled to what the function takes.
import { assert } from '../../lib/std/assert.ts'
import { METRIC_NAME } from '../../lib/model/labels.ts'
import type { Elementwise, FuncArg, FuncContext, OperatorFunc, RangeFunc } from '../func/contract.ts'
import { quote } from '../func/go-format.ts'
import { ELEMENTWISE, OPERATOR_FUNCS, RANGE_KERNELS } from '../func/table.ts'
import type { Call, Expr, MatrixSelector, Span, SubqueryExpr, VectorSelector } from '../parse/ast.ts'
import { durationMs } from '../plan/fold-durations.ts'
import { unwrapParens } from '../plan/tree.ts'
import { typeOf } from '../plan/value-type.ts'
import { DenseOperator } from './dense.ts'
import { MappedRows } from './mapped-rows.ts'
import type { Operator, Steps } from './operator.ts'
import { ExecutionError } from './query-error.ts'
import type { QueryScope } from './query-scope.ts'
import { RangeRows, type RowWatcher } from './range-rows.ts'
import type { Selection } from '../../storage/interface.ts'
import { SelectedRows, selectedSets } from './selected-rows.ts'
import { innerSteps, SubqueryRows } from './subquery.ts'
import { shiftOf, subqueryShift } from './time-shift.ts'
import type { TimeShift } from './windows.ts'

/** Functions of a time that default to the evaluation time. */
const CALENDAR: ReadonlySet<string> = new Set([
  'days_in_month', 'day_of_month', 'day_of_week', 'day_of_year', 'hour', 'minute', 'month', 'year',
])

/** What calls need of the compiler around them (compile.ts). */
export interface ExprCompiler {
  readonly scope: QueryScope
  readonly dropName: (set: number) => number
  compile(expr: Expr, steps: Steps): Operator
  scalar(expr: Expr, steps: Steps): Float64Array
  instantRows(selector: VectorSelector, steps: Steps, what: { func: string; isTime: boolean }): Operator
  select(selector: VectorSelector, steps: Steps, hints: { shift: TimeShift; func: string; rangeMs: number }): Selection
  merged(operator: Operator, steps: Steps, isStrict?: boolean): Operator
}

/** The operator of a call. Throws ExecutionError, by name, for a function that is not yet evaluated. */
export function compileCall(compiler: ExprCompiler, call: Call, steps: Steps): Operator {
  const { func } = call
  if (func === 'timestamp') {
    const selector = unwrapParens(call.args[0]!)
    if (selector.type === 'vectorSelector') {
      const rows = compiler.instantRows(selector, steps, { func, isTime: true })
      return compiler.merged(new MappedRows(rows, compiler.dropName, () => {}), steps)
    }
  }
  const range = RANGE_KERNELS.get(func)
  if (range !== undefined) return rangeCall(compiler, call, range, steps)
  const elementwise = ELEMENTWISE.get(func)
  if (elementwise !== undefined) return elementwiseCall(compiler, call, elementwise, steps)
  const operatorFunc = OPERATOR_FUNCS.get(func)
  if (operatorFunc !== undefined) return operatorCall(compiler, call, operatorFunc, steps)
  throw new ExecutionError(`function ${quote(func)} is not yet evaluated`)
}

function contextOf(compiler: ExprCompiler, call: Call, steps: Steps): FuncContext {
  const { isRangeQuery, lookbackMs, labels, annotations, budget } = compiler.scope
  return { steps, isRangeQuery, lookbackMs, labels, annotations, budget, call, dropName: compiler.dropName }
}

function elementwiseCall(compiler: ExprCompiler, call: Call, apply: Elementwise, steps: Steps): Operator {
  const [first, ...rest] = call.args
  const args = rest.map((arg) => compiler.scalar(arg, steps))
  assert(first !== undefined || CALENDAR.has(call.func), `${call.func} without argument`)
  const input = compiler.compile(first ?? evaluationTime(call.span), steps)
  const rows = new MappedRows(input, compiler.dropName, (batch) => apply(batch.values, batch.kinds, batch.rows, args, steps))
  return compiler.merged(rows, steps)
}

/** `vector(time())` */
function evaluationTime(span: Span): Expr {
  return { type: 'call', func: 'vector', args: [{ type: 'call', func: 'time', args: [], span }], span }
}

function operatorCall(compiler: ExprCompiler, call: Call, make: OperatorFunc, steps: Steps): Operator {
  const args = call.args.map((expr): FuncArg => {
    switch (typeOf(expr)) {
      case 'scalar': return { kind: 'scalar', values: compiler.scalar(expr, steps), expr }
      case 'vector': return { kind: 'vector', operator: compiler.compile(expr, steps), expr }
      case 'matrix': return { kind: 'vector', operator: presence(compiler, call, expr, steps), expr }
      case 'string': return { kind: 'string', value: stringOf(expr), expr }
      case 'none': throw new ExecutionError(`argument of ${quote(call.func)} has no value`)
    }
  })
  return compiler.merged(make(contextOf(compiler, call, steps), args), steps)
}

function presence(compiler: ExprCompiler, call: Call, expr: Expr, steps: Steps): Operator {
  const present = RANGE_KERNELS.get('present_over_time')
  assert(present !== undefined, 'present_over_time is missing')
  // Presence is asked of each series: names kept, so that series of several metrics do not collide.
  return rangeCall(compiler, { ...call, func: 'present_over_time', args: [expr] }, { ...present, keepsName: true }, steps)
}

function stringOf(expr: Expr): string {
  const inner = unwrapParens(expr)
  assert(inner.type === 'string', `string expected, not ${inner.type}`)
  return inner.value
}

function rangeCall(compiler: ExprCompiler, call: Call, func: RangeFunc, steps: Steps): Operator {
  const at = call.args.findIndex((arg) => typeOf(arg) === 'matrix')
  const source = unwrapParens(call.args[at]!)
  const args = call.args.filter((_, i) => i !== at).map((arg) => compiler.scalar(arg, steps))
  assert(source.type === 'matrixSelector' || source.type === 'subquery', `range vector expected, not ${source.type}`)
  const checkArgs = (): void => func.checkArgs?.(contextOf(compiler, call, steps), args)
  const watcher = new CallWatcher(compiler.scope, func.isForCounter ? call.args[at]!.span : null, checkArgs)
  const called = { func, args, name: call.func, watcher }
  const rows = source.type === 'subquery'
    ? subqueryRows(compiler, source, called, steps)
    : matrixRows(compiler, source, called, steps)
  const named = func.keepsName ? rows : new MappedRows(rows, compiler.dropName, () => {})
  return compiler.merged(named, steps, true)
}

interface Called {
  func: RangeFunc
  args: readonly Float64Array[]
  name: string
  watcher: CallWatcher
}

function matrixRows(compiler: ExprCompiler, source: MatrixSelector, called: Called, steps: Steps): Operator {
  const { budget, labels } = compiler.scope
  const shift = shiftOf(source.selector, durationMs(source.range))
  const selection = compiler.select(source.selector, steps, { shift, func: called.name, rangeMs: shift.rangeMs })
  const sets = selectedSets(selection, labels, budget)
  const filler = new RangeRows(called.func.kernel, called.args, { steps, shift }, called.watcher.over(sets))
  return new SelectedRows(selection, sets, filler, steps, budget)
}

function subqueryRows(compiler: ExprCompiler, source: SubqueryExpr, called: Called, steps: Steps): Operator {
  const inner = innerSteps(source, compiler.scope.subqueryStepMs, steps, compiler.scope.budget)
  if (inner.count === 0) return emptyOperator()
  const input = compiler.compile(source.expr, inner)
  const watch: RowWatcher = (series) => called.watcher.see(input.series()[series]!)
  const { kernel } = called.func
  const place = { outer: steps, inner, shift: subqueryShift(source) }
  return new SubqueryRows(input, { kernel, args: called.args, watch }, place, compiler.scope.budget)
}

function emptyOperator(): Operator {
  return new DenseOperator({ series: new Uint32Array(0), values: new Float64Array(0), kinds: new Uint8Array(0) })
}

const COUNTER_SUFFIXES = ['_total', '_sum', '_count', '_bucket'] as const

/** Looks at every series with a result: checks the arguments at the first, the names of counters at each. */
class CallWatcher {
  readonly #scope: QueryScope
  readonly #counterPlace: Span | null
  readonly #name: number
  #checkArgs: (() => void) | null
  #lastName = 0

  constructor(scope: QueryScope, counterPlace: Span | null, checkArgs: () => void) {
    this.#scope = scope
    this.#counterPlace = counterPlace
    this.#name = scope.labels.intern(METRIC_NAME)
    this.#checkArgs = checkArgs
  }

  over(sets: Uint32Array): RowWatcher {
    return (series) => this.see(sets[series]!)
  }

  see(set: number): void {
    this.#checkArgs?.()
    this.#checkArgs = null
    if (this.#counterPlace === null) return
    const name = this.#scope.labels.get(set, this.#name)
    if (name === this.#lastName || name === 0) return
    this.#lastName = name
    const text = this.#scope.labels.textOf(name)
    if (COUNTER_SUFFIXES.some((suffix) => text.endsWith(suffix))) return
    const { annotations } = this.#scope
    annotations.info(`metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quote(text)}`, this.#counterPlace)
  }
}
