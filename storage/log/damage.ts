// Tells damage from what a crash leaves (FORMAT.md, "Marks"). Both are stretches without a sound frame; damage is where
// a mark further on says that the bytes had been synced.
import { DiskError, type DiskFile } from '../../lib/std/fs.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_SYNCED, sealFrame } from './frame.ts'

/** A mark, frame included. */
export const MARK_BYTES: number = FRAME_OVERHEAD_BYTES + 16

/** Writes a mark: bytes [from, to) of this file, or stream, were synced. Returns the position behind it. */
export function writeMark(bytes: Buffer, at: number, from: number, to: number): number {
  bytes.writeDoubleLE(from, at + FRAME_HEAD_BYTES)
  bytes.writeDoubleLE(to, at + FRAME_HEAD_BYTES + 8)
  return sealFrame(bytes, at, TYPE_SYNCED, 16)
}

/** The times of all rows whose frames lie in the last `back` bytes before a mark. */
export interface RowTimes {
  back: number
  minT: number
  maxT: number
}

/** The same of the log's, frame included: it tells of times, too. */
export const TIMED_MARK_BYTES: number = MARK_BYTES + 24

export function writeTimedMark(bytes: Buffer, at: number, from: number, to: number, { back, minT, maxT }: RowTimes): number {
  const payload = at + FRAME_HEAD_BYTES
  for (const [i, value] of [from, to, back, minT, maxT].entries()) bytes.writeDoubleLE(value, payload + i * 8)
  return sealFrame(bytes, at, TYPE_SYNCED, 40)
}

/** Closes a file of `end` bytes all of which are synced, marked from `from` on. */
export function closeMarked(file: DiskFile, from: number, end: number, times: RowTimes | null = null): void {
  if (end > from) markEnd(file, from, end, times)
  file.close()
}

function markEnd(file: DiskFile, from: number, end: number, times: RowTimes | null): void {
  const mark = Buffer.alloc(times === null ? MARK_BYTES : TIMED_MARK_BYTES)
  if (times === null) writeMark(mark, 0, from, end)
  else writeTimedMark(mark, 0, from, end, times)
  try {
    file.write(mark, end)
  } catch (error) {
    // All data is on the device; without the mark a later fault in it passes for the end of a crash.
    if (!(error instanceof DiskError)) throw error
  }
}

/** Bytes [at, end) of a file. */
export interface Stretch {
  at: number
  end: number
  /** No row that was there had another time, Unix ms; undefined: that is not known. */
  time?: { minT: number; maxT: number }
}

/** How much of a file, or stream, is known to have been on the device. */
export interface KnownLength {
  /** All is sound before. */
  whole: number
  /** There is a sound frame, or more, up to here; what is not sound between may be what a crash left. At least `whole`. */
  end: number
}

export const NOTHING_KNOWN: KnownLength = { whole: 0, end: 0 }

export class DamageTally {
  /** Damaged stretches and records. */
  frames = 0
  bytes = 0
  /** What lies before is on the device, as far as marks tell. */
  syncedTo = 0
  /** Where the last sound frame ends. */
  soundEnd = 0
  /** What is damaged, and that a mark covers it. */
  readonly stretches: Stretch[] = []
  /** The first sound frame of a type that is not known: a newer Monitor's. */
  unknown: { type: number; at: number } | null = null
  /** Stretches that no mark covers yet. */
  #open: Stretch[] = []

  /** There is no sound frame in [at, end), or one that says what cannot be. */
  found(at: number, end: number): void {
    const last = this.#open.at(-1)
    if (last?.end === at) last.end = end
    else this.#open.push({ at, end })
  }

  /** A mark whose payload is at `at` says that [from, to) was synced, and may tell the times of rows before it. */
  synced(bytes: Buffer, at: number, length: number, frameAt: number): void {
    const from = bytes.readDoubleLE(at)
    const to = bytes.readDoubleLE(at + 8)
    if (length >= 40 && this.#open.length > 0) this.#time(frameAt, bytes.readDoubleLE(at + 16), bytes.readDoubleLE(at + 24), bytes.readDoubleLE(at + 32))
    this.#settle(from, to)
  }

  /** So much was on the device, whatever marks say. Asked when all was looked at. */
  expect({ whole, end }: KnownLength): void {
    // What lacks the end is one stretch, whatever lies there.
    if (end > this.soundEnd) this.#open = this.#open.filter(({ at }) => at < this.soundEnd)
    this.#settle(0, whole)
    this.syncedTo = Math.max(this.syncedTo, end)
    if (end > this.soundEnd) this.#count({ at: this.soundEnd, end })
  }

  /** What was found is on the device now, up to the last sound frame: it is to be there from now on. Holes that are not damage stay holes. */
  get known(): KnownLength {
    // Not in order: segments are found damaged when their payloads are looked at.
    return { whole: this.#open.reduce((whole, { at }) => Math.min(whole, at), this.soundEnd), end: this.soundEnd }
  }

  /** A stretch that a mark was in, too, has times that this one does not tell. */
  #time(frameAt: number, back: number, minT: number, maxT: number): void {
    for (const stretch of this.#open) if (stretch.at >= frameAt - back && stretch.end <= frameAt) stretch.time ??= { minT, maxT }
  }

  #settle(from: number, to: number): void {
    this.syncedTo = Math.max(this.syncedTo, to)
    if (this.#open.length === 0) return
    this.#open = this.#open.filter((stretch) => {
      if (stretch.at < from || stretch.at >= to) return true
      this.#count(stretch)
      return false
    })
  }

  #count(stretch: Stretch): void {
    this.frames++
    this.stretches.push(stretch)
    this.bytes += stretch.end - stretch.at
  }
}
