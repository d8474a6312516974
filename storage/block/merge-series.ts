// The series of several blocks, each once with all the places where it is, in block order: blocks are read side by side, and
// of each only the series it is at is held.
import type { BlockIndex } from './block-index.ts'

/** What a source is about to give: its series in turn. */
export interface SeriesCursor {
  readonly source: number
  series: number
  /** Its pairs by their numbers in the new block. */
  pairs: Uint32Array
}

/** `numbers`: those of each source's pairs in the merged list (merge-pairs.ts). Cursors are good until the next is asked for. */
export function* mergedSeries(indexes: readonly BlockIndex[], numbers: readonly Uint32Array[]): Generator<readonly SeriesCursor[]> {
  const cursors: SeriesCursor[] = []
  const pairsOf = (source: number, series: number): Uint32Array => indexes[source]!.pairsOf(series).map((pair) => numbers[source]![pair]!)
  indexes.forEach((index, source) => {
    if (index.seriesCount > 0) cursors.push({ source, series: 0, pairs: pairsOf(source, 0) })
  })
  while (cursors.length > 0) {
    const same = leastOf(cursors)
    yield same
    for (const cursor of same) {
      if (++cursor.series === indexes[cursor.source]!.seriesCount) cursors.splice(cursors.indexOf(cursor), 1)
      else cursor.pairs = pairsOf(cursor.source, cursor.series)
    }
  }
}

/** Cursors at the series that comes first. */
function leastOf(cursors: readonly SeriesCursor[]): SeriesCursor[] {
  let least: SeriesCursor[] = []
  for (const cursor of cursors) {
    const order = least.length === 0 ? -1 : comparePairs(cursor.pairs, least[0]!.pairs)
    if (order < 0) least = [cursor]
    else if (order === 0) least.push(cursor)
  }
  return least
}

function comparePairs(a: Uint32Array, b: Uint32Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
