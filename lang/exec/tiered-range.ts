// A range function over a matrix selector, span by span: of raw samples, of rows of buckets where the function has a form
// over them, else of the first and last samples of buckets.
import type { Selection } from '../../storage/interface.ts'
import { bucketForm, type BucketForm } from '../func/bucket-forms.ts'
import type { MatrixSelector } from '../parse/ast.ts'
import { BucketRange, bucketWindows } from './bucket-range.ts'
import type { ExprCompiler } from './call-context.ts'
import type { Steps } from './operator.ts'
import type { RangeCall } from './range-contract.ts'
import { RangeRows } from './range-rows.ts'
import { selectedSets } from './selected-rows.ts'
import { SketchReader } from './sketch-reader.ts'
import { BucketReader, PointsReader, SampleReader } from './span-readers.ts'
import type { SpanReader } from './stitched-rows.ts'
import { roundedWindows, tierSpans, type SelectorSpan, type TierSource } from './tier-selector.ts'
import { extendedShift } from './time-shift.ts'
import { makeWindows, type TimeShift } from './windows.ts'

export interface RangeAsk {
  readonly compiler: ExprCompiler
  readonly source: MatrixSelector
  readonly called: RangeCall
  readonly func: string
  readonly shift: TimeShift
}

/** null: raw samples answer all steps. */
export function rangeSpans({ compiler, source, called, func, shift }: RangeAsk, steps: Steps): readonly SelectorSpan[] | null {
  const isPlain = called.extended === null && !called.usesStartTimes
  return tierSpans(compiler.scope, source.selector, { steps, shift: extendedShift(shift, called.extension) }, {
    isInstant: false,
    columnsFor: (widthMs) => (isPlain ? bucketForm(func, called.args, shift.rangeMs, widthMs)?.columns.length ?? null : null),
  })
}

/** What raw samples give. */
export function rangeSamples({ compiler, source, called, func, shift }: RangeAsk, steps: Steps): { selection: Selection; sets: Uint32Array; filler: RangeRows } {
  const reach = extendedShift(shift, called.extension)
  const selection = compiler.select(source.selector, steps, { shift: reach, func, rangeMs: shift.rangeMs })
  const sets = selectedSets(selection, compiler.scope.labels, compiler.scope.budget)
  return { selection, sets, filler: new RangeRows(called, sets, { steps, shift }) }
}

/** The reader of one span. Series are shown to the call when their rows are whole. */
export function rangeReader(asked: RangeAsk, source: TierSource): SpanReader {
  const { from, to, tailFromMs } = source.span
  const { extended } = asked.called
  const called = { ...asked.called, args: asked.called.args.map((arg) => arg.subarray(from, to)), see: () => {} }
  const own = { ...asked, called, source: { ...asked.source, selector: source.selector } }
  if (source.isRaw) return samplesReader(own, source)
  if (extended !== null) return extendedReader(own, source)
  const form = bucketForm(own.func, called.args, own.shift.rangeMs, source.widthMs)
  if (own.func === 'quantile_over_time' && (form === null || tailFromMs !== null)) return sketchReader(own, source)
  return form === null ? pointsReader(own, source) : bucketReader(own, source, form)
}

function samplesReader(asked: RangeAsk, source: TierSource): SampleReader {
  const { selection, filler } = rangeSamples(asked, source.steps)
  return new SampleReader(source.span, { selection, filler, tier: 'raw' }, asked.compiler.scope)
}

function bucketReader(asked: RangeAsk, source: TierSource, form: BucketForm): SpanReader {
  const { called, shift, compiler } = asked
  const { tailFromMs, isRawThere } = source.span
  const windows = bucketWindows(roundedWindows(source, shift))
  const filler = new BucketRange(form, windows, called.pace)
  return new BucketReader(source.span, {
    selection: source.select(windows, form.columns), filler, tail: source.tail(windows, form.columns),
    raw: isRawThere || tailFromMs !== null ? () => samplesReader(asked, source) : null,
    warn: (hasRows) => source.warnAll(hasRows, [filler.isCoarse && 'windows', called.usesStartTimes && 'startTimes']),
  }, compiler.scope)
}

function pointsReader(asked: RangeAsk, source: TierSource): SpanReader {
  const { called, compiler, shift } = asked
  const windows = roundedWindows(source, shift)
  const points = source.points(windows)
  const sets = selectedSets(points, compiler.scope.labels, compiler.scope.budget)
  const filler = new RangeRows(called, sets, { steps: source.steps, shift, windows })
  return new PointsReader(source.span, { points, filler, raw: tailReader(asked, source), warn: (hasRows) => source.warnAll(hasRows, ['points']) }, compiler.scope)
}

/** Anchored and smoothed windows look for samples beyond their bounds, here at least a bucket far: they stay as they are. */
function extendedReader(asked: RangeAsk, source: TierSource): SpanReader {
  const { called, compiler, shift } = asked
  const { beforeMs, behindMs } = called.extension
  const extension = { beforeMs: Math.max(beforeMs, source.widthMs), behindMs: behindMs === 0 ? 0 : Math.max(behindMs, source.widthMs) }
  const points = source.points(makeWindows(source.steps, extendedShift(shift, extension)))
  const sets = selectedSets(points, compiler.scope.labels, compiler.scope.budget)
  const filler = new RangeRows({ ...called, extension, usesStartTimes: false }, sets, { steps: source.steps, shift })
  return new PointsReader(source.span, { points, filler, raw: tailReader(asked, source), warn: (hasRows) => source.warnAll(hasRows, ['points']) }, compiler.scope)
}

function tailReader(asked: RangeAsk, source: TierSource): SampleReader | null {
  return source.span.tailFromMs === null ? null : samplesReader(asked, source)
}

/** The end of a window that no bucket tells is left out. */
function sketchReader({ called, shift, compiler }: RangeAsk, source: TierSource): SpanReader {
  const windows = roundedWindows(source, shift)
  const { refs } = source.select(windows, [])
  const { keptFrom } = source.span.tier
  return new SketchReader(source.span, refs, {
    buckets: source.buckets, qs: called.args[0]!, startMs: windows.startMs.map((ms) => Math.max(ms, keptFrom - 1)), endMs: windows.endMs, warn: (hasRows) => source.warnAll(hasRows, ['sketch']),
  }, compiler.scope)
}
