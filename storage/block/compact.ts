// Makes one block of several (2 h ─▶ 6 h ─▶ …): series by series in block order, so that only numbers of series are held.
//
// A series is one with the same labels. In the new block it lies in the group made of the groups it had in the sources:
// their timestamps one after the other where they do not overlap, else united. Of two samples at one time the one of the
// source named first stays. What tombstones name is left out for good.
import path from 'node:path'
import { encodePiece } from '../codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../codec/piece-shape.ts'
import { BlockError } from '../errors.ts'
import { BatchBuffer } from '../head/batch-buffer.ts'
import { IMPORTED_PREFIX, levelAbove, type BlockMeta } from './block-meta.ts'
import { BlockReader } from './block-reader.ts'
import { BlockWriter, type BlockPlace } from './block-writer.ts'
import { mergeError } from './damage-guard.ts'
import { MergedGroups, type MergedGroup } from './merge-groups.ts'
import { mergePairs } from './merge-pairs.ts'
import { mergedSeries, type SeriesCursor } from './merge-series.ts'
import { PageCache } from './page-cache.ts'
import { countSamples, encodeSeriesPiece, encoded } from './series-encode.ts'

/** Pages of each source are read in turn: a few of each are enough. */
const CACHE_BYTES_PER_SOURCE = 2 << 20

/** Does something to each source before it is read. */
export type Prepare = (reader: BlockReader) => void

/**
 * Writes the block that holds what the sources hold (folders; of samples at one time the first one's stays), and leaves the
 * sources alone. null if nothing is left. Throws MergeError where a source is damaged: it must stay as it is until it is
 * mended. Throws DiskError; nothing is left then.
 */
export async function compactBlocks(sources: readonly string[], place: BlockPlace, prepare: Prepare = () => undefined): Promise<{ name: string; meta: BlockMeta } | null> {
  const cache = new PageCache(CACHE_BYTES_PER_SOURCE * sources.length)
  const readers: BlockReader[] = []
  let compaction: Compaction | null = null
  try {
    for (const folder of sources) readers.push(new BlockReader(folder, cache))
    readers.forEach((reader) => prepare(reader))
    compaction = new Compaction(readers, place)
    return await compaction.run()
  } catch (error) {
    compaction?.abort()
    throw mergeError(error, sources, readers)
  } finally {
    for (const reader of readers) reader.close()
  }
}

class Compaction {
  readonly #readers: readonly BlockReader[]
  readonly #writer: BlockWriter
  readonly #groups: MergedGroups
  readonly #batch = new BatchBuffer()
  readonly #piece = new Uint8Array(PIECE_BYTES_MAX)
  #samples = 0

  constructor(readers: readonly BlockReader[], place: BlockPlace) {
    this.#readers = readers
    this.#writer = new BlockWriter(place)
    this.#groups = new MergedGroups(readers)
  }

  async run(): Promise<{ name: string; meta: BlockMeta } | null> {
    const { numbers, texts } = mergePairs(this.#readers.map(({ index }) => index))
    for (const same of mergedSeries(this.#readers.map(({ index }) => index), numbers)) this.#writeSeries(same)
    const damage = this.#readers.flatMap(({ leftOut }) => [...leftOut])
    if (damage.length > 0) throw new BlockError(`cannot compact ${this.#readers.length} blocks: ${damage.slice(0, 3).join('; ')}`)
    if (this.#writer.seriesCount === 0) {
      this.#writer.abort()
      return null
    }
    const metas = this.#readers.map(({ meta }) => meta)
    return await this.#writer.finish(texts, this.#samples, {
      level: levelAbove(metas),
      sources: this.#readers.flatMap(({ folder, meta }) => [path.basename(folder), ...meta.sources.filter((source) => source.startsWith(IMPORTED_PREFIX))]),
      coveredGeneration: Math.max(...metas.map(({ coveredGeneration }) => coveredGeneration)),
      coveredT: Math.max(...metas.map(({ coveredT }) => coveredT)),
    })
  }

  abort(): void {
    this.#writer.abort()
  }

  /** One series of the new block from those of the sources, in the order of the sources. */
  #writeSeries(same: readonly SeriesCursor[]): void {
    const batch = this.#batch
    const group = this.#groups.groupOf(same)
    this.#groups.read(group, same, batch)
    const samples = countSamples(batch, 0)
    if (samples === 0) return
    this.#samples += samples
    if (group.number < 0) this.#writeGroup(group)
    // A series that went and came back may have got a new ref; it goes by that one now.
    const ref = Math.max(...same.map(({ source, series }) => this.#readers[source]!.refOf(series)))
    const { pairs } = same[0]!
    this.#writer.beginSeries(ref, group.number, pairs, 0, pairs.length)
    for (let from = 0; from < batch.n; from += PIECE_ROWS) {
      const length = encodeSeriesPiece(batch, 0, from, Math.min(PIECE_ROWS, batch.n - from))
      this.#writer.addPiece(encoded, 0, length)
    }
  }

  #writeGroup(group: MergedGroup): void {
    const times = this.#groups.timesOf(group)
    group.number = this.#writer.addGroup(group.rows, times[0]!, times[group.rows - 1]!)
    for (let from = 0; from < group.rows; from += PIECE_ROWS) {
      this.#writer.addTimes(this.#piece, 0, encodePiece(times, from, Math.min(PIECE_ROWS, group.rows - from), this.#piece, 0))
    }
  }
}
