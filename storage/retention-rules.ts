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

/** More parts than that cost a query more than what they tell apart is worth. */
export const PARTS_MAX = 256

export interface Part {
  readonly matchers: readonly Matcher[]
  /** Place of the rule that holds for all of it, that behind the last one where none does; null: several do. */
  readonly rule: number | null
}

/**
 * Parts that select, together, what `matchers` do, no series twice: for all series of a part one and the same rule
 * holds, or none. Where that takes too many parts, the last ones hold what is left. `isThere`: whether a part has series; others
 * are left out.
 */
export function splitByRule(matchers: readonly Matcher[], rules: readonly RetentionRule[], isThere: (part: readonly Matcher[]) => boolean): Part[] {
  const parts: Part[] = []
  let rest = [matchers]
  let split = 0
  for (const { matchers: named } of rules) {
    if (parts.length + rest.length * (1 + named.length) > PARTS_MAX) break
    parts.push(...rest.map((part) => [...part, ...named]).filter(isThere).map((own) => ({ matchers: own, rule: split })))
    // What does not match all of a, b, … does not match a; or matches a, but not b; …
    rest = rest.flatMap((part) => named.map((matcher, k) => [...part, ...named.slice(0, k), { ...matcher, op: OPPOSITE[matcher.op] }])).filter(isThere)
    split++
  }
  return [...parts, ...rest.map((left) => ({ matchers: left, rule: split === rules.length ? split : null }))]
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
