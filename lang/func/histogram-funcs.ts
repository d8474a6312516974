// histogram_quantile, histogram_quantiles and histogram_fraction of classic histograms: series that differ in `le`
// only are the buckets of one histogram. Which series belong together, and in which order of bounds, is worked out
// once per query; each step then only gathers counts.
import { METRIC_NAME } from '../../lib/model/labels.ts'
import { drain, type DenseRows } from '../exec/dense.ts'
import { FLOAT, type Operator } from '../exec/operator.ts'
import { ExecutionError } from '../exec/query-error.ts'
import type { Span } from '../parse/ast.ts'
import { Buckets, parseBound } from './classic-histogram.ts'
import { ComputedOperator, scalarArg, stringArg, vectorArg } from './computed-operator.ts'
import type { FuncContext, OperatorFunc } from './contract.ts'
import { formatGeneral, formatOpenMetrics, quote } from './go-format.ts'
import { isValidLabelName } from './label-funcs.ts'
import { warnOfQuantiles } from './quantile-warning.ts'

interface Histogram {
  /** Label set without `le` and metric name. */
  set: number
  /** Rows of the buckets, by ascending bound. */
  rows: Uint32Array
  bounds: Float64Array
}

interface Grouping {
  histograms: Histogram[]
  /** Rows whose `le` is missing or no number, with the text to warn of where they have a sample. */
  strangers: { row: number; warning: string }[]
  bucketsMax: number
}

function groupBuckets(ctx: FuncContext, series: Uint32Array): Grouping {
  const { labels } = ctx
  const le = labels.intern('le')
  const name = labels.intern(METRIC_NAME)
  const withoutLe = new Set([le])
  const strangers: Grouping['strangers'] = []
  const groups = new Map<number, { row: number; bound: number }[]>()
  series.forEach((set, row) => {
    const text = labels.textOf(labels.get(set, le))
    const { isValid, bound } = parseBound(text)
    if (!isValid) {
      strangers.push({ row, warning: `bucket label "le" is missing or has a malformed value of ${quote(text)}${forMetric(labels.textOf(labels.get(set, name)))}` })
      return
    }
    const key = labels.drop(set, withoutLe)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [{ row, bound }])
    else group.push({ row, bound })
  })
  const histograms = Array.from(groups, ([key, buckets]): Histogram => {
    buckets.sort((a, b) => compareBounds(a.bound, b.bound))
    return { set: ctx.dropName(key), rows: Uint32Array.from(buckets, ({ row }) => row), bounds: Float64Array.from(buckets, ({ bound }) => bound) }
  })
  return { histograms, strangers, bucketsMax: histograms.reduce((most, { rows }) => Math.max(most, rows.length), 0) }
}

function forMetric(name: string): string {
  return name === '' ? '' : ` for metric name ${quote(name)}`
}

