// A range vector as the answer of an instant query: the samples themselves, not a function of them. An anchored or
// smoothed one begins and ends exactly at its range, with values made there (prometheus promql/engine.go,
// matrixSelector, extendFloats).
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { Selection } from '../../storage/interface.ts'
import { interpolated } from '../func/extended-range.ts'
import { rangeEnds } from '../func/range-ends.ts'
import type { Windows } from '../func/range-kernel.ts'
import type { MatrixSelector, SubqueryExpr, VectorSelector } from '../parse/ast.ts'
import { durationMs } from '../plan/fold-durations.ts'
import type { Budget } from './budget.ts'
import type { ExprCompiler } from './call-context.ts'
import type { QueryScope } from './query-scope.ts'
import { samplesOf } from './histogram-samples.ts'
import type { HistogramTable } from './histogram-table.ts'
import { LiveSamples } from './live-samples.ts'
import { hasHistogram, MixedSamples } from './mixed-samples.ts'
import { HISTOGRAM, type Operator, type RowBatch, type Steps } from './operator.ts'
import { ExecutionError } from './query-error.ts'
import { selectedSets } from './selected-rows.ts'
import type { ReadPlaces } from './step-samples.ts'
import { innerSteps, readPlaces, timesOf } from './subquery.ts'
import { roundedWindows, TierSource, tierSpans } from './tier-selector.ts'
import { extendedShift, extensionOf, shiftOf, subqueryShift } from './time-shift.ts'
import { locate, makeWindows, type TimeShift } from './windows.ts'

/** Samples of one series: t ascending, Unix ms. */
export interface RawSeries {
  set: number
  t: Float64Array
  v: Float64Array
  /** Where element i is not null, sample i is that native histogram and v[i] means nothing. null: floats only. */
  h: (FloatHistogram | null)[] | null
}

/** The samples of a range vector at the first of `steps`. `finish` drops names that were to go at the end. */
export function rawMatrix(
  compiler: ExprCompiler, expr: MatrixSelector | SubqueryExpr, steps: Steps, finish: (operator: Operator, inner: Steps) => Operator,
): RawSeries[] {
  const { budget, histograms, lookbackMs, subqueryStepMs } = compiler.scope
  if (expr.type === 'matrixSelector') {
    const { isAnchored, isSmoothed } = expr.selector
    const shift = shiftOf(expr.selector, durationMs(expr.range))
    const reach = extendedShift(shift, extensionOf(expr.selector, lookbackMs))
    if (isAnchored || isSmoothed) {
      const range = makeWindows({ startMs: steps.startMs, stepMs: 0, count: 1 }, shift)
      const bounds = { startMs: range.startMs[0]!, endMs: range.endMs[0]!, isSmoothed }
      return storedMatrix(compiler, expr, steps, reach).flatMap((series) => extended(series, bounds))
    }
    return storedMatrix(compiler, expr, steps, reach)
  }
  const inner = innerSteps(expr, subqueryStepMs, { ...steps, count: 1 }, budget)
  if (inner.count === 0) return []
  const reads = readPlaces({ ...steps, count: 1 }, inner, subqueryShift(expr), budget)
  const input = budget.readTimes(1, () => finish(compiler.compile(expr.expr, inner), inner), reads)
  return readSubquery(input, { t: timesOf(inner), reads }, histograms, budget)
}

/** The samples of all that `reach` looks at; of a tier where raw ones are gone. */
function storedMatrix(compiler: ExprCompiler, expr: MatrixSelector, steps: Steps, reach: TimeShift): RawSeries[] {
  const { scope } = compiler
  const one = { startMs: steps.startMs, stepMs: 0, count: 1 }
  const raw = (selector: VectorSelector): RawSeries[] => {
    const selection = compiler.select(selector, steps, { shift: reach, func: '', rangeMs: durationMs(expr.range) })
    return readMatrix(selection, scope, makeWindows(one, reach))
  }
  const spans = tierSpans(scope, expr.selector, { steps: one, shift: reach }, { isInstant: false, columnsFor: () => null })
  if (spans === null) return raw(expr.selector)
  return spans.flatMap((span) => {
    const source = new TierSource(scope, span, { steps: one, at: expr.span })
    return source.isRaw ? raw(span.selector) : tierMatrix(scope, source, reach, () => raw(span.selector))
  })
}

/** First and last samples of buckets; `raw` has those behind the last. */
function tierMatrix(scope: QueryScope, source: TierSource, reach: TimeShift, raw: () => RawSeries[]): RawSeries[] {
  const { span } = source
  const windows = roundedWindows(source, reach)
  const found = readMatrix(source.points(windows), scope, windows)
  scope.tierUse?.addSteps(span.tier.name, 1)
  scope.tierUse?.addRows(span.tier.name, found.reduce((sum, { t }) => sum + t.length, 0))
  source.warnAll(found.length > 0, ['points'])
  if (span.tailFromMs === null) return found
  const known = new Set(found.map(({ set }) => set))
  return [...found, ...raw().filter(({ set }) => !known.has(set))]
}

