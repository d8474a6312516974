// Encodes rows of buckets of one series, up to 1024 at a time (FORMAT.md, "Rows of buckets").
//
//   states, counts, times where not the group's      ─▶ shape
//   rows of one number, last of rows of many samples ─▶ values
//   rows of few samples as these; of many as numbers  ─▶ spread
import { writeVarint } from '../codec/bits.ts'
import { POW10 } from '../codec/chunk-encode.ts'
import { patches, scale } from '../codec/decimal-scale.ts'
import { encodePiece } from '../codec/piece-encode.ts'
import { PIECE_BYTES_MAX, PIECE_ROWS } from '../codec/piece-shape.ts'
import { ABSENT, LIVE, STALE, writePresence } from '../codec/presence.ts'
import type { BucketBuffer, GroupRows, TierColumns } from './bucket-buffer.ts'
import {
  LIVE_THEN_STALE, SAMPLES_MAX, SHAPE_OWN_TIMES, SHAPE_STATES, SPREAD_ALL, SPREAD_DENSE, SPREAD_FLOATS, SPREAD_P99, TWO_LARGEST_MAX,
} from './row-shape.ts'

/** Bytes of a part of the rows that were encoded last: bytes[0, length). */
export class RowPart {
  readonly bytes: Uint8Array
  length = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
  }
}

export const values: RowPart = new RowPart(PIECE_BYTES_MAX)
export const shape: RowPart = new RowPart(4 * PIECE_BYTES_MAX)
export const spread: RowPart = new RowPart((10 + SAMPLES_MAX) * PIECE_BYTES_MAX)

/** A sum is an integer of the values' scale where it is within this of it, relative. */
const SUM_SLACK = 1e-13
/** Sums of integers are exact below. */
const EXACT_MAX = 2 ** 52
/** M2 keeps 44 bits. */
const M2_SPLIT = 2 ** 8 + 1

/** Of zeros these may have either sign. */
const ZERO_SIGNED = ['first', 'last', 'min', 'max', 'second', 'p99', 'sum'] as const

const states = new Uint8Array(PIECE_ROWS)
/** Rows with samples. */
const liveRows = new Uint32Array(PIECE_ROWS)
let liveCount = 0
/** Rows with samples that differ. */
const isVarying = new Uint8Array(PIECE_ROWS)
/** Rows whose last value stands in `values`; those of them whose samples differ, by their position among these. */
const listed = new Uint32Array(PIECE_ROWS)
const many = new Uint32Array(PIECE_ROWS)
let listedCount = 0
let manyCount = 0
/** Samples of rows that are stored as such. */
const samples = new Float64Array(SAMPLES_MAX * PIECE_ROWS)
let sampleCount = 0
/** Scratch of one list. */
const column = new Float64Array(PIECE_ROWS)
const piece = new Uint8Array(PIECE_BYTES_MAX)
/** As integers of one scale: last of listed rows, the rest of those of many samples. */
const lasts = new Float64Array(PIECE_ROWS)
const firsts = new Float64Array(PIECE_ROWS)
const mins = new Float64Array(PIECE_ROWS)
const maxs = new Float64Array(PIECE_ROWS)
const seconds = new Float64Array(PIECE_ROWS)
const sums = new Float64Array(PIECE_ROWS)

/**
 * Encodes rows [at, at + n) of a series, n ≤ PIECE_ROWS; `groupAt`: of the same rows in the group. Rows of up to SAMPLES_MAX
 * samples are to have these. Fills values, shape and spread.
 */
export function encodeRows(buffer: BucketBuffer, at: number, n: number, group: GroupRows, groupAt: number): void {
  const { columns: c } = buffer
  gatherRows(buffer, at, n)
  shape.length = encodeShape(c, at, n, group, groupAt)
  const isDense = areMostVarying(c, at)
  sortRows(buffer, at, isDense)
  for (let k = 0; k < listedCount; k++) column[k] = c.last[at + listed[k]!]!
  values.length = listedCount === 0 ? 0 : encodePiece(column, 0, listedCount, values.bytes, 0)
  spread.length = manyCount + sampleCount === 0 ? 0 : encodeSpread(c, at, isDense)
}

function gatherRows(buffer: BucketBuffer, at: number, n: number): void {
  const { columns: c } = buffer
  liveCount = 0
  for (let i = 0; i < n; i++) {
    const row = at + i
    if (c.count[row] === 0) {
      states[i] = c.staleAtEnd[row] === 1 ? STALE : ABSENT
      continue
    }
    states[i] = c.staleAtEnd[row] === 1 ? LIVE_THEN_STALE : LIVE
    isVarying[liveCount] = isConstant(buffer, row) ? 0 : 1
    liveRows[liveCount++] = i
  }
}

