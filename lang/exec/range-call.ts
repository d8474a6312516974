// Calls with a range vector argument: a kernel of lang/func/table.ts over a matrix selector or a subquery.
import { assert } from '../../lib/std/assert.ts'
import { METRIC_NAME } from '../../lib/model/labels.ts'
import type { RangeFunc } from '../func/contract.ts'
import { quote } from '../../lib/std/go-format.ts'
import { RangeNotes } from '../func/range-notes.ts'
import type { WindowFunc } from '../func/sample-window.ts'
import type { Call, MatrixSelector, Span, SubqueryExpr, VectorSelector } from '../parse/ast.ts'
import { durationMs } from '../plan/fold-durations.ts'
import { unwrapParens } from '../plan/tree.ts'
import { typeOf } from '../parse/value-type.ts'
import { ofArgument } from './annotations.ts'
import { contextOf, type ExprCompiler } from './call-context.ts'
import { DenseOperator } from './dense.ts'
import { keptOperator } from './kept-windows.ts'
import { isMarked } from './label-table.ts'
import { MappedRows } from './mapped-rows.ts'
import { ABSENT, type Operator, type Steps } from './operator.ts'
import type { QueryScope } from './query-scope.ts'
import type { RangeCall } from './range-contract.ts'
import { ExecutionError } from './query-error.ts'
import { pastOperator } from './past-operator.ts'
import { SelectedRows } from './selected-rows.ts'
import { StitchedRows } from './stitched-rows.ts'
import { innerSteps, readPlaces, SubqueryRows } from './subquery.ts'
import { TierSource } from './tier-selector.ts'
import { rangeReader, rangeSamples, rangeSpans, type RangeAsk } from './tiered-range.ts'
import { extensionOf, NO_EXTENSION, shiftOf, subqueryShift } from './time-shift.ts'

/** The operator of a range function's call; the metric name goes unless the function keeps it. */
export function rangeCall(compiler: ExprCompiler, call: Call, func: RangeFunc, steps: Steps): Operator {
  const at = call.args.findIndex((arg) => typeOf(arg) === 'matrix')
  const source = unwrapParens(call.args[at]!)
  const args = call.args.filter((_, i) => i !== at).map((arg) => compiler.scalar(arg, steps))
  assert(source.type === 'matrixSelector' || source.type === 'subquery', `range vector expected, not ${source.type}`)
  const { checkStep } = func
  const check = checkStep === undefined ? null : { count: steps.count, at: (i: number): void => checkStep(contextOf(compiler, call, steps), args, i) }
  const isMatrix = source.type === 'matrixSelector'
  // Prometheus puts the points of a subquery in the place of its text, which then begins where the query does.
  const place = ofArgument(isMatrix ? source.span : { start: 0, end: 0 }, call.span)
  const watcher = new CallWatcher(compiler.scope, func.isForCounter ? place : null, check)
  const { annotations, labels, histograms, budget, features, lookbackMs } = compiler.scope
  const notePlace = call.func === 'quantile_over_time' ? ofArgument(call.args[0]!.span, call.span) : place
  const called: RangeCall = {
    func, args, histograms, pace: budget, notes: new RangeNotes(annotations, labels, notePlace), see: watcher.see.bind(watcher),
    extended: isMatrix ? extendedFunc(source.selector, call.func, func) : null,
    extension: isMatrix ? extensionOf(source.selector, lookbackMs) : NO_EXTENSION,
    usesStartTimes: isMatrix && features.startTimestamps && func.startTimesKernel !== undefined,
  }
  const rows = isMatrix ? matrixRows(compiler, source, { called, func: call.func }, steps) : subqueryRows(compiler, source, called, steps)
  const named = func.keepsName && isMatrix ? rows : new MappedRows(rows, func.keepsName ? droppingMarked(compiler) : compiler.dropName, () => {})
  return compiler.merged(named, steps, true)
}

/** A name that is marked goes also where names are kept, as that which histogram_quantiles gave. */
function droppingMarked({ dropName }: ExprCompiler): (set: number) => number {
  return (set) => (isMarked(set) ? dropName(set) : set)
}

const MODIFIERS = [
  { modifier: 'anchored', funcs: 'changes, delta, increase, rate, resets' },
  { modifier: 'smoothed', funcs: 'delta, increase, rate' },
] as const

