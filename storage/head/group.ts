// One group as main sees it: its columns, its row block, and the way of full rows into a segment.
import { assert } from '../../lib/std/assert.ts'
import { faultPoint } from '../../lib/std/fault-point.ts'
import { CHUNK_ROWS } from '../codec/chunk-encode.ts'
import type { Arena } from './arena.ts'
import { ColumnAges } from './column-ages.ts'
import { BLOCK_HISTOGRAMS, BLOCK_START_TIMES, BlockLayout, GROUP_COLUMNS_MAX, GroupRecord, RECORD_UNITS, ROW_HAS_BITMAPS, SEGMENT_UNITS, columnCap, linkSegment, refsCap, readSegmentPlace, writeSegmentPlace, type GroupKind, type SegmentPlace } from './group-record.ts'
import { HistogramPieces } from './histogram-stage.ts'
import { encodeSegment, type Encoded } from './segment-encode.ts'
import type { SegmentWriter } from './segment-file.ts'
import type { SharedHeap } from './shared-heap.ts'

const FIRST_ROWS = 4
/** A row of so many is 4 KiB. */
const WIDE_COLUMNS = 512
/** Narrow groups pay for their own timestamps; they are cut sooner. */
const NARROW_COLUMNS = 4
const NARROW_ROWS = 16

/** A block whose histograms take more is flushed: its segment must stay well below what a frame may hold. */
const HISTOGRAM_BYTES_MAX = 4 * 2 ** 20

const NO_BLOCK = new BlockLayout(0, 0, 0)

/** What all groups of a head share. */
export interface GroupGround {
  heap: SharedHeap
  arena: Arena
  segments: SegmentWriter
  /** Times of the newest row of all groups, and since the start of the oldest; the generation of groups made now, which counts cuts. */
  newestT: number
  oldestT: number
  readonly generation: number
  /** Groups made so far. */
  made: number
}

export class Group {
  readonly id: number
  readonly isLate: boolean
  /** In which it was made; cuts go by it (published.ts). */
  readonly generation: number
  /** Of two the older has the lower: ids are given again. */
  readonly age: number
  readonly record: GroupRecord
  readonly #ground: GroupGround
  #layout: BlockLayout = NO_BLOCK
  #block = 0
  #wantedRows = FIRST_ROWS
  #wantedCap = 0
  #wantedKinds = 0
  /** What the block's rows have beside floats. */
  #usedKinds = 0
  /** What the block's histograms stand in. */
  readonly pieces: HistogramPieces = new HistogramPieces()
  #refs = 0
  #refsCap = 0
  #hints: Uint8Array = new Uint8Array(0)
  readonly ages: ColumnAges = new ColumnAges()
  /** Columns up to `end` were given by definitions up to this one. */
  readonly #definitions: { end: number; salt: number }[] = []
  columns = 0
  rows = 0
  /** Time of the newest row; for a late group of any row. */
  maxT: number = -Infinity
  /** Newest time in segments. */
  segmentMaxT: number = -Infinity
  /** LSN of the oldest row that is only in the block; Infinity when it is empty. */
  firstLsn: number = Infinity
  /** Monotonic ms at which the oldest row of the block came. */
  firstAtMs = 0

  constructor(ground: GroupGround, id: number, kind: GroupKind) {
    this.#ground = ground
    this.id = id
    this.isLate = kind.isLate
    this.generation = kind.generation
    this.age = ++ground.made
    this.record = new GroupRecord(ground.heap, ground.arena.allocate(RECORD_UNITS), kind)
  }

  /** Word index of the refs of the columns, 0 where vacated. */
  get refsWord(): number {
    return this.#refs * 2
  }

  get layout(): BlockLayout {
    return this.#layout
  }

  get block(): number {
    return this.#block
  }

  timeOf(r: number): number {
    return this.#ground.heap.f64[this.#block + r]!
  }

  /** What gave it its columns, oldest first. */
  get definitions(): readonly { end: number; salt: number }[] {
    return this.#definitions
  }

  /** Salt of the definition that gave the group its n-th column; -1 if it has no such column. */
  saltOf(columns: number): number {
    if (columns < 1 || columns > this.columns) return -1
    return this.#definitions.find(({ end }) => columns <= end)!.salt
  }

  /** Low half of the newest definition's salt, for rows. */
  get rowSalt(): number {
    return this.#definitions.at(-1)!.salt & 0xffff
  }

  knowsSalt(rowSalt: number): boolean {
    return this.#definitions.some(({ salt }) => (salt & 0xffff) === rowSalt)
  }

