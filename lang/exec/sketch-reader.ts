// quantile_over_time from the sketches of a tier, on windows of whole buckets.
import { assert } from '../../lib/std/assert.ts'
import type { TierQuerier } from '../../storage/tier/bucket.ts'
import { FLOAT } from './operator.ts'
import type { QueryScope } from './query-scope.ts'
import type { SpanReader, SpanRows } from './stitched-rows.ts'
import type { TierSpan } from './tier-plan.ts'

/** Of the span's steps. */
interface SketchAsk {
  buckets: TierQuerier
  qs: Float64Array
  startMs: Float64Array
  endMs: Float64Array
  /** Called at the end, where there was an answer. */
  warn: () => void
}

export class SketchReader implements SpanReader {
  readonly from: number
  readonly refs: Uint32Array
  readonly #span: TierSpan
  readonly #ask: SketchAsk
  readonly #scope: Pick<QueryScope, 'budget' | 'tierUse'>

  constructor(span: TierSpan, refs: Uint32Array, ask: SketchAsk, scope: Pick<QueryScope, 'budget' | 'tierUse'>) {
    this.from = span.from
    this.refs = refs
    this.#span = span
    this.#ask = ask
    this.#scope = scope
  }

  read({ values, kinds, starts }: SpanRows): void {
    const { buckets, qs, startMs, endMs, warn } = this.#ask
    const { budget, tierUse } = this.#scope
    const { tier, from, to } = this.#span
    tierUse?.addSteps(tier.name, to - from)
    let hasRows = false
    assert(tier.name !== 'raw', 'raw samples have no sketch')
    for (let i = 0; i < to - from; i++) {
      budget.check()
      const q = qs[i]!
      const { values: quantiles, found } = buckets.sketchQuantile(tier.name, Math.min(1, Math.max(0, q === q ? q : 0)), this.refs, startMs[i]!, endMs[i]!)
      budget.addSamples(0, found.length)
      budget.stepSamples?.add(from + i, found.length, found.length)
      tierUse?.addRows(tier.name, found.length)
      for (let s = 0; s < found.length; s++) {
        if (found[s] === 0) continue
        values[starts[s]! + i] = q >= 0 && q <= 1 ? quantiles[s]! : q < 0 ? -Infinity : q > 1 ? Infinity : NaN
        kinds[starts[s]! + i] = FLOAT
        hasRows = true
      }
    }
    if (hasRows) warn()
  }
}
