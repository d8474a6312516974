// What the engine and the functions agree on. lang/func/table.ts fills three maps of these types:
//
//   RANGE_KERNELS   rate, …_over_time, deriv …    one call per series over a matrix selector or subquery
//   ELEMENTWISE     abs, clamp, round, hour …     in place over rows, one point at a time
//   OPERATOR_FUNCS  label_replace, sort, time …   whole series lists: an operator is made from operators
//
// The engine looks a name up in this order. The parser has checked the number and types of arguments.
//
// Duplicates: functions may put out equal label sets. The engine merges them behind every function, and fails with
// "vector cannot contain metrics with the same labelset" where two have a point at one step.
import type { Annotations } from '../exec/annotations.ts'
import type { Budget } from '../exec/budget.ts'
import type { HistogramTable } from '../exec/histogram-table.ts'
import type { LabelTable } from '../exec/label-table.ts'
import type { Operator, Steps } from '../exec/operator.ts'
import type { Call, Expr } from '../parse/ast.ts'
import type { RangeKernel, StartTimesKernel } from './range-kernel.ts'
import type { WindowFunc } from './sample-window.ts'

/** What every function may use. One per call expression. */
export interface FuncContext {
  readonly steps: Steps
  /** The query (not a subquery) is a range query: order is of no use. */
  readonly isRangeQuery: boolean
  readonly lookbackMs: number
  readonly labels: LabelTable
  /** The native histograms that points of kind HISTOGRAM speak of. */
  readonly histograms: HistogramTable
  /** `annotations.warn(text, call.args[0].span)`: text without prefix and without place. */
  readonly annotations: Annotations
  /** Arrays that grow with the data come from here (`floats`, `bytes`); `check()` once per batch. */
  readonly budget: Budget
  /** The expression, for spans and for the matchers of a selector argument (absent). */
  readonly call: Call
  /** The set without metric name (and `__type__`, `__unit__`). */
  dropName(set: number): number
}

export type FuncArg =
  /** An instant vector. Its buffers may be overwritten in place (operator.ts). */
  | { readonly kind: 'vector'; readonly operator: Operator; readonly expr: Expr }
  /** A scalar at every step: values[i], i < steps.count. */
  | { readonly kind: 'scalar'; readonly values: Float64Array; readonly expr: Expr }
  | { readonly kind: 'string'; readonly value: string; readonly expr: Expr }

/** A function of one range vector; the other arguments, all scalars, reach the kernel as `args` in their order. */
export interface RangeFunc {
  readonly kernel: RangeKernel
  /** In the kernel's place where start times are known and the feature is on. */
  readonly startTimesKernel?: StartTimesKernel
  /** For windows with a native histogram. Without it histograms are ignored, with an info where there are floats, too. */
  readonly window?: WindowFunc
  /** For all windows of `m[5m] anchored` and `m[5m] smoothed`; without it the modifier is an error. */
  readonly anchored?: WindowFunc
  readonly smoothed?: WindowFunc
  /** Keeps the metric name (last_over_time, first_over_time). */
  readonly keepsName: boolean
  /** Wants a counter: the engine adds the info "metric might not be a counter …" for other names. */
  readonly isForCounter: boolean
  /** Called once for each step at which some series has a result, with the scalar arguments: warns (quantile out of range). */
  readonly checkStep?: (ctx: FuncContext, args: readonly Float64Array[], step: number) => void
  /** Called for each step whose window holds native histograms that are ignored: throws for arguments out of range. */
  readonly checkIgnored?: (args: readonly Float64Array[], step: number) => void
}

/**
 * A function of one instant vector, the metric name always dropped by the engine. Changes values[r * steps.count + i]
 * in place where kinds there is FLOAT, and may set kinds to ABSENT, as it does where they
 * are HISTOGRAM. `args[a][i]` are the
 * scalar arguments as written: an optional one that was left out is missing at the end. Calendar functions without
 * an argument get `vector(time())` from the engine.
 */
export type Elementwise = (
  values: Float64Array, kinds: Uint8Array, rows: number, args: readonly Float64Array[], steps: Steps,
) => void

/**
 * Makes the operator of a call. Arguments in their order. Names are the function's own affair (`ctx.dropName`).
 *
 * - A scalar result (scalar, time, pi) is an operator with exactly one series, set 0, FLOAT at every step.
 * - Instant vectors are shown in the order of series(); series() may evaluate its input to know it (sort).
 * - absent_over_time gets its range vector as a vector: the result of present_over_time.
 * - timestamp gets only arguments that are not a selector (the result is then the evaluation time); the engine
 *   answers timestamp(selector) itself. Plain evaluation: `lang/exec/dense.ts` drains an operator into arrays.
 */
export type OperatorFunc = (ctx: FuncContext, args: readonly FuncArg[]) => Operator

/** What lang/func/table.ts exports. */
export type RangeKernels = ReadonlyMap<string, RangeFunc>
export type ElementwiseFuncs = ReadonlyMap<string, Elementwise>
export type OperatorFuncs = ReadonlyMap<string, OperatorFunc>
