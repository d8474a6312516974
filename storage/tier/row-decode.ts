// Decodes rows of buckets (FORMAT.md, "Rows of buckets"), as much of them as is wanted. Input may be damaged: nothing is
// written outside the rows, and bad bytes give wrong numbers or a RangeError. Checksums are the reader's duty.
import { POW10 } from '../codec/chunk-encode.ts'
import { decodePiece, type PieceBytes } from '../codec/piece-decode.ts'
import { PIECE_ROWS } from '../codec/piece-shape.ts'
import { ABSENT, LIVE, STALE, readPresence } from '../codec/presence.ts'
import type { BucketBuffer, GroupRows, TierColumns } from './bucket-buffer.ts'
import {
  LIVE_THEN_STALE, SAMPLES_MAX, SHAPE_OWN_TIMES, SHAPE_STATES, SPREAD_ALL, SPREAD_DENSE, SPREAD_FLOATS, SPREAD_P99, p99Of,
} from './row-shape.ts'
import { putRow } from './row-sums.ts'

/** A part of encoded rows: bytes [at, end). */
export interface RowBytes {
  src: PieceBytes
  at: number
  end: number
}

export interface EncodedRows {
  shape: RowBytes
  /** null where only counts, times and staleness are wanted. */
  values: RowBytes | null
  spread: RowBytes | null
}

/** Rows of a piece and where they go. */
export interface RowTarget {
  /** Rows of the piece. */
  n: number
  group: GroupRows
  /** The same rows of the group. */
  groupAt: number
  out: BucketBuffer
  at: number
}

const states = new Uint8Array(PIECE_ROWS)
/** Rows with samples; those stored as samples; those whose last value is listed; of these, by position, those with a spread. */
const liveRows = new Uint32Array(PIECE_ROWS)
const sampled = new Uint32Array(PIECE_ROWS)
const listed = new Uint32Array(PIECE_ROWS)
const many = new Uint32Array(PIECE_ROWS)
let sampledCount = 0
let listedCount = 0
let manyCount = 0
let sampleCount = 0
const samples = new Float64Array(SAMPLES_MAX * PIECE_ROWS)
const lasts = new Float64Array(PIECE_ROWS)
const column = new Float64Array(PIECE_ROWS)
const lists = Array.from({ length: 5 }, () => new Float64Array(PIECE_ROWS))
let cursor = 0

/**
 * Decodes a piece of rows into a buffer whose counts are 0 there. Sums of rows stored as samples: as `sums` says
 * (row-sums.ts); with `isWhole` the buffer gets the samples themselves, too.
 */
export function decodeRows(from: EncodedRows, target: RowTarget, sums: number, isWhole: boolean): void {
  const live = decodeShape(from.shape, target)
  const { values, spread } = from
  if (values === null || spread === null) return
  const { out: { columns: c }, at } = target
  cursor = spread.at
  const head = spread.at === spread.end ? 0 : spread.src.bytes[cursor++]!
  sortRows(spread, head, live, c, at)
  const { src, at: start, end } = values
  if (listedCount > 0 && decodePiece(src, start, listedCount, lasts, 0) !== end) throw new RangeError(`${listedCount} values in ${end - start} bytes`)
  for (let k = 0; k < listedCount; k++) fillConstant(lasts[k]!, c, at + listed[k]!)
  if (manyCount > 0) readMany(spread, head, c, at)
  for (let at0 = 0; at0 < sampleCount; at0 += PIECE_ROWS) cursor = decodePiece(spread.src, cursor, Math.min(PIECE_ROWS, sampleCount - at0), samples, at0)
  if (cursor !== spread.end) throw new RangeError(`spread of ${cursor - spread.at} bytes in ${spread.end - spread.at}`)
  const { count } = c
  for (let k = 0, first = 0; k < sampledCount; k++) {
    const row = at + sampled[k]!
    const n = count[row]!
    putRow(samples, first, n, c, row, sums)
    first += n
  }
  if (isWhole) giveSamples(target)
}

/** Returns the number of rows with samples. */
function decodeShape(shape: RowBytes, { n, group, groupAt, out: { columns: c }, at }: RowTarget): number {
  const { bytes } = shape.src
  cursor = shape.at
  const head = shape.at === shape.end ? 0 : bytes[cursor++]!
  if ((head & SHAPE_STATES) !== 0) cursor = readPresence(bytes, cursor, n, states)
  else states.fill(LIVE, 0, n)
  let live = 0
  const { staleAtEnd } = c
  for (let i = 0; i < n; i++) {
    staleAtEnd[at + i] = states[i] === STALE || states[i] === LIVE_THEN_STALE ? 1 : 0
    if (states[i] !== ABSENT && states[i] !== STALE) liveRows[live++] = i
  }
  const isOwn = (head & SHAPE_OWN_TIMES) !== 0
  for (const key of ['count', 'firstT', 'lastT'] as const) {
    if (isOwn) readColumn(shape, column, live)
    putTimes(group[key], groupAt, live, n, isOwn, c[key], at)
  }
  if (cursor !== shape.end) throw new RangeError(`shape of ${cursor - shape.at} bytes in ${shape.end - shape.at}`)
  return live
}

/** What the group says of the rows with samples, and in `column` what a series' own is more. */
function putTimes(from: Float64Array, groupAt: number, live: number, n: number, isOwn: boolean, to: Float64Array, at: number): void {
  // Fast path: samples in every row, as the group's.
  if (live === n && !isOwn) {
    to.set(from.subarray(groupAt, groupAt + n), at)
    return
  }
  for (let k = 0; k < live; k++) {
    const i = liveRows[k]!
    to[at + i] = from[groupAt + i]! + (isOwn ? column[k]! : 0)
  }
}