  /** Appends columns. Rows already in the block do not have them. */
  addColumns(refs: Uint32Array, salt: number): void {
    const { heap, arena } = this.#ground
    const total = this.columns + refs.length
    assert(total <= GROUP_COLUMNS_MAX, `group ${this.id} would have ${total} columns`)
    let place = this.#refs
    if (total > this.#refsCap) {
      const cap = refsCap(total)
      place = arena.allocate(cap / 2)
      heap.u32.copyWithin(place * 2, this.#refs * 2, this.#refs * 2 + this.columns)
      if (this.#refs !== 0) arena.retire(this.#refs, this.#refsCap / 2)
      this.#refs = place
      this.#refsCap = cap
    }
    heap.u32.set(refs, place * 2 + this.columns)
    const hints = new Uint8Array(total)
    hints.set(this.#hints)
    this.#hints = hints
    this.ages.grow(total, this.#ground.generation)
    this.#definitions.push({ end: total, salt })
    this.columns = total
    this.record.begin()
    this.record.setColumns(total, place)
    this.record.end()
  }

  /** The series of a column has moved on: the column takes no more samples, what it has stays. */
  vacate(c: number): void {
    this.#ground.heap.u32[this.refsWord + c] = 0
  }

  /** True if a new row needs a flush first: the block is full, or too narrow for the columns. */
  get mustFlush(): boolean {
    return this.rows > 0 && (this.rows >= this.#rowsMax || this.columns > this.#layout.cap || this.isHeavy)
  }

  /** True if the block's histograms want to be encoded before more come. */
  get isHeavy(): boolean {
    return this.pieces.sizeBytes >= HISTOGRAM_BYTES_MAX
  }

  get #rowsMax(): number {
    return this.columns < NARROW_COLUMNS ? NARROW_ROWS : CHUNK_ROWS
  }

  /** Makes room for what samples to come have beside floats (BLOCK_HISTOGRAMS, BLOCK_START_TIMES). */
  reserveKinds(kinds: number): void {
    this.#usedKinds |= kinds
    const { rowCap, cap } = this.#layout
    if (this.#block !== 0 && (kinds & ~this.#layout.kinds) !== 0) this.#moveRows(new BlockLayout(rowCap, cap, this.#layout.kinds | kinds))
  }

  /** Begins a row at t, not yet visible, and returns its index. The block must have room (`mustFlush`). */
  beginRow(t: number): number {
    if (this.rows === this.#layout.rowCap || this.columns > this.#layout.cap) this.#growBlock()
    const { heap } = this.#ground
    const r = this.rows
    heap.f64[this.#block + r] = t
    heap.u32[this.#layout.colsWord(this.#block, r)] = 0
    heap.u32[this.#layout.flagsWord(this.#block, r)] = 0
    if ((this.#layout.kinds & BLOCK_HISTOGRAMS) !== 0) {
      const bits = this.#layout.histogramsWord(this.#block, r)
      heap.u32.fill(0, bits, bits + this.#layout.words)
    }
    return r
  }

  /** Makes the row that beginRow gave visible. */
  publishRow(r: number): void {
    const t = this.timeOf(r)
    this.rows = r + 1
    if (t > this.maxT) this.maxT = t
    if (t > this.#ground.newestT) this.#ground.newestT = t
    if (t < this.#ground.oldestT) this.#ground.oldestT = t
    this.record.begin()
    this.record.cover(t, t)
    this.record.setRows(this.rows)
    this.record.end()
  }

  #growBlock(): void {
    assert(this.rows === 0 || this.columns <= this.#layout.cap, `group ${this.id} grows columns with rows in its block`)
    // One step from few rows to all: blocks of every size between would stay behind, used by nobody. None at all where
    // a row fills pages of its own, which cost nothing before it comes.
    const isFew = this.rows === 0 && this.columns < WIDE_COLUMNS
    const rowCap = isFew ? Math.min(this.#rowsMax, this.#wantedRows) : this.#rowsMax
    if (this.columns > this.#wantedCap) this.#wantedCap = columnCap(this.columns, this.#wantedCap)
    const cap = this.rows === 0 ? this.#wantedCap : this.#layout.cap
    this.#moveRows(new BlockLayout(rowCap, cap, this.#layout.kinds | this.#wantedKinds | this.#usedKinds))
  }

  /** Takes the rows to a larger block. */
  #moveRows(layout: BlockLayout): void {
    const { heap, arena } = this.#ground
    // Rows say themselves what is in them; only start times of rows that had none are zeros.
    const block = layout.kinds === 0 ? arena.allocateUncleared(layout.units) : arena.allocate(layout.units)
    const old = this.#layout
    const { cap, words } = old
    for (let r = 0; r < this.rows; r++) {
      heap.f64[block + r] = heap.f64[this.#block + r]!
      heap.u32[layout.colsWord(block, r)] = heap.u32[old.colsWord(this.#block, r)]!
      heap.u32[layout.flagsWord(block, r)] = heap.u32[old.flagsWord(this.#block, r)]!
      copy(heap.u32, old.presentWord(this.#block, r), layout.presentWord(block, r), words)
      copy(heap.u32, old.staleWord(this.#block, r), layout.staleWord(block, r), words)
      copy(heap.f64, old.valuesAt(this.#block, r), layout.valuesAt(block, r), cap)
      if ((old.kinds & BLOCK_START_TIMES) !== 0) copy(heap.f64, old.startTimesAt(this.#block, r), layout.startTimesAt(block, r), cap)
      if ((old.kinds & BLOCK_HISTOGRAMS) !== 0) copy(heap.u32, old.histogramsWord(this.#block, r), layout.histogramsWord(block, r), words)
    }
    this.#swapBlock(block, layout, this.rows)
  }

  #swapBlock(block: number, layout: BlockLayout, rows: number): void {
    const old = this.#block
    const oldUnits = this.#layout.units
    this.record.begin()
    this.record.setBlock(block, layout)
    this.record.setRows(rows)
    this.record.end()
    this.#block = block
    this.#layout = layout
    this.rows = rows
    if (old !== 0) this.#ground.arena.retire(old, oldUnits)
  }

  /**
   * Encodes the block into a segment and empties it. `flushedLsn`: every row of the group so far has a smaller LSN.
   * Returns the share of columns that had a sample. Throws DiskError; the rows then stay.
   */
  flush(flushedLsn: number): number {
    if (this.rows === 0) return 1
    const { heap, arena } = this.#ground
    const columns = Math.min(this.columns, this.#layout.cap)
    const encoded = encodeSegment(heap, {
      group: this.id, block: this.#block, layout: this.#layout, columns, salt: this.saltOf(columns),
      rows: this.rows, isLate: this.isLate, firstLsn: this.firstLsn, flushedLsn, hints: this.#hints,
      seen: this.ages.seen, mark: ColumnAges.markOf(this.#ground.generation),
    })
    // The descriptor first: a segment on disk that could not be linked would be written again.
    const unit = arena.allocate(SEGMENT_UNITS)
    faultPoint('flush.encoded')
    const place = this.#append(encoded, unit)
    faultPoint('flush.written')
    writeSegmentPlace(heap, unit, {
      ...place, lengthBytes: encoded.lengthBytes, columns, rows: this.rows, hasHistograms: encoded.hasHistograms,
      minT: encoded.minT, maxT: encoded.maxT, previous: this.record.segment,
    })
    const old = this.#block
    const oldUnits = this.#layout.units
    this.record.begin()
    this.record.setSegment(unit)
    this.record.setBlock(0, NO_BLOCK)
    this.record.setRows(0)
    this.record.end()
    // A block that was filled has shown how many rows the next one wants, and how wide.
    this.#wantedRows = this.rows >= this.#rowsMax ? this.#rowsMax : FIRST_ROWS
    this.#wantedCap = this.#layout.cap
    this.#wantedKinds = this.#usedKinds
    this.#usedKinds = 0
    this.#layout = NO_BLOCK
    this.#block = 0
    this.rows = 0
    this.segmentMaxT = Math.max(this.segmentMaxT, encoded.maxT)
    this.ages.note(this.segmentMaxT, this.#ground.generation)
    this.firstLsn = Infinity
    arena.retire(old, oldUnits)
    this.pieces.retire(arena)
    return encoded.usedColumns / columns
  }

  /** Links a segment found on disk at start; they come in the order they were written. */
  linkFound(place: SegmentPlace): void {
    if (place.minT <= this.segmentMaxT) this.record.markUnordered()
    const unit = this.#ground.arena.allocate(SEGMENT_UNITS)
    writeSegmentPlace(this.#ground.heap, unit, { ...place, previous: this.record.segment })
    this.record.begin()
    this.record.setSegment(unit)
    this.record.cover(place.minT, place.maxT)
    this.record.end()
    this.segmentMaxT = Math.max(this.segmentMaxT, place.maxT)
    this.maxT = Math.max(this.maxT, place.maxT)
    this.#ground.newestT = Math.max(this.#ground.newestT, place.maxT)
    this.#ground.oldestT = Math.min(this.#ground.oldestT, place.minT)
  }

  /** Throws DiskError, with the descriptor given back. */
  #append(encoded: Encoded, unit: number): { file: number; offsetBytes: number } {
    try {
      return this.#ground.segments.append(encoded.buffer, encoded.lengthBytes, { maxT: encoded.maxT, generation: this.generation })
    } catch (error) {
      this.#ground.arena.free(unit, SEGMENT_UNITS)
      throw error
    }
  }

  /** Takes segments that are gone out of the chain; returns how many. */
  dropSegments(isGone: (place: SegmentPlace) => boolean): number {
    const { heap, arena } = this.#ground
    let kept = 0
    let dropped = 0
    for (let unit = this.record.segment; unit !== 0;) {
      const place = readSegmentPlace(heap, unit)
      if (!isGone(place)) {
        kept = unit
      } else {
        // Readers that stand on it find their way: what is retired keeps its link until they close.
        if (kept === 0) this.record.setSegment(place.previous)
        else linkSegment(heap, kept, place.previous)
        arena.retire(unit, SEGMENT_UNITS)
        dropped++
      }
      unit = place.previous
    }
    return dropped
  }

  /** Forgets the rows of the block if all are before t; returns whether it did. They are in the log no longer than it says. */
  dropRows(t: number): boolean {
    if (this.rows === 0) return false
    for (let r = 0; r < this.rows; r++) if (this.timeOf(r) >= t) return false
    this.#swapBlock(0, NO_BLOCK, 0)
    this.pieces.retire(this.#ground.arena)
    this.firstLsn = Infinity
    return true
  }

  /** True if it has columns, but neither rows nor segments. */
  get isEmpty(): boolean {
    return this.columns > 0 && this.rows === 0 && this.record.segment === 0
  }

  /** Gives back its memory. Readers that began earlier may still look; nobody else may. */
  release(): void {
    const { arena } = this.#ground
    if (this.#block !== 0) arena.retire(this.#block, this.#layout.units)
    this.pieces.retire(arena)
    arena.retire(this.#refs, this.#refsCap / 2)
    arena.retire(this.record.unit, RECORD_UNITS)
  }

  /** True if row r has a sample (live or stale) in column c. */
  hasSample(r: number, c: number): boolean {
    const { u32 } = this.#ground.heap
    if (c >= u32[this.#layout.colsWord(this.#block, r)]!) return false
    if ((u32[this.#layout.flagsWord(this.#block, r)]! & ROW_HAS_BITMAPS) === 0) return true
    return ((u32[this.#layout.presentWord(this.#block, r) + (c >>> 5)]! >>> (c & 31)) & 1) === 1
  }

  /** True if the sample at row r and column c, which is there, is a native histogram. */
  isHistogram(r: number, c: number): boolean {
    if ((this.#layout.kinds & BLOCK_HISTOGRAMS) === 0) return false
    return ((this.#ground.heap.u32[this.#layout.histogramsWord(this.#block, r) + (c >>> 5)]! >>> (c & 31)) & 1) === 1
  }

  isStale(r: number, c: number): boolean {
    const { u32 } = this.#ground.heap
    if ((u32[this.#layout.flagsWord(this.#block, r)]! & ROW_HAS_BITMAPS) === 0) return false
    return ((u32[this.#layout.staleWord(this.#block, r) + (c >>> 5)]! >>> (c & 31)) & 1) === 1
  }

  /** Gives row r bitmaps that say what its column count said; then single columns can be marked. */
  useBitmaps(r: number): void {
    const { u32 } = this.#ground.heap
    const flags = this.#layout.flagsWord(this.#block, r)
    if ((u32[flags]! & ROW_HAS_BITMAPS) !== 0) return
    const present = this.#layout.presentWord(this.#block, r)
    const cols = u32[this.#layout.colsWord(this.#block, r)]!
    u32.fill(0, present, present + this.#layout.words)
    u32.fill(0, this.#layout.staleWord(this.#block, r), this.#layout.staleWord(this.#block, r) + this.#layout.words)
    for (let c = 0; c < cols; c++) u32[present + (c >>> 5)]! |= 1 << (c & 31)
    Atomics.store(u32, flags, ROW_HAS_BITMAPS)
  }
}

function copy(array: Uint32Array | Float64Array, from: number, to: number, n: number): void {
  array.copyWithin(to, from, from + n)
}
