// Writes a block's index (FORMAT.md, "Page file") once all its series are known.
import { writeVarint } from '../codec/bits.ts'
import { encodePiece } from '../codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../codec/piece-shape.ts'
import { GROUP_BYTES } from './page-parse.ts'
import type { GrowingF64, GrowingU32 } from './growing-array.ts'
import {
  PiecePages, RecordPages, SECTION_GROUPS, SECTION_LABELS, SECTION_LACKING, SECTION_NAMES, SECTION_PAIRS, SECTION_PLACES, SECTION_POSTINGS, SECTION_REFS,
  type PageFileWriter,
} from './page-file.ts'

/** What the index knows of groups, by number. */
export interface GroupTable {
  minT: GrowingF64
  maxT: GrowingF64
  rows: GrowingU32
  firstPiece: GrowingU32
}

/** What the index knows of series, in block order. */
export interface SeriesTable {
  refs: GrowingU32
  group: GrowingU32
  /** Number of its first piece of values; one more at the end. */
  firstPiece: GrowingU32
  /** Where its pairs begin in `pairs`; one more at the end. */
  pairsAt: GrowingU32
  pairs: GrowingU32
}

/** The texts behind pairs' numbers. */
export interface PairTexts {
  readonly count: number
  /** Label names, `__name__` first, then sorted; with the first pair of each. */
  readonly names: readonly { readonly name: string; readonly firstPair: number }[]
  /** Value of a pair; asked for in ascending order. */
  valueOf(pair: number): string
}

const VARINT_BYTES = 5

export function writeIndex(file: PageFileWriter, groups: GroupTable, series: SeriesTable, texts: PairTexts): void {
  writeGroups(file, groups)
  writePlaces(file, series)
  writeLabels(file, series)
  writeRefs(file, series)
  const postings = gatherPostings(series, texts.count)
  const firstPieces = writePostings(file, postings, texts.count)
  writePairs(file, texts, postings, firstPieces)
  writeNames(file, texts)
}

function writeGroups(file: PageFileWriter, groups: GroupTable): void {
  const pages = new RecordPages(file, SECTION_GROUPS)
  for (let g = 0; g < groups.rows.length; g++) {
    const at = pages.begin(GROUP_BYTES)
    pages.bytes.writeDoubleLE(groups.minT.data[g]!, at)
    pages.bytes.writeDoubleLE(groups.maxT.data[g]!, at + 8)
    pages.bytes.writeUInt32LE(groups.rows.data[g]!, at + 16)
    pages.bytes.writeUInt32LE(groups.firstPiece.data[g]!, at + 20)
    pages.end(at + GROUP_BYTES)
  }
  pages.finish()
}

function writePlaces(file: PageFileWriter, { group, firstPiece }: SeriesTable): void {
  const pages = new RecordPages(file, SECTION_PLACES)
  for (let s = 0; s < group.length; s++) {
    let at = pages.begin(4 + 2 * VARINT_BYTES)
    if (pages.isFirst) at = pages.bytes.writeUInt32LE(firstPiece.data[s]!, at)
    at = writeVarint(pages.bytes, at, group.data[s]!)
    at = writeVarint(pages.bytes, at, firstPiece.data[s + 1]! - firstPiece.data[s]!)
    pages.end(at)
  }
  pages.finish()
}

function writeLabels(file: PageFileWriter, { refs, pairsAt, pairs }: SeriesTable): void {
  const pages = new RecordPages(file, SECTION_LABELS)
  for (let s = 0; s < refs.length; s++) {
    const from = pairsAt.data[s]!
    const to = pairsAt.data[s + 1]!
    let at = pages.begin((2 + to - from) * VARINT_BYTES)
    at = writeVarint(pages.bytes, at, refs.data[s]!)
    at = writeVarint(pages.bytes, at, to - from)
    for (let i = from; i < to; i++) at = writeVarint(pages.bytes, at, pairs.data[i]!)
    pages.end(at)
  }
  pages.finish()
}

