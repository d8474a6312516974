// Makes one block of a tier of several: series by series in block order, rows written anew. Of two rows of one bucket that of
// the source named first stays.
import path from 'node:path'
import { levelAbove, type BlockMeta } from '../block/block-meta.ts'
import { BlockWriter, type BlockPlace } from '../block/block-writer.ts'
import { mergeError } from '../block/damage-guard.ts'
import { mergePairs } from '../block/merge-pairs.ts'
import { mergedSeries, type SeriesCursor } from '../block/merge-series.ts'
import { PageCache } from '../block/page-cache.ts'
import { PIECE_ROWS } from '../codec/piece-shape.ts'
import { BlockError } from '../errors.ts'
import { BucketBuffer, type GroupRows } from './bucket-buffer.ts'
import type { Span } from './due.ts'
import type { GoneOf, GoneRows } from './gone-rows.ts'
import { WHOLE, encodeGroupItem, encodeItem, groupBytes, itemBytes } from './row-item.ts'
import { TierReader, type TierGroup } from './tier-reader.ts'

/** Pages of each source are read in turn: a few of each are enough. */
const CACHE_BYTES_PER_SOURCE = 2 << 20
const NO_ROW = -1
const GROUPS_MAX = 64

/** A block's folder, and the buckets (by their ends, inclusive) that are taken from it. */
export interface TierSource extends Span {
  folder: string
}

/** What groups of the sources become. */
interface MergedGroup {
  key: string
  n: number
  t: Float64Array
  group: GroupRows
  /** For each source of the group: which of its rows each row can be, NO_ROW for none. */
  places: readonly Int32Array[]
}

/**
 * Writes the block that holds what the sources hold, and leaves them alone; `range`: what it answers for. Throws MergeError
 * where a source is damaged: it must stay as it is until it is mended; `isRepair`: what is damaged is left out. Throws
 * DiskError; nothing is left then.
 */
export async function mergeTierBlocks(
  sources: readonly TierSource[], range: Span, place: BlockPlace, goneOf: GoneOf | null, isRepair = false,
): Promise<{ name: string; meta: BlockMeta }> {
  const cache = new PageCache(CACHE_BYTES_PER_SOURCE * sources.length)
  const readers: TierReader[] = []
  let merge: TierMerge | null = null
  try {
    for (const { folder } of sources) readers.push(new TierReader(folder, cache))
    merge = new TierMerge(readers, sources, place, goneOf)
    return await merge.run(range, isRepair)
  } catch (error) {
    merge?.abort()
    throw mergeError(error, sources.map(({ folder }) => folder), readers)
  } finally {
    for (const reader of readers) reader.close()
  }
}

class TierMerge {
  readonly #readers: readonly TierReader[]
  readonly #sources: readonly TierSource[]
  readonly #writer: BlockWriter
  /** Those of the series at work: a metric goes over all targets, and of many targets not all groups fit in memory. */
  readonly #groups = new Map<string, MergedGroup>()
  /** Of groups that are written. */
  readonly #numbers = new Map<string, number>()
  readonly #parts: readonly BucketBuffer[]
  readonly #row = new BucketBuffer()
  /** By source, then by number of the series. */
  readonly #gone: readonly ReadonlyMap<number, GoneRows>[]
  #owners = new Int32Array(0)
  #rows = 0

  constructor(readers: readonly TierReader[], sources: readonly TierSource[], place: BlockPlace, goneOf: GoneOf | null) {
    this.#readers = readers
    this.#sources = sources
    this.#writer = new BlockWriter(place)
    this.#parts = readers.map(() => new BucketBuffer())
    this.#gone = readers.map((reader) => goneOf?.(reader) ?? new Map())
  }

