// Writes runs of samples that share a timestamp into rows of a group, and logs them.
//
// A run is refs[from, to) of ascending columns of one group. The usual case, all columns in order at a new time, is a
// compare of refs and one copy of values. Bitmaps appear only when a row has holes or staleness markers; native
// histograms and start times only in blocks that have room for them (group-record.ts).
import { assert } from '../../lib/std/assert.ts'
import { isSameHistogram, type FloatHistogram } from '../../lib/model/histogram.ts'
import { histogramRecordBytes } from '../codec/histogram-record.ts'
import { STORED, REJECT_DUPLICATE } from '../interface.ts'
import type { Log } from '../log/log.ts'
import type { LoggedRow } from '../log/row-buffer.ts'
import type { Arena } from './arena.ts'
import type { Group } from './group.ts'
import { BLOCK_HISTOGRAMS, BLOCK_START_TIMES, ROW_HAS_BITMAPS } from './group-record.ts'
import { HistogramStage } from './histogram-stage.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Samples of one time. Buffers are the caller's. */
export interface Run {
  refs: Uint32Array
  values: Float64Array
  stale: Uint8Array | null
  histograms: readonly (FloatHistogram | null)[] | null
  startTimes: Float64Array | null
  t: number
}

/** What samples [from, to) of a run have beside floats. */
export function kindsOf({ histograms, startTimes }: Run, from: number, to: number): number {
  let kinds = 0
  if (histograms !== null) for (let i = from; i < to; i++) if (histograms[i] !== null) kinds |= BLOCK_HISTOGRAMS
  if (startTimes !== null) for (let i = from; i < to; i++) if (startTimes[i] !== 0) kinds |= BLOCK_START_TIMES
  return kinds
}

/** Histogram records of one row in the log; more are spread over several. */
const RECORD_BYTES_MAX = 8 * 2 ** 20

export class RowWriter {
  /** Samples given that were there already, equal in value: nothing was written. */
  repeated = 0
  readonly #heap: SharedHeap
  /** null while the log is replayed. */
  readonly #log: Log | null
  readonly #stage: HistogramStage
  readonly #row: LoggedRow
  readonly #present: Uint32Array = new Uint32Array(64)
  readonly #stale: Uint32Array = new Uint32Array(64)
  readonly #histograms: Uint32Array = new Uint32Array(64)
  /** Columns written by the current run. */
  #first = 0
  #last = 0
  /** True while the run covers [first, last) without holes, markers or earlier samples between. */
  #isPlain = true

