// What a query took from which tier, for its stats, and what it has to say where an answer may not be the one that raw
// samples would have given.
import { TIER_NAMES, type TierCoverage, type TierName } from '../../storage/tier/bucket.ts'
import type { Span } from '../parse/ast.ts'
import type { Annotations } from './annotations.ts'

export interface TierCount {
  tier: TierName
  /** Steps of selectors, or of the parts of one that are kept for different times. */
  steps: number
  /** Rows of buckets, or raw samples, read for them. */
  rows: number
}

/** One per query. */
export class TierUse {
  readonly #counts: Record<TierName, { steps: number; rows: number }> = {
    'raw': { steps: 0, rows: 0 }, '1m': { steps: 0, rows: 0 }, '1h': { steps: 0, rows: 0 },
  }

  addSteps(tier: TierName, steps: number): void {
    this.#counts[tier].steps += steps
  }

  addRows(tier: TierName, rows: number): void {
    this.#counts[tier].rows += rows
  }

  /** Of tiers in use since `before`, finest first. */
  counts(before: readonly TierCount[] = []): TierCount[] {
    return TIER_NAMES.map((tier): TierCount => {
      const { steps, rows } = this.#counts[tier]
      const known = before.find((count) => count.tier === tier)
      return { tier, steps: steps - (known?.steps ?? 0), rows: rows - (known?.rows ?? 0) }
    }).filter(({ steps, rows }) => steps > 0 || rows > 0)
  }
}

export function addCounts(a: readonly TierCount[], b: readonly TierCount[]): TierCount[] {
  const use = new TierUse()
  for (const { tier, steps, rows } of [...a, ...b]) {
    use.addSteps(tier, steps)
    use.addRows(tier, rows)
  }
  return use.counts()
}

/** Why an answer is coarser than that of raw samples. */
export type Coarseness =
  /** Windows begin or end within a bucket. */
  | 'windows'
  /** Only a sample somewhere in the bucket is known. */
  | 'instants'
  /** The function has no form over buckets. */
  | 'points'
  | 'sketch'
  | 'histograms'
  | 'startTimes'

const REASONS: Record<Coarseness, (bucket: string) => string> = {
  windows: (bucket) => `: windows are rounded outwards to whole ${bucket}s`,
  instants: (bucket) => `: a value within the ${bucket} is that of its end`,
  points: (bucket) => `: only the first and last sample of each ${bucket} are known`,
  sketch: (bucket) => `: quantiles are within 1 %, of windows rounded outwards to whole ${bucket}s`,
  histograms: () => ', which has no native histograms',
  startTimes: () => ', which has no start timestamps',
}

/** A warning of a selector whose answer came from `tier`. */
export function warnOfTier(annotations: Annotations, at: Span, tier: TierCoverage, why: Coarseness): void {
  const bucket = tier.name === '1h' ? 'hour' : 'minute'
  annotations.warn(`answered from the 1-${bucket} tier${REASONS[why](bucket)}`, at)
}
