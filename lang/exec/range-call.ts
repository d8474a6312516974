// Calls with a range vector argument: a kernel of lang/func/table.ts over a matrix selector or a subquery.
import { assert } from '../../lib/std/assert.ts'
import { METRIC_NAME } from '../../lib/model/labels.ts'
import type { RangeFunc } from '../func/contract.ts'
import { quote } from '../func/go-format.ts'
import type { Call, MatrixSelector, Span, SubqueryExpr } from '../parse/ast.ts'
import { durationMs } from '../plan/fold-durations.ts'
import { unwrapParens } from '../plan/tree.ts'
import { typeOf } from '../plan/value-type.ts'
import { contextOf, type ExprCompiler } from './call-context.ts'
import { DenseOperator } from './dense.ts'
import { MappedRows } from './mapped-rows.ts'
import type { Operator, Steps } from './operator.ts'
import type { QueryScope } from './query-scope.ts'
import { RangeRows, type RowWatcher } from './range-rows.ts'
import { SelectedRows, selectedSets } from './selected-rows.ts'
import { innerSteps, SubqueryRows } from './subquery.ts'
import { shiftOf, subqueryShift } from './time-shift.ts'

/** The operator of a range function's call; the metric name goes unless the function keeps it. */
export function rangeCall(compiler: ExprCompiler, call: Call, func: RangeFunc, steps: Steps): Operator {
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
