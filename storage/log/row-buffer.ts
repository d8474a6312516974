// Rows of the log in memory, byte for byte as the file has them, from when they are taken until they are on the device.
// Nothing else knows them if the disk refuses: another file gets them from here.
//
//   0 ─── on their way to the device ───┬─── not written yet ───┐
//   LSN: synced                         written                 next
import { histogramRecordBytes } from '../codec/histogram-record.ts'
import { TIMED_MARK_BYTES, writeTimedMark, type RowTimes } from './damage.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_ROW, TYPE_SYNCED, sealFrame } from './frame.ts'

/** The buffer's size but for bursts, and before the first rows. */
const BUFFER_BYTES = 1 << 20
const FIRST_BYTES = 1 << 15

export const ROW_PRESENT = 1
export const ROW_STALE = 2
export const ROW_HISTOGRAMS = 4
export const ROW_START_TIMES = 8

/** A row as it is logged: columns [first, first + n) of a group at t. Bitmaps are null where all are present, none stale. */
export interface LoggedRow {
  t: number
  group: number
  first: number
  n: number
  /** Low half of the salt of the group's definition. */
  salt: number
  present: Uint32Array | null
  stale: Uint32Array | null
  /** Samples that are native histograms; null where none is. Their values say where in `records` each one's record stands. */
  histograms: Uint32Array | null
  records: Uint8Array
  /** Where beside the values the row's start times stand; -1 where none is known. */
  startTimesAt: number
}

export class RowBuffer {
  #bytes: Buffer = Buffer.from(new ArrayBuffer(FIRST_BYTES))
  #floats: Float64Array = new Float64Array(this.#bytes.buffer)
  #used = 0
  /** Of rows since the last mark, which ends so many bytes before the next row. */
  #minT = Infinity
  #maxT = -Infinity
  #back = 0

  get used(): number {
    return this.#used
  }

  /** Valid until the next append. */
  part(from: number, to: number): Buffer {
    return this.#bytes.subarray(from, to)
  }

  /** Appends a row; `values[from, from + row.n)` are its values. Copies everything before it returns. */
  append(row: LoggedRow, values: Float64Array, from: number): void {
    const words = (row.n + 31) >>> 5
    const bitmaps = (row.present ? words : 0) + (row.stale ? words : 0) + (row.histograms ? words : 0)
    const headBytes = 24 + ((bitmaps * 4 + 7) & ~7)
    const hasStartTimes = row.startTimesAt >= 0
    const recordsAt = headBytes + row.n * (hasStartTimes ? 16 : 8)
    const recordBytes = row.histograms === null ? 0 : recordsBytes(row, row.histograms, values, from)
    const length = recordsAt + ((recordBytes + 7) & ~7)
    this.#reserve(length + FRAME_OVERHEAD_BYTES)
    const bytes = this.#bytes
    const at = this.#used + FRAME_HEAD_BYTES
    this.#floats[at / 8] = row.t
    bytes.writeUInt32LE(row.group, at + 8)
    bytes.writeUInt32LE(row.first, at + 12)
    bytes.writeUInt32LE(row.n, at + 16)
    bytes.writeUInt32LE((flagsOf(row) | (row.salt << 16)) >>> 0, at + 20)
    if (bitmaps > 0) this.#writeBitmaps(row, at + 24, words, headBytes - 24)
    this.#floats.set(values.subarray(from, from + row.n), (at + headBytes) / 8)
    if (hasStartTimes) this.#floats.set(values.subarray(row.startTimesAt, row.startTimesAt + row.n), (at + headBytes) / 8 + row.n)
    if (row.histograms !== null) {
      bytes.fill(0, at + length - 8, at + length)
      this.#copyRecords(row, row.histograms, (at + headBytes) / 8, at + recordsAt)
    }
    const end = sealFrame(bytes, this.#used, TYPE_ROW, length)
    this.#back += end - this.#used
    this.#used = end
    if (row.t < this.#minT) this.#minT = row.t
    if (row.t > this.#maxT) this.#maxT = row.t
  }

  /** Of rows since the last mark, for another that has the last `behind` bytes behind it; null where that one has, too. */
  times(behind: number): RowTimes | null {
    return behind > this.#back ? null : { back: this.#back - behind, minT: this.#minT, maxT: this.#maxT }
  }

  /** Says behind the rows so far that bytes [from, to) of the file are on the device. */
  mark(from: number, to: number): void {
    this.#reserve(TIMED_MARK_BYTES)
    this.#used = writeTimedMark(this.#bytes, this.#used, from, to, this.times(0)!)
    this.#minT = Infinity
    this.#maxT = -Infinity
    this.#back = 0
  }

  /** Marks speak of the file they were made for; in another they shall say nothing of what was synced. */
  clearMarks(): void {
    for (let at = 0; at < this.#used;) {
      if (this.#bytes.readUInt32LE(at + 8) === TYPE_SYNCED) {
        this.#bytes.fill(0, at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + 16)
        sealFrame(this.#bytes, at, TYPE_SYNCED, TIMED_MARK_BYTES - FRAME_OVERHEAD_BYTES)
      }
      at += this.#bytes.readUInt32LE(at + 4) + FRAME_OVERHEAD_BYTES
    }
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.#bytes.copyWithin(0, count, this.#used)
    this.#used -= count
    // A burst leaves a large buffer behind; it goes when a round has needed little of it.
    if (this.#used === 0 && this.#bytes.length > BUFFER_BYTES && count < BUFFER_BYTES / 2) this.#resize(BUFFER_BYTES)
  }

  /** Copies records to `at`, and makes the values in place offsets from there. */
  #copyRecords({ n, records }: LoggedRow, histograms: Uint32Array, valuesAt: number, at: number): void {
    let used = 0
    for (let i = 0; i < n; i++) {
      if (((histograms[i >>> 5]! >>> (i & 31)) & 1) === 0) continue
      const from = this.#floats[valuesAt + i]!
      const bytes = histogramRecordBytes(records, from)
      this.#bytes.set(records.subarray(from, from + bytes), at + used)
      this.#floats[valuesAt + i] = used
      used += bytes
    }
  }

  #writeBitmaps(row: LoggedRow, at: number, words: number, bytes: number): void {
    this.#bytes.fill(0, at, at + bytes)
    for (const bitmap of [row.present, row.stale, row.histograms]) {
      if (!bitmap) continue
      for (let i = 0; i < words; i++) this.#bytes.writeUInt32LE(bitmap[i]!, at + i * 4)
      at += words * 4
    }
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes > this.#bytes.length) this.#resize(Math.max(this.#bytes.length * 2, this.#used + bytes))
  }

  #resize(bytes: number): void {
    const made = Buffer.from(new ArrayBuffer((bytes + 7) & ~7))
    this.#bytes.copy(made, 0, 0, this.#used)
    this.#bytes = made
    this.#floats = new Float64Array(made.buffer)
  }
}

function flagsOf({ present, stale, histograms, startTimesAt }: LoggedRow): number {
  return (present ? ROW_PRESENT : 0) | (stale ? ROW_STALE : 0) | (histograms ? ROW_HISTOGRAMS : 0) | (startTimesAt >= 0 ? ROW_START_TIMES : 0)
}

function recordsBytes({ n, records }: LoggedRow, histograms: Uint32Array, values: Float64Array, from: number): number {
  let bytes = 0
  for (let i = 0; i < n; i++) {
    if (((histograms[i >>> 5]! >>> (i & 31)) & 1) === 1) bytes += histogramRecordBytes(records, values[from + i]!)
  }
  return bytes
}
