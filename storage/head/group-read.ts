// Reads columns of one group in a time range into one batch: segments first, then the rows not yet encoded.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { decodeChunk, lastHistograms, lastHistogramsAt, lastPresent, lastStale, lastStartTimesAt } from '../codec/chunk-decode.ts'
import { ones } from '../codec/bits.ts'
import { decodeHistogramColumn } from '../codec/histogram-column.ts'
import { readHistogramRecord } from '../codec/histogram-record.ts'
import { decodeValueList } from '../codec/value-list.ts'
import type { BatchBuffer } from './batch-buffer.ts'
import { CHUNK_ROWS } from '../codec/chunk-encode.ts'
import { BLOCK_HISTOGRAMS, BLOCK_START_TIMES, ROW_HAS_BITMAPS, readSegmentPlace, type GroupSnapshot, type SegmentPlace } from './group-record.ts'
import type { SegmentReader } from './segment-read.ts'
import type { SharedHeap } from './shared-heap.ts'

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
  hasHistograms: boolean
}

export function planGroup(heap: SharedHeap, reader: SegmentReader, snapshot: GroupSnapshot, mint: number, maxt: number): GroupPlan {
  const plan: GroupPlan = { snapshot, mint, maxt, segments: [], from: [], to: [], blockFrom: 0, blockTo: 0, rows: 0, hasHistograms: false }
  for (let unit = snapshot.segment; unit !== 0;) {
    const place = readSegmentPlace(heap, unit)
    unit = place.previous
    if (place.maxT < mint || place.minT > maxt || reader.isUnreadable(place)) continue
    plan.segments.push(place)
    if (place.hasHistograms) plan.hasHistograms = true
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
  // Rows of such a block are in no order: all are taken, the merge drops what is out of range.
  plan.blockTo = snapshot.rows
  if (!snapshot.isUnordered) {
    while (plan.blockFrom < plan.blockTo && heap.f64[snapshot.block + plan.blockFrom]! < mint) plan.blockFrom++
    while (plan.blockTo > plan.blockFrom && heap.f64[snapshot.block + plan.blockTo - 1]! > maxt) plan.blockTo--
  }
  plan.rows += plan.blockTo - plan.blockFrom
  if (plan.blockTo > plan.blockFrom && (snapshot.layout.kinds & BLOCK_HISTOGRAMS) !== 0) plan.hasHistograms = true
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
    const hasExtras = lastHistograms !== 0 || lastStartTimesAt >= 0
    if (!isWhole) for (let i = 0; i < rows; i++) v[s * n + base + i] = edge[from + i]!
    if (gapped) {
      batch.beginGaps(s, base)
      for (let i = 0; i < rows; i++) {
        if (((lastPresent >>> (from + i)) & 1) === 1) batch.mark(s, base + i, ((lastStale >>> (from + i)) & 1) === 1)
      }
    } else if (batch.hasGaps[s] === 1) {
      for (let i = 0; i < rows; i++) batch.mark(s, base + i, false)
    }
    if (hasExtras) readExtras(reader.bytes, { from, to, rows: place.rows }, batch, s, base)
  }
}

const columnHistograms: FloatHistogram[] = []
const columnStartTimes = new Float64Array(CHUNK_ROWS)

/** Histograms and start times of rows [from, to) of the chunk that decodeChunk read last. */
function readExtras(bytes: Uint8Array, { from, to, rows }: { from: number; to: number; rows: number }, batch: BatchBuffer, s: number, base: number): void {
  if (lastHistograms !== 0) {
    const range = { from: ones(lastHistograms, from), to: ones(lastHistograms, to) }
    columnHistograms.length = 0
    decodeHistogramColumn(bytes, lastHistogramsAt, ones(lastHistograms, 32), range, columnHistograms)
    let k = 0
    for (let i = from; i < to; i++) if (((lastHistograms >>> i) & 1) === 1) batch.putHistogram(s, base + i - from, columnHistograms[k++]!)
  }
  if (lastStartTimesAt >= 0) {
    decodeValueList(bytes, lastStartTimesAt, rows, columnStartTimes, 0)
    for (let i = from; i < to; i++) batch.putStartTime(s, base + i - from, columnStartTimes[i]!)
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
    if (layout.kinds !== 0) readBlockExtras(heap, plan.snapshot, r, cols, batch, base)
  }
}

/** Histograms and start times of row r: after the values, whose bits say which of them are there. */
function readBlockExtras(heap: SharedHeap, { block, layout }: GroupSnapshot, r: number, cols: Uint32Array, batch: BatchBuffer, base: number): void {
  const { f64, u32, u8 } = heap
  const bits = layout.histogramsWord(block, r)
  const startTimesAt = layout.startTimesAt(block, r)
  for (let s = 0; s < cols.length; s++) {
    const c = cols[s]!
    if (!batch.isPresent(s, base)) continue
    if ((layout.kinds & BLOCK_HISTOGRAMS) !== 0 && ((u32[bits + (c >>> 5)]! >>> (c & 31)) & 1) === 1) {
      batch.putHistogram(s, base, readHistogramRecord(u8, f64[layout.valuesAt(block, r) + c]!))
    }
    if ((layout.kinds & BLOCK_START_TIMES) !== 0) batch.putStartTime(s, base, f64[startTimesAt + c]!)
  }
}
