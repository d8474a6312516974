// Writes runs of samples that share a timestamp into rows of a group, and logs them.
//
// A run is refs[from, to) of ascending columns of one group. The usual case, all columns in order at a new time, is a
// compare of refs and one copy of values. Bitmaps appear only when a row has holes or staleness markers.
import { assert } from '../../lib/std/assert.ts'
import { STORED, REJECT_DUPLICATE } from '../interface.ts'
import type { Log, LoggedRow } from '../log/log.ts'
import type { Group } from './group.ts'
import { ROW_HAS_BITMAPS } from './group-record.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Samples of one time. Buffers are the caller's. */
export interface Run {
  refs: Uint32Array
  values: Float64Array
  stale: Uint8Array | null
  t: number
}

export class RowWriter {
  readonly #heap: SharedHeap
  /** null while the log is replayed. */
  readonly #log: Log | null
  readonly #row: LoggedRow = { t: 0, group: 0, first: 0, n: 0, salt: 0, present: null, stale: null }
  readonly #present: Uint32Array = new Uint32Array(64)
  readonly #stale: Uint32Array = new Uint32Array(64)
  /** Columns written by the current run. */
  #first = 0
  #last = 0
  /** True while the run covers [first, last) without holes, markers or earlier samples between. */
  #isPlain = true

  constructor(heap: SharedHeap, log: Log | null) {
    this.#heap = heap
    this.#log = log
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

  /** Starts collecting into a row (new or there already). */
  begin(): void {
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
      } else if (!this.#isSame(group, r, run, i + k, c + k)) {
        verdicts[i + k] = REJECT_DUPLICATE
        refused++
      } else {
        verdicts[i + k] = STORED
      }
    }
    return refused
  }

  /** Logs what the run wrote to the row; returns nothing if it wrote nothing. */
  finish(group: Group, r: number, atMs: number): void {
    if (this.#last === 0 || !this.#log) return
    const row = this.#row
    row.t = group.timeOf(r)
    row.group = group.id
    row.salt = group.rowSalt
    row.first = this.#isPlain ? this.#first : this.#first & ~31
    row.n = this.#last - row.first
    row.present = null
    row.stale = null
    if (!this.#isPlain) this.#copyBitmaps(group, r, row)
    const lsn = this.#log.appendRow(row, this.#heap.f64, group.layout.valuesAt(group.block, r) + row.first)
    if (lsn < group.firstLsn) {
      group.firstLsn = lsn
      group.firstAtMs = atMs
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

  #isSame(group: Group, r: number, run: Run, i: number, c: number): boolean {
    const isStale = run.stale !== null && run.stale[i] === 1
    if (group.isStale(r, c) || isStale) return group.isStale(r, c) === isStale
    return Object.is(this.#heap.f64[group.layout.valuesAt(group.block, r) + c], run.values[i])
  }
}

function hasMarker(stale: Uint8Array | null, i: number, n: number): boolean {
  if (stale === null) return false
  for (let k = i; k < i + n; k++) if (stale[k] === 1) return true
  return false
}