function writeRefs(file: PageFileWriter, { refs }: SeriesTable): void {
  const byRef = Uint32Array.from({ length: refs.length }, (_, s) => s).sort((a, b) => refs.data[a]! - refs.data[b]!)
  const pages = new RecordPages(file, SECTION_REFS)
  let before = 0
  for (const s of byRef) {
    let at = pages.begin(2 * VARINT_BYTES)
    const ref = refs.data[s]!
    at = writeVarint(pages.bytes, at, pages.isFirst ? ref : ref - before)
    at = writeVarint(pages.bytes, at, s)
    pages.end(at)
    before = ref
  }
  pages.finish()
}

interface Postings {
  /** Where each pair's list begins in `series`; one more at the end. */
  starts: Uint32Array
  series: Uint32Array
}

function gatherPostings({ refs, pairsAt, pairs }: SeriesTable, pairCount: number): Postings {
  const starts = new Uint32Array(pairCount + 1)
  for (let i = 0; i < pairs.length; i++) starts[pairs.data[i]! + 1]!++
  for (let p = 0; p < pairCount; p++) starts[p + 1]! += starts[p]!
  const fill = starts.slice()
  const series = new Uint32Array(pairs.length)
  for (let s = 0; s < refs.length; s++) {
    for (let i = pairsAt.data[s]!; i < pairsAt.data[s + 1]!; i++) series[fill[pairs.data[i]!]!++] = s
  }
  return { starts, series }
}

/** Returns the number of each pair's first piece; lists of one stand with the pair. */
function writePostings(file: PageFileWriter, { starts, series }: Postings, pairCount: number): Uint32Array {
  const pages = new PiecePages(file, SECTION_POSTINGS)
  const firstPieces = new Uint32Array(pairCount)
  const values = new Float64Array(PIECE_ROWS)
  const piece = new Uint8Array(PIECE_BYTES_MAX)
  for (let p = 0; p < pairCount; p++) {
    firstPieces[p] = pages.count
    const end = starts[p + 1]!
    if (end - starts[p]! <= 1) continue
    for (let from = starts[p]!; from < end; from += PIECE_ROWS) {
      const n = Math.min(PIECE_ROWS, end - from)
      for (let i = 0; i < n; i++) values[i] = series[from + i]!
      pages.add(piece, 0, encodePiece(values, 0, n, piece, 0))
    }
  }
  pages.finish()
  return firstPieces
}

function writePairs(file: PageFileWriter, texts: PairTexts, { starts, series }: Postings, firstPieces: Uint32Array): void {
  const pages = new RecordPages(file, SECTION_PAIRS)
  let before: Buffer = Buffer.alloc(0)
  for (let p = 0; p < texts.count; p++) {
    const value = Buffer.from(texts.valueOf(p))
    let at = pages.begin(value.length + 4 * VARINT_BYTES)
    const shared = pages.isFirst ? 0 : sharedBytes(before, value)
    at = writeVarint(pages.bytes, at, shared)
    at = writeVarint(pages.bytes, at, value.length - shared)
    pages.bytes.set(value.subarray(shared), at)
    at += value.length - shared
    const n = starts[p + 1]! - starts[p]!
    at = writeVarint(pages.bytes, at, n)
    if (n > 0) at = writeVarint(pages.bytes, at, n === 1 ? series[starts[p]!]! : firstPieces[p]!)
    pages.end(at)
    before = value
  }
  pages.finish()
}

/** Numbers, ascending, of series whose native histograms the block lacks. */
export function writeLacking(file: PageFileWriter, lacking: GrowingU32): void {
  const pages = new RecordPages(file, SECTION_LACKING)
  let before = 0
  for (let i = 0; i < lacking.length; i++) {
    let at = pages.begin(VARINT_BYTES)
    const series = lacking.data[i]!
    at = writeVarint(pages.bytes, at, pages.isFirst ? series : series - before)
    pages.end(at)
    before = series
  }
  pages.finish()
}

function sharedBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  let i = 0
  while (i < n && a[i] === b[i]) i++
  return i
}

function writeNames(file: PageFileWriter, { names }: PairTexts): void {
  const pages = new RecordPages(file, SECTION_NAMES)
  for (const { name, firstPair } of names) {
    const bytes = Buffer.from(name)
    let at = pages.begin(bytes.length + 2 * VARINT_BYTES)
    at = writeVarint(pages.bytes, at, bytes.length)
    pages.bytes.set(bytes, at)
    at = writeVarint(pages.bytes, at + bytes.length, firstPair)
    pages.end(at)
  }
  pages.finish()
}
