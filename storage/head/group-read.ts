// Reads columns of one group in a time range into one batch: segments first, then the rows not yet encoded.
import { decodeChunk, lastPresent, lastStale } from '../codec/chunk-decode.ts'
import type { SeriesBatch } from '../interface.ts'
import { ROW_HAS_BITMAPS, readSegmentPlace, type GroupSnapshot, type SegmentPlace } from './group-record.ts'
import type { SegmentReader } from './segment-read.ts'
import type { SharedHeap } from './shared-heap.ts'

/** A batch whose buffers grow and are reused. */
export class BatchBuffer implements SeriesBatch {
  n = 0
  seriesCount = 0
  t: Float64Array = new Float64Array(1024)
  v: Float64Array = new Float64Array(1024)
  index: Uint32Array = new Uint32Array(64)
  hasGaps: Uint8Array = new Uint8Array(64)
  present: Uint32Array = new Uint32Array(64)
  stale: Uint32Array = new Uint32Array(64)
  readonly histograms = null
  readonly histogramBits: Uint32Array = new Uint32Array(0)
  readonly startTimes = null

  /** Makes room for seriesCount × n values; content is undefined, hasGaps is zero. */
  shape(seriesCount: number, n: number): void {
    this.seriesCount = seriesCount
    this.n = n
    const bits = seriesCount * ((n + 31) >>> 5)
    if (this.t.length < n + 32) this.t = new Float64Array(n + 32)
    // Decoders write whole chunks: leave room behind the last row.
    if (this.v.length < seriesCount * n + 32) this.v = new Float64Array(seriesCount * n + 32)
    if (this.index.length < seriesCount) {
      this.index = new Uint32Array(seriesCount)
      this.hasGaps = new Uint8Array(seriesCount)
    }
    if (this.present.length < bits) {
      this.present = new Uint32Array(bits)
      this.stale = new Uint32Array(bits)
    }
    this.hasGaps.fill(0, 0, seriesCount)
  }

  /** Series s has gaps from here on: rows [0, rows) so far are all live. */
  beginGaps(s: number, rows: number): void {
    if (this.hasGaps[s] === 1) return
    this.hasGaps[s] = 1
    const words = (this.n + 31) >>> 5
    this.present.fill(0, s * words, (s + 1) * words)
    this.stale.fill(0, s * words, (s + 1) * words)
    for (let i = 0; i < rows; i++) this.present[s * words + (i >>> 5)]! |= 1 << (i & 31)
  }

  /** Marks row i of series s (which has gaps) as present, and stale or live. */
  mark(s: number, i: number, isStale: boolean): void {
    const word = s * ((this.n + 31) >>> 5) + (i >>> 5)
    this.present[word]! |= 1 << (i & 31)
    if (isStale) this.stale[word]! |= 1 << (i & 31)
  }

  /** True if series s has any sample, live or stale. */
  hasSamples(s: number): boolean {
    if (this.hasGaps[s] === 0) return this.n > 0
    const words = (this.n + 31) >>> 5
    for (let w = s * words; w < (s + 1) * words; w++) if (this.present[w] !== 0) return true
    return false
  }
}

/** What of a group lies in a time range: segments oldest first, each with its rows [from, to) in range, then block rows. */
export interface GroupPlan {
  snapshot: GroupSnapshot
  /** Rows of an unordered group may lie outside; whoever sorts them leaves those out. */
  mint: number
  maxt: number
  segments: SegmentPlace[]
  from: number[]
  to: number[]
  blockFrom: number
  blockTo: number
  rows: number
}

export function planGroup(heap: SharedHeap, reader: SegmentReader, snapshot: GroupSnapshot, mint: number, maxt: number): GroupPlan {
  const plan: GroupPlan = { snapshot, mint, maxt, segments: [], from: [], to: [], blockFrom: 0, blockTo: 0, rows: 0 }
  for (let unit = snapshot.segment; unit !== 0;) {
    const place = readSegmentPlace(heap, unit)
    unit = place.previous
    if (place.maxT < mint || place.minT > maxt || reader.isDamaged(place)) continue
    plan.segments.push(place)
  }
  plan.segments.reverse()
  for (const place of plan.segments) {
    let from = 0
    let to = place.rows
    if (place.minT < mint || place.maxT > maxt) {
      reader.loadTimes(place)
      while (from < to && reader.times[from]! < mint) from++
      while (to > from && reader.times[to - 1]! > maxt) to--
    }
    plan.from.push(from)
    plan.to.push(to)
    plan.rows += to - from
  }
  // Rows of a late block are in no order: all are taken, the merge drops what is out of range.
  plan.blockTo = snapshot.rows
  if (!snapshot.isLate) {
    while (plan.blockFrom < plan.blockTo && heap.f64[snapshot.block + plan.blockFrom]! < mint) plan.blockFrom++
    while (plan.blockTo > plan.blockFrom && heap.f64[snapshot.block + plan.blockTo - 1]! > maxt) plan.blockTo--
  }
  plan.rows += plan.blockTo - plan.blockFrom
  return plan
}

