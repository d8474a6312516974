// histogram_quantile, histogram_quantiles and histogram_fraction: of native histograms, and of classic ones, whose
// series differ in `le` only. Which series belong together, and in which order of bounds, is worked out once per
// query; each step then only gathers counts. Where both kinds meet under one label set there is no result.
import { formatOpenMetricsFloat, parseFloatText } from '../../lib/format/text-float.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { METRIC_NAME } from '../../lib/model/labels.ts'
import { ofArgument } from '../exec/annotations.ts'
import { bytesOf, DenseOperator, drain, type DenseRows } from '../exec/dense.ts'
import { marked, unmarked, withMarkOf } from '../exec/label-table.ts'
import { ABSENT, FLOAT, HISTOGRAM, type Operator, type RowBatch } from '../exec/operator.ts'
import type { Span } from '../parse/ast.ts'
import { Buckets } from './classic-histogram.ts'
import { scalarArg, stringArg, vectorArg } from './computed-operator.ts'
import type { FuncContext, OperatorFunc } from './contract.ts'
import { quote } from '../../lib/std/go-format.ts'
import { forMetric, metricOf, noteFix } from './histogram-notes.ts'
import { nativeFraction, nativeQuantile } from './native-histogram.ts'
import { warnOfQuantiles } from './quantile-warning.ts'

/** A native histogram, and the buckets that have its labels but for `le`. */
interface Family {
  /** Label set of the result of its classic buckets. */
  set: number
  /** Rows of the classic buckets, by ascending bound. */
  rows: Uint32Array
  bounds: Float64Array
  /** Rows that hold native histograms. */
  native: number[]
}

/** What a function makes of a histogram at step i, for output series `out` of that histogram. */
interface HistogramCall {
  input: Operator
  /** The histograms' expression. */
  at: Span
  /** Label sets of the output series of a histogram; as many for each. */
  outputs: (set: number) => number[]
  /** Whether output `out` has a point at step i. */
  isDue: (i: number, out: number) => boolean
  classic: (buckets: Buckets, i: number, out: number) => number
  /** `metric` is the name for annotations, '' if it is gone. */
  native: (h: FloatHistogram, i: number, out: number, metric: string) => number
}

/** Which series there are is known only when all points are: those of native histograms are told by their points. */
class HistogramOperator implements Operator {
  readonly #ctx: FuncContext
  readonly #call: HistogramCall
  #computed: Operator | null = null

  constructor(ctx: FuncContext, call: HistogramCall) {
    this.#ctx = ctx
    this.#call = call
  }

  series(): Uint32Array {
    return this.#evaluated().series()
  }

  next(): RowBatch | null {
    return this.#evaluated().next()
  }

  #evaluated(): Operator {
    return this.#computed ??= new DenseOperator(evaluate(this.#ctx, this.#call), this.#ctx.budget)
  }
}

/** Output by output, of native histograms first. */
function evaluate(ctx: FuncContext, call: HistogramCall): DenseRows {
  const heldBefore = ctx.budget.samplesHeld
  const rows = drain(call.input, ctx.steps, ctx.budget)
  const families = groupFamilies(ctx, rows, call.at)
  dropMixed(ctx, families, rows, call.at)
  const classic = families.filter((family) => family.rows.length > 0)
  const native = families.flatMap((family) => family.native)
  const sets = [...native.map((row) => call.outputs(ctx.dropName(rows.series[row]!))), ...classic.map(({ set }) => call.outputs(set))]
  const { count } = ctx.steps
  const outCount = sets[0]?.length ?? 0
  const values = ctx.budget.floats(sets.length * outCount * count)
  const kinds = ctx.budget.bytes(values.length)
  const rowOf = (position: number, o: number): Row => ({ values, kinds, at: (o * sets.length + position) * count })
  const buckets = new Buckets(classic.reduce((most, family) => Math.max(most, family.rows.length), 0))
  for (const [f, family] of classic.entries()) {
    ctx.budget.check()
    // The first quantile of a step fixes the buckets for those behind it.
    const isFixed = new Uint8Array(count)
    for (let o = 0; o < outCount; o++) classicRow(family, rows, rowOf(native.length + f, o), { ctx, call, o, buckets, isFixed })
  }
  for (const [position, row] of native.entries()) {
    ctx.budget.check()
    for (let o = 0; o < outCount; o++) nativeRow(row, rows, rowOf(position, o), { ctx, call, o })
  }
  ctx.budget.releaseBytes(bytesOf(rows))
  // All are floats.
  ctx.budget.settleSamples(heldBefore, kinds.reduce((points, kind) => points + kind, 0))
  return { series: Uint32Array.from({ length: sets.length * outCount }, (_, s) => sets[s % sets.length]![Math.trunc(s / sets.length)]!), values, kinds }
}

