// How long the samples and rows of which series are kept: a list of rules, of which the first that matches a series holds for
// it; the store's own retention for all others. What is past it is not shown (retention-view.ts), and goes from blocks and files
// when they are compacted or hold little else (retention-expire.ts).
import type { Matcher, MatchOp } from '../lib/model/matcher.ts'
import type { TierName } from './tier/bucket.ts'

/** Ages, ms, at which samples of each tier go; null where the store's own holds. */
export interface RetentionRule {
  readonly matchers: readonly Matcher[]
  readonly ages: Readonly<Record<TierName, number | null>>
}

/** Samples, or rows that end, before `t` of series that match, and no cutoff before this one, are past their retention. The last one matches all. */
export interface Cutoff {
  readonly matchers: readonly Matcher[]
  readonly t: number
}

/** More rules than that split a selector into too many parts. */
const PARTS_MAX = 64

/**
 * Matchers of parts that select, together, what `matchers` do, no series twice: for all series of a part one and the same rule
 * holds, or none. null where that takes too many parts.
 */
export function splitByRule(matchers: readonly Matcher[], rules: readonly RetentionRule[]): (readonly Matcher[])[] | null {
  const parts: (readonly Matcher[])[] = []
  let rest = [matchers]
  for (const { matchers: named } of rules) {
    parts.push(...rest.map((part) => [...part, ...named]))
    // What does not match all of a, b, … does not match a; or matches a, but not b; …
    rest = rest.flatMap((part) => named.map((matcher, k) => [...part, ...named.slice(0, k), { ...matcher, op: OPPOSITE[matcher.op] }]))
    if (parts.length + rest.length > PARTS_MAX) return null
  }
  return [...parts, ...rest]
}

const OPPOSITE: Readonly<Record<MatchOp, MatchOp>> = { '=': '!=', '!=': '=', '=~': '!~', '!~': '=~' }

/** The age at which a tier keeps nothing of any series any more; `ownMs`: of series that no rule names. */
export function longestAge(rules: readonly RetentionRule[], tier: TierName, ownMs: number): number {
  return rules.reduce((longest, { ages }) => Math.max(longest, ages[tier] ?? ownMs), ownMs)
}

/** A block or file is written anew when so many of its series are past their retention. */
export const EXPIRED_SHARE = 0.5

/** None where there are no rules: whole blocks go by their age, and until then they are shown. */
export function cutoffsAt(nowT: number, rules: readonly RetentionRule[], tier: TierName, ownMs: number): Cutoff[] {
  if (rules.length === 0) return []
  return [...rules.map(({ matchers, ages }) => ({ matchers, t: nowT - (ages[tier] ?? ownMs) })), { matchers: [], t: nowT - ownMs }]
}

/** How many cutoffs all that ends at `maxT` lies before. */
export function pastCount(cutoffs: readonly Cutoff[], maxT: number): number {
  return cutoffs.reduce((count, { t }) => count + (t > maxT ? 1 : 0), 0)
}

/** What is older may be gone for some series, Unix ms. */
export function newestOf(cutoffs: readonly Cutoff[]): number {
  return cutoffs.reduce((newest, { t }) => Math.max(newest, t), -Infinity)
}
