// Native histograms of one series, oldest first (FORMAT.md, "Histogram column"): runs of one layout, of each run the
// buckets that any of its histograms has, and per bucket the list of its counts.
//
//   h0 {3: 5, 4: 1}          layout: buckets 3 4 5
//   h1 {3: 5, 4: 2, 5: 1} ─▶ counts of 3: 5 5 7 │ of 4: 1 2 2 │ of 5: 0 1 1
//   h2 {3: 7, 4: 2, 5: 1}
//
// A count of 0 is a bucket that is not there, or, where the run says so behind its lists, one that is there and empty.
// Counters change little from row to row, and in most buckets not at all: lists of counts pack to a few bits a row.
import { NO_BUCKETS, isSameArray, type Buckets, type CounterResetHint, type FloatHistogram } from '../../lib/model/histogram.ts'
import { writeVarint } from './bits.ts'
import { layoutBytesMax, layoutEnd, readLayout, varintAt, varintEnd, writeLayout, type HistogramLayout } from './histogram-layout.ts'
import { decodeValueList, encodeValueList, valueListBytesMax } from './value-list.ts'

/** A run with at most this many buckets takes any histogram; a wider one only while a quarter of its counts are there. */
const NARROW_BUCKETS = 64
const SPARSE_MAX = 4
/** Counts of a run at the most, unless one histogram alone has more: 8 MiB. */
const CELLS_MAX = 1 << 20
const ROWS_MAX = 1024
/** Lists of a run before those of its buckets: count, zero count, sum. */
const FIXED_LISTS = 3
const HAS_HINTS = 128
const HAS_EMPTY = 64
/** Of a varint. */
const TURN_BYTES_MAX = 8

/** Counts of a run, list by list. */
let cells = new Float64Array(1 << 12)
/** 1 for counts of 0 that are buckets all the same; as `cells`. */
let empty = new Uint8Array(1 << 12)
let bytes = new Uint8Array(1 << 14)

interface Run extends HistogramLayout {
  from: number
  to: number
}

/** The column of histograms[from, to), one at least and ROWS_MAX at most; the bytes are valid until the next call. */
export function encodeHistogramColumn(histograms: readonly FloatHistogram[], from: number, to: number): Uint8Array {
  let at = 0
  for (let next = from; next < to;) {
    const run = runFrom(histograms, next, to)
    at = writeRun(histograms, run, at)
    next = run.to
  }
  return bytes.subarray(0, at)
}

/** The longest run that begins at `from`. */
function runFrom(histograms: readonly FloatHistogram[], from: number, end: number): Run {
  const first = histograms[from]!
  const { schema, zeroThreshold, customValues } = first
  const run: Run = { from, to: from + 1, schema, zeroThreshold, customValues, positive: first.positive.index, negative: first.negative.index }
  let live = run.positive.length + run.negative.length
  for (; run.to < end; run.to++) {
    const h = histograms[run.to]!
    if (h.schema !== schema || !Object.is(h.zeroThreshold, zeroThreshold) || !isSameArray(h.customValues, customValues)) break
    const positive = unionOf(run.positive, h.positive.index)
    const negative = unionOf(run.negative, h.negative.index)
    const lists = positive.length + negative.length
    live += h.positive.index.length + h.negative.index.length
    const rows = run.to + 1 - from
    if ((lists > NARROW_BUCKETS && lists * rows > SPARSE_MAX * live) || (lists + FIXED_LISTS) * rows > CELLS_MAX) break
    run.positive = positive
    run.negative = negative
  }
  return run
}

function unionOf(a: Int32Array, b: Int32Array): Int32Array {
  if (a === b) return a
  let missing = 0
  for (let i = 0, k = 0; k < b.length; k++) {
    while (i < a.length && a[i]! < b[k]!) i++
    if (i === a.length || a[i] !== b[k]) missing++
  }
  if (missing === 0) return a
  const union = new Int32Array(a.length + missing)
  for (let i = 0, k = 0, at = 0; at < union.length; at++) {
    if (k === b.length || (i < a.length && a[i]! <= b[k]!)) {
      if (a[i] === b[k]) k++
      union[at] = a[i++]!
    } else {
      union[at] = b[k++]!
    }
  }
  return union
}