/** True if all samples of a row are the same finite number. */
function isConstant({ columns: c, samples: own, sampleAt }: BucketBuffer, row: number): boolean {
  const x = c.last[row]!
  if (x - x !== 0 || c.min[row] !== x || c.max[row] !== x) return false
  // A NaN between equals is in neither least nor largest.
  if (c.count[row]! > SAMPLES_MAX) return c.m2[row] === 0 && (x !== 0 || ZERO_SIGNED.every((key) => Object.is(c[key][row], 0)))
  for (let i = sampleAt[row]!; i < sampleAt[row + 1]!; i++) if (own[i] !== x || (x === 0 && 1 / own[i]! !== 1 / x)) return false
  return true
}

function encodeShape(c: TierColumns, at: number, n: number, group: GroupRows, groupAt: number): number {
  let flags = 0
  for (let i = 0; i < n; i++) if (states[i] !== LIVE) flags |= SHAPE_STATES
  for (let k = 0; k < liveCount; k++) {
    const row = at + liveRows[k]!
    const g = groupAt + liveRows[k]!
    if (c.count[row] !== group.count[g] || c.firstT[row] !== group.firstT[g] || c.lastT[row] !== group.lastT[g]) flags |= SHAPE_OWN_TIMES
  }
  if (flags === 0) return 0
  const out = shape.bytes
  out[0] = flags
  let end = 1
  if ((flags & SHAPE_STATES) !== 0) end = writePresence(states, n, out, end)
  if ((flags & SHAPE_OWN_TIMES) === 0) return end
  for (const key of ['count', 'firstT', 'lastT'] as const) {
    for (let k = 0; k < liveCount; k++) column[k] = c[key][at + liveRows[k]!]! - group[key][groupAt + liveRows[k]!]!
    end = writeColumn(column, liveCount, out, end)
  }
  return end
}

/** The group rows [at, at + n) of a buffer, behind `end` of `out`; returns where they end. */
export function encodeGroupRows({ t, group }: Pick<BucketBuffer, 't' | 'group'>, at: number, n: number, out: Uint8Array, end: number): number {
  for (const key of ['count', 'firstT', 'lastT'] as const) {
    for (let i = 0; i < n; i++) column[i] = group[key][at + i]! - (key === 'count' ? 0 : t[at + i]!)
    end = writeColumn(column, n, out, end)
  }
  return end
}

/** A list as varint length, piece; length 0: all are 0. */
function writeColumn(list: Float64Array, n: number, out: Uint8Array, at: number): number {
  let isZero = true
  for (let i = 0; i < n && isZero; i++) isZero = Object.is(list[i], 0)
  if (isZero) return writeVarint(out, at, 0)
  const length = encodePiece(list, 0, n, piece, 0)
  at = writeVarint(out, at, length)
  out.set(piece.subarray(0, length), at)
  return at + length
}

/** Whether most rows of few samples have different ones: then all of these are stored as samples. */
function areMostVarying(c: TierColumns, at: number): boolean {
  let few = 0
  let fewVarying = 0
  for (let k = 0; k < liveCount; k++) {
    if (c.count[at + liveRows[k]!]! > SAMPLES_MAX) continue
    few++
    fewVarying += isVarying[k]!
  }
  return fewVarying * 2 > few
}

/** Says of each row how it is stored: as samples, by its last value, by that and a spread. */
function sortRows({ columns: c, samples: src, sampleAt }: BucketBuffer, at: number, isDense: boolean): void {
  listedCount = 0
  manyCount = 0
  sampleCount = 0
  for (let k = 0; k < liveCount; k++) {
    const row = at + liveRows[k]!
    const count = c.count[row]!
    if (count <= SAMPLES_MAX && (isDense || isVarying[k] === 1)) {
      const from = sampleAt[row]!
      for (let i = 0; i < count; i++) samples[sampleCount++] = src[from + i]!
      continue
    }
    if (isVarying[k] === 1) many[manyCount++] = listedCount
    listed[listedCount++] = liveRows[k]!
  }
}

