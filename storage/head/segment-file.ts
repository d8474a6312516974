// Files of encoded rows: appended to by main, read by any thread (FORMAT.md, "Head segments").
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { DiskError, DiskFile, fileSizeBytes, listFolder, openDurably, removeFile, removeFiles } from '../../lib/std/fs.ts'
import type { Steps } from '../../lib/std/steps.ts'
import type { FileList } from '../file-list.ts'
import { moveToQuarantine } from '../quarantine.ts'
import { DamageTally, MARK_BYTES, closeMarked, writeMark, type KnownLength } from '../log/damage.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_SEGMENT, TYPE_SYNCED, frameLength, findFrame, isKnownType, isPayloadSound, sealFrame } from '../log/frame.ts'

const FILE_BYTES_MAX = 128 * 1024 * 1024
/** Fixed part of a segment's payload. */
export const SEGMENT_HEAD_BYTES = 56
/** Flag of a segment: it has native histograms. */
export const SEGMENT_HISTOGRAMS = 1
const SCAN_BYTES = 1 << 20

export function segmentFilePath(folder: string, file: number): string {
  return `${folder}/${String(file).padStart(8, '0')}.seg`
}

/** As the list of files has it. */
export function listed(file: string): string {
  return `head/${path.basename(file)}`
}

/** What decides when a file may go: the newest sample in it, and the newest generation of the groups it is of. */
export interface FileSpan {
  maxT: number
  generation: number
}

/** What the head of a segment says. */
export interface SegmentHead {
  file: number
  offsetBytes: number
  lengthBytes: number
  group: number
  columns: number
  rows: number
  hasHistograms: boolean
  minT: number
  maxT: number
  firstLsn: number
  flushedLsn: number
  salt: number
  /** Its payload was read and its checksum holds. */
  isVerified: boolean
}

export class SegmentWriter {
  readonly #folder: string
  readonly #fileBytesMax: number
  #number: number
  #file: DiskFile
  #length = 0
  /** How far the file is on the device, and how far a mark says so. */
  #syncedTo = 0
  #markedTo = 0
  /** Full files that still want their sync. */
  readonly #unsynced: { file: DiskFile; length: number }[] = []
  /** A sync has failed: of what it was for nobody knows what the device holds. */
  #syncFailure: DiskError | null = null
  readonly #spans = new Map<number, FileSpan>()
  /** Files that were to go may be there still, until the next start. */
  #hasLeftFiles = false
  /** Files with damage. */
  readonly #damaged = new Set<number>()
  readonly #list: FileList | null

  /** Begins a new file behind all that are there. What is on the device is noted in `list`. */
  constructor(folder: string, number: number, fileBytesMax: number = FILE_BYTES_MAX, list: FileList | null = null) {
    this.#folder = folder
    this.#fileBytesMax = fileBytesMax
    this.#number = number
    this.#list = list
    this.#file = this.#open(number)
  }

