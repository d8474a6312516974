// Turns the rows of a group into a segment: transposed, then encoded column by column (FORMAT.md, "Head segments").
import { crc32 } from 'node:zlib'
import { CHUNK_BYTES_MAX, CHUNK_ROWS, encodeChunk, encodeGappedChunk, lastHint } from '../codec/chunk-encode.ts'
import { FRAME_HEAD_BYTES } from '../log/frame.ts'
import { ROW_HAS_BITMAPS, type BlockLayout } from './group-record.ts'
import { SEGMENT_HEAD_BYTES } from './segment-file.ts'
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
}

export interface Encoded {
  lengthBytes: number
  minT: number
  maxT: number
  /** Columns with at least one sample. */
  usedColumns: number
}

/** Row order of a block by time; only late blocks are out of order. */
const order = new Uint8Array(CHUNK_ROWS)
const times = new Float64Array(CHUNK_ROWS)
const column = new Float64Array(CHUNK_ROWS)
/** Transposed values of as many columns as fit a first-level cache. */
const TILE = 64
const tile = new Float64Array(TILE * CHUNK_ROWS)

/** The buffer's payload room for a group of n columns, frame included. */
export function segmentBytesMax(columns: number): number {
  return FRAME_HEAD_BYTES + SEGMENT_HEAD_BYTES + 16 + (columns + 2) * 4 + (columns + 1) * CHUNK_BYTES_MAX + 64
}

/** Writes the payload at buffer[16, …), ready for SegmentWriter.append. */
export function encodeSegment(heap: SharedHeap, what: RowsToEncode, buffer: Buffer): Encoded {
  const { rows, columns } = what
  sortRows(heap, what)
  const base = FRAME_HEAD_BYTES
  let at = encodeChunk(times, 0, rows, buffer, base + SEGMENT_HEAD_BYTES, 0)
  const offsetsAt = (at + 3) & ~3
  at = offsetsAt + (columns + 1) * 4
  let usedColumns = 0
  for (let c = 0; c < columns; c += TILE) {
    const n = Math.min(TILE, columns - c)
    const gapped = transpose(heap, what, c, n)
    for (let k = 0; k < n; k++) {
      buffer.writeUInt32LE(at - base, offsetsAt + (c + k) * 4)
      const end = gapped ? encodeWithGaps(heap, what, c + k, k, buffer, at) : encodeChunk(tile, k * CHUNK_ROWS, rows, buffer, at, what.hints[c + k]!)
      if (end > at) {
        what.hints[c + k] = lastHint
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
  buffer.writeUInt32LE(rows, base + 8)
  buffer.writeUInt32LE(offsetsAt - base, base + 12)
  buffer.writeDoubleLE(times[0]!, base + 16)
  buffer.writeDoubleLE(times[rows - 1]!, base + 24)
  buffer.writeDoubleLE(what.firstLsn, base + 32)
  buffer.writeDoubleLE(what.flushedLsn, base + 40)
  buffer.writeUInt32LE(what.salt, base + 48)
  buffer.writeUInt32LE(crc32(buffer.subarray(base, base + 52)), base + 52)
  return { lengthBytes: length, minT: times[0]!, maxT: times[rows - 1]!, usedColumns }
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

/** Fills the tile with columns [c, c + n); true if any row of them has gaps (or stops before them). */
function transpose(heap: SharedHeap, what: RowsToEncode, c: number, n: number): boolean {
  const { block, layout, rows } = what
  const { f64, u32 } = heap
  let hasGaps = false
  for (let i = 0; i < rows; i++) {
    const r = order[i]!
    const from = layout.valuesAt(block, r) + c
    for (let k = 0; k < n; k++) tile[k * CHUNK_ROWS + i] = f64[from + k]!
    if ((u32[layout.flagsWord(block, r)]! & ROW_HAS_BITMAPS) !== 0 || u32[layout.colsWord(block, r)]! < c + n) hasGaps = true
  }
  return hasGaps
}

/** Encodes tile column k (column c of the group); writes nothing if it has no sample at all. */
function encodeWithGaps(heap: SharedHeap, what: RowsToEncode, c: number, k: number, buffer: Buffer, at: number): number {
  const { block, layout, rows } = what
  const { u32 } = heap
  let present = 0
  let stale = 0
  let live = 0
  for (let i = 0; i < rows; i++) {
    const r = order[i]!
    if (c >= u32[layout.colsWord(block, r)]!) continue
    if ((u32[layout.flagsWord(block, r)]! & ROW_HAS_BITMAPS) !== 0) {
      const word = c >>> 5
      const bit = 1 << (c & 31)
      if ((u32[layout.presentWord(block, r) + word]! & bit) === 0) continue
      if ((u32[layout.staleWord(block, r) + word]! & bit) !== 0) stale |= 1 << i
    }
    present |= 1 << i
    if (((stale >>> i) & 1) === 0) column[live++] = tile[k * CHUNK_ROWS + i]!
  }
  if (present === 0) return at
  if (live === rows) return encodeChunk(column, 0, rows, buffer, at, what.hints[c]!)
  return encodeGappedChunk(column, live, buffer, at, what.hints[c]!, present >>> 0, stale >>> 0)
}