/** The live samples of a selection in the one window. */
function readMatrix(selection: Selection, { budget, labels }: QueryScope, windows: Windows): RawSeries[] {
  const sets = selectedSets(selection, labels, budget)
  const live = new LiveSamples()
  const mixed = new MixedSamples()
  const found: RawSeries[] = []
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    budget.check()
    for (let s = 0; s < batch.seriesCount; s++) {
      const set = sets[batch.index[s]!]!
      if (hasHistogram(batch, s)) {
        mixed.load(batch, s, false)
        pushMixed(found, mixed, { set, startMs: windows.startMs[0]!, endMs: windows.endMs[0]! }, budget)
        continue
      }
      const hasGaps = batch.hasGaps[s] !== 0
      const n = hasGaps ? live.compact(batch, s) : batch.n
      const t = hasGaps ? live.t : batch.t
      const vAt = hasGaps ? 0 : s * batch.n
      const v = hasGaps ? live.v : batch.v
      locate(windows, t, n)
      const lo = windows.lo[0]!
      const hi = windows.hi[0]!
      if (hi <= lo) continue
      count(budget, hi - lo)
      budget.addBytes((hi - lo) * 16)
      found.push({ set, t: t.slice(lo, hi), v: v.slice(vAt + lo, vAt + hi), h: null })
    }
  }
  return found
}

/** Adds the samples in (startMs, endMs] of both kinds, in the order of their times. */
function pushMixed(found: RawSeries[], samples: MixedSamples, range: { set: number; startMs: number; endMs: number }, budget: Budget): void {
  const { floats, histograms, floatCount, histogramCount } = samples
  const points: { t: number; v: number; h: FloatHistogram | null }[] = []
  for (let k = 0; k < floatCount; k++) points.push({ t: floats.t[k]!, v: floats.v[k]!, h: null })
  for (let k = 0; k < histogramCount; k++) points.push({ t: histograms.t[k]!, v: NaN, h: histograms.h[k]! })
  const inside = points.filter(({ t }) => t > range.startMs && t <= range.endMs).toSorted((a, b) => a.t - b.t)
  if (inside.length === 0) return
  count(budget, inside.reduce((sum, { h }) => sum + (h === null ? 1 : samplesOf(h)), 0))
  budget.addBytes(inside.length * 24)
  found.push({
    set: range.set, t: Float64Array.from(inside, ({ t }) => t), v: Float64Array.from(inside, ({ v }) => v), h: inside.map(({ h }) => h),
  })
}

/** The series from one bound of its range to the other, without what lies beyond; nothing if it says nothing of them. */
function extended(series: RawSeries, range: { startMs: number; endMs: number; isSmoothed: boolean }): RawSeries[] {
  const { set, t, v, h } = series
  const { startMs, endMs, isSmoothed } = range
  if (h !== null) throw new ExecutionError(`${isSmoothed ? 'smoothed' : 'anchored'} modifier is not supported with histograms`)
  const ends = rangeEnds(t, 0, t.length, range)
  if (ends === null) return []
  const { first, last } = ends
  const left = isSmoothed && t[first]! < startMs ? interpolated({ t, v, startTimes: null }, first, startMs, false) : v[first]!
  const right = isSmoothed && last > 0 && t[last]! > endMs ? interpolated({ t, v, startTimes: null }, last - 1, endMs, false) : v[last]!
  const from = t[first]! <= startMs ? first + 1 : first
  const to = Math.max(from, t[last]! >= endMs ? last : last + 1)
  return [{ set, t: between(startMs, t.subarray(from, to), endMs), v: between(left, v.subarray(from, to), right), h: null }]
}

function between(first: number, inner: Float64Array, last: number): Float64Array {
  const all = new Float64Array(inner.length + 2)
  all[0] = first
  all.set(inner, 1)
  all[inner.length + 1] = last
  return all
}

/** The points of a subquery's inner rows; `t` holds the time of each of its steps. */
function readSubquery(input: Operator, { t, reads }: { t: Float64Array; reads: ReadPlaces | null }, table: HistogramTable, budget: Budget): RawSeries[] {
  // Nothing around it has windows to be counted instead.
  const sets = budget.readTimes(1, () => input.series(), reads)
  const next = (): RowBatch | null => budget.readTimes(1, () => input.next(), reads)
  const live = new LiveSamples()
  const found: RawSeries[] = []
  for (let batch = next(); batch !== null; batch = next()) {
    budget.check()
    for (let r = 0; r < batch.rows; r++) {
      const at = r * t.length
      const n = live.compactRow(t, { values: batch.values, kinds: batch.kinds, at })
      if (n === 0) continue
      const kinds = batch.kinds.subarray(at, at + t.length).filter((kind) => kind !== 0)
      const v = live.v.slice(0, n)
      const h = kinds.includes(HISTOGRAM) ? Array.from(kinds, (kind, i) => (kind === HISTOGRAM ? table.get(v[i]!) : null)) : null
      budget.addSamples(h === null ? n : h.reduce((sum, histogram) => sum + (histogram === null ? 1 : samplesOf(histogram)), 0), 0)
      budget.addBytes(n * 16)
      found.push({ set: sets[batch.index[r]!]!, t: live.t.slice(0, n), v, h })
    }
  }
  return found
}

/** Of the one step that there is. */
function count(budget: Budget, samples: number): void {
  budget.addSamples(samples)
  budget.stepSamples?.add(0, samples, samples)
}
