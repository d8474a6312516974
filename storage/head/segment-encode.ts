// Turns the rows of a group into a segment: transposed, then encoded column by column (FORMAT.md, "Head segments").
import { crc32 } from 'node:zlib'
import { chunksKernel, type ChunksKernel } from '../../lib/kernels/chunk.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import {
  CHUNK_BYTES_MAX, CHUNK_ROWS, encodeChunk, encodeGappedChunk, encodeMixedChunk, lastHint, mixedChunkBytesMax, type MixedRows,
} from '../codec/chunk-encode.ts'
import { encodeHistogramColumn } from '../codec/histogram-column.ts'
import { readHistogramRecord } from '../codec/histogram-record.ts'
import { encodeValueList, valueListBytesMax } from '../codec/value-list.ts'
import { FRAME_HEAD_BYTES } from '../log/frame.ts'
import { BLOCK_HISTOGRAMS, BLOCK_START_TIMES, ROW_HAS_BITMAPS, type BlockLayout } from './group-record.ts'
import { SEGMENT_HEAD_BYTES, SEGMENT_HISTOGRAMS } from './segment-file.ts'
import type { SharedHeap } from './shared-heap.ts'

export interface RowsToEncode {
  group: number
  block: number
  layout: BlockLayout
  columns: number
  rows: number
  isLate: boolean
  salt: number
  /** Rows of the group logged in [firstLsn, flushedLsn) are in this segment. */
  firstLsn: number
  flushedLsn: number
  /** One guess per column for the codec, updated. */
  hints: Uint8Array
  /** Gets `mark` for each column that has a sample. */
  seen: Uint16Array
  mark: number
}

export interface Encoded {
  /** The payload stands at buffer[16, …), ready for SegmentWriter.append; valid until the next segment is encoded. */
  buffer: Buffer
  lengthBytes: number
  minT: number
  maxT: number
  /** Columns with at least one sample. */
  usedColumns: number
  hasHistograms: boolean
}

/** Row order of a block by time; only late blocks are out of order. */
const order = new Uint8Array(CHUNK_ROWS)
const times = new Float64Array(CHUNK_ROWS)
const column = new Float64Array(CHUNK_ROWS)
/** Transposed values of as many columns as fit a first-level cache. */
const TILE = 64
const tile = new Float64Array(TILE * CHUNK_ROWS)

/** Beside the columns: frame, head, timestamps, the end. */
const FIXED_BYTES = FRAME_HEAD_BYTES + SEGMENT_HEAD_BYTES + 16 + CHUNK_BYTES_MAX + 64
let buffer = Buffer.alloc(1 << 16)

/** Makes room for `more` bytes behind the first `used`. */
function reserve(used: number, more: number): void {
  if (used + more <= buffer.length) return
  const grown = Buffer.alloc((used + more) * (used === 0 ? 1 : 2))
  buffer.copy(grown, 0, 0, used)
  buffer = grown
}

