// Which samples say what the value was at the ends of an anchored or smoothed range (prometheus promql/functions.go,
// extendedRate): the last one at or before its start and, smoothed, the first one at or behind its end.

/** Which function of an extended range. */
export interface ExtendedKind {
  isSmoothed: boolean
  isCounter: boolean
  isRate: boolean
}

/**
 * Positions of the samples that say what the value was at the ends of a range, in t[from..to), which is not empty;
 * null where none of them says anything about it.
 */
export function rangeEnds(
  t: Float64Array, from: number, to: number, range: { startMs: number; endMs: number; isSmoothed: boolean },
): { first: number; last: number } | null {
  let last = to - 1
  let first = from
  while (first < last && t[first]! <= range.startMs) first++
  first = Math.max(from, first - 1)
  if (range.isSmoothed) {
    let end = from
    while (end < last && t[end]! < range.endMs) end++
    last = end
  }
  if (t[last]! <= range.startMs || (range.isSmoothed && t[first]! > range.endMs)) return null
  return { first, last }
}
