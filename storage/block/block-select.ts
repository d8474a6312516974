// Matchers to series by a block's own index: each matcher names a set of series by its postings, or a set to leave out
// where it also holds for series without the label.
import { compileMatcher, type Matcher } from '../../lib/model/matcher.ts'
import type { BlockIndex } from './block-index.ts'

/** Numbers, ascending, of the series that match all matchers. Throws BlockError and RegexError. */
export function selectSeries(index: BlockIndex, matchers: readonly Matcher[]): Uint32Array {
  let chosen: Uint32Array | null = null
  const leftOut: Uint32Array[] = []
  for (const matcher of matchers) {
    const test = compileMatcher(matcher)
    const holdsWithout = test('')
    const series = seriesWith(index, matcher, (value) => test(value) !== holdsWithout)
    if (holdsWithout) leftOut.push(series)
    else chosen = chosen === null ? series : inBoth(chosen, series)
    if (chosen?.length === 0) return chosen
  }
  let result = chosen ?? Uint32Array.from({ length: index.seriesCount }, (_, s) => s)
  for (const series of leftOut) result = without(result, series)
  return result
}

/** Series that have the matcher's label with a value that passes. */
function seriesWith(index: BlockIndex, matcher: Matcher, passes: (value: string) => boolean): Uint32Array {
  const name = index.names().find((known) => known.name === matcher.name)
  if (name === undefined) return new Uint32Array(0)
  const lists: Uint32Array[] = []
  if (matcher.op === '=' && matcher.value !== '') {
    const pair = index.findPair(name, matcher.value)
    if (pair >= 0) lists.push(index.postings(pair))
  } else {
    for (let pair = name.firstPair; pair < name.endPair; pair++) if (passes(index.valueOf(pair))) lists.push(index.postings(pair))
  }
  if (lists.length === 1) return lists[0]!
  // Series have one value of a name each: the lists are disjoint.
  const union = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0))
  let at = 0
  for (const list of lists) {
    union.set(list, at)
    at += list.length
  }
  return union.sort()
}

function inBoth(a: Uint32Array, b: Uint32Array): Uint32Array {
  let i = 0
  return a.filter((series) => {
    while (i < b.length && b[i]! < series) i++
    return i < b.length && b[i] === series
  })
}

function without(a: Uint32Array, b: Uint32Array): Uint32Array {
  let i = 0
  return a.filter((series) => {
    while (i < b.length && b[i]! < series) i++
    return i === b.length || b[i] !== series
  })
}
