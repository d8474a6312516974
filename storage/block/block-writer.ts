// Writes the files of a block (FORMAT.md, "Block") from series that come in block order. Values go to disk as they
// come; of each series a few numbers stay until the index is written.
//
//   addGroup… ─▶ index: times      beginSeries, addPiece… ─▶ chunks      finish ─▶ index: the rest, meta.json, the name
import path from 'node:path'
import { DiskFile, listFolder, makeFolder, removeFolder, rename, syncFolder } from '../../lib/std/fs.ts'
import { CHUNKS_FILE, INDEX_FILE, META_FILE, TEMPORARY_PREFIX, formatBlockName, formatMeta, type BlockMeta, type BlockOrigin } from './block-meta.ts'
import { GrowingF64, GrowingU32 } from './growing-array.ts'
import { writeIndex, writeLacking, type GroupTable, type PairTexts, type SeriesTable } from './index-write.ts'
import { PageFileWriter, PiecePages, SECTION_TIMES, SECTION_VALUES } from './page-file.ts'

export interface BlockPlace {
  /** `data/blocks`. */
  folder: string
  /** Counts the blocks of the folder; no other has it. */
  number: number
  isCompressed: boolean
}

export class BlockWriter {
  /** Where the block is written until it is named. */
  readonly folder: string
  readonly #place: BlockPlace
  readonly #index: PageFileWriter
  readonly #chunks: PageFileWriter
  readonly #times: PiecePages
  readonly #values: PiecePages
  readonly #groups: GroupTable = { minT: new GrowingF64(), maxT: new GrowingF64(), rows: new GrowingU32(), firstPiece: new GrowingU32() }
  readonly #series: SeriesTable = {
    refs: new GrowingU32(), group: new GrowingU32(), firstPiece: new GrowingU32(), pairsAt: new GrowingU32(), pairs: new GrowingU32(),
  }

  /** Ascending at the end. */
  readonly #lacking = new GrowingU32()
  #minT = Infinity
  #maxT = -Infinity

  constructor(place: BlockPlace) {
    this.#place = place
    this.folder = path.join(place.folder, `${TEMPORARY_PREFIX}${place.number}`)
    removeLeftover(place.folder, this.folder)
    makeFolder(this.folder)
    this.#index = new PageFileWriter(path.join(this.folder, INDEX_FILE), place.isCompressed)
    this.#chunks = new PageFileWriter(path.join(this.folder, CHUNKS_FILE), place.isCompressed)
    this.#times = new PiecePages(this.#index, SECTION_TIMES)
    this.#values = new PiecePages(this.#chunks, SECTION_VALUES)
  }

  /** A group of `rows` timestamps; addTimes with its pieces follows. Returns its number. */
  addGroup(rows: number, minT: number, maxT: number): number {
    const groups = this.#groups
    this.#minT = Math.min(this.#minT, minT)
    this.#maxT = Math.max(this.#maxT, maxT)
    groups.rows.push(rows)
    groups.minT.push(minT)
    groups.maxT.push(maxT)
    groups.firstPiece.push(this.#times.count)
    return groups.rows.length - 1
  }

  addTimes(src: Uint8Array, from: number, to: number): void {
    this.#times.add(src, from, to)
  }

  /** The next series in block order; its pieces follow. `pairs[from, to)`: its pairs' numbers, ascending. */
  beginSeries(ref: number, group: number, pairs: Uint32Array, from: number, to: number): void {
    const series = this.#series
    series.refs.push(ref)
    series.group.push(group)
    series.firstPiece.push(this.#values.count)
    series.pairsAt.push(series.pairs.length)
    for (let i = from; i < to; i++) series.pairs.push(pairs[i]!)
  }

  addPiece(src: Uint8Array, from: number, to: number): void {
    this.#values.add(src, from, to)
  }

  /** Says that the block lacks native histograms of the series at work. */
  noteLacking(): void {
    this.#lacking.push(this.seriesCount - 1)
  }

  get seriesCount(): number {
    return this.#series.refs.length
  }

  /** Writes the index and names the block. Throws DiskError; then `abort` is the caller's. */
  async finish(texts: PairTexts, samples: number, origin: BlockOrigin): Promise<{ name: string; meta: BlockMeta }> {
    this.#times.finish()
    this.#values.finish()
    this.#series.firstPiece.push(this.#values.count)
    this.#series.pairsAt.push(this.#series.pairs.length)
    writeIndex(this.#index, this.#groups, this.#series, texts)
    writeLacking(this.#index, this.#lacking)
    const bytes = await this.#index.finish() + await this.#chunks.finish()
    const { range = { minT: this.#minT, maxT: this.#maxT }, ...rest } = origin
    const meta: BlockMeta = {
      ...rest, ...range, series: this.seriesCount, samples, groups: this.#groups.rows.length, bytes,
      pages: [this.#index.contentSum, this.#chunks.contentSum],
    }
    const metaFile = DiskFile.openForWrite(path.join(this.folder, META_FILE))
    try {
      metaFile.write(Buffer.from(formatMeta(meta)), 0)
      await metaFile.sync()
    } finally {
      metaFile.close()
    }
    syncFolder(this.folder)
    const name = formatBlockName({ ...meta, number: this.#place.number })
    this.#rename(path.join(this.#place.folder, name))
    return { name, meta }
  }

  /** Gives the folder its name; where that cannot be made durable it goes, so that a failure is none by halves. */
  #rename(folder: string): void {
    rename(this.folder, folder)
    try {
      syncFolder(this.#place.folder)
    } catch (error) {
      removeFolder(folder)
      throw error
    }
  }

  /** Removes what was written. */
  abort(): void {
    this.#index.close()
    this.#chunks.close()
    removeLeftover(this.#place.folder, this.folder)
  }
}

/** A folder of this name means nothing. */
function removeLeftover(parent: string, folder: string): void {
  if (listFolder(parent).includes(path.basename(folder))) removeFolder(folder)
}
