// What the pages of each section hold, as numbers by item (FORMAT.md, "Page file").
import type { Page } from './page-cache.ts'
import {
  MIRROR, SECTION_GROUPS, SECTION_LABELS, SECTION_LACKING, SECTION_NAMES, SECTION_PAIRS, SECTION_PLACES, SECTION_POSTINGS, SECTION_REFS, SECTION_TIMES, SECTION_VALUES,
} from './page-file.ts'
import type { PageContent, PageParser } from './page-reader.ts'

type Parsed = Pick<Page, 'columns' | 'texts'>

/** Bytes of an item in the groups' section. */
export const GROUP_BYTES = 24

let cursor = 0

function readVarint({ bytes, sizeBytes }: PageContent): number {
  let value = 0
  for (let unit = 1; cursor < sizeBytes && unit < 2 ** 35; unit *= 128) {
    const byte = bytes[cursor++]!
    value += (byte & 127) * unit
    if (byte < 128) return value
  }
  throw new RangeError(`hold a number that does not end at ${cursor}`)
}

function checkEnd({ sizeBytes, items }: PageContent): void {
  if (cursor !== sizeBytes) throw new RangeError(`hold ${items} items of ${cursor} bytes, not ${sizeBytes}`)
}

/** columns: where each piece begins, one more at the end. */
export function parsePieces(page: PageContent): Parsed {
  const starts = new Uint32Array(page.items + 1)
  cursor = 0
  for (let i = 0; i < page.items; i++) starts[i + 1] = readVarint(page)
  starts[0] = cursor
  for (let i = 0; i < page.items; i++) starts[i + 1]! += starts[i]!
  cursor = starts[page.items]!
  checkEnd(page)
  return { columns: [starts], texts: [] }
}

/** Groups are read where they stand. */
export function parseGroups(page: PageContent): Parsed {
  cursor = page.items * GROUP_BYTES
  checkEnd(page)
  return { columns: [], texts: [] }
}

/** columns: group; number of the first piece, one more at the end. */
export function parsePlaces(page: PageContent): Parsed {
  const groups = new Uint32Array(page.items)
  const firstPieces = new Uint32Array(page.items + 1)
  firstPieces[0] = page.view.getUint32(0, true)
  cursor = 4
  for (let i = 0; i < page.items; i++) {
    groups[i] = readVarint(page)
    firstPieces[i + 1] = firstPieces[i]! + readVarint(page)
  }
  checkEnd(page)
  return { columns: [groups, firstPieces], texts: [] }
}

/** columns: refs, ascending; series numbers. */
export function parseRefs(page: PageContent): Parsed {
  const refs = new Uint32Array(page.items)
  const series = new Uint32Array(page.items)
  cursor = 0
  let ref = 0
  for (let i = 0; i < page.items; i++) {
    ref += readVarint(page)
    refs[i] = ref
    series[i] = readVarint(page)
  }
  checkEnd(page)
  return { columns: [refs, series], texts: [] }
}

/** columns: numbers of series, ascending. */
export function parseLacking(page: PageContent): Parsed {
  const series = new Uint32Array(page.items)
  cursor = 0
  for (let i = 0, number = 0; i < page.items; i++) series[i] = number += readVarint(page)
  checkEnd(page)
  return { columns: [series], texts: [] }
}

/** columns: refs; where the pairs of each series begin in the third column, one more at the end; pairs. */
export function parseLabels(page: PageContent): Parsed {
  const refs = new Uint32Array(page.items)
  const starts = new Uint32Array(page.items + 1)
  const pairs = new Uint32Array(page.sizeBytes)
  cursor = 0
  let n = 0
  for (let i = 0; i < page.items; i++) {
    refs[i] = readVarint(page)
    starts[i] = n
    for (let left = readVarint(page); left > 0; left--) pairs[n++] = readVarint(page)
  }
  starts[page.items] = n
  checkEnd(page)
  return { columns: [refs, starts, pairs.slice(0, n)], texts: [] }
}

/** columns: number of series; the one series, or the first piece of postings. texts: values. */
export function parsePairs(page: PageContent): Parsed {
  const counts = new Uint32Array(page.items)
  const places = new Uint32Array(page.items)
  const texts: string[] = []
  let value = Buffer.alloc(0)
  cursor = 0
  for (let i = 0; i < page.items; i++) {
    const shared = readVarint(page)
    const length = readVarint(page)
    if (shared > value.length || cursor + length > page.sizeBytes) throw new RangeError(`hold a value of ${shared} + ${length} bytes at ${cursor}`)
    value = Buffer.concat([value.subarray(0, shared), page.bytes.subarray(cursor, cursor + length)])
    texts.push(value.toString())
    cursor += length
    counts[i] = readVarint(page)
    if (counts[i]! > 0) places[i] = readVarint(page)
  }
  checkEnd(page)
  return { columns: [counts, places], texts }
}

/** columns: first pair. texts: label names. */
export function parseNames(page: PageContent): Parsed {
  const firstPairs = new Uint32Array(page.items)
  const texts: string[] = []
  cursor = 0
  for (let i = 0; i < page.items; i++) {
    const length = readVarint(page)
    if (cursor + length > page.sizeBytes) throw new RangeError(`hold a name of ${length} bytes at ${cursor}`)
    texts.push(Buffer.from(page.bytes.subarray(cursor, cursor + length)).toString())
    cursor += length
    firstPairs[i] = readVarint(page)
  }
  checkEnd(page)
  return { columns: [firstPairs], texts }
}

const PARSERS: ReadonlyMap<number, PageParser> = new Map<number, PageParser>([
  [SECTION_TIMES, parsePieces], [SECTION_GROUPS, parseGroups], [SECTION_PLACES, parsePlaces], [SECTION_LABELS, parseLabels],
  [SECTION_REFS, parseRefs], [SECTION_POSTINGS, parsePieces], [SECTION_PAIRS, parsePairs], [SECTION_NAMES, parseNames], [SECTION_VALUES, parsePieces],
  [SECTION_LACKING, parseLacking],
])

/** The parser of a section's pages, of either copy; undefined where the section is not known. */
export function parserOf(section: number): PageParser | undefined {
  return PARSERS.get(section > MIRROR ? section - MIRROR : section)
}