function readVarint(bytes: Uint8Array): number {
  let value = 0
  for (let unit = 1; cursor < bytes.length && unit < 2 ** 35; unit *= 128) {
    const byte = bytes[cursor++]!
    value += (byte & 127) * unit
    if (byte < 128) return value
  }
  throw new RangeError('number that does not end')
}

/** Reads a list of n numbers. */
function readColumn({ src, end }: RowBytes, into: Float64Array, n: number): void {
  const length = readVarint(src.bytes)
  const start = cursor
  cursor += length
  if (cursor > end) throw new RangeError(`list of ${length} bytes past the end`)
  if (length === 0) into.fill(0, 0, n)
  else if (decodePiece(src, start, n, into, 0) !== cursor) throw new RangeError(`list of ${n} in ${length} bytes`)
}

/** Reads which rows are stored how. */
function sortRows(spread: RowBytes, head: number, live: number, c: TierColumns, at: number): void {
  const isDense = (head & SPREAD_DENSE) !== 0
  const isAll = (head & SPREAD_ALL) !== 0
  const { count: counts } = c
  let flagged = 0
  for (let k = 0; k < live; k++) if (!isDense || counts[at + liveRows[k]!]! > SAMPLES_MAX) flagged++
  if (head === 0 && spread.at === spread.end) column.fill(0, 0, flagged)
  else if (isAll) column.fill(1, 0, flagged)
  else cursor = decodePiece(spread.src, cursor, flagged, column, 0)
  sampledCount = 0
  listedCount = 0
  manyCount = 0
  sampleCount = 0
  for (let k = 0, f = 0; k < live; k++) {
    const i = liveRows[k]!
    const count = counts[at + i]!
    const isFew = count <= SAMPLES_MAX
    const isVarying = isFew && isDense ? true : column[f++] === 1
    if (isFew && isVarying) {
      if (!(count >= 1)) throw new RangeError(`row of ${count} samples`)
      sampled[sampledCount++] = i
      sampleCount += count
      continue
    }
    if (isVarying) many[manyCount++] = listedCount
    listed[listedCount++] = i
  }
}

/** A row whose samples are all x. */
function fillConstant(x: number, c: TierColumns, row: number): void {
  const count = c.count[row]!
  c.last[row] = x
  c.first[row] = x
  c.min[row] = x
  c.max[row] = x
  c.second[row] = x
  c.sum[row] = count * x
  c.m2[row] = 0
  c.correction[row] = 0
  c.p99[row] = p99Of(count, x, x)
}

/** Rows of many samples that differ. */
function readMany(spread: RowBytes, head: number, c: TierColumns, at: number): void {
  const read = (to: Float64Array): void => {
    readColumn(spread, column, manyCount)
    for (let j = 0; j < manyCount; j++) to[at + listed[many[j]!]!] = column[j]!
  }
  if ((head & SPREAD_FLOATS) !== 0) for (const to of [c.first, c.min, c.max, c.second, c.sum]) read(to)
  else readIntegers(spread, c, at)
  read(c.correction)
  read(c.m2)
  for (let j = 0; j < manyCount; j++) {
    const row = at + listed[many[j]!]!
    c.p99[row] = p99Of(c.count[row]!, c.second[row]!, c.max[row]!)
  }
  if ((head & SPREAD_P99) !== 0) read(c.p99)
}

function readIntegers(spread: RowBytes, c: TierColumns, at: number): void {
  const e = spread.src.bytes[cursor++]!
  const p = POW10[e]
  if (p === undefined) throw new RangeError(`scale 10^${e}`)
  for (const list of lists) readColumn(spread, list, manyCount)
  const [fromLast, below, above, underMax, overSums] = lists as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
  for (let j = 0; j < manyCount; j++) {
    const k = many[j]!
    const row = at + listed[k]!
    const last = Math.round(lasts[k]! * p)
    const first = fromLast[j]! + Math.round(lasts[k > 0 ? k - 1 : k]! * p)
    const min = Math.min(first, last) - below[j]!
    const max = Math.max(first, last) + above[j]!
    c.first[row] = first / p
    c.min[row] = min / p
    c.max[row] = max / p
    c.second[row] = (max - underMax[j]!) / p
    c.sum[row] = (overSums[j]! + Math.floor((c.count[row]! * (min + max)) / 2)) / p
  }
}

/** The samples of all rows of few, in order. */
function giveSamples({ n, out, at }: RowTarget): void {
  const { columns: c } = out
  for (let i = 0, k = 0, first = 0; i < n; i++) {
    const row = at + i
    const count = c.count[row]!
    if (k < sampledCount && sampled[k] === i) {
      out.addSamples(samples, first, count)
      first += count
      k++
    } else if (count <= SAMPLES_MAX && count > 0) {
      column.fill(c.last[row]!, 0, count)
      out.addSamples(column, 0, count)
    }
    out.endRow(row)
  }
}

/** Group rows, with the ends of buckets in t[at, at + n), from [from, end) of src. */
export function decodeGroupRows(src: PieceBytes, from: number, end: number, { t, group, at, n }: { t: Float64Array; group: GroupRows; at: number; n: number }): void {
  const lists = { src, at: from, end }
  cursor = decodePiece(src, from, n, t, at)
  for (const key of ['count', 'firstT', 'lastT'] as const) {
    readColumn(lists, column, n)
    for (let i = 0; i < n; i++) group[key][at + i] = column[i]! + (key === 'count' ? 0 : t[at + i]!)
  }
  if (cursor !== end) throw new RangeError(`group rows of ${cursor - from} bytes in ${end - from}`)
}
