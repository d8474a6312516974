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
  /** Called at the end; `hasRows`: there was an answer. */
  warn: (hasRows: boolean) => void
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
    assert(tier.name !== 'raw', 'raw samples have no sketch')
    let hasRows = false
    for (const row of buckets.quantiles(tier.name, this.refs, { qs: qs.map((q) => Math.min(1, Math.max(0, q === q ? q : 0))), from: startMs, to: endMs })) {
      budget.check()
      tierUse?.addRows(tier.name, row.rows)
      let found = 0
      for (let i = 0, at = starts[row.index]!; i < to - from; i++) {
        if (row.found[i] === 0) continue
        const q = qs[i]!
        values[at + i] = q >= 0 && q <= 1 ? row.values[i]! : q < 0 ? -Infinity : q > 1 ? Infinity : NaN
        kinds[at + i] = FLOAT
        budget.stepSamples?.add(from + i, 1, 1)
        found++
      }
      budget.addSamples(0, found)
      hasRows ||= found > 0
    }
    warn(hasRows)
  }
}