/** Throws ExecutionError for functions that have no such form. */
function extendedFunc(selector: VectorSelector, name: string, func: RangeFunc): WindowFunc | null {
  for (const { modifier, funcs } of MODIFIERS) {
    if (!(modifier === 'anchored' ? selector.isAnchored : selector.isSmoothed)) continue
    const extended = func[modifier]
    if (extended === undefined) throw new ExecutionError(`${modifier} modifier can only be used with: ${funcs} - not with ${name}`)
    return extended
  }
  return null
}

function matrixRows(compiler: ExprCompiler, source: MatrixSelector, { called, func }: { called: RangeCall; func: string }, steps: Steps): Operator {
  const { budget, labels, tierUse } = compiler.scope
  const kept = keptOperator(compiler.scope, { selector: source.selector, func, arg: called.args[0]?.[0] ?? 0, windowMs: durationMs(source.range) }, steps)
  if (kept !== null) return kept
  const asked: RangeAsk = { compiler, source, called, func, shift: shiftOf(source.selector, durationMs(source.range)) }
  const spans = rangeSpans(asked, steps)
  if (spans !== null) {
    const readers = spans.map((span) => rangeReader(asked, new TierSource(compiler.scope, span, { steps, at: source.span })))
    return new StitchedRows(readers, { labels, steps, budget }, called)
  }
  const { selection, filler, sets } = rangeSamples(asked, steps)
  return new SelectedRows(selection, sets, filler, { steps, budget, tierUse })
}

function subqueryRows(compiler: ExprCompiler, source: SubqueryExpr, called: RangeCall, steps: Steps): Operator {
  const inner = innerSteps(source, compiler.scope.subqueryStepMs, steps, compiler.scope.budget)
  if (inner.count === 0) return emptyOperator()
  // Scalars are evaluated when they are compiled.
  const { budget } = compiler.scope
  const shift = subqueryShift(source)
  const reads = readPlaces(steps, inner, shift, budget)
  const input = pastOperator(compiler.scope, source, inner, () => budget.readTimes(0, () => compiler.compile(source.expr, inner), reads))
  return new SubqueryRows(input, called, { outer: steps, inner, shift, reads }, budget)
}

/** No series. */
export function emptyOperator(): Operator {
  return new DenseOperator({ series: new Uint32Array(0), values: new Float64Array(0), kinds: new Uint8Array(0) })
}

const COUNTER_SUFFIXES = ['_total', '_sum', '_count', '_bucket'] as const

/** What is to be checked at each step with a result. */
interface StepCheck {
  count: number
  at(step: number): void
}

/** Looks at every series with a result: checks the arguments of its steps, and the names of counters. */
class CallWatcher {
  readonly #scope: QueryScope
  readonly #counterPlace: Span | null
  readonly #name: number
  readonly #check: StepCheck | null
  readonly #isChecked: Uint8Array
  #lastName = 0

  constructor(scope: QueryScope, counterPlace: Span | null, check: StepCheck | null) {
    this.#scope = scope
    this.#counterPlace = counterPlace
    this.#name = scope.labels.intern(METRIC_NAME)
    this.#check = check
    this.#isChecked = scope.budget.bytes(check?.count ?? 0)
  }

  see(set: number, hasFloats: boolean, kinds: Uint8Array, at: number): void {
    if (this.#check !== null) this.#checkSteps(this.#check, kinds, at)
    if (this.#counterPlace === null || !hasFloats) return
    const { labels, features } = this.#scope
    const name = labels.get(set, this.#name)
    if (name === 0) return
    if (features.typeAndUnitLabels) {
      this.#checkType(set, name)
      return
    }
    if (name === this.#lastName) return
    this.#lastName = name
    const text = labels.textOf(name)
    if (COUNTER_SUFFIXES.some((suffix) => text.endsWith(suffix))) return
    this.#inform(`name does not end in _total/_sum/_count/_bucket: ${quote(text)}`)
  }

  #checkSteps(check: StepCheck, kinds: Uint8Array, at: number): void {
    for (let i = 0; i < check.count; i++) {
      if (kinds[at + i] === ABSENT || this.#isChecked[i] === 1) continue
      this.#isChecked[i] = 1
      check.at(i)
    }
  }

  #checkType(set: number, name: number): void {
    const { labels } = this.#scope
    const type = labels.textOf(labels.get(set, labels.intern('__type__')))
    if (type === 'counter' || type === 'histogram') return
    this.#inform(`__type__ label is not set to "counter" or "histogram", got ${quote(type)}: ${quote(labels.textOf(name))}`)
  }

  #inform(why: string): void {
    assert(this.#counterPlace !== null, 'no counter function')
    this.#scope.annotations.info(`metric might not be a counter, ${why}`, this.#counterPlace)
  }
}
