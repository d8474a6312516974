// Reads a tier's block in one thread (FORMAT.md, "Tier block"). What is damaged is left out, and `leftOut` says so.
import path from 'node:path'
import type { Matcher } from '../../lib/model/matcher.ts'
import { DiskError } from '../../lib/std/fs.ts'
import { PIECE_ROWS } from '../codec/piece-shape.ts'
import { BlockIndex } from '../block/block-index.ts'
import { selectSeries } from '../block/block-select.ts'
import { CHUNKS_FILE, INDEX_FILE, type BlockMeta } from '../block/block-meta.ts'
import { assertOneBlock, readMeta } from '../block/block-reader.ts'
import { DamageGuard } from '../block/damage-guard.ts'
import { NO_SERIES } from '../block/block.ts'
import type { Page, PageCache } from '../block/page-cache.ts'
import { SECTION_LACKING, SECTION_TIMES, SECTION_VALUES } from '../block/page-file.ts'
import { parseLacking, parsePieces } from '../block/page-parse.ts'
import { PageFile } from '../block/page-reader.ts'
import { BlockError } from '../errors.ts'
import { BucketBuffer, type GroupRows } from './bucket-buffer.ts'
import { decodeGroupRows } from './row-decode.ts'
import { decodeItem, type Wanted } from './row-item.ts'

/** Groups whose rows a reader keeps: those of the series at work. */
const GROUPS_MAX = 64

/** Buckets of a group, and its rows. */
export interface TierGroup extends GroupRows {
  rows: number
  /** Ends of buckets, ascending. */
  t: Float64Array
}

export class TierReader {
  readonly folder: string
  readonly meta: BlockMeta
  readonly index: BlockIndex
  readonly standing: readonly string[] = []
  readonly #damage = new DamageGuard()
  readonly #indexFile: PageFile
  readonly #chunks: PageFile
  readonly #groups = new Map<number, TierGroup>()
  readonly #edge = new BucketBuffer()
  #lacking: ReadonlySet<number> | null = null