/** NaN below all numbers, as Go sorts; not by difference, which is NaN for two infinities. */
function compareBounds(a: number, b: number): number {
  if (a !== a || b !== b) return (a !== a ? 0 : 1) - (b !== b ? 0 : 1)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Counts how often buckets had to be made monotonic; told once per call of the function. */
class FixReport {
  #count = 0
  #boundMin = Infinity
  #boundMax = -Infinity
  #differenceMax = 0
  #firstMs = Infinity
  #lastMs = -Infinity

  add(buckets: Buckets, tMs: number): void {
    this.#count++
    this.#boundMin = Math.min(this.#boundMin, buckets.fixedBoundMin)
    this.#boundMax = Math.max(this.#boundMax, buckets.fixedBoundMax)
    this.#differenceMax = Math.max(this.#differenceMax, buckets.fixedDifferenceMax)
    this.#firstMs = Math.min(this.#firstMs, tMs)
    this.#lastMs = Math.max(this.#lastMs, tMs)
  }

  tell(ctx: FuncContext, at: Span): void {
    if (this.#count === 0) return
    ctx.annotations.info(
      'input to histogram_quantile needed to be fixed for monotonicity '
      + '(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile), '
      + `from buckets ${formatGeneral(this.#boundMin)} to ${formatGeneral(this.#boundMax)}, `
      + `with a max diff of ${formatGeneral(this.#differenceMax, 2)}, over ${this.#count} samples `
      + `from ${rfc3339(this.#firstMs)} to ${rfc3339(this.#lastMs)}`,
      at,
    )
  }
}

function rfc3339(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, -5)}Z`
}

/** What a function makes of a histogram's buckets at step i, for output series `out` of that histogram. */
type Evaluate = (buckets: Buckets, i: number, out: number) => number

/**
 * One or more output series per histogram: `outputs` gives their label sets; a series has a point at step i where
 * `evaluate` is told to make one by `isDue`.
 */
interface HistogramCall {
  input: Operator
  at: Span
  outputs: (set: number) => number[]
  isDue: (i: number, out: number) => boolean
  evaluate: Evaluate
}

function histogramOperator(ctx: FuncContext, call: HistogramCall): Operator {
  const grouping = groupBuckets(ctx, call.input.series())
  const sets = grouping.histograms.map(({ set }) => call.outputs(set))
  // Nobody reads the rows of an operator without series; what it was given wants its warnings all the same.
  if (sets.length === 0 && grouping.strangers.length > 0) warnOfStrangers(ctx, grouping, drain(call.input, ctx.steps, ctx.budget), call.at)
  return new ComputedOperator(Uint32Array.from(sets.flat()), () => {
    const rows = drain(call.input, ctx.steps, ctx.budget)
    warnOfStrangers(ctx, grouping, rows, call.at)
    const { count } = ctx.steps
    const outCount = sets[0]?.length ?? 0
    const values = ctx.budget.floats(sets.length * outCount * count)
    const kinds = ctx.budget.bytes(sets.length * outCount * count)
    const buckets = new Buckets(grouping.bucketsMax)
    const report = new FixReport()
    grouping.histograms.forEach((histogram, h) => {
      for (let out = 0; out < outCount; out++) {
        const row = (h * outCount + out) * count
        for (let i = 0; i < count; i++) {
          if (!call.isDue(i, out) || !gather(buckets, histogram, rows, i, count)) continue
          values[row + i] = call.evaluate(buckets, i, out)
          kinds[row + i] = FLOAT
          if (buckets.isFixed) report.add(buckets, ctx.steps.startMs + i * ctx.steps.stepMs)
        }
      }
    })
    report.tell(ctx, call.at)
    return { values, kinds }
  })
}

/** Fills `buckets` with the counts at step i; false where there are none. */
function gather(buckets: Buckets, histogram: Histogram, rows: DenseRows, i: number, count: number): boolean {
  buckets.clear()
  const { rows: members, bounds } = histogram
  for (let b = 0; b < members.length; b++) {
    const k = members[b]! * count + i
    if (rows.kinds[k] === FLOAT) buckets.push(bounds[b]!, rows.values[k]!)
  }
  return buckets.size > 0
}

function warnOfStrangers(ctx: FuncContext, { strangers }: Grouping, { kinds }: DenseRows, at: Span): void {
  const { count } = ctx.steps
  for (const { row, warning } of strangers) {
    if (kinds.subarray(row * count, (row + 1) * count).includes(FLOAT)) ctx.annotations.warn(warning, at)
  }
}

const always = (): boolean => true

export const histogramQuantile: OperatorFunc = (ctx, args) => {
  const qs = scalarArg(args, 0)
  warnOfQuantiles(ctx, qs, args[0]!.expr.span)
  return histogramOperator(ctx, {
    input: vectorArg(args, 1), at: args[1]!.expr.span, outputs: (set) => [set], isDue: always,
    evaluate: (buckets, i) => buckets.quantile(qs[i]!),
  })
}

export const histogramFraction: OperatorFunc = (ctx, args) => {
  const lower = scalarArg(args, 0)
  const upper = scalarArg(args, 1)
  return histogramOperator(ctx, {
    input: vectorArg(args, 2), at: args[2]!.expr.span, outputs: (set) => [set], isDue: always,
    evaluate: (buckets, i) => buckets.fraction(lower[i]!, upper[i]!),
  })
}

/** Several quantiles at once, told apart by a label. A quantile that changes from step to step makes several series. */
export const histogramQuantiles: OperatorFunc = (ctx, args) => {
  const labelName = stringArg(args, 1)
  if (!isValidLabelName(labelName)) throw new ExecutionError(`invalid label name ${quote(labelName)}`)
  const outputs: { value: number; qs: Float64Array; q: number }[] = []
  for (let a = 2; a < args.length; a++) {
    const qs = scalarArg(args, a)
    warnOfQuantiles(ctx, qs, args[a]!.expr.span)
    for (const q of new Set(qs)) outputs.push({ value: ctx.labels.intern(formatOpenMetrics(q)), qs, q })
  }
  const name = ctx.labels.intern(labelName)
  return histogramOperator(ctx, {
    input: vectorArg(args, 0), at: args[0]!.expr.span,
    outputs: (set) => outputs.map(({ value }) => ctx.labels.with(set, name, value)),
    isDue: (i, out) => Object.is(outputs[out]!.qs[i]! + 0, outputs[out]!.q + 0),
    evaluate: (buckets, _i, out) => buckets.quantile(outputs[out]!.q),
  })
}
