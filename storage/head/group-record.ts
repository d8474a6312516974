// The shape of a group in shared memory, for its one writer and its readers.
//
//   record (64 B) ─▶ column refs u32[]
//                 ─▶ row block: ts f64[K] │ cols u32[K] │ flags u32[K] │ present u32[K][W] │ stale u32[K][W] │ values f64[K][cap]
//                                 │ if it has any: start times f64[K][cap] │ histograms u32[K][W]
//                 ─▶ newest segment descriptor ─▶ older … (where each lies in the head files)
//
// Everything that changes together (block, row count, newest segment) changes under a sequence counter, odd while
// main writes: a reader takes a snapshot and tries again if the counter moved (seqlock; Lameter 2005).
import type { SharedHeap } from './shared-heap.ts'

/** Columns of a group at the most: one row of it stays well inside a log buffer and a cache. */
export const GROUP_COLUMNS_MAX = 2048
export const RECORD_UNITS = 8
const SEQ = 0
const BLOCK = 1
const CAP = 2
const COLUMNS = 3
const ROWS = 4
const ROW_CAP = 5
const REFS = 6
const SEGMENT = 7
const FLAGS = 8
/** f64 index inside the record. */
const MIN_T = 5
const MAX_T = 6

/** Late samples: of those that conflict with others the others are seen. Its rows are in no order of time. */
const GROUP_LATE = 1
/** Rows in no order of time, though not late: some were replayed in place of a damaged segment. */
const GROUP_UNORDERED = 2
/** The generation stands above the flags. */
const GENERATION_SHIFT = 8
/** Row flag: consult the bitmaps; else columns [0, cols) are all live. */
export const ROW_HAS_BITMAPS = 1
/**
 * What a block has room for beside floats. The value of a native histogram is the byte in the heap at which its record
 * stands; its bit is set before the sample shows.
 */
export const BLOCK_HISTOGRAMS = 1
export const BLOCK_START_TIMES = 2
/** A record's row capacity and the block's kinds share a word. */
const KINDS_SHIFT = 16

/** Words of a segment descriptor (6 units). */
export const SEGMENT_UNITS = 6
const SEGMENT_FILE = 0
const SEGMENT_OFFSET = 1
const SEGMENT_LENGTH = 2
const SEGMENT_COLUMNS = 3
const SEGMENT_ROWS = 4
const SEGMENT_PREVIOUS = 5
/** Beside the rows. */
const SEGMENT_HAS_HISTOGRAMS = 1 << 16

export interface SegmentPlace {
  file: number
  /** Of the payload, in the file. */
  offsetBytes: number
  lengthBytes: number
  columns: number
  rows: number
  hasHistograms: boolean
  minT: number
  maxT: number
  /** Unit of the next older descriptor, 0 at the end. */
  previous: number
}

export function writeSegmentPlace(heap: SharedHeap, at: number, place: SegmentPlace): void {
  const { u32, f64 } = heap
  u32[at * 2 + SEGMENT_FILE] = place.file
  u32[at * 2 + SEGMENT_OFFSET] = place.offsetBytes / 8
  u32[at * 2 + SEGMENT_LENGTH] = place.lengthBytes
  u32[at * 2 + SEGMENT_COLUMNS] = place.columns
  u32[at * 2 + SEGMENT_ROWS] = place.rows | (place.hasHistograms ? SEGMENT_HAS_HISTOGRAMS : 0)
  u32[at * 2 + SEGMENT_PREVIOUS] = place.previous
  f64[at + 4] = place.minT
  f64[at + 5] = place.maxT
}

/** Makes `previous` the next older segment of a chain after `at`, the end where it is 0. */
export function linkSegment(heap: SharedHeap, at: number, previous: number): void {
  Atomics.store(heap.u32, at * 2 + SEGMENT_PREVIOUS, previous)
}

export function readSegmentPlace(heap: SharedHeap, at: number): SegmentPlace {
  const { u32, f64 } = heap
  return {
    file: u32[at * 2 + SEGMENT_FILE]!,
    offsetBytes: u32[at * 2 + SEGMENT_OFFSET]! * 8,
    lengthBytes: u32[at * 2 + SEGMENT_LENGTH]!,
    columns: u32[at * 2 + SEGMENT_COLUMNS]!,
    rows: u32[at * 2 + SEGMENT_ROWS]! & (SEGMENT_HAS_HISTOGRAMS - 1),
    hasHistograms: (u32[at * 2 + SEGMENT_ROWS]! & SEGMENT_HAS_HISTOGRAMS) !== 0,
    previous: u32[at * 2 + SEGMENT_PREVIOUS]!,
    minT: f64[at + 4]!,
    maxT: f64[at + 5]!,
  }
}

/** Places inside a row block. */
export class BlockLayout {
  readonly rowCap: number
  readonly cap: number
  /** BLOCK_HISTOGRAMS and BLOCK_START_TIMES. */
  readonly kinds: number
  /** u32 words of a bitmap row. */
  readonly words: number
  readonly units: number

  /** `rowCap` is even, or 0. */
  constructor(rowCap: number, cap: number, kinds: number) {
    this.rowCap = rowCap
    this.cap = cap
    this.kinds = kinds
    this.words = (cap + 31) >>> 5
    const extra = ((kinds & BLOCK_START_TIMES) !== 0 ? cap : 0) + ((kinds & BLOCK_HISTOGRAMS) !== 0 ? this.words / 2 : 0)
    this.units = rowCap * (2 + this.words + cap + extra)
  }

  /** Word index of row r's column count; its flags are rowCap words behind. */
  colsWord(block: number, r: number): number {
    return (block + this.rowCap) * 2 + r
  }