function writeRun(histograms: readonly FloatHistogram[], run: Run, at: number): number {
  const rows = run.to - run.from
  const lists = FIXED_LISTS + run.positive.length + run.negative.length
  reserveBytes(at, 16 + layoutBytesMax(run) + rows)
  at = writeVarint(bytes, at, rows)
  const { hint } = histograms[run.from]!
  let isMixed = false
  for (let i = run.from + 1; i < run.to && !isMixed; i++) isMixed = histograms[i]!.hint !== hint
  const hasEmpty = fillCells(histograms, run, lists)
  bytes[at++] = (isMixed ? HAS_HINTS : hint) | (hasEmpty ? HAS_EMPTY : 0)
  if (isMixed) at = writeHints(histograms, run, at)
  at = writeLayout(run, bytes, at)
  for (let list = 0; list < lists; list++) {
    reserveBytes(at, valueListBytesMax(rows))
    at = encodeValueList(cells, list * rows, rows, bytes, at)
  }
  return hasEmpty ? writeEmpty(FIXED_LISTS * rows, lists * rows, at) : at
}

/** Of the counts of 0, in order: how many are no buckets, then how many are empty ones, and so on in turns. */
function writeEmpty(from: number, to: number, at: number): number {
  let kind = 0
  let length = 0
  for (let k = from; k < to; k++) {
    if (cells[k] !== 0) continue
    if (empty[k] !== kind) {
      reserveBytes(at, TURN_BYTES_MAX)
      at = writeVarint(bytes, at, length)
      kind = 1 - kind
      length = 0
    }
    length++
  }
  reserveBytes(at, TURN_BYTES_MAX)
  return writeVarint(bytes, at, length)
}

/** Four to a byte. */
function writeHints(histograms: readonly FloatHistogram[], { from, to }: Run, at: number): number {
  for (let i = from; i < to; i += 4) {
    let packed = 0
    for (let k = 0; k < 4 && i + k < to; k++) packed |= histograms[i + k]!.hint << (2 * k)
    bytes[at++] = packed
  }
  return at
}

/** Returns whether there are empty buckets. */
function fillCells(histograms: readonly FloatHistogram[], run: Run, lists: number): boolean {
  const { from, to, positive, negative } = run
  const rows = to - from
  reserveCells(lists * rows)
  cells.fill(0, 0, lists * rows)
  empty.fill(0, 0, lists * rows)
  let hasEmpty = false
  for (let r = 0; r < rows; r++) {
    const h = histograms[from + r]!
    cells[r] = h.count
    cells[rows + r] = h.zeroCount
    cells[2 * rows + r] = h.sum
    const isPositive = fillSide(h.positive, positive, FIXED_LISTS * rows + r, rows)
    const isNegative = fillSide(h.negative, negative, (FIXED_LISTS + positive.length) * rows + r, rows)
    hasEmpty ||= isPositive || isNegative
  }
  return hasEmpty
}

function reserveCells(count: number): void {
  if (cells.length >= count) return
  cells = new Float64Array(count * 2)
  empty = new Uint8Array(count * 2)
}

/** Counts of one histogram's side to their lists: cells[at + list × rows]. Returns whether any is of an empty bucket. */
function fillSide({ index, count }: Buckets, all: Int32Array, at: number, rows: number): boolean {
  let hasEmpty = false
  for (let k = 0, list = 0; k < index.length; k++, list++) {
    while (all[list] !== index[k]) list++
    const x = count[k]!
    cells[at + list * rows] = x
    if (x === 0) {
      empty[at + list * rows] = 1
      hasEmpty = true
    }
  }
  return hasEmpty
}

function reserveBytes(at: number, more: number): void {
  if (at + more <= bytes.length) return
  const grown = new Uint8Array((at + more) * 2)
  grown.set(bytes.subarray(0, at))
  bytes = grown
}

/**
 * Reads the column of n histograms at src[at, …) and appends those of [from, to) to `into`. Their arrays are shared
 * where they are equal. `src` must be readable 8 bytes past the column. Throws RangeError on damage it notices.
 */
