// "Did you mean …": the known word nearest to a mistyped one.

/** The nearest of `words` by edit distance, or null if none is near (more than a third of the letters differ, or all of a short word). */
export function nearestWord(wrong: string, words: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(wrong.length / 3)) + 1
  for (const word of words) {
    const distance = editDistance(wrong.toLowerCase(), word.toLowerCase(), bestDistance)
    if (distance < bestDistance && distance < Math.max(wrong.length, word.length)) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

/** Damerau-Levenshtein distance with adjacent swaps (optimal string alignment), `limit` where it is that or more. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let value = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, before[j - 2]! + 1)
      next.push(value)
    }
    // No later row goes below both of these.
    if (Math.min(...next) >= limit && Math.min(...row) >= limit) return limit
    before = row
    row = next
  }
  return Math.min(limit, row[b.length]!)
}