  flagsWord(block: number, r: number): number {
    return (block + this.rowCap) * 2 + this.rowCap + r
  }

  presentWord(block: number, r: number): number {
    return (block + 2 * this.rowCap) * 2 + r * this.words
  }

  staleWord(block: number, r: number): number {
    return (block + 2 * this.rowCap) * 2 + (this.rowCap + r) * this.words
  }

  /** f64 index of row r's first value. */
  valuesAt(block: number, r: number): number {
    return block + this.rowCap * (2 + this.words) + r * this.cap
  }

  /** f64 index of row r's first start time, in blocks that have them. */
  startTimesAt(block: number, r: number): number {
    return block + this.rowCap * (2 + this.words + this.cap) + r * this.cap
  }

  /** Bitmap of row r's histograms, in blocks that have them. */
  histogramsWord(block: number, r: number): number {
    return (this.startTimesAt(block, 0) + ((this.kinds & BLOCK_START_TIMES) !== 0 ? this.rowCap * this.cap : 0)) * 2 + r * this.words
  }
}

/** What a group is from its first definition on. */
export interface GroupKind {
  isLate: boolean
  generation: number
}

/** One consistent view of a group. */
export interface GroupSnapshot {
  id: number
  block: number
  layout: BlockLayout
  columns: number
  rows: number
  refsWord: number
  segment: number
  isLate: boolean
  /** Rows are in no order of time. */
  isUnordered: boolean
  generation: number
  minT: number
  maxT: number
}

export function snapshotGroup(heap: SharedHeap, id: number, record: number): GroupSnapshot {
  const { u32, f64 } = heap
  const at = record * 2
  for (;;) {
    const seq = Atomics.load(u32, at + SEQ)
    if ((seq & 1) !== 0) continue
    const snapshot: GroupSnapshot = {
      id,
      block: u32[at + BLOCK]!,
      layout: new BlockLayout(u32[at + ROW_CAP]! & ((1 << KINDS_SHIFT) - 1), u32[at + CAP]!, u32[at + ROW_CAP]! >>> KINDS_SHIFT),
      columns: u32[at + COLUMNS]!,
      rows: u32[at + ROWS]!,
      refsWord: u32[at + REFS]! * 2,
      segment: u32[at + SEGMENT]!,
      isLate: (u32[at + FLAGS]! & GROUP_LATE) !== 0,
      isUnordered: (u32[at + FLAGS]! & (GROUP_LATE | GROUP_UNORDERED)) !== 0,
      generation: u32[at + FLAGS]! >>> GENERATION_SHIFT,
      minT: f64[record + MIN_T]!,
      maxT: f64[record + MAX_T]!,
    }
    if (Atomics.load(u32, at + SEQ) === seq) return snapshot
  }
}

/** Main's handle on one record. Fields it sets between `begin` and `end` become visible together. */
export class GroupRecord {
  readonly #u32: Uint32Array
  readonly #f64: Float64Array
  readonly unit: number

  constructor(heap: SharedHeap, unit: number, { isLate, generation }: GroupKind) {
    this.#u32 = heap.u32
    this.#f64 = heap.f64
    this.unit = unit
    this.#u32[unit * 2 + FLAGS] = (isLate ? GROUP_LATE : 0) | (generation << GENERATION_SHIFT)
    this.#f64[unit + MIN_T] = Infinity
    this.#f64[unit + MAX_T] = -Infinity
  }

  /** Its segments and rows are in no order of time any more: readers sort. */
  markUnordered(): void {
    Atomics.or(this.#u32, this.unit * 2 + FLAGS, GROUP_UNORDERED)
  }

  begin(): void {
    Atomics.add(this.#u32, this.unit * 2 + SEQ, 1)
  }

  end(): void {
    Atomics.add(this.#u32, this.unit * 2 + SEQ, 1)
  }

  setBlock(block: number, { rowCap, cap, kinds }: BlockLayout): void {
    this.#u32[this.unit * 2 + BLOCK] = block
    this.#u32[this.unit * 2 + ROW_CAP] = rowCap | (kinds << KINDS_SHIFT)
    this.#u32[this.unit * 2 + CAP] = cap
  }

  setColumns(columns: number, refs: number): void {
    this.#u32[this.unit * 2 + COLUMNS] = columns
    this.#u32[this.unit * 2 + REFS] = refs
  }

  /** Publishes rows; on its own it needs no begin/end. */
  setRows(rows: number): void {
    Atomics.store(this.#u32, this.unit * 2 + ROWS, rows)
  }

  get segment(): number {
    return this.#u32[this.unit * 2 + SEGMENT]!
  }

  setSegment(segment: number): void {
    this.#u32[this.unit * 2 + SEGMENT] = segment
  }

  /** Widens the group's time range. */
  cover(minT: number, maxT: number): void {
    if (minT < this.#f64[this.unit + MIN_T]!) this.#f64[this.unit + MIN_T] = minT
    if (maxT > this.#f64[this.unit + MAX_T]!) this.#f64[this.unit + MAX_T] = maxT
  }
}

/** Columns that a group's list of refs has room for. */
export function refsCap(columns: number): number {
  return Math.min(GROUP_COLUMNS_MAX, Math.max(2, (columns + (columns >>> 3) + 1) & ~1))
}

/** Columns that a block has: some room for those that come later; the first width is taken as it is. */
export function columnCap(columns: number, old: number): number {
  return old === 0 ? columns + (columns >>> 5) : Math.min(GROUP_COLUMNS_MAX, columns + (columns >>> 2))
}