export function decodeHistogramColumn(src: Uint8Array, at: number, n: number, range: { from: number; to: number }, into: FloatHistogram[]): void {
  for (let first = 0; first < n && first < range.to;) {
    const rows = varintAt(src, at)
    if (rows === 0 || rows > n - first || rows > ROWS_MAX) throw new RangeError(`a run of ${rows} histograms at ${first} of ${n}`)
    at = readRun(src, varintEnd, rows, { from: range.from - first, to: range.to - first }, into)
    first += rows
  }
}

/** Returns where the run ends. */
function readRun(src: Uint8Array, at: number, rows: number, range: { from: number; to: number }, into: FloatHistogram[]): number {
  const head = src[at++]!
  const hintsAt = (head & HAS_HINTS) !== 0 ? at : -1
  if (hintsAt >= 0) at += (rows + 3) >>> 2
  const layout = readLayout(src, at)
  const lists = FIXED_LISTS + layout.positive.length + layout.negative.length
  if (rows > 1 && lists * rows > CELLS_MAX) throw new RangeError(`a run of ${rows} histograms with ${lists - FIXED_LISTS} buckets`)
  reserveCells(lists * rows)
  at = layoutEnd()
  for (let list = 0; list < lists; list++) at = decodeValueList(src, at, rows, cells, list * rows)
  hasEmpty = (head & HAS_EMPTY) !== 0
  if (hasEmpty) at = readEmpty(src, at, FIXED_LISTS * rows, lists * rows)
  const { schema, zeroThreshold, customValues } = layout
  let positive = NO_BUCKETS
  let negative = NO_BUCKETS
  const from = Math.max(0, range.from)
  const to = Math.min(rows, range.to)
  // The counts of all in one array: memory outside of V8's heap costs more than what is done with it here.
  counts = new Float64Array(Math.max(0, to - from) * (lists - FIXED_LISTS))
  used = 0
  for (let r = from; r < to; r++) {
    positive = readSide(layout.positive, FIXED_LISTS * rows + r, rows, positive)
    negative = readSide(layout.negative, (FIXED_LISTS + layout.positive.length) * rows + r, rows, negative)
    const hint = hintsAt < 0 ? head & 3 : (src[hintsAt + (r >>> 2)]! >>> (2 * (r & 3))) & 3
    into.push({
      schema, zeroThreshold, customValues, positive, negative, hint: hint as CounterResetHint,
      count: cells[r]!, zeroCount: cells[rows + r]!, sum: cells[2 * rows + r]!,
    })
  }
  return at
}

/** Tells of each count of 0 whether it is a bucket; returns the position behind the turns. */
function readEmpty(src: Uint8Array, at: number, from: number, to: number): number {
  let left = varintAt(src, at)
  let kind = 0
  for (let k = from; k < to; k++) {
    if (cells[k] !== 0) continue
    if (left === 0) {
      left = varintAt(src, varintEnd)
      kind = 1 - kind
      if (left === 0) throw new RangeError('a turn of no empty buckets')
    }
    empty[k] = kind
    left--
  }
  return varintEnd
}

/** Counts of the run that is read, and how many are. */
let counts = new Float64Array(0)
let used = 0
/** Whether `empty` speaks of it. */
let hasEmpty = false

/** One histogram's side: the buckets of `all` that it has. `before`: that of the histogram before. */
function readSide(all: Int32Array, at: number, rows: number, before: Buckets): Buckets {
  const from = used
  let isKnown = true
  for (let list = 0; list < all.length; list++, at += rows) {
    const x = cells[at]!
    if (x === 0 && !isEmptyBucket(at)) continue
    if (before.index[used - from] !== all[list]) isKnown = false
    counts[used++] = x
  }
  const live = used - from
  if (live === 0) return NO_BUCKETS
  const count = counts.subarray(from, used)
  if (isKnown && before.index.length === live) return { index: before.index, count }
  return { index: live === all.length ? all : indexesOf(all, at - all.length * rows, rows, live), count }
}

function isEmptyBucket(at: number): boolean {
  return hasEmpty && empty[at] === 1
}

/** Those of `all` that a histogram has. */
function indexesOf(all: Int32Array, at: number, rows: number, live: number): Int32Array {
  const index = new Int32Array(live)
  for (let list = 0, k = 0; list < all.length; list++, at += rows) if (cells[at] !== 0 || isEmptyBucket(at)) index[k++] = all[list]!
  return index
}
