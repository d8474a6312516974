// Rows that are left out where blocks of a tier are written anew: deleted ones, and those past their series' own retention.
import type { Matcher } from '../../lib/model/matcher.ts'
import type { Cutoff } from '../retention-rules.ts'
import type { Span } from './due.ts'
import type { TierReader } from './tier-reader.ts'

/** Of a series, buckets that end in [from, before), Unix ms. */
export interface GoneRows {
  from: number
  before: number
}

/** By number of the series in the reader's block; where these cannot be told its `leftOut` says so. */
export type GoneOf = (reader: TierReader) => ReadonlyMap<number, GoneRows>

/** Rows of series that match one of the sets, in buckets that touch the span (Unix ms, inclusive). */
export function deletedRows(sets: readonly (readonly Matcher[])[], { minT, maxT }: Span, widthMs: number): GoneOf {
  const gone = { from: minT, before: maxT + widthMs }
  return (reader) => new Map(sets.flatMap((matchers) => Array.from(reader.select(matchers) ?? [], (series): [number, GoneRows] => [series, gone])))
}

/** Rows before the first cutoff that matches their series. */
export function expiredRows(cutoffs: readonly Cutoff[]): GoneOf {
  return (reader) => {
    const gone = new Map<number, GoneRows>()
    for (const { matchers, t } of cutoffs) {
      for (const series of reader.select(matchers) ?? []) if (!gone.has(series)) gone.set(series, { from: -Infinity, before: t })
    }
    return gone
  }
}