  async run(range: Span, isRepair: boolean): Promise<{ name: string; meta: BlockMeta }> {
    const indexes = this.#readers.map(({ index }) => index)
    const { numbers, texts } = mergePairs(indexes)
    for (const same of mergedSeries(indexes, numbers)) this.#writeSeries(same, range)
    const damage = this.#readers.flatMap(({ leftOut }) => [...leftOut])
    if (damage.length > 0 && !isRepair) throw new BlockError(`cannot merge ${this.#readers.length} blocks of a tier: ${damage.slice(0, 3).join('; ')}`)
    const damaged = damage[0] ?? this.#readers.map(({ meta }) => meta.damaged).find((why) => why !== undefined)
    return this.#writer.finish(texts, this.#rows, {
      level: levelAbove(this.#readers.map(({ meta }) => meta)), sources: this.#readers.map(({ folder }) => path.basename(folder)),
      coveredGeneration: 0, coveredT: 0, range, ...(damaged !== undefined && { damaged }),
    })
  }

  abort(): void {
    this.#writer.abort()
  }

  #writeSeries(same: readonly SeriesCursor[], range: Span): void {
    const inOrder = same.toSorted((a, b) => a.source - b.source)
    const group = this.#groupOf(inOrder)
    if (group === null) return
    const ref = Math.max(...inOrder.map(({ source, series }) => this.#readers[source]!.index.refOf(series)))
    const gone = inOrder.map(({ source, series }) => this.#gone[source]!.get(series)).find((span) => span !== undefined)
    const rows = this.#gather(inOrder, group, gone)
    // Of a series that is gone whole nothing is lacking: it would be past its retention whenever that is looked at.
    const isGone = gone !== undefined && gone.from <= range.minT && gone.before > range.maxT
    const lacks = !isGone && inOrder.some(({ source, series }) => this.#readers[source]!.lacking().has(series))
    if (rows === 0 && !lacks) return
    this.#rows += rows
    const { pairs } = same[0]!
    this.#writer.beginSeries(ref, this.#numberOf(group), pairs, 0, pairs.length)
    if (lacks) this.#writer.noteLacking()
    const { n } = group
    for (let from = 0; from < n; from += PIECE_ROWS) {
      const length = encodeItem(this.#row, from, Math.min(PIECE_ROWS, n - from), from)
      this.#writer.addPiece(itemBytes, 0, length)
    }
  }

  /** The series' rows, whole, into `#row`; returns how many there are. */
  #gather(same: readonly SeriesCursor[], group: MergedGroup, gone: GoneRows | undefined): number {
    const { n, t } = group
    const row = this.#row
    row.shape(1, n)
    row.t = t
    row.group = group.group
    same.forEach(({ source, series }, p) => {
      const reader = this.#readers[source]!
      const part = this.#parts[p]!
      const rows = reader.group(reader.groupOf(series))?.rows ?? 0
      part.shape(1, rows)
      reader.readRows(series, 0, rows, part, 0, WHOLE)
    })
    if (this.#owners.length < n) this.#owners = new Int32Array(n)
    const owners = this.#owners
    let count = 0
    for (let i = 0; i < n; i++) {
      owners[i] = gone !== undefined && t[i]! >= gone.from && t[i]! < gone.before ? NO_ROW : this.#ownerOf(i, group.places)
      if (owners[i] !== NO_ROW) count++
    }
    for (let i = 0; i < n;) i = this.#copyRun(i, n, group.places)
    return count
  }

  /** Takes over row i and those that follow it in the same part; returns the row behind them. */
  #copyRun(i: number, n: number, places: readonly Int32Array[]): number {
    const owners = this.#owners
    const owner = owners[i]!
    if (owner === NO_ROW) {
      this.#row.endRow(i)
      return i + 1
    }
    const place = places[owner]!
    let end = i + 1
    while (end < n && owners[end] === owner && place[end] === place[end - 1]! + 1) end++
    this.#row.copyRows(this.#parts[owner]!, place[i]!, place[end - 1]! + 1, i, true)
    return end
  }

  /** The first part that has something in row i. */
  #ownerOf(i: number, places: readonly Int32Array[]): number {
    for (let p = 0; p < places.length; p++) {
      const at = places[p]![i]!
      if (at === NO_ROW) continue
      const { count, staleAtEnd } = this.#parts[p]!.columns
      if (count[at]! + staleAtEnd[at]! > 0) return p
    }
    return NO_ROW
  }

  /** null where no row of the sources' groups is taken. */
  #groupOf(same: readonly SeriesCursor[]): MergedGroup | null {
    const numbers = same.map(({ source, series }) => this.#readers[source]!.groupOf(series))
    const key = same.map(({ source }, p) => `${source}:${numbers[p]}`).join()
    let merged = this.#groups.get(key)
    if (merged === undefined) {
      const parts = same.map(({ source }, p) => ({ rows: this.#readers[source]!.group(numbers[p]!), ...this.#sources[source]! }))
      merged = unite(key, parts)
      for (const old of this.#groups.size >= GROUPS_MAX ? this.#groups.keys() : []) {
        this.#groups.delete(old)
        break
      }
      this.#groups.set(key, merged)
    }
    return merged.n === 0 ? null : merged
  }

  /** Writes the group unless it is there. */
  #numberOf(group: MergedGroup): number {
    const { key, n, t } = group
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#writer.addGroup(n, t[0]!, t[n - 1]!)
      this.#numbers.set(key, number)
      for (let from = 0; from < n; from += PIECE_ROWS) {
        this.#writer.addTimes(groupBytes, 0, encodeGroupItem(group, from, Math.min(PIECE_ROWS, n - from)))
      }
    }
    return number
  }
}

type Part = { rows: TierGroup | null } & Span

function unite(key: string, parts: readonly Part[]): MergedGroup {
  const t = unitedEnds(parts)
  const n = t.length
  const group = { count: new Float64Array(n), firstT: new Float64Array(n), lastT: new Float64Array(n) }
  const places = parts.map(({ rows, minT, maxT }): Int32Array => {
    const place = new Int32Array(n).fill(NO_ROW)
    for (let at = 0, i = 0; rows !== null && at < rows.rows; at++) {
      const end = rows.t[at]!
      if (end < minT || end > maxT) continue
      while (t[i]! < end) i++
      place[i] = at
    }
    return place
  })
  for (let i = 0; i < n; i++) {
    const p = places.findIndex((place) => place[i] !== NO_ROW)
    for (const name of ['count', 'firstT', 'lastT'] as const) group[name][i] = parts[p]!.rows![name][places[p]![i]!]!
  }
  return { key, n, t, group, places }
}

/** The ends of buckets that are taken, ascending. */
function unitedEnds(parts: readonly Part[]): Float64Array {
  const lists = parts.flatMap(({ rows, minT, maxT }) => (rows === null ? [] : [rows.t.filter((t) => t >= minT && t <= maxT)])).filter(({ length }) => length > 0)
  const all = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const list of lists.toSorted((a, b) => a[0]! - b[0]!)) {
    all.set(list, at)
    at += list.length
  }
  // Fast path: blocks mostly follow each other.
  let isAscending = true
  for (let i = 1; i < all.length && isAscending; i++) isAscending = all[i]! > all[i - 1]!
  return isAscending ? all : all.sort().filter((t, i) => i === 0 || t !== all[i - 1])
}
