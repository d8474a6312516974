// Looks at every byte of a block: checksums of all pages, and that what they hold fits together.
import path from 'node:path'
import { DiskError } from '../../lib/std/fs.ts'
import { PIECE_ROWS } from '../codec/piece-shape.ts'
import { BlockError } from '../errors.ts'
import { BlockIndex, decodeIn } from './block-index.ts'
import { CHUNKS_FILE, INDEX_FILE, META_FILE, type BlockMeta } from './block-meta.ts'
import { assertOneBlock, ownMeta, ownTimesFault } from './block-reader.ts'
import { NO_SERIES } from './block.ts'
import { PageCache } from './page-cache.ts'
import { SECTION_GROUPS, SECTION_LABELS, SECTION_PLACES, SECTION_REFS, SECTION_TIMES, SECTION_VALUES } from './page-file.ts'
import { parsePieces, parserOf } from './page-parse.ts'
import { PageFile } from './page-reader.ts'
import { readExtras } from './piece-extras.ts'
import { readTombstones } from './tombstones.ts'

/** Looks at what the series of a block hold, once its pages are sound. */
export type VerifyContent = (index: BlockIndex, chunks: PageFile, damage: string[]) => void

/** Sentences about what is wrong with a block, each naming file and place; none if all of it is sound. Reads all of it. */
export function verifyBlock(folder: string, verifyContent: VerifyContent = verifyPieces): string[] {
  const damage: string[] = []
  const meta = attempt(damage, () => ownMeta(folder))
  attempt(damage, () => readTombstones(folder))
  const cache = new PageCache()
  const index = attempt(damage, () => new PageFile(path.join(folder, INDEX_FILE), cache))
  const chunks = attempt(damage, () => new PageFile(path.join(folder, CHUNKS_FILE), cache))
  for (const file of [index, chunks]) if (file !== undefined) verifyPages(file, damage)
  // What lies in damaged pages is told of once; only sound ones can contradict each other.
  if (meta !== undefined && index !== undefined && chunks !== undefined && damage.length === 0) {
    attempt(damage, () => assertOneBlock(folder, meta, index, chunks))
    const known = new BlockIndex(index)
    attempt(damage, () => verifyCounts(known, meta))
    attempt(damage, () => verifyContent(known, chunks, damage))
    attempt(damage, () => verifySeries(known, damage))
  }
  index?.close()
  chunks?.close()
  return damage
}

function attempt<T>(damage: string[], f: () => T): T | undefined {
  try {
    return f()
  } catch (error) {
    if (!(error instanceof BlockError || error instanceof DiskError)) throw error
    damage.push(error.message)
    return undefined
  }
}

function verifyPages(file: PageFile, damage: string[]): void {
  if (file.mended !== null) damage.push(file.mended)
  attempt(damage, () => damage.push(...file.headDamage()))
  for (let page = 0; page < file.pageCount; page++) {
    attempt(damage, () => {
      const section = file.sectionOf(page)
      const parse = parserOf(section)
      if (parse === undefined) throw new BlockError(`cannot read page ${page} of ${file.path}: section ${section} is not known`)
      file.read(page, parse)
    })
  }
}

function verifyCounts(index: BlockIndex, meta: BlockMeta): void {
  const { file } = index
  const counts = [SECTION_PLACES, SECTION_LABELS, SECTION_REFS].map((section) => file.items(section))
  const groups = file.items(SECTION_GROUPS)
  if (counts.some((count) => count !== meta.series) || groups !== meta.groups) {
    throw new BlockError(`${file.path}: holds ${counts.join(', ')} series by place, labels and ref and ${groups} groups; ${META_FILE} says ${meta.series} and ${meta.groups}`)
  }
}

/** Decodes every piece. */
function verifyPieces(index: BlockIndex, chunks: PageFile, damage: string[]): void {
  const fault = ownTimesFault(index)
  if (fault !== '') damage.push(fault)
  const out = new Float64Array(PIECE_ROWS)
  const decode = (file: PageFile, section: number, piece: number, rows: number): void => {
    attempt(damage, () => {
      const page = file.load(file.pageOf(section, piece), parsePieces)
      decodeIn(file.path, page, piece, rows, out, 0)
      readExtras(file.path, page, rows)
    })
  }
  const groups = index.file.items(SECTION_GROUPS)
  for (let g = 0; g < groups; g++) {
    const { rows, firstPiece } = index.group(g)
    eachPiece(rows, (k, n) => decode(index.file, SECTION_TIMES, firstPiece + k, n))
  }
  for (let s = 0; s < index.seriesCount; s++) {
    const { rows } = index.group(index.groupOf(s))
    const firstPiece = index.firstPieceOf(s)
    eachPiece(rows, (k, n) => decode(chunks, SECTION_VALUES, firstPiece + k, n))
  }
}

/** Asks the index for every series by each of its ways. */
function verifySeries(index: BlockIndex, damage: string[]): void {
  const number = new Uint32Array(1)
  for (let s = 0; s < index.seriesCount; s++) {
    number[0] = NO_SERIES
    index.find(Uint32Array.of(index.refOf(s)), number, (error) => { throw error })
    if (number[0] !== s) damage.push(`${index.file.path}: ref ${index.refOf(s)} of series ${s} is found as series ${number[0]}`)
  }
  verifyPostings(index, damage)
}

function verifyPostings(index: BlockIndex, damage: string[]): void {
  const pairs = Array.from({ length: index.seriesCount }, (_, s) => index.pairsOf(s))
  let listed = 0
  for (let pair = 0; pair < index.pairCount; pair++) {
    for (const s of index.postings(pair)) {
      listed++
      if (!pairs[s]?.includes(pair)) damage.push(`${index.file.path}: series ${s} is listed with ${index.nameOf(pair)}=${JSON.stringify(index.valueOf(pair))} but has another`)
    }
  }
  const held = pairs.reduce((sum, own) => sum + own.length, 0)
  if (listed !== held) damage.push(`${index.file.path}: series have ${held} labels, postings list ${listed}`)
}

function eachPiece(rows: number, f: (k: number, rows: number) => void): void {
  for (let k = 0; k * PIECE_ROWS < rows; k++) f(k, Math.min(PIECE_ROWS, rows - k * PIECE_ROWS))
}