export function encodeSegment(heap: SharedHeap, what: RowsToEncode): Encoded {
  const { rows, columns } = what
  reserve(0, FIXED_BYTES + (columns + 2) * 4 + columns * CHUNK_BYTES_MAX)
  sortRows(heap, what)
  const base = FRAME_HEAD_BYTES
  let at = encodeChunk(times, 0, rows, buffer, base + SEGMENT_HEAD_BYTES, 0)
  const offsetsAt = (at + 3) & ~3
  at = offsetsAt + (columns + 1) * 4
  let usedColumns = 0
  hasHistograms = false
  const kernel = what.layout.kinds === 0 ? chunksKernel(columns) : null
  for (let c = 0, n = 0; c < columns; c += n) {
    n = Math.min(kernel?.columnsMax ?? TILE, columns - c)
    if (kernel !== null && !hasGaps(heap, what, c + n)) {
      at = encodeDense(kernel, heap, what, { c, n, at, offsetsAt })
      usedColumns += n
      continue
    }
    n = Math.min(TILE, n)
    const gapped = hasGaps(heap, what, c + n)
    transpose(heap, what, c, n)
    for (let k = 0; k < n; k++) {
      buffer.writeUInt32LE(at - base, offsetsAt + (c + k) * 4)
      let end: number
      if (what.layout.kinds !== 0) end = encodeMixed(heap, what, c + k, k, at)
      else if (gapped) end = encodeWithGaps(heap, what, c + k, k, at)
      else end = encodeChunk(tile, k * CHUNK_ROWS, rows, buffer, at, what.hints[c + k]!)
      if (end > at) {
        what.hints[c + k] = lastHint
        what.seen[c + k] = what.mark
        usedColumns++
      }
      at = end
    }
  }
  buffer.writeUInt32LE(at - base, offsetsAt + columns * 4)
  const length = (at - base + 7) & ~7
  buffer.fill(0, at, base + length)
  buffer.writeUInt32LE(what.group, base)
  buffer.writeUInt32LE(columns, base + 4)
  buffer.writeUInt16LE(rows, base + 8)
  buffer.writeUInt16LE(hasHistograms ? SEGMENT_HISTOGRAMS : 0, base + 10)
  buffer.writeUInt32LE(offsetsAt - base, base + 12)
  buffer.writeDoubleLE(times[0]!, base + 16)
  buffer.writeDoubleLE(times[rows - 1]!, base + 24)
  buffer.writeDoubleLE(what.firstLsn, base + 32)
  buffer.writeDoubleLE(what.flushedLsn, base + 40)
  buffer.writeUInt32LE(what.salt, base + 48)
  buffer.writeUInt32LE(crc32(buffer.subarray(base, base + 52)), base + 52)
  return { buffer, lengthBytes: length, minT: times[0]!, maxT: times[rows - 1]!, usedColumns, hasHistograms }
}

function sortRows(heap: SharedHeap, { block, rows, isLate }: RowsToEncode): void {
  for (let r = 0; r < rows; r++) {
    let i = r
    const t = heap.f64[block + r]!
    if (isLate) {
      for (; i > 0 && times[i - 1]! > t; i--) {
        times[i] = times[i - 1]!
        order[i] = order[i - 1]!
      }
    }
    times[i] = t
    order[i] = r
  }
}

/** Whether any row has gaps, or stops before column `end`. */
function hasGaps({ u32 }: SharedHeap, { block, layout, rows }: RowsToEncode, end: number): boolean {
  for (let r = 0; r < rows; r++) {
    if ((u32[layout.flagsWord(block, r)]! & ROW_HAS_BITMAPS) !== 0 || u32[layout.colsWord(block, r)]! < end) return true
  }
  return false
}

/** Encodes columns [c, c + n) without gaps, and says where each begins; returns the place behind. */
function encodeDense(kernel: ChunksKernel, heap: SharedHeap, what: RowsToEncode, { c, n, at, offsetsAt }: { c: number; n: number; at: number; offsetsAt: number }): number {
  const { block, layout, rows } = what
  for (let i = 0; i < rows; i++) kernel.takeRow(i, heap.f64, layout.valuesAt(block, order[i]!) + c, n)
  const size = kernel.encode(rows, what.hints, c, n)
  buffer.set(kernel.chunks.subarray(0, size), at)
  for (let k = 0; k < n; k++) buffer.writeUInt32LE(at - FRAME_HEAD_BYTES + (k === 0 ? 0 : kernel.ends[k - 1]!), offsetsAt + (c + k) * 4)
  what.seen.fill(what.mark, c, c + n)
  return at + size
}

/** Fills the tile with columns [c, c + n). */
function transpose({ f64 }: SharedHeap, { block, layout, rows }: RowsToEncode, c: number, n: number): void {
  for (let i = 0; i < rows; i++) {
    const from = layout.valuesAt(block, order[i]!) + c
    for (let k = 0; k < n; k++) tile[k * CHUNK_ROWS + i] = f64[from + k]!
  }
}

/** Bits of rows of the column that was gathered last: there, a marker, a native histogram. */
let present = 0
let stale = 0
let histograms = 0
/** Whether the segment at work has any. */
let hasHistograms = false