/** Reads columns cols[0, count), ascending, into a batch that is shaped, from row `base` on; `batch.index` is the caller's to fill. */
export function readGroup(
  heap: SharedHeap, reader: SegmentReader, plan: GroupPlan, cols: Uint32Array, batch: BatchBuffer, base: number,
): void {
  for (let i = 0; i < plan.segments.length; i++) {
    const from = plan.from[i]!
    const to = plan.to[i]!
    if (to > from) readSegment(reader, plan.segments[i]!, from, to, cols, batch, base)
    base += to - from
  }
  readBlock(heap, plan, cols, batch, base)
}

const edge = new Float64Array(34)

function readSegment(
  reader: SegmentReader, place: SegmentPlace, from: number, to: number, cols: Uint32Array, batch: BatchBuffer, base: number,
): void {
  const rows = to - from
  const isWhole = rows === place.rows
  let known = cols.length
  while (known > 0 && cols[known - 1]! >= place.columns) known--
  if (known === 0) reader.loadTimes(place)
  else reader.load(place, cols[0]!, cols[known - 1]!)
  for (let i = 0; i < rows; i++) batch.t[base + i] = reader.times[from + i]!
  const { v, n } = batch
  for (let s = 0; s < cols.length; s++) {
    const at = s < known ? reader.chunkAt(cols[s]!) : -1
    if (at < 0) {
      batch.beginGaps(s, base)
      continue
    }
    const gapped = isWhole ? decodeChunk(reader.bytes, at, rows, v, s * n + base) : decodeChunk(reader.bytes, at, place.rows, edge, 0, to)
    if (!isWhole) for (let i = 0; i < rows; i++) v[s * n + base + i] = edge[from + i]!
    if (gapped) {
      batch.beginGaps(s, base)
      for (let i = 0; i < rows; i++) {
        if (((lastPresent >>> (from + i)) & 1) === 1) batch.mark(s, base + i, ((lastStale >>> (from + i)) & 1) === 1)
      }
    } else if (batch.hasGaps[s] === 1) {
      for (let i = 0; i < rows; i++) batch.mark(s, base + i, false)
    }
  }
}

function readBlock(heap: SharedHeap, plan: GroupPlan, cols: Uint32Array, batch: BatchBuffer, base: number): void {
  const { f64, u32 } = heap
  const { block, layout } = plan.snapshot
  const { v, n } = batch
  for (let r = plan.blockFrom; r < plan.blockTo; r++, base++) {
    batch.t[base] = f64[block + r]!
    // Width before flags: a row that gains columns with holes gets its bitmaps first and its width last.
    const width = Atomics.load(u32, layout.colsWord(block, r))
    const flags = Atomics.load(u32, layout.flagsWord(block, r))
    const valuesAt = layout.valuesAt(block, r)
    const hasBitmaps = (flags & ROW_HAS_BITMAPS) !== 0
    const present = layout.presentWord(block, r)
    const stale = layout.staleWord(block, r)
    for (let s = 0; s < cols.length; s++) {
      const c = cols[s]!
      const bit = 1 << (c & 31)
      if (c >= width || (hasBitmaps && (u32[present + (c >>> 5)]! & bit) === 0)) {
        batch.beginGaps(s, base)
        continue
      }
      v[s * n + base] = f64[valuesAt + c]!
      const isStale = hasBitmaps && (u32[stale + (c >>> 5)]! & bit) !== 0
      if (isStale) batch.beginGaps(s, base)
      if (batch.hasGaps[s] === 1) batch.mark(s, base, isStale)
    }
  }
}
