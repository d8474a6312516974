// How long the samples of which series are kept: a list of rules, of which the first that matches a series holds for it;
// the store's own retention for all others. What is past it is not shown (retention-view.ts), and goes from blocks when they
// are compacted or hold little else (retention-expire.ts).
import type { Matcher } from '../lib/model/matcher.ts'
import type { TierName } from './tier/bucket.ts'

/** Ages, ms, at which samples of each tier go; null where the store's own holds. */
export interface RetentionRule {
  readonly matchers: readonly Matcher[]
  readonly ages: Readonly<Record<TierName, number | null>>
}

/** Samples before `t` of series that match, and no cutoff before this one, are past their retention. The last one matches all. */
export interface Cutoff {
  readonly matchers: readonly Matcher[]
  readonly t: number
}

/** The age at which raw samples of no series are kept any more. */
export function longestRaw(rules: readonly RetentionRule[], rawMs: number): number {
  return rules.reduce((longest, { ages }) => Math.max(longest, ages.raw ?? rawMs), rawMs)
}

/** None where there are no rules: whole blocks go by their age, and until then they are shown. */
export function cutoffsAt(nowT: number, rules: readonly RetentionRule[], rawMs: number): Cutoff[] {
  if (rules.length === 0) return []
  return [...rules.map(({ matchers, ages }) => ({ matchers, t: nowT - (ages.raw ?? rawMs) })), { matchers: [], t: nowT - rawMs }]
}