interface Row {
  values: Float64Array
  kinds: Uint8Array
  at: number
}

function classicRow(
  family: Family, rows: DenseRows, out: Row,
  { ctx, call, o, buckets, isFixed }: { ctx: FuncContext; call: HistogramCall; o: number; buckets: Buckets; isFixed: Uint8Array },
): void {
  const { count, startMs, stepMs } = ctx.steps
  for (let i = 0; i < count; i++) {
    if (!call.isDue(i, o) || !gather(buckets, family, rows, i, count)) continue
    out.values[out.at + i] = call.classic(buckets, i, o)
    out.kinds[out.at + i] = FLOAT
    if (!buckets.isFixed || isFixed[i] === 1) continue
    isFixed[i] = 1
    noteFix(ctx, buckets, { set: family.set, tMs: startMs + i * stepMs, at: call.at })
  }
}

function nativeRow(row: number, rows: DenseRows, out: Row, { ctx, call, o }: { ctx: FuncContext; call: HistogramCall; o: number }): void {
  const { count } = ctx.steps
  const metric = metricOf(ctx, ctx.dropName(rows.series[row]!))
  for (let i = 0; i < count; i++) {
    const k = row * count + i
    if (rows.kinds[k] !== HISTOGRAM || !call.isDue(i, o)) continue
    out.values[out.at + i] = call.native(ctx.histograms.get(rows.values[k]!), i, o, metric)
    out.kinds[out.at + i] = FLOAT
  }
}

/** Fills `buckets` with the counts at step i; false where there are none. */
function gather(buckets: Buckets, family: Family, rows: DenseRows, i: number, count: number): boolean {
  buckets.clear()
  const { rows: members, bounds } = family
  for (let b = 0; b < members.length; b++) {
    const k = members[b]! * count + i
    if (rows.kinds[k] === FLOAT) buckets.push(bounds[b]!, rows.values[k]!)
  }
  return buckets.size > 0
}

/** Sorts the rows by label set, of buckets without `le`; warns of floats whose `le` is missing or no number. */
function groupFamilies(ctx: FuncContext, rows: DenseRows, at: Span): Family[] {
  const { labels } = ctx
  const { count } = ctx.steps
  const le = labels.intern('le')
  const withoutLe = new Set([le])
  const found = new Map<number, { buckets: { row: number; bound: number }[]; native: number[] }>()
  const familyOf = (set: number): { buckets: { row: number; bound: number }[]; native: number[] } => {
    const family = found.get(set) ?? { buckets: [], native: [] }
    found.set(set, family)
    return family
  }
  rows.series.forEach((set, row) => {
    const kinds = rows.kinds.subarray(row * count, (row + 1) * count)
    const [hasFloat, hasHistogram] = [kinds.includes(FLOAT), kinds.includes(HISTOGRAM)]
    if (!hasFloat && !hasHistogram) return
    if (hasHistogram) familyOf(unmarked(set)).native.push(row)
    if (!hasFloat) return
    const text = labels.textOf(labels.get(set, le))
    const bound = parseFloatText(text)
    if (bound !== null) familyOf(labels.drop(set, withoutLe)).buckets.push({ row, bound })
    else {
      const metric = forMetric(metricOf(ctx, ctx.dropName(set)))
      ctx.annotations.warn(`bucket label "le" is missing or has a malformed value of ${quote(text)}${metric}`, at)
    }
  })
  return Array.from(found, ([key, { buckets, native }]): Family => {
    buckets.sort((a, b) => compareBounds(a.bound, b.bound))
    return {
      set: ctx.dropName(key), native,
      rows: Uint32Array.from(buckets, ({ row }) => row), bounds: Float64Array.from(buckets, ({ bound }) => bound),
    }
  })
}