  constructor(heap: SharedHeap, arena: Arena, log: Log | null) {
    this.#heap = heap
    this.#log = log
    this.#stage = new HistogramStage(heap, arena)
    this.#row = {
      t: 0, group: 0, first: 0, n: 0, salt: 0, present: null, stale: null, histograms: null, records: heap.u8, startTimesAt: -1,
    }
  }

  /** Length of the stretch of run[from, to) that follows the columns of `group` from column c on without a break. */
  stretch(group: Group, run: Run, from: number, to: number, c: number): number {
    const { u32 } = this.#heap
    const { refs } = run
    const base = group.refsWord + c - from
    const end = Math.min(to, from + group.columns - c)
    let i = from
    while (i < end && u32[base + i] === refs[i]) i++
    return i - from
  }

  /**
   * Starts collecting samples [from, to) of a run into a row of a group (new or there already). Throws LogError when the head's
   * memory is used up, with no row changed.
   */
  begin(group: Group, run: Run, from: number, to: number): void {
    this.#stage.begin(group.pieces, run, from, to)
    this.#first = Infinity
    this.#last = 0
    this.#isPlain = true
  }

  /** Copies run[i, i + n) to columns [c, c + n) of a row that has nothing there yet. */
  copy(group: Group, r: number, run: Run, i: number, n: number, c: number): void {
    const { f64, u32 } = this.#heap
    assert(c + n <= group.layout.cap, `columns ${c}..${c + n} of group ${group.id} in a block of ${group.layout.cap}`)
    const at = group.layout.valuesAt(group.block, r) + c
    if (n > 16) f64.set(run.values.subarray(i, i + n), at)
    else for (let k = 0; k < n; k++) f64[at + k] = run.values[i + k]!
    if (group.layout.kinds !== 0) this.#copyExtras(group, r, run, i, n, c)
    const colsWord = group.layout.colsWord(group.block, r)
    const flags = u32[group.layout.flagsWord(group.block, r)]!
    const isFull = (flags & ROW_HAS_BITMAPS) === 0 && u32[colsWord] === c && !hasMarker(run.stale, i, n)
    if (isFull) {
      Atomics.store(u32, colsWord, c + n)
    } else {
      group.useBitmaps(r)
      this.#markRange(group, r, run, i, n, c)
      if (u32[colsWord]! < c + n) Atomics.store(u32, colsWord, c + n)
      this.#isPlain = false
    }
    if (c < this.#first) this.#first = c
    this.#last = c + n
  }

  /**
   * Adds run[i, i + n) to columns [c, …) of a row that may have samples there: an equal one is STORED without effect,
   * another is REJECT_DUPLICATE. Returns how many were refused.
   */
  merge(group: Group, r: number, run: Run, i: number, n: number, c: number, verdicts: Uint8Array): number {
    const cols = this.#heap.u32[group.layout.colsWord(group.block, r)]!
    if (c >= cols) {
      this.copy(group, r, run, i, n, c)
      return 0
    }
    let refused = 0
    for (let k = 0; k < n; k++) {
      if (!group.hasSample(r, c + k)) {
        this.copy(group, r, run, i + k, 1, c + k)
      } else if (!this.isSame(group, r, run, i + k, c + k)) {
        verdicts[i + k] = REJECT_DUPLICATE
        refused++
      } else {
        verdicts[i + k] = STORED
        this.repeated++
      }
    }
    return refused
  }

  /** Logs what the run wrote to the row; returns nothing if it wrote nothing. */
  finish(group: Group, r: number, atMs: number): void {
    this.#stage.end(group.pieces)
    if (this.#last === 0 || !this.#log) return
    const row = this.#row
    row.t = group.timeOf(r)
    row.group = group.id
    row.salt = group.rowSalt
    row.present = null
    row.stale = null
    row.histograms = null
    row.startTimesAt = -1
    let lsn: number
    if (group.layout.kinds !== 0) {
      lsn = this.#logExtras(this.#log, group, r)
    } else {
      row.first = this.#isPlain ? this.#first : this.#first & ~31
      row.n = this.#last - row.first
      if (!this.#isPlain) this.#copyBitmaps(group, r, row)
      lsn = this.#log.appendRow(row, this.#heap.f64, group.layout.valuesAt(group.block, r) + row.first)
    }
    if (lsn < group.firstLsn) {
      group.firstLsn = lsn
      group.firstAtMs = atMs
    }
  }

  /** Logs a row of a block with histograms or start times, cut where its records are too many; returns the first LSN. */
  #logExtras(log: Log, group: Group, r: number): number {
    const row = this.#row
    const { layout, block } = group
    const values = layout.valuesAt(block, r)
    let lsn = Infinity
    for (let first = this.#first & ~31; first < this.#last; first += row.n) {
      row.first = first
      row.n = this.#fitting(group, r, first)
      if (!this.#isPlain) this.#copyBitmaps(group, r, row)
      row.histograms = this.#copyHistogramBits(group, r, row)
      row.startTimesAt = this.#startTimesAt(group, r, row)
      lsn = Math.min(lsn, log.appendRow(row, this.#heap.f64, values + first))
    }
    return lsn
  }

  /** Columns from `first` (a multiple of 32) on whose records fit one row of the log: 32 at least. */
  #fitting(group: Group, r: number, first: number): number {
    if ((group.layout.kinds & BLOCK_HISTOGRAMS) === 0) return this.#last - first
    const { f64, u8 } = this.#heap
    const values = group.layout.valuesAt(group.block, r)
    let bytes = 0
    for (let c = first; c < this.#last; c++) {
      if ((c & 31) === 0 && bytes > RECORD_BYTES_MAX) return c - first
      if (group.hasSample(r, c) && group.isHistogram(r, c)) bytes += histogramRecordBytes(u8, f64[values + c]!)
    }
    return this.#last - first
  }

  #copyHistogramBits({ layout, block }: Group, r: number, { first, n }: LoggedRow): Uint32Array | null {
    if ((layout.kinds & BLOCK_HISTOGRAMS) === 0) return null
    const from = layout.histogramsWord(block, r) + (first >>> 5)
    const words = (n + 31) >>> 5
    for (let w = 0; w < words; w++) this.#histograms[w] = this.#heap.u32[from + w]!
    // Columns behind the row's last may have histograms, too.
    if ((n & 31) !== 0) this.#histograms[n >>> 5]! &= (1 << (n & 31)) - 1
    let isAny = false
    for (let w = 0; w < words; w++) if (this.#histograms[w] !== 0) isAny = true
    if (!isAny) return null
    return this.#histograms
  }

  /** Where the row's start times stand; -1 if it has none. */
  #startTimesAt({ layout, block }: Group, r: number, { first, n }: LoggedRow): number {
    if ((layout.kinds & BLOCK_START_TIMES) === 0) return -1
    const at = layout.startTimesAt(block, r) + first
    for (let c = 0; c < n; c++) if (this.#heap.f64[at + c] !== 0) return at
    return -1
  }

  /** Histograms and start times of run[i, i + n), for columns that do not show yet. */
  #copyExtras({ layout, block }: Group, r: number, run: Run, i: number, n: number, c: number): void {
    const { f64, u32 } = this.#heap
    if ((layout.kinds & BLOCK_START_TIMES) !== 0) {
      const at = layout.startTimesAt(block, r) + c
      for (let k = 0; k < n; k++) f64[at + k] = run.startTimes === null ? 0 : run.startTimes[i + k]!
    }
    if ((layout.kinds & BLOCK_HISTOGRAMS) === 0) return
    const values = layout.valuesAt(block, r) + c
    const bits = layout.histogramsWord(block, r)
    for (let k = 0; k < n; k++) {
      const record = this.#stage.take(i + k)
      if (record === 0) continue
      f64[values + k] = record
      u32[bits + ((c + k) >>> 5)]! |= 1 << ((c + k) & 31)
    }
  }

  #copyBitmaps(group: Group, r: number, row: LoggedRow): void {
    const { u32 } = this.#heap
    const words = (row.n + 31) >>> 5
    const from = row.first >>> 5
    const present = group.layout.presentWord(group.block, r) + from
    const stale = group.layout.staleWord(group.block, r) + from
    let anyStale = false
    for (let w = 0; w < words; w++) {
      this.#present[w] = u32[present + w]!
      this.#stale[w] = u32[stale + w]!
      if (this.#stale[w] !== 0) anyStale = true
    }
    row.present = this.#present
    row.stale = anyStale ? this.#stale : null
  }

  #markRange(group: Group, r: number, run: Run, i: number, n: number, c: number): void {
    const { u32 } = this.#heap
    const present = group.layout.presentWord(group.block, r)
    const stale = group.layout.staleWord(group.block, r)
    for (let k = 0; k < n; k++) {
      const bit = 1 << ((c + k) & 31)
      const word = (c + k) >>> 5
      if (run.stale !== null && run.stale[i + k] === 1) u32[stale + word]! |= bit
      u32[present + word]! |= bit
    }
  }

  /** True if row r has in column c what sample i of the run is. It has something there. */
  isSame(group: Group, r: number, run: Run, i: number, c: number): boolean {
    const isStale = run.stale !== null && run.stale[i] === 1
    if (group.isStale(r, c) || isStale) return group.isStale(r, c) === isStale
    const value = this.#heap.f64[group.layout.valuesAt(group.block, r) + c]!
    const histogram = run.histograms === null ? null : run.histograms[i]!
    if (histogram === null || !group.isHistogram(r, c)) return histogram === null && !group.isHistogram(r, c) && Object.is(value, run.values[i])
    return isSameHistogram(this.#stage.read(value), histogram)
  }
}

function hasMarker(stale: Uint8Array | null, i: number, n: number): boolean {
  if (stale === null) return false
  for (let k = i; k < i + n; k++) if (stale[k] === 1) return true
  return false
}
