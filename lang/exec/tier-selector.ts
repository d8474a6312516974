// What the operators of selectors need to read tiers: which spans there are, and the selections of each.
import { assert } from '../../lib/std/assert.ts'
import type { Selection } from '../../storage/interface.ts'
import type { BucketColumn, BucketSelection, TierQuerier } from '../../storage/tier/bucket.ts'
import type { Windows } from '../func/range-kernel.ts'
import type { Span, VectorSelector } from '../parse/ast.ts'
import { BucketPoints, POINT_COLUMNS, tailSamples } from './bucket-points.ts'
import { readTail, type BucketTail } from './bucket-tail.ts'
import type { Steps } from './operator.ts'
import type { QueryScope } from './query-scope.ts'
import { ceilTo, floorTo, mayReplaceRaw, planTiers, RAW, WORTH_MS, type TierAsk, type TierSpan } from './tier-plan.ts'
import { warnOfTier, type Coarseness } from './tier-use.ts'
import { makeWindows, type TimeShift } from './windows.ts'

/** A span, and of which of a selector's series: all, or those that are kept as long as each other. */
export interface SelectorSpan {
  readonly span: TierSpan
  readonly selector: VectorSelector
}

/** Who answers which steps; null where raw samples answer all, as in a store without tiers. `shift` is all that is looked at. */
export function tierSpans(
  scope: QueryScope, selector: VectorSelector, place: { steps: Steps; shift: TimeShift }, ask: Omit<TierAsk, 'windows'>,
): readonly SelectorSpan[] | null {
  const { buckets } = scope.querier
  if (buckets === undefined) return null
  const spans = planned(scope, buckets, selector, { place, ask })
  if (spans === null) scope.tierUse?.addSteps('raw', place.steps.count)
  return spans
}

interface Planning {
  place: { steps: Steps; shift: TimeShift }
  ask: Omit<TierAsk, 'windows'>
}

function planned({ tier: wanted }: QueryScope, buckets: TierQuerier, selector: VectorSelector, { place, ask }: Planning): readonly SelectorSpan[] | null {
  const { steps, shift } = place
  if (wanted === 'raw' || steps.count === 0) return null
  const startMs = (shift.atMs ?? steps.startMs) - shift.offsetMs - shift.rangeMs
  const readMs = shift.rangeMs + (shift.atMs === null ? (steps.count - 1) * steps.stepMs : 0)
  const isRawThere = wanted === null && startMs >= buckets.rawFrom
  // Fast path: nobody need ask what tiers cover.
  if (isRawThere && readMs < WORTH_MS) return null
  const windows = makeWindows(steps, shift)
  if (isRawThere && !mayReplaceRaw({ ...ask, windows })) return null
  const parts = buckets.keptAlike(selector.matchers).map((matchers) => ({
    selector: matchers === selector.matchers ? selector : { ...selector, matchers: [...matchers] },
    spans: planTiers({ ...ask, coverage: buckets.tiers(matchers), windows, wanted }),
  }))
  if (parts.every(({ spans }) => spans === null)) return null
  const allRaw: TierSpan = { from: 0, to: steps.count, tier: RAW, tailFromMs: null, isRawThere: true }
  return parts.flatMap(({ selector: part, spans }) => (spans ?? [allRaw]).map((span) => ({ span, selector: part })))
}

/** A span of a selector and how to read it. */
export class TierSource {
  readonly span: TierSpan
  /** The span's. */
  readonly steps: Steps
  readonly #scope: QueryScope
  readonly #buckets: TierQuerier
  /** Of the series that the span is of. */
  readonly selector: VectorSelector
  readonly #at: Span

  /** `at`: what warnings speak of. */
  constructor(scope: QueryScope, { span, selector }: SelectorSpan, { steps, at }: { steps: Steps; at: Span }) {
    const { buckets } = scope.querier
    assert(buckets !== undefined, 'spans without tiers')
    this.span = span
    this.steps = { startMs: steps.startMs + span.from * steps.stepMs, stepMs: steps.stepMs, count: span.to - span.from }
    this.#scope = scope
    this.#buckets = buckets
    this.selector = selector
    this.#at = at
  }

  get isRaw(): boolean {
    return this.span.tier.name === 'raw'
  }

  get widthMs(): number {
    return this.span.tier.widthMs
  }

  get buckets(): TierQuerier {
    return this.#buckets
  }

  /** Rows of buckets of the windows of all steps, up to the tail. */
  select(windows: Windows, columns: readonly BucketColumn[]): BucketSelection {
    const { tier, tailFromMs } = this.span
    assert(tier.name !== 'raw', 'buckets of raw samples')
    this.#scope.budget.check()
    const { startMs, endMs, count } = windows
    const fromMs = Math.max(floorTo(startMs[0]!, tier.widthMs), tier.keptFrom - 1)
    return this.#buckets.selectBuckets(tier.name, this.selector.matchers, fromMs, tailFromMs ?? ceilTo(endMs[count - 1]!, tier.widthMs), columns)
  }

  /** Raw samples behind the last bucket as rows that end where windows do; null without a tail. */
  tail(windows: Windows, columns: readonly BucketColumn[]): { refs: Uint32Array; make: () => BucketTail } | null {
    const { tailFromMs } = this.span
    if (tailFromMs === null) return null
    const selection = this.#tailSelection(windows, tailFromMs)
    const ends = Float64Array.from(new Set(windows.endMs))
    return { refs: selection.refs, make: () => readTail(selection, { fromMs: tailFromMs, ends }, columns, this.#scope.budget) }
  }

  /** First and last sample of each bucket, and raw samples behind them. */
  points(windows: Windows): BucketPoints {
    const { budget } = this.#scope
    const { tailFromMs } = this.span
    const tails = tailFromMs === null ? new Map() : tailSamples(this.#tailSelection(windows, tailFromMs), tailFromMs, budget)
    return new BucketPoints(this.select(windows, POINT_COLUMNS), tails, budget)
  }

  warn(why: Coarseness): void {
    warnOfTier(this.#scope.annotations, this.#at, this.span.tier, why)
  }

  /** At the end: what has no rows is not coarse, but may be native histograms that the tier lacks. */
  warnAll(hasRows: boolean, whys: readonly (Coarseness | false)[]): void {
    for (const why of [...(hasRows ? whys : []), this.span.tier.lacksHistograms && 'histograms' as const]) if (why !== false) this.warn(why)
  }

  #tailSelection({ endMs, count, rangeMs }: Windows, fromMs: number): Selection {
    const { startMs, stepMs } = this.steps
    const hints = { startMs, stepMs, endMs: startMs + stepMs * (count - 1), rangeMs, func: '' }
    return this.#scope.querier.select(this.selector.matchers, fromMs + 1, endMs[count - 1]!, hints)
  }
}

/** Windows whose bounds are moved outwards to bounds of buckets; their ends only where no raw samples lie behind the last bucket. */
export function roundedWindows(source: TierSource, shift: TimeShift): Windows {
  const windows = makeWindows(source.steps, shift)
  const { count, startMs, endMs } = windows
  for (let i = 0; i < count; i++) {
    startMs[i] = floorTo(startMs[i]!, source.widthMs)
    if (source.span.tailFromMs === null) endMs[i] = ceilTo(endMs[i]!, source.widthMs)
  }
  return windows
}