  /**
   * Appends a segment whose payload lies at buffer[16, 16 + length); the frame is built around it in place.
   * Returns where the payload is. Throws DiskError.
   */
  append(buffer: Buffer, length: number, span: FileSpan): { file: number; offsetBytes: number } {
    if (this.#length + length > this.#fileBytesMax) this.#roll()
    if (this.#syncedTo > this.#markedTo) this.#mark()
    const end = sealFrame(buffer, 0, TYPE_SEGMENT, length)
    this.#file.write(buffer.subarray(0, end), this.#length)
    const offsetBytes = this.#length + FRAME_HEAD_BYTES
    this.#length += end
    this.note(this.#number, span)
    return { file: this.#number, offsetBytes }
  }

  /** Remembers that a file holds a segment of this span. */
  note(file: number, { maxT, generation }: FileSpan): void {
    const span = this.#spans.get(file)
    if (!span) this.#spans.set(file, { maxT, generation })
    else {
      span.maxT = Math.max(span.maxT, maxT)
      span.generation = Math.max(span.generation, generation)
    }
  }

  /** Whether it has any that is sound, or was noted. */
  has(file: number): boolean {
    return this.#spans.has(file)
  }

  /** These are moved to `quarantine/` when their time comes, not removed. */
  keepDamaged(files: readonly number[]): void {
    for (const file of files) this.#damaged.add(file)
  }

  /** The first file that stays when the oldest full ones go, as long as all they hold is gone; 0 if none go. */
  firstKept(isGone: (span: FileSpan) => boolean): number {
    let last = 0
    for (const [file, span] of [...this.#spans].toSorted((a, b) => a[0] - b[0])) {
      if (file === this.#number || !isGone(span)) break
      last = file
    }
    return last === 0 ? 0 : last + 1
  }

  /** Removes the files before `first`, those with damage aside. Rejects with DiskError; the files are forgotten even so, until the next start. */
  async removeBefore(first: number): Promise<void> {
    const files = [...this.#spans.keys()].filter((file) => file < first)
    for (const file of files) this.#spans.delete(file)
    const nameOf = (file: number): string => path.basename(segmentFilePath(this.#folder, file))
    try {
      if (files.length > 0) this.#list?.dropBefore(listed(nameOf(first)))
      moveToQuarantine(this.#folder, files.filter((file) => this.#damaged.has(file)).map(nameOf), path.join(path.dirname(this.#folder), 'quarantine'))
      await removeFiles(this.#folder, files.filter((file) => !this.#damaged.has(file)).map(nameOf))
    } catch (error) {
      this.#hasLeftFiles = true
      throw error
    }
  }

  /** The newest file that has any. */
  get newestFile(): number {
    return this.#length > 0 ? this.#number : this.#number - 1
  }

  /** Goes on in a new file, if there is anything in this one: a file goes as a whole. Throws DiskError. */
  beginFile(): void {
    if (this.#length > 0) this.#roll()
  }

  /** No file before this is there; 0 where the disk has not let one go. */
  get oldestFile(): number {
    return this.#hasLeftFiles ? 0 : this.#spans.keys().reduce((oldest, file) => Math.min(oldest, file), this.#number)
  }

  /**
   * Resolves when all segments appended before the call are on the device. After a failure they are written again first,
   * from what the kernel has of them; where that does not match its checksums it rejects for good, and the log keeps every row.
   */
  async sync(): Promise<void> {
    try {
      if (this.#syncFailure !== null) this.#writeAgain()
      while (this.#unsynced.length > 0) {
        await this.#unsynced[0]!.file.sync()
        const full = this.#unsynced.shift()
        if (full) this.#closeSynced(full)
      }
      // Taken now: what was current at the call may have been full, and closed, since.
      const current = this.#file
      const length = this.#length
      await current.sync()
      if (current === this.#file) this.#syncedTo = length
      if (length > 0) this.#list?.noteGrown(listed(current.path), length)
      this.#syncFailure = null
    } catch (error) {
      this.#syncFailure = error instanceof DiskError ? error : new DiskError('cannot sync segments', error)
      throw this.#syncFailure
    }
  }

  /** Pages whose sync has failed count as clean: a later sync would pass them by. Throws DiskError. */
  #writeAgain(): void {
    for (const { file, length } of this.#unsynced) writeFramesAgain(file, 0, length)
    writeFramesAgain(this.#file, this.#syncedTo, this.#length)
  }

  /** Syncs and closes, also where the sync fails or has failed before. Throws DiskError. */
  close(): void {
    const files = [...this.#unsynced.splice(0), { file: this.#file, length: this.#length }]
    try {
      if (this.#syncFailure !== null) throw this.#syncFailure
      for (const { file } of files) file.syncNow()
      for (const file of files) this.#closeSynced(file)
    } finally {
      for (const { file } of files) file.close()
    }
  }

  #closeSynced({ file, length }: { file: DiskFile; length: number }): void {
    this.#list?.note(listed(file.path), length)
    closeMarked(file, 0, length)
  }

  #roll(): void {
    const file = this.#open(this.#number + 1)
    this.#unsynced.push({ file: this.#file, length: this.#length })
    this.#number++
    this.#length = 0
    this.#syncedTo = 0
    this.#markedTo = 0
    this.#file = file
  }

  /** Says behind the segments so far which of them are on the device. */
  #mark(): void {
    const mark = Buffer.alloc(MARK_BYTES)
    writeMark(mark, 0, 0, this.#syncedTo)
    this.#file.write(mark, this.#length)
    this.#length += MARK_BYTES
    this.#markedTo = this.#syncedTo
  }

  #open(number: number): DiskFile {
    return openDurably(segmentFilePath(this.#folder, number))
  }
}

/** Writes the frames in [from, to) of a file once more. Throws DiskError, also where one does not hold. */
function writeFramesAgain(file: DiskFile, from: number, to: number): void {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  for (let at = from; at < to;) {
    file.read(head, at, head.length)
    const length = frameLength(head, 0, head.length)
    const frame = Buffer.alloc(Math.max(0, Math.min(length, to - at) + FRAME_OVERHEAD_BYTES))
    if (length < 0 || file.read(frame, at, frame.length) < frame.length || !isPayloadSound(frame, 0, length, frame.length)) {
      throw new DiskError(`cannot write ${file.path} again after a failed sync: what is read at ${at} does not match its checksum`, null)
    }
    file.write(frame, at)
    at += frame.length
  }
}

/** Number of the oldest file there; Infinity if there is none. */
export function oldestSegmentFile(folder: string): number {
  return numbersIn(folder)[0] ?? Infinity
}

function numbersIn(folder: string): number[] {
  return listFolder(folder).filter((name) => /^\d{8}\.seg$/.test(name)).map((name) => Number(name.slice(0, 8)))
}

/** Numbers of the files there, ascending. Files that a short run left empty are removed; those that are not to be empty stay, as damage. */
export function segmentFileNumbers(folder: string, list: FileList): number[] {
  return numbersIn(folder).filter((number) => {
    const file = segmentFilePath(folder, number)
    const isEmpty = fileSizeBytes(file) === 0 && list.lengthOf(listed(file)) === 0
    if (isEmpty) removeFile(file)
    return !isEmpty
  })
}

export interface SegmentScan {
  verifyFromLsn: number
  /** How much of the file was on the device, marks aside. */
  known: KnownLength
}

/**
 * Visits the heads of all segments in a file whose frame header, length and head checksum hold. Payload checksums are
 * for the reader, but for segments that must be verified: those that end at or behind `verifyFromLsn` decide what replay
 * leaves out, those behind the last mark may be torn since a crash long ago, and their rows written again elsewhere.
 */
export function* scanSegmentFile(folder: string, number: number, { verifyFromLsn, known }: SegmentScan, visit: (head: SegmentHead, mustBeVerified: boolean) => void): Steps<DamageTally> {
  const file = DiskFile.openForRead(segmentFilePath(folder, number))
  try {
    const size = file.sizeBytes()
    const tally = new DamageTally()
    /** Heads that no mark has said to be synced yet. */
    const waiting: SegmentHead[] = []
    const settle = (head: SegmentHead, isSynced: boolean): void => {
      const mustBeVerified = !isSynced || head.flushedLsn >= verifyFromLsn
      if (mustBeVerified) head.isVerified = isPayloadOnDisk(file, head)
      if (mustBeVerified && !head.isVerified) tally.found(head.offsetBytes - FRAME_HEAD_BYTES, head.offsetBytes + head.lengthBytes + 8)
      visit(head, mustBeVerified)
    }
    let windowAt = 0
    let windowEnd = 0
    const window = Buffer.alloc(Math.min(SCAN_BYTES, size))
    const wanted = FRAME_HEAD_BYTES + SEGMENT_HEAD_BYTES
    for (let at = 0; at + FRAME_OVERHEAD_BYTES <= size;) {
      if (at < windowAt || Math.min(size, at + wanted) > windowEnd) {
        yield
        windowAt = at
        windowEnd = at + file.read(window, at, window.length)
      }
      const p = at - windowAt
      const length = frameLength(window, p, windowEnd - windowAt)
      if (length < 0 || at + length + FRAME_OVERHEAD_BYTES > size) {
        const next = findFrame(window, p + 1, windowEnd - windowAt)
        const skipped = next >= 0 ? next - p : Math.max(1, windowEnd - windowAt - p - FRAME_HEAD_BYTES)
        tally.found(at, at + skipped)
        at += skipped
        continue
      }
      const end = at + length + FRAME_OVERHEAD_BYTES
      tally.soundEnd = end
      const type = window.readUInt32LE(p + 8)
      if (!isKnownType(type)) tally.unknown ??= { type, at }
      if (type !== TYPE_SEGMENT || length < SEGMENT_HEAD_BYTES) {
        if (type === TYPE_SYNCED && isPayloadSound(window, p, length, windowEnd - windowAt)) {
          const to = window.readDoubleLE(p + FRAME_HEAD_BYTES + 8)
          while (waiting.length > 0 && waiting[0]!.offsetBytes < to) settle(waiting.shift()!, true)
          tally.synced(window, p + FRAME_HEAD_BYTES, length, at)
        }
        at = end
        continue
      }
      const head = readHead(window, p + FRAME_HEAD_BYTES, number, at + FRAME_HEAD_BYTES, length)
      const isSound = window.readUInt32LE(p + FRAME_HEAD_BYTES + 52) === crc32(window.subarray(p + FRAME_HEAD_BYTES, p + FRAME_HEAD_BYTES + 52))
      if (isSound) waiting.push(head)
      else tally.found(at, end)
      at = end
    }
    for (const head of waiting) settle(head, head.offsetBytes < known.whole)
    tally.expect(known)
    return tally
  } finally {
    file.close()
  }
}

function isPayloadOnDisk(file: DiskFile, head: SegmentHead): boolean {
  const bytes = Buffer.alloc(head.lengthBytes + 4)
  return file.read(bytes, head.offsetBytes, bytes.length) === bytes.length
    && bytes.readUInt32LE(head.lengthBytes) === crc32(bytes.subarray(0, head.lengthBytes))
}

function readHead(bytes: Buffer, p: number, file: number, offsetBytes: number, lengthBytes: number): SegmentHead {
  return {
    file, offsetBytes, lengthBytes,
    group: bytes.readUInt32LE(p),
    columns: bytes.readUInt32LE(p + 4),
    rows: bytes.readUInt16LE(p + 8),
    hasHistograms: (bytes.readUInt16LE(p + 10) & SEGMENT_HISTOGRAMS) !== 0,
    minT: bytes.readDoubleLE(p + 16),
    maxT: bytes.readDoubleLE(p + 24),
    firstLsn: bytes.readDoubleLE(p + 32),
    flushedLsn: bytes.readDoubleLE(p + 40),
    salt: bytes.readUInt32LE(p + 48),
    isVerified: false,
  }
}