function encodeSpread(c: TierColumns, at: number, isDense: boolean): number {
  const out = spread.bytes
  // Of dense rows those of few samples need no flag.
  let flagged = 0
  let set = 0
  for (let k = 0; k < liveCount; k++) {
    if (isDense && c.count[at + liveRows[k]!]! <= SAMPLES_MAX) continue
    column[flagged++] = isVarying[k]!
    set += isVarying[k]!
  }
  let hasP99 = false
  for (let j = 0; j < manyCount; j++) if (c.count[rowOf(at, j)]! > TWO_LARGEST_MAX) hasP99 = true
  out[0] = (isDense ? SPREAD_DENSE : 0) | (set === flagged ? SPREAD_ALL : 0) | (hasP99 ? SPREAD_P99 : 0)
  let end = set === flagged ? 1 : encodePiece(column, 0, flagged, out, 1)
  if (manyCount > 0) end = writeMany(c, at, end)
  if (hasP99) end = writeOf('p99', c, at, end)
  for (let from = 0; from < sampleCount; from += PIECE_ROWS) end = encodePiece(samples, from, Math.min(PIECE_ROWS, sampleCount - from), out, end)
  return end
}

/** Row of the j-th that is stored with a spread of its own. */
function rowOf(at: number, j: number): number {
  return at + listed[many[j]!]!
}

function writeMany(c: TierColumns, at: number, end: number): number {
  const e = commonScale(c, at)
  if (e >= 0) {
    spread.bytes[end++] = e
    end = writeIntegers(c, at, end)
  } else {
    spread.bytes[0]! |= SPREAD_FLOATS
    for (const key of ['first', 'min', 'max', 'second', 'sum'] as const) end = writeOf(key, c, at, end)
  }
  end = writeOf('correction', c, at, end)
  for (let j = 0; j < manyCount; j++) column[j] = rounded(c.m2[rowOf(at, j)]!)
  return writeColumn(column, manyCount, spread.bytes, end)
}

function writeOf(key: 'first' | 'min' | 'max' | 'second' | 'sum' | 'correction' | 'p99', c: TierColumns, at: number, end: number): number {
  for (let j = 0; j < manyCount; j++) column[j] = c[key][rowOf(at, j)]!
  return writeColumn(column, manyCount, spread.bytes, end)
}

/** The exponent at which all values are integers, and these in lasts, firsts …; -1 where there is none. */
function commonScale(c: TierColumns, at: number): number {
  let e = 0
  for (let k = 0; k < listedCount; k++) lasts[k] = c.last[at + listed[k]!]!
  for (const [key, into] of [['last', lasts], ['first', firsts], ['min', mins], ['max', maxs], ['second', seconds]] as const) {
    const n = key === 'last' ? listedCount : manyCount
    if (key !== 'last') for (let j = 0; j < n; j++) into[j] = c[key][rowOf(at, j)]!
    const own = scale(into, 0, n)
    if (own < 0 || patches > 0) return -1
    e = Math.max(e, own)
  }
  const p = POW10[e]!
  for (let j = 0; j < manyCount; j++) {
    const sum = c.sum[rowOf(at, j)]!
    sums[j] = Math.round(sum * p)
    if (!(Math.abs(sums[j]! / p - sum) <= SUM_SLACK * Math.abs(sum)) || Math.abs(sums[j]!) > EXACT_MAX) return -1
  }
  return toIntegers(lasts, listedCount, e) && [firsts, mins, maxs, seconds].every((list) => toIntegers(list, manyCount, e)) ? e : -1
}

function toIntegers(list: Float64Array, n: number, e: number): boolean {
  const p = POW10[e]!
  for (let i = 0; i < n; i++) {
    const m = Math.round(list[i]! * p)
    // Their differences, and counts times them, stay exact.
    if (m / p !== list[i] || Math.abs(m) > EXACT_MAX / 4) return false
    list[i] = m
  }
  return true
}

/** Each less what those before let expect. */
function writeIntegers(c: TierColumns, at: number, end: number): number {
  const lists: ((j: number, k: number) => number)[] = [
    (j, k) => firsts[j]! - lasts[k > 0 ? k - 1 : k]!,
    (j, k) => Math.min(firsts[j]!, lasts[k]!) - mins[j]!,
    (j, k) => maxs[j]! - Math.max(firsts[j]!, lasts[k]!),
    (j) => maxs[j]! - seconds[j]!,
    (j) => sums[j]! - Math.floor((c.count[rowOf(at, j)]! * (mins[j]! + maxs[j]!)) / 2),
  ]
  for (const of of lists) {
    for (let j = 0; j < manyCount; j++) column[j] = of(j, many[j]!)
    end = writeColumn(column, manyCount, spread.bytes, end)
  }
  return end
}

/** The nearest double whose low 8 bits are 0 (Veltkamp). */
function rounded(x: number): number {
  const far = x * M2_SPLIT
  const near = far - (far - x)
  return near - near === 0 ? near : x
}