/** Sets the bits and packs the live floats of tile column k (column c of the group) into `column`; returns how many. */
function gather(heap: SharedHeap, { block, layout, rows }: RowsToEncode, c: number, k: number): number {
  const { u32 } = heap
  const word = c >>> 5
  const bit = 1 << (c & 31)
  let live = 0
  present = 0
  stale = 0
  histograms = 0
  for (let i = 0; i < rows; i++) {
    const r = order[i]!
    if (c >= u32[layout.colsWord(block, r)]!) continue
    if ((u32[layout.flagsWord(block, r)]! & ROW_HAS_BITMAPS) !== 0) {
      if ((u32[layout.presentWord(block, r) + word]! & bit) === 0) continue
      if ((u32[layout.staleWord(block, r) + word]! & bit) !== 0) stale |= 1 << i
    }
    present |= 1 << i
    if (((stale >>> i) & 1) === 1) continue
    if ((layout.kinds & BLOCK_HISTOGRAMS) !== 0 && (u32[layout.histogramsWord(block, r) + word]! & bit) !== 0) histograms |= 1 << i
    else column[live++] = tile[k * CHUNK_ROWS + i]!
  }
  return live
}

/** Encodes tile column k (column c of the group); writes nothing if it has no sample at all. */
function encodeWithGaps(heap: SharedHeap, what: RowsToEncode, c: number, k: number, at: number): number {
  const live = gather(heap, what, c, k)
  if (present === 0) return at
  if (live === what.rows) return encodeChunk(column, 0, live, buffer, at, what.hints[c]!)
  return encodeGappedChunk(column, live, buffer, at, what.hints[c]!, present >>> 0, stale >>> 0)
}

/** As encodeWithGaps, in a block that has room for histograms or start times. */
function encodeMixed(heap: SharedHeap, what: RowsToEncode, c: number, k: number, at: number): number {
  const live = gather(heap, what, c, k)
  const startTimes = encodeStartTimes(heap, what, c)
  if (histograms === 0 && startTimes.length === 0) return encodeWithGaps(heap, what, c, k, at)
  const all = what.rows === CHUNK_ROWS ? -1 : (1 << what.rows) - 1
  const mixed: MixedRows = {
    rows: what.rows, present: present >>> 0, stale: stale >>> 0, hasGaps: present !== all || stale !== 0,
    histograms: histograms >>> 0, histogramColumn: encodeHistograms(heap, what, k), startTimes,
  }
  reserve(at, mixedChunkBytesMax(mixed) + (what.columns - c) * CHUNK_BYTES_MAX + 64)
  return encodeMixedChunk(column, live, buffer, at, what.hints[c]!, mixed)
}

const NO_BYTES = new Uint8Array(0)
const startTimesOfRows = new Float64Array(CHUNK_ROWS)
const startTimesBytes = new Uint8Array(valueListBytesMax(CHUNK_ROWS))

/** Start times of the rows that `present` names; no bytes if none is known. */
function encodeStartTimes(heap: SharedHeap, { block, layout, rows }: RowsToEncode, c: number): Uint8Array {
  if ((layout.kinds & BLOCK_START_TIMES) === 0) return NO_BYTES
  let isKnown = false
  for (let i = 0; i < rows; i++) {
    const startMs = ((present >>> i) & 1) === 1 ? heap.f64[layout.startTimesAt(block, order[i]!) + c]! : 0
    startTimesOfRows[i] = startMs
    if (startMs !== 0) isKnown = true
  }
  return isKnown ? startTimesBytes.subarray(0, encodeValueList(startTimesOfRows, 0, rows, startTimesBytes, 0)) : NO_BYTES
}

function encodeHistograms(heap: SharedHeap, { rows }: RowsToEncode, k: number): Uint8Array {
  if (histograms === 0) return NO_BYTES
  hasHistograms = true
  const list: FloatHistogram[] = []
  for (let i = 0; i < rows; i++) {
    if (((histograms >>> i) & 1) === 1) list.push(readHistogramRecord(heap.u8, tile[k * CHUNK_ROWS + i]!))
  }
  return encodeHistogramColumn(list, 0, list.length)
}