  /** Throws BlockError if the block as a whole cannot be read; DiskError where it is not the block's fault. */
  constructor(folder: string, cache: PageCache) {
    this.folder = folder
    let index: PageFile | null = null
    try {
      this.meta = readMeta(folder)
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
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Sentences about what is damaged and was left out. */
  get leftOut(): Set<string> {
    return this.#damage.leftOut
  }

  get seriesCount(): number {
    return this.index.seriesCount
  }

  /** Numbers of refs (ascending) into `numbers`, NO_SERIES where the block has no such series. */
  find(refs: Uint32Array, numbers: Uint32Array): number {
    return this.index.find(refs, numbers, (error) => this.#damage.note(error))
  }

  get pairCount(): number {
    return this.index.pairCount
  }

  /** As BlockColumns: what queries ask to find series by their labels. */
  unknown(isKnown: (ref: number) => boolean): Int32Array | null {
    return this.index.unknown(isKnown, (error) => this.#damage.note(error))
  }

  select(matchers: readonly Matcher[]): Uint32Array | null {
    return this.#damage.run(() => selectSeries(this.index, matchers)) ?? null
  }

  pairsOf(series: number): Uint32Array | null {
    return this.#damage.run(() => this.index.pairsOf(series)) ?? null
  }

  pairText(pair: number): { name: string; value: string } | null {
    return this.#damage.run(() => ({ name: this.index.nameOf(pair), value: this.index.valueOf(pair) })) ?? null
  }

  labelNames(): string[] {
    return this.#damage.run(() => this.index.names().map(({ name }) => name)) ?? []
  }

  labelValues(name: string): string[] {
    return this.#damage.run(() => this.index.valuesOf(name)) ?? []
  }

  groupOf(series: number): number {
    return this.#damage.run(() => this.index.groupOf(series)) ?? NO_SERIES
  }

  /** Numbers of series whose native histograms the block lacks. */
  lacking(): ReadonlySet<number> {
    this.#lacking ??= this.#damage.run(() => {
      const { from, to } = this.#indexFile.pagesOf(SECTION_LACKING)
      const series = new Set<number>()
      for (let page = from; page < to; page++) for (const number of this.#indexFile.load(page, parseLacking).columns[0]!) series.add(number)
      return series
    }) ?? null
    return this.#lacking ?? new Set()
  }

  /** null where its timestamps are damaged: the rows must be left out. */
  group(number: number): TierGroup | null {
    const known = this.#groups.get(number)
    if (known !== undefined) return known
    const group = number === NO_SERIES ? undefined : this.#damage.run(() => this.#readGroup(number))
    // Asked again, it is told again.
    if (group === undefined) return null
    for (const old of this.#groups.size >= GROUPS_MAX ? this.#groups.keys() : []) {
      this.#groups.delete(old)
      break
    }
    this.#groups.set(number, group)
    return group
  }

  #readGroup(number: number): TierGroup {
    const { rows, firstPiece } = this.index.group(number)
    const column = (): Float64Array => new Float64Array(rows)
    const group = { rows, t: column(), count: column(), firstT: column(), lastT: column() }
    for (let at = 0, piece = firstPiece; at < rows; at += PIECE_ROWS, piece++) {
      const n = Math.min(PIECE_ROWS, rows - at)
      const page = this.#indexFile.load(this.#indexFile.pageOf(SECTION_TIMES, piece), parsePieces)
      this.#decode(this.#indexFile, page, piece, (from, to) => decodeGroupRows(page, from, to, { t: group.t, group, at, n }))
    }
    return group
  }

  #decode(file: PageFile, page: Page, item: number, decode: (from: number, to: number) => void): void {
    const starts = page.columns[0]!
    const i = item - page.firstItem
    try {
      decode(starts[i]!, starts[i + 1]!)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new BlockError(`cannot read item ${item} of ${file.path}: ${error.message}`, { cause: error })
    }
  }

  /** Rows [from, to) of a series' group into rows at … of a buffer without samples there; damaged ones stay without. */
  readRows(series: number, from: number, to: number, out: BucketBuffer, at: number, wanted: Wanted): void {
    const group = this.group(this.groupOf(series))
    const firstPiece = this.#damage.run(() => this.index.firstPieceOf(series))
    if (group === null || firstPiece === undefined) {
      this.#endRows(out, at, to - from, wanted)
      return
    }
    for (let row = from; row < to;) {
      const piece = Math.floor(row / PIECE_ROWS)
      const first = piece * PIECE_ROWS
      const n = Math.min(PIECE_ROWS, group.rows - first)
      const end = Math.min(to, first + n)
      this.#damage.run(() => this.#readPiece(firstPiece + piece, { group, first, n }, { from: row - first, to: end - first }, { out, at: at + row - from, wanted }))
      row = end
    }
  }

  #readPiece(
    piece: number, { group, first, n }: { group: TierGroup; first: number; n: number }, { from, to }: { from: number; to: number },
    { out, at, wanted }: { out: BucketBuffer; at: number; wanted: Wanted },
  ): void {
    // Fast path: right where the rows go.
    const isDirect = to - from === n
    const buffer = isDirect ? out : this.#edge
    const row = isDirect ? at : 0
    try {
      const page = this.#chunks.load(this.#chunks.pageOf(SECTION_VALUES, piece), parsePieces)
      if (!isDirect) buffer.shape(1, n)
      this.#decode(this.#chunks, page, piece, (start, end) => decodeItem(page, start, end, { n, group, groupAt: first, out: buffer, at: row }, wanted))
    } catch (error) {
      out.columns.count.fill(0, at, at + to - from)
      out.columns.staleAtEnd.fill(0, at, at + to - from)
      out.takeBack(at)
      this.#endRows(out, at, to - from, wanted)
      throw error
    }
    if (!isDirect) out.copyRows(buffer, from, to, at, wanted.isWhole)
  }

  /** Rows without anything are to be told of where samples and sketches are given. */
  #endRows(out: BucketBuffer, at: number, n: number, { isWhole }: Wanted): void {
    if (isWhole) for (let row = at; row < at + n; row++) out.endRow(row)
  }

  close(): void {
    this.#indexFile.close()
    this.#chunks.close()
  }
}
