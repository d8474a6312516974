// The pairs of several blocks as one list: each block's are sorted by name and value, so they are merged as they are read.
import { compareText } from '../../lib/model/labels.ts'
import type { BlockIndex } from './block-index.ts'
import { GrowingU32 } from './growing-array.ts'
import type { PairTexts } from './index-write.ts'
import { compareNames } from './pair-table.ts'

export interface MergedPairs {
  /** For each block: the number of each of its pairs in the merged list. */
  readonly numbers: readonly Uint32Array[]
  readonly texts: PairTexts
}

/** Throws BlockError. */
export function mergePairs(indexes: readonly BlockIndex[]): MergedPairs {
  const numbers = indexes.map((index) => new Uint32Array(index.pairCount))
  /** Where the text of each merged pair stands. */
  const block = new GrowingU32()
  const pair = new GrowingU32()
  const names: { name: string; firstPair: number }[] = []
  for (const name of allNames(indexes)) {
    names.push({ name, firstPair: pair.length })
    mergeName(indexes, name, numbers, { block, pair })
  }
  const valueOf = (i: number): string => indexes[block.data[i]!]!.valueOf(pair.data[i]!)
  return { numbers, texts: { count: pair.length, names, valueOf } }
}

function allNames(indexes: readonly BlockIndex[]): string[] {
  return [...new Set(indexes.flatMap((index) => index.names().map(({ name }) => name)))].toSorted(compareNames)
}

function mergeName(
  indexes: readonly BlockIndex[], name: string, numbers: readonly Uint32Array[], merged: { block: GrowingU32; pair: GrowingU32 },
): void {
  const cursors = indexes.flatMap((index, b) => {
    const known = index.names().find((other) => other.name === name)
    return known === undefined || known.firstPair === known.endPair ? [] : [{ index, b, pair: known.firstPair, end: known.endPair, value: index.valueOf(known.firstPair) }]
  })
  while (cursors.length > 0) {
    let least = cursors[0]!
    for (const cursor of cursors) if (compareText(cursor.value, least.value) < 0) least = cursor
    const { value } = least
    merged.block.push(least.b)
    merged.pair.push(least.pair)
    for (let i = cursors.length - 1; i >= 0; i--) {
      const cursor = cursors[i]!
      if (cursor.value !== value) continue
      numbers[cursor.b]![cursor.pair++] = merged.pair.length - 1
      if (cursor.pair === cursor.end) cursors.splice(i, 1)
      else cursor.value = cursor.index.valueOf(cursor.pair)
    }
  }
}
