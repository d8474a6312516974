// Up to 1024 rows of a series as one item of a tier's block (FORMAT.md, "Tier block"), and the group rows that go with them.
import { writeVarint } from '../codec/bits.ts'
import { encodePiece } from '../codec/piece-encode.ts'
import type { PieceBytes } from '../codec/piece-decode.ts'
import { PIECE_BYTES_MAX } from '../codec/piece-shape.ts'
import type { BucketColumn } from './bucket.ts'
import type { BucketBuffer } from './bucket-buffer.ts'
import { decodeRows, type RowTarget } from './row-decode.ts'
import { encodeGroupRows, encodeRows, shape, spread, values } from './row-encode.ts'
import { SAMPLES_MAX } from './row-shape.ts'
import { RANGE_ALONE, sumsOf } from './row-sums.ts'

/** The item that was encoded last begins here. */
export let itemBytes: Uint8Array = new Uint8Array(4 * PIECE_BYTES_MAX)
/** The group rows that were encoded last begin here. */
export const groupBytes: Uint8Array = new Uint8Array(4 * (PIECE_BYTES_MAX + 4))

/** Encodes rows [at, at + n) of a series of the buffer, rows [groupAt, groupAt + n) of its group; returns the length. */
export function encodeItem(buffer: BucketBuffer, at: number, n: number, groupAt: number): number {
  const { columns, sketchAt, sketches } = buffer
  encodeRows(buffer, at, n, buffer.group, groupAt)
  const size = 20 + shape.length + values.length + spread.length + (n * 5 + sketchAt[at + n]! - sketchAt[at]!)
  if (size > itemBytes.length) itemBytes = new Uint8Array(size * 2)
  let end = 0
  for (const part of [shape, values, spread]) end = writeVarint(itemBytes, end, part.length)
  for (const part of [shape, values, spread]) {
    itemBytes.set(part.bytes.subarray(0, part.length), end)
    end += part.length
  }
  for (let row = at; row < at + n; row++) {
    if (columns.count[row]! <= SAMPLES_MAX) continue
    const from = sketchAt[row]!
    const to = sketchAt[row + 1]!
    end = writeVarint(itemBytes, end, to - from)
    itemBytes.set(sketches.subarray(from, to), end)
    end += to - from
  }
  return end
}

/** Encodes the ends of buckets [at, at + n) of a group, and its rows, into `groupBytes`; returns the length. */
export function encodeGroupItem(buffer: Pick<BucketBuffer, 't' | 'group'>, at: number, n: number): number {
  return encodeGroupRows(buffer, at, n, groupBytes, encodePiece(buffer.t, at, n, groupBytes, 0))
}

/** What a reader wants of rows. */
export interface Wanted {
  /** Nothing but counts, times and staleness. */
  isBare: boolean
  sums: number
  /** Samples and sketches, for who writes the rows on. */
  isWhole: boolean
}

/** Of rows that are written on. */
export const WHOLE: Wanted = { isBare: false, sums: RANGE_ALONE, isWhole: true }
/** Of rows whose samples and sketches alone are looked at. */
export const SAMPLES_ALONE: Wanted = { isBare: false, sums: 0, isWhole: true }
const BARE: readonly BucketColumn[] = ['count', 'firstT', 'lastT', 'staleAtEnd']

export function wantedOf(columns: readonly BucketColumn[]): Wanted {
  return { isBare: columns.every((key) => BARE.includes(key)), sums: sumsOf(columns), isWhole: false }
}

let cursor = 0

function readVarint(bytes: Uint8Array, end: number): number {
  let value = 0
  for (let unit = 1; cursor < end && unit < 2 ** 35; unit *= 128) {
    const byte = bytes[cursor++]!
    value += (byte & 127) * unit
    if (byte < 128) return value
  }
  throw new RangeError('number that does not end')
}

/** Decodes the item in [at, end) of src. Throws RangeError on damage it notices. */
export function decodeItem(src: PieceBytes, at: number, end: number, target: RowTarget, { isBare, sums, isWhole }: Wanted): void {
  cursor = at
  const lengths = [readVarint(src.bytes, end), readVarint(src.bytes, end), readVarint(src.bytes, end)]
  const [shapePart, valuesPart, spreadPart] = lengths.map((length) => {
    const part = { src, at: cursor, end: cursor + length }
    cursor += length
    return part
  })
  if (cursor > end) throw new RangeError(`rows of ${cursor - at} bytes in ${end - at}`)
  decodeRows({ shape: shapePart!, values: isBare ? null : valuesPart!, spread: isBare ? null : spreadPart! }, target, sums, isWhole)
  if (isWhole) readSketches(src, end, target)
}

function readSketches({ bytes }: PieceBytes, end: number, { n, out, at }: RowTarget): void {
  const { count } = out.columns
  for (let row = at; row < at + n; row++) {
    if (count[row]! > SAMPLES_MAX) {
      const length = readVarint(bytes, end)
      const to = out.reserveSketch(length)
      if (cursor + length > end) throw new RangeError(`sketch of ${length} bytes past the end`)
      out.sketches.set(bytes.subarray(cursor, cursor + length), to)
      out.endSketch(to + length)
      cursor += length
    }
    out.sketchAt[row + 1] = out.reserveSketch(0)
  }
  if (cursor !== end) throw new RangeError(`sketches end ${end - cursor} bytes early`)
}
