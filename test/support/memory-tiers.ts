// The tiers of a store over its raw samples: rows are aggregated when they are asked for, and cover what the test says. For
// tests of who asks tiers, where the answer from raw is at hand.
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Querier, Selection } from '../../storage/interface.ts'
import { aggregate, samplesOf } from '../../storage/tier/aggregate.ts'
import { BucketBuffer } from '../../storage/tier/bucket-buffer.ts'
import { TIER_MS, type BucketBatch, type BucketSelection, type QuantileRow, type QuantileWindows, type TierCoverage, type TierName, type TierQuerier } from '../../storage/tier/bucket.ts'
import { WindowQuantiles } from '../../storage/tier/window-quantiles.ts'

type Bucketed = Exclude<TierName, 'raw'>

const HINTS = { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' }

/** What each tier says it covers, raw included; a name left out is a tier that is not there. */
export type Covers = Partial<Record<TierName, { from: number; to: number }>>

export class MemoryTiers implements TierQuerier {
  readonly #querier: Querier
  readonly #covers: Covers

  constructor(querier: Querier, covers: Covers) {
    this.#querier = querier
    this.#covers = covers
  }

  get rawFrom(): number {
    return this.#covers.raw?.from ?? Infinity
  }

  keptAlike(matchers: readonly Matcher[]): readonly (readonly Matcher[])[] {
    return [matchers]
  }

  tiers(matchers: readonly Matcher[]): readonly TierCoverage[] {
    const names: TierName[] = ['raw', '1m', '1h']
    return names.flatMap((name) => {
      const cover = this.#covers[name]
      if (cover === undefined) return []
      return [{ name, widthMs: name === 'raw' ? 0 : TIER_MS[name], ...cover, keptFrom: -Infinity, localFrom: -Infinity, lacksHistograms: name !== 'raw' && this.#hasHistograms(matchers, cover) }]
    })
  }

  #hasHistograms(matchers: readonly Matcher[], { from, to }: { from: number; to: number }): boolean {
    const selection = this.#querier.select(matchers, from + 1, to, HINTS)
    for (let batch = selection.next(); batch !== null; batch = selection.next()) if (batch.histograms !== null) return true
    return false
  }

  selectBuckets(name: Bucketed, matchers: readonly Matcher[], mint: number, maxt: number): BucketSelection {
    const selection = this.#raw(name, matchers, mint, maxt)
    const buffer = new BucketBuffer()
    const next = (): BucketBatch | null => {
      const batch = selection.next()
      if (batch === null) return null
      aggregate(batch, TIER_MS[name], buffer, 0)
      return buffer
    }
    return { refs: selection.refs, next }
  }

  *quantiles(name: Bucketed, refs: Uint32Array, windows: QuantileWindows): Generator<QuantileRow> {
    const selection = this.#raw(name, [{ name: '__name__', op: '!=', value: '' }], windows.from[0]!, windows.to.at(-1)!)
    const quantiles = new WindowQuantiles(windows)
    const buffer = new BucketBuffer()
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      aggregate(batch, TIER_MS[name], buffer, 0)
      const { n, t, samples, sampleAt, sketches, sketchAt } = buffer
      for (let s = 0; s < buffer.seriesCount; s++) {
        const index = refs.indexOf(selection.refs[buffer.index[s]!]!)
        if (index >= 0) yield quantiles.of(index, { first: s * n, n, t, samples, sampleAt, sketches, sketchAt })
      }
    }
  }

  #raw(name: Bucketed, matchers: readonly Matcher[], from: number, to: number): Selection {
    const range = samplesOf(from, to, TIER_MS[name])
    return this.#querier.select(matchers, range.mint, range.maxt, HINTS)
  }
}
