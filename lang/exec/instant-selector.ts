// The operator of an instant vector selector: the newest sample of each step, or its times, or a smoothed line.
import type { Selection } from '../../storage/interface.ts'
import { RangeNotes } from '../func/range-notes.ts'
import type { VectorSelector } from '../parse/ast.ts'
import { BucketInstant, INSTANT_COLUMNS } from './bucket-instant.ts'
import type { ExprCompiler } from './call-context.ts'
import { InstantRows, type Wanted } from './instant-rows.ts'
import type { Operator, Steps } from './operator.ts'
import { SelectedRows, selectedSets, type RowFiller } from './selected-rows.ts'
import { SmoothedRows } from './smoothed-rows.ts'
import { BucketReader, PointsReader, SampleReader } from './span-readers.ts'
import { StitchedRows, type SpanReader } from './stitched-rows.ts'
import { TierSource, tierSpans } from './tier-selector.ts'
import { extendedShift, extensionOf, shiftOf } from './time-shift.ts'
import { makeWindows, type TimeShift } from './windows.ts'

/** `func`: the function directly around the selector, '' for none. Times are of samples: they know no smoothing. */
export function instantSelector(compiler: ExprCompiler, selector: VectorSelector, steps: Steps, what: { func: string; wanted: Wanted }): Operator {
  const { lookbackMs, tierUse, budget, labels } = compiler.scope
  const asked = new InstantAsk(compiler, selector, what, lookbackMs)
  const spans = tierSpans(compiler.scope, selector, { steps, shift: asked.reach }, {
    isInstant: true, columnsFor: () => (asked.isSmoothed || what.wanted === 'startTime' ? null : INSTANT_COLUMNS.length),
  })
  if (spans === null) {
    const { selection, sets, filler } = asked.samples(steps)
    return new SelectedRows(selection, sets, filler, { steps, budget, tierUse })
  }
  const readers = spans.map((span) => asked.readerOf(new TierSource(compiler.scope, span, { steps, at: selector.span })))
  return new StitchedRows(readers, { labels, steps, budget }, null)
}

/** A selector and what is wanted of it. */
class InstantAsk {
  readonly isSmoothed: boolean
  /** All that is looked at. */
  readonly reach: TimeShift
  readonly #compiler: ExprCompiler
  readonly #selector: VectorSelector
  readonly #what: { func: string; wanted: Wanted }
  readonly #shift: TimeShift

  constructor(compiler: ExprCompiler, selector: VectorSelector, what: { func: string; wanted: Wanted }, lookbackMs: number) {
    this.isSmoothed = selector.isSmoothed && what.wanted === 'value'
    this.#compiler = compiler
    this.#selector = selector
    this.#what = what
    this.#shift = what.func === 'timestamp' || what.func === 'start_timestamp' ? timesShift(selector, lookbackMs) : shiftOf(selector, lookbackMs)
    this.reach = this.isSmoothed ? extendedShift(this.#shift, { beforeMs: 0, behindMs: lookbackMs }) : this.#shift
  }

  /** `selector`: of all series, or of some of them. */
  samples(steps: Steps, selector: VectorSelector = this.#selector): { selection: Selection; sets: Uint32Array; filler: RowFiller } {
    const { func, wanted } = this.#what
    const selection = this.#compiler.select(selector, steps, { shift: this.reach, func, rangeMs: 0 })
    const sets = selectedSets(selection, this.#compiler.scope.labels, this.#compiler.scope.budget)
    const filler = this.isSmoothed
      ? this.#smoothed({ steps, shift: this.#shift }, sets)
      : new InstantRows({ steps, shift: this.#shift }, wanted, this.#compiler.scope.histograms)
    return { selection, sets, filler }
  }

  readerOf(source: TierSource): SpanReader {
    const { scope } = this.#compiler
    if (source.isRaw) return this.#raw(source)
    if (this.isSmoothed) return this.#smoothedPoints(source)
    const { wanted } = this.#what
    const windows = makeWindows(source.steps, this.#shift)
    const hasTail = source.span.tailFromMs !== null
    const filler = new BucketInstant(windows, wanted, hasTail ? 0 : source.widthMs)
    return new BucketReader(source.span, {
      selection: source.select(windows, INSTANT_COLUMNS), filler, tail: source.tail(windows, INSTANT_COLUMNS),
      raw: hasTail ? () => this.#raw(source) : null,
      warn: (hasRows) => source.warnAll(hasRows, [filler.isCoarse && 'instants', wanted === 'startTime' && 'startTimes']),
    }, scope)
  }

  #raw(source: TierSource): SampleReader {
    const { selection, filler } = this.samples(source.steps, source.selector)
    return new SampleReader(source.span, { selection, filler, tier: 'raw' }, this.#compiler.scope)
  }

  /** Lines between the first and last samples of buckets. */
  #smoothedPoints(source: TierSource): SpanReader {
    const { labels, budget } = this.#compiler.scope
    const rangeMs = Math.max(this.#shift.rangeMs, source.widthMs)
    const shift = { ...this.#shift, rangeMs }
    const points = source.points(makeWindows(source.steps, extendedShift(shift, { beforeMs: 0, behindMs: rangeMs })))
    const filler = this.#smoothed({ steps: source.steps, shift }, selectedSets(points, labels, budget))
    const raw = source.span.tailFromMs === null ? null : this.#raw(source)
    return new PointsReader(source.span, { points, filler, raw, warn: (hasRows) => source.warnAll(hasRows, ['points']) }, this.#compiler.scope)
  }

  #smoothed(place: { steps: Steps; shift: TimeShift }, sets: Uint32Array): SmoothedRows {
    const { annotations, labels, histograms } = this.#compiler.scope
    return new SmoothedRows(place, sets, new RangeNotes(annotations, labels, this.#selector.span), histograms)
  }
}

/**
 * Prometheus forgets the offset of a pinned selector whose times are asked for, but has loaded only what the offset
 * leaves: `timestamp(m @ 600 offset 1m)` is of the newest sample up to 540 that a lookback from 600 reaches.
 */
function timesShift(selector: VectorSelector, lookbackMs: number): TimeShift {
  const shift = shiftOf(selector, lookbackMs)
  if (shift.atMs === null || shift.offsetMs === 0) return shift
  const endMs = shift.atMs - shift.offsetMs
  return { ...shift, offsetMs: 0, visible: { fromMs: endMs - lookbackMs, toMs: endMs + extensionOf(selector, lookbackMs).behindMs } }
}