/** NaN below all numbers, as Go sorts; not by difference, which is NaN for two infinities. */
function compareBounds(a: number, b: number): number {
  if (a !== a || b !== b) return (a !== a ? 0 : 1) - (b !== b ? 0 : 1)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Takes away the points of steps at which a family has classic buckets and a native histogram. */
function dropMixed(ctx: FuncContext, families: readonly Family[], { series, kinds }: DenseRows, at: Span): void {
  const { count } = ctx.steps
  for (const { rows, native } of families) {
    if (rows.length === 0 || native.length === 0) continue
    for (let i = 0; i < count; i++) {
      const histograms = native.filter((row) => kinds[row * count + i] === HISTOGRAM)
      if (histograms.length === 0 || !rows.some((row) => kinds[row * count + i] === FLOAT)) continue
      for (const row of [...rows, ...histograms]) kinds[row * count + i] = ABSENT
      const metric = forMetric(metricOf(ctx, ctx.dropName(series[histograms[0]!]!)))
      ctx.annotations.warn(`vector contains a mix of classic and native histograms${metric}`, at)
    }
  }
}

const always = (): boolean => true
const itself = (set: number): number[] => [set]

function quantileOf(ctx: FuncContext, h: FloatHistogram, q: number, note: { metric: string; at: Span }): number {
  const { value, effect } = nativeQuantile(q, h)
  if (effect !== '') ctx.annotations.info(`input to histogram_quantile has NaN observations, ${effect}${forMetric(note.metric)}`, note.at)
  return value
}

export const histogramQuantile: OperatorFunc = (ctx, args) => {
  const qs = scalarArg(args, 0)
  const at = ofArgument(args[1]!.expr.span, ctx.call.span)
  warnOfQuantiles(ctx.annotations, qs, ofArgument(args[0]!.expr.span, ctx.call.span))
  return new HistogramOperator(ctx, {
    input: vectorArg(args, 1), at, outputs: itself, isDue: always,
    classic: (buckets, i) => buckets.quantile(qs[i]!),
    native: (h, i, _out, metric) => quantileOf(ctx, h, qs[i]!, { metric, at }),
  })
}

export const histogramFraction: OperatorFunc = (ctx, args) => {
  const lower = scalarArg(args, 0)
  const upper = scalarArg(args, 1)
  const at = ofArgument(args[2]!.expr.span, ctx.call.span)
  return new HistogramOperator(ctx, {
    input: vectorArg(args, 2), at, outputs: itself, isDue: always,
    classic: (buckets, i) => buckets.fraction(lower[i]!, upper[i]!),
    native: (h, i, _out, metric) => {
      const { value, hasNaN } = nativeFraction(lower[i]!, upper[i]!, h)
      if (hasNaN) {
        ctx.annotations.info(`input to histogram_fraction has NaN observations, which are excluded from all fractions${forMetric(metric)}`, at)
      }
      return value
    },
  })
}

/** Several quantiles at once, told apart by a label. A quantile that changes from step to step makes several series. */
export const histogramQuantiles: OperatorFunc = (ctx, args) => {
  const labelName = stringArg(args, 1)
  const outputs: { value: number; qs: Float64Array; q: number }[] = []
  for (let a = 2; a < args.length; a++) {
    const qs = scalarArg(args, a)
    warnOfQuantiles(ctx.annotations, qs, ofArgument(args[a]!.expr.span, ctx.call.span))
    for (const q of new Set(qs)) {
      ctx.budget.check()
      outputs.push({ value: ctx.labels.intern(formatOpenMetricsFloat(q)), qs, q })
    }
  }
  const name = ctx.labels.intern(labelName)
  const at = ofArgument(args[0]!.expr.span, ctx.call.span)
  // A quantile that is the metric's name goes where such names go, even if there was none before.
  const carried = labelName === METRIC_NAME ? (_: number, made: number): number => marked(made) : withMarkOf
  return new HistogramOperator(ctx, {
    input: vectorArg(args, 0), at,
    outputs: (set) => outputs.map(({ value }) => carried(set, ctx.labels.with(set, name, value))),
    isDue: (i, out) => Object.is(outputs[out]!.qs[i]! + 0, outputs[out]!.q + 0),
    classic: (buckets, _i, out) => buckets.quantile(outputs[out]!.q),
    native: (h, _i, out, metric) => quantileOf(ctx, h, outputs[out]!.q, { metric, at }),
  })
}
