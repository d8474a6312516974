// Reads a block in one thread (FORMAT.md, "Block"): pages through the thread's cache, pieces decoded where the querier
// wants them. What is damaged is left out, and `leftOut` says so.
import path from 'node:path'
import type { Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { assert } from '../../lib/std/assert.ts'
import { DiskError, fileSizeBytes, readTextIfThere } from '../../lib/std/fs.ts'
import { lastHasGaps, states } from '../codec/piece-decode.ts'
import { PIECE_HISTOGRAMS, PIECE_ROWS } from '../codec/piece-shape.ts'
import { ABSENT, STALE } from '../codec/presence.ts'
import { BlockError } from '../errors.ts'
import type { BatchBuffer } from '../head/batch-buffer.ts'
import { BlockIndex, decodeIn, type BlockGroup } from './block-index.ts'
import { CHUNKS_FILE, INDEX_FILE, META_FILE, parseBlockName, parseMeta, type BlockMeta } from './block-meta.ts'
import { selectSeries } from './block-select.ts'
import { NO_SERIES, type BlockColumns } from './block.ts'
import { DamageGuard } from './damage-guard.ts'
import { PageCache, type Page } from './page-cache.ts'
import { SECTION_GROUPS, SECTION_TIMES, SECTION_VALUES } from './page-file.ts'
import { parsePieces } from './page-parse.ts'
import { PageFile } from './page-reader.ts'
import { putExtras, readExtras } from './piece-extras.ts'
import { readTombstones, type Tombstone } from './tombstones.ts'

const edge = new Float64Array(PIECE_ROWS)
/** Series of one group mostly come in a row, and groups of a few thousand rows are usual. */
const TIMES_SLOTS = 4

/** Throws BlockError, or DiskError. */
export function readMeta(folder: string): BlockMeta {
  const file = path.join(folder, META_FILE)
  const text = readTextIfThere(file)
  if (text === null) throw new BlockError(`cannot read ${file}: it is not there`)
  return parseMeta(text, file)
}

/** The same of a folder that has a block's name, which says when the block is of. Throws BlockError where it is another's. */
export function ownMeta(folder: string): BlockMeta {
  const meta = readMeta(folder)
  const name = parseBlockName(path.basename(folder))
  if (name !== null && (name.minT !== meta.minT || name.maxT !== meta.maxT)) throw new BlockError(`cannot read ${path.join(folder, META_FILE)}: it is of ${meta.minT} to ${meta.maxT}, and so another block's`)
  return meta
}

/**
 * Pages are sound by themselves: that they belong together is told by what meta.json says of both files. Asked where it is the
 * folder's own, and both files are whole. Throws BlockError, or DiskError.
 */
export function assertOneBlock(folder: string, { minT, maxT, bytes, pages }: BlockMeta, index: PageFile, chunks: PageFile): void {
  const name = parseBlockName(path.basename(folder))
  // Of a block whose meta.json is lost no more is known than its name.
  const isOwn = name !== null && name.minT === minT && name.maxT === maxT && bytes > 0
  if (!isOwn || index.mended !== null || chunks.mended !== null) return
  const found = fileSizeBytes(index.path) + fileSizeBytes(chunks.path)
  if (found !== bytes) throw new BlockError(`cannot read ${folder}: ${INDEX_FILE} and ${CHUNKS_FILE} have ${found} bytes, ${META_FILE} says ${bytes}; one of them is another block's`)
  for (const [i, file] of [index, chunks].entries()) {
    if (pages !== undefined && file.contentSum !== pages[i]) throw new BlockError(`cannot read ${folder}: ${path.basename(file.path)} is another block's, as ${META_FILE} says`)
  }
}

/** What a start finds of a block without reading it: '', or a sentence about files that are gone, are not whole, or are another block's. */
export function openingFault(folder: string, meta: BlockMeta): string {
  const cache = new PageCache()
  const files: PageFile[] = []
  try {
    for (const name of [INDEX_FILE, CHUNKS_FILE]) files.push(new PageFile(path.join(folder, name), cache))
    assertOneBlock(folder, meta, files[0]!, files[1]!)
    return files.map(({ mended }) => mended).find((one) => one !== null) ?? ''
  } catch (error) {
    if (!(error instanceof BlockError || error instanceof DiskError)) throw error
    return error.message
  } finally {
    for (const file of files) file.close()
  }
}

/** An index of another block may be as long, but is of another time. Throws BlockError. */
export function ownTimesFault(index: BlockIndex): string {
  const folder = path.dirname(index.file.path)
  const name = parseBlockName(path.basename(folder))
  if (name === null || index.file.items(SECTION_GROUPS) === 0) return ''
  const { minT, maxT } = index.group(0)
  return minT >= name.minT && maxT <= name.maxT ? '' : `cannot read ${folder}: ${INDEX_FILE} is of ${minT} to ${maxT}; it is another block's`
}

interface PieceRows {
  from: number
  to: number
  count: number
}

export class BlockReader implements BlockColumns {
  readonly folder: string
  readonly meta: BlockMeta
  readonly index: BlockIndex
  readonly standing: readonly string[]
  readonly #damage = new DamageGuard()
  readonly #indexFile: PageFile
  readonly #chunks: PageFile
  from = 0
  to = 0
  /** Decoded pieces of timestamps, and which: piece p in slot p % TIMES_SLOTS. */
  readonly #times = new Float64Array(TIMES_SLOTS * PIECE_ROWS)
  readonly #timesPieces = new Float64Array(TIMES_SLOTS).fill(-1)
  #values: Page | null = null
  /** Of the piece at hand, made once. */
  readonly #rows: PieceRows = { from: 0, to: 0, count: 0 }
  readonly #place = { s: 0, at: 0 }
  /** Deleted ranges by series number. */
  readonly #deleted = new Map<number, Tombstone[]>()

  /** `meta`: what stands in the file of it, where that is known. Throws BlockError if the block as a whole cannot be read; DiskError where it is not the block's fault. */
  constructor(folder: string, cache: PageCache, meta: BlockMeta | null = null) {
    this.folder = folder
    let index: PageFile | null = null
    try {
      this.meta = meta ?? readMeta(folder)
      index = new PageFile(path.join(folder, INDEX_FILE), cache)
      this.#indexFile = index
      this.#chunks = new PageFile(path.join(folder, CHUNKS_FILE), cache)
    } catch (error) {
      index?.close()
      if (error instanceof DiskError && (error.code === 'ENOENT' || error.code === 'EIO')) throw new BlockError(error.message, { cause: error })
      throw error
    }
    this.index = new BlockIndex(this.#indexFile)
    try {
      assertOneBlock(folder, this.meta, this.#indexFile, this.#chunks)
      const fault = this.#damage.run(() => ownTimesFault(this.index)) ?? ''
      if (fault !== '') throw new BlockError(fault)
    } catch (error) {
      this.close()
      throw error
    }
    this.#findDeleted()
    this.standing = [...this.leftOut]
  }

  #findDeleted(): void {
    const tombstones = this.#damage.run(() => readTombstones(this.folder)) ?? []
    const refs = Uint32Array.from(new Set(tombstones.map(({ ref }) => ref))).sort()
    const numbers = new Uint32Array(refs.length)
    this.find(refs, numbers)
    const byRef = Map.groupBy(tombstones, ({ ref }) => ref)
    refs.forEach((ref, i) => {
      if (numbers[i] !== NO_SERIES) this.#deleted.set(numbers[i]!, byRef.get(ref)!)
    })
  }

  /** Sentences about what is damaged and was left out. */
  get leftOut(): Set<string> {
    return this.#damage.leftOut
  }

  get seriesCount(): number {
    return this.index.seriesCount
  }

  /** Samples of a series up to t are as if they had been deleted. */
  hide(series: number, t: number): void {
    const hidden = { ref: 0, from: -Infinity, to: t }
    const known = this.#deleted.get(series)
    if (known) known.push(hidden)
    else this.#deleted.set(series, [hidden])
  }

  find(refs: Uint32Array, numbers: Uint32Array): number {
    return this.index.find(refs, numbers, (error) => this.#damage.note(error))
  }

  groupOf(series: number): number {
    try {
      return this.index.groupOf(series)
    } catch (error) {
      this.#damage.note(error)
      return NO_SERIES
    }
  }

  seekRows(group: number, mint: number, maxt: number): void {
    this.from = 0
    this.to = 0
    if (group === NO_SERIES) return
    this.#damage.run(() => {
      const known = this.index.group(group)
      const from = mint <= known.minT ? 0 : this.#rowAt(known, mint)
      // Times are whole ms, but for what a client may ask: the first row past maxt.
      this.to = maxt >= known.maxT ? known.rows : this.#rowAfter(known, maxt)
      this.from = Math.min(from, this.to)
      this.#checkTimes(known)
    })
  }

  /** Sees to it that rows are only given whose timestamps can be read: their pages are sound. */
  #checkTimes({ firstPiece }: BlockGroup): void {
    const { from, to } = this
    this.from = 0
    this.to = 0
    for (let row = from; row < to;) {
      const page = this.#indexFile.load(this.#indexFile.pageOf(SECTION_TIMES, firstPiece + Math.floor(row / PIECE_ROWS)), parsePieces)
      row = (page.firstItem + page.items - firstPiece) * PIECE_ROWS
    }
    this.from = from
    this.to = to
  }

  /** First row at or after t. */
  #rowAt(group: BlockGroup, t: number): number {
    let lo = 0
    let hi = group.rows
    while (lo < hi) {
      const mid = (lo + hi) >>> 1
      if (this.#timeOf(group, mid) < t) lo = mid + 1
      else hi = mid
    }
    return lo
  }

  /** First row after t. */
  #rowAfter(group: BlockGroup, t: number): number {
    const row = this.#rowAt(group, t)
    return row < group.rows && this.#timeOf(group, row) === t ? row + 1 : row
  }

  #timeOf(group: BlockGroup, row: number): number {
    return this.#times[this.#loadTimes(group, Math.floor(row / PIECE_ROWS)) + row % PIECE_ROWS]!
  }

  /** Decodes a piece of a group's timestamps, unless it is there; returns where it stands in `#times`. */
  #loadTimes(group: BlockGroup, piece: number): number {
    const number = group.firstPiece + piece
    const slot = number % TIMES_SLOTS
    const at = slot * PIECE_ROWS
    if (this.#timesPieces[slot] === number) return at
    this.#timesPieces[slot] = -1
    const page = this.#indexFile.load(this.#indexFile.pageOf(SECTION_TIMES, number), parsePieces)
    decodeIn(this.#indexFile.path, page, number, Math.min(PIECE_ROWS, group.rows - piece * PIECE_ROWS), this.#times, at)
    this.#timesPieces[slot] = number
    return at
  }

  readTimes(group: number, from: number, to: number, out: Float64Array, at: number): boolean {
    return this.#damage.run(() => {
      const known = this.index.group(group)
      for (let row = from; row < to;) {
        const piece = Math.floor(row / PIECE_ROWS)
        const first = this.#loadTimes(known, piece) - piece * PIECE_ROWS
        const end = Math.min(to, (piece + 1) * PIECE_ROWS)
        out.set(this.#times.subarray(first + row, first + end), at + row - from)
        row = end
      }
      return true
    }) ?? false
  }

  readSeries(series: number, from: number, to: number, batch: BatchBuffer, { s, base }: { s: number; base: number }): void {
    let firstPiece = 0
    let group: BlockGroup
    try {
      firstPiece = this.index.firstPieceOf(series)
      group = this.index.group(this.index.groupOf(series))
    } catch (error) {
      this.#damage.note(error)
      batch.beginGaps(s, base)
      return
    }
    assert(to <= group.rows, `rows up to ${to} of ${group.rows}`)
    const rows = this.#rows
    const place = this.#place
    place.s = s
    place.at = base
    for (let row = from; row < to;) {
      const piece = Math.floor(row / PIECE_ROWS)
      const first = piece * PIECE_ROWS
      const end = Math.min(to, first + PIECE_ROWS)
      rows.from = row - first
      rows.to = end - first
      rows.count = Math.min(PIECE_ROWS, group.rows - first)
      this.#readPiece(firstPiece + piece, rows, batch, place)
      place.at += end - row
      row = end
    }
    if (this.#deleted.size > 0 && this.#deleted.has(series)) this.#hideDeleted(series, group, { from, to }, batch, { s, base })
  }

  hasHistograms(series: number): boolean {
    return this.#damage.run(() => {
      const piece = this.index.firstPieceOf(series)
      const page = this.#pageWith(piece)
      return (page.bytes[page.columns[0]![piece - page.firstItem]!]! & PIECE_HISTOGRAMS) !== 0
    }) ?? false
  }

  /** Rows [from, to) of the `count` that a piece has. */
  #readPiece(piece: number, { from, to, count }: PieceRows, batch: BatchBuffer, { s, at }: { s: number; at: number }): void {
    const isWhole = to - from === count
    const out = isWhole ? batch.v : edge
    const place = s * batch.n + at
    try {
      const page = this.#pageWith(piece)
      decodeIn(this.#chunks.path, page, piece, count, out, isWhole ? place : 0)
      readExtras(this.#chunks.path, page, count)
    } catch (error) {
      this.#damage.note(error)
      batch.beginGaps(s, at)
      return
    }
    if (!isWhole) for (let i = from; i < to; i++) batch.v[place + i - from] = edge[i]!
    if (lastHasGaps) {
      batch.beginGaps(s, at)
      for (let i = from; i < to; i++) if (states[i] !== ABSENT) batch.mark(s, at + i - from, states[i] === STALE)
    } else if (batch.hasGaps[s] === 1) {
      for (let i = from; i < to; i++) batch.mark(s, at + i - from, false)
    }
    putExtras(batch, s, at, { from, to })
  }

  #pageWith(piece: number): Page {
    const known = this.#values
    if (known !== null && piece >= known.firstItem && piece - known.firstItem < known.items) return known
    return this.#values = this.#chunks.load(this.#chunks.pageOf(SECTION_VALUES, piece), parsePieces)
  }

  #hideDeleted(series: number, group: BlockGroup, rows: { from: number; to: number }, batch: BatchBuffer, { s, base }: { s: number; base: number }): void {
    const words = (batch.n + 31) >>> 5
    for (const { from, to } of this.#deleted.get(series)!) {
      const first = Math.max(rows.from, this.#rowAt(group, from))
      const end = Math.min(rows.to, this.#rowAfter(group, to))
      if (first >= end) continue
      batch.beginGaps(s, base + rows.to - rows.from)
      for (let row = first; row < end; row++) {
        const at = base + row - rows.from
        batch.present[s * words + (at >>> 5)]! &= ~(1 << (at & 31))
        batch.stale[s * words + (at >>> 5)]! &= ~(1 << (at & 31))
        if (batch.histograms !== null) batch.histogramBits[s * words + (at >>> 5)]! &= ~(1 << (at & 31))
      }
    }
  }

  select(matchers: readonly Matcher[]): Uint32Array | null {
    return this.#damage.run(() => selectSeries(this.index, matchers)) ?? null
  }

  get pairCount(): number {
    return this.index.pairCount
  }

  unknown(isKnown: (ref: number) => boolean): Int32Array | null {
    return this.index.unknown(isKnown, (error) => this.#damage.note(error))
  }

  pairsOf(series: number): Uint32Array | null {
    return this.#damage.run(() => this.index.pairsOf(series)) ?? null
  }

  pairText(pair: number): { name: string; value: string } | null {
    return this.#damage.run(() => ({ name: this.index.nameOf(pair), value: this.index.valueOf(pair) })) ?? null
  }

  refOf(series: number): number {
    return this.#damage.run(() => this.index.refOf(series)) ?? 0
  }

  labelsOf(series: number): Labels {
    return this.#damage.run(() => this.index.labelsOf(series)) ?? []
  }

  labelNames(): string[] {
    return this.#damage.run(() => this.index.names().map(({ name }) => name)) ?? []
  }

  labelValues(name: string): string[] {
    return this.#damage.run(() => this.index.valuesOf(name)) ?? []
  }

  close(): void {
    this.#indexFile.close()
    this.#chunks.close()
  }
}
