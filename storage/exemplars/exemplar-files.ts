// The exemplars on disk, for the next start: files of frames, each with a share of the ring (FORMAT.md, "Exemplars").
//
//   00000007  00000008  00000009  00000010  00000011 ◀─ written
//   └ goes as soon as the others hold as many as the ring has slots: nothing is ever written twice
//
// What is written is safe from the end of the process, not from a power cut: nobody was promised an exemplar.
import { DiskError, DiskFile, listFolder, makeFolder, readWhole, removeFiles } from '../../lib/std/fs.ts'
import type { ExemplarColumns } from '../../lib/model/exemplar.ts'
import { assertKnownFrames } from '../format-mark.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_EXEMPLARS, sealFrame } from '../log/frame.ts'
import { scanFrames } from '../log/scan-frames.ts'

/** A file holds this part of the ring, so that the files hold at most that much more than it. */
const RING_PARTS = 4
const NAME = /^\d{8}\.frames$/
const FLAG_TIMED = 1
/** Before the labels: u32 ref, u16 length, u16 flags, f64 time, f64 value. */
const RECORD_HEAD_BYTES = 24
/** Before the first record: u32 count, u32 0. */
const PAYLOAD_HEAD_BYTES = 8
const BUFFER_BYTES = 1 << 16
/** Frames of exemplars that came while nothing could be written end here. */
const PENDING_BYTES_MAX = 8 << 20

/** Throws FolderError where a newer Monitor has written exemplars, DiskError. */
export function assertKnownExemplars(folder: string): void {
  for (const name of listFolder(folder).filter((one) => NAME.test(one))) {
    const bytes = Buffer.from(readWhole(`${folder}/${name}`))
    assertKnownFrames(`${folder}/${name}`, scanFrames(bytes, 0, bytes.length, () => undefined))
  }
}

/** What is to be written, and the highest ref in it. */
export interface ExemplarFrame {
  bytes: Buffer
  count: number
  refMax: number
}

interface ExemplarFile {
  name: string
  count: number
}

/** What `load` hands out. `text[from, end)` are the labels; valid until it returns. */
export interface FoundExemplar {
  ref: number
  timeMs: number
  value: number
  isTimed: boolean
  text: Buffer
  from: number
  end: number
}

export class ExemplarFiles {
  readonly #folder: string
  readonly #capacity: number
  /** Oldest first; the last is being written, if one is open. */
  #files: ExemplarFile[] = []
  #open: DiskFile | null = null
  #sizeBytes = 0
  /** A frame in the making: room for its head, then its payload. */
  #buffer: Buffer = Buffer.alloc(BUFFER_BYTES)
  #used = FRAME_HEAD_BYTES + PAYLOAD_HEAD_BYTES
  #pendingCount = 0
  #pendingRefMax = 0

  constructor(folder: string, capacity: number) {
    this.#folder = folder
    this.#capacity = capacity
  }

  get hasPending(): boolean {
    return this.#pendingCount > 0
  }

  /** Visits what the files hold, oldest first; to be called once, before the first append. Returns how many bytes were damaged. */
  load(visit: (found: FoundExemplar) => void): number {
    let damagedBytes = 0
    for (const name of listFolder(this.#folder).filter((one) => NAME.test(one))) {
      const bytes = Buffer.from(readWhole(this.#path(name)))
      const file = { name, count: 0 }
      let soundBytes = 0
      const { soundEnd } = scanFrames(bytes, 0, bytes.length, (type, at, length) => {
        soundBytes += length + FRAME_OVERHEAD_BYTES
        if (type === TYPE_EXEMPLARS) file.count += visitRecords(bytes, at, at + length, visit)
      })
      // What is behind the last sound frame is what a kill or a power cut leaves.
      damagedBytes += soundEnd - soundBytes
      this.#files.push(file)
      this.#sizeBytes = soundEnd
    }
    return damagedBytes
  }

  /** Takes over exemplar i of a batch; the next frame holds it. False where too much waits for that already. */
  add(batch: ExemplarColumns, i: number): boolean {
    const from = batch.starts[i]!
    const length = batch.ends[i]! - from
    const size = RECORD_HEAD_BYTES + ((length + 7) & ~7)
    if (this.#used + size > PENDING_BYTES_MAX) return false
    if (this.#used + size + 8 > this.#buffer.length) this.#grow(this.#used + size + 8)
    const buffer = this.#buffer
    const at = this.#used
    buffer.fill(0, at, at + size)
    buffer.writeUInt32LE(batch.refs[i]!, at)
    buffer.writeUInt16LE(length, at + 4)
    buffer.writeUInt16LE(batch.timed[i] === 1 ? FLAG_TIMED : 0, at + 6)
    buffer.writeDoubleLE(batch.times[i]!, at + 8)
    buffer.writeDoubleLE(batch.values[i]!, at + 16)
    batch.text.copy(buffer, at + RECORD_HEAD_BYTES, from, from + length)
    this.#used += size
    this.#pendingCount++
    this.#pendingRefMax = Math.max(this.#pendingRefMax, batch.refs[i]!)
    return true
  }

  /** What was added since the last time, as one frame. */
  seal(): ExemplarFrame {
    const count = this.#pendingCount
    const refMax = this.#pendingRefMax
    this.#buffer.writeUInt32LE(count, FRAME_HEAD_BYTES)
    this.#buffer.writeUInt32LE(0, FRAME_HEAD_BYTES + 4)
    const end = sealFrame(this.#buffer, 0, TYPE_EXEMPLARS, this.#used - FRAME_HEAD_BYTES)
    const bytes = Buffer.from(this.#buffer.subarray(0, end))
    this.#used = FRAME_HEAD_BYTES + PAYLOAD_HEAD_BYTES
    this.#pendingCount = 0
    this.#pendingRefMax = 0
    if (this.#buffer.length > BUFFER_BYTES) this.#buffer = Buffer.alloc(BUFFER_BYTES)
    return { bytes, count, refMax }
  }

  /** Hands a frame to the kernel. Throws DiskError; the next one then begins a file. */
  write({ bytes, count }: ExemplarFrame): void {
    try {
      this.#open ??= this.#reopen()
      this.#open.write(bytes, this.#sizeBytes)
    } catch (error) {
      this.#abandon()
      // Nothing sound is in it: the next try takes its name.
      if (this.#files.at(-1)?.count === 0) this.#files.pop()
      throw error
    }
    this.#sizeBytes += bytes.length
    const file = this.#files.at(-1)!
    file.count += count
    if (file.count * RING_PARTS >= this.#capacity) this.#abandon()
  }

  /** Removes files that the others make superfluous. Rejects with DiskError; they are forgotten even so, until the next start. */
  dropOld(): Promise<void> {
    let count = this.#files.reduce((sum, file) => sum + file.count, 0)
    const names: string[] = []
    while (this.#files.length > 1 && count - this.#files[0]!.count >= this.#capacity) {
      const { name, count: gone } = this.#files.shift()!
      names.push(name)
      count -= gone
    }
    return removeFiles(this.#folder, names)
  }

  close(): void {
    this.#open?.close()
    this.#open = null
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`
  }

  /** The last file that was found, behind its last sound frame, or a new one. */
  #reopen(): DiskFile {
    const last = this.#files.at(-1)
    if (last !== undefined && this.#sizeBytes > 0 && last.count * RING_PARTS < this.#capacity) {
      const file = DiskFile.openForWrite(this.#path(last.name))
      file.truncate(this.#sizeBytes)
      return file
    }
    const number = last === undefined ? 1 : Number(last.name.slice(0, 8)) + 1
    this.#files.push({ name: `${String(number).padStart(8, '0')}.frames`, count: 0 })
    this.#sizeBytes = 0
    makeFolder(this.#folder)
    const file = DiskFile.openForWrite(this.#path(this.#files.at(-1)!.name))
    file.truncate(0)
    return file
  }

  /** The next write begins a file. */
  #abandon(): void {
    this.#sizeBytes = 0
    try {
      this.close()
    } catch (error) {
      // What was written is with the kernel, or has been reported.
      if (!(error instanceof DiskError)) throw error
      this.#open = null
    }
  }

  #grow(bytes: number): void {
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, bytes + BUFFER_BYTES))
    this.#buffer.copy(larger, 0, 0, this.#used)
    this.#buffer = larger
  }
}

/** Returns how many records there are. */
function visitRecords(bytes: Buffer, from: number, end: number, visit: (found: FoundExemplar) => void): number {
  const count = bytes.readUInt32LE(from)
  let at = from + PAYLOAD_HEAD_BYTES
  let seen = 0
  while (seen < count && at + RECORD_HEAD_BYTES <= end) {
    const length = bytes.readUInt16LE(at + 4)
    const textAt = at + RECORD_HEAD_BYTES
    if (textAt + length > end) break
    visit({
      ref: bytes.readUInt32LE(at), timeMs: bytes.readDoubleLE(at + 8), value: bytes.readDoubleLE(at + 16),
      isTimed: (bytes.readUInt16LE(at + 6) & FLAG_TIMED) !== 0, text: bytes, from: textAt, end: textAt + length,
    })
    at = textAt + ((length + 7) & ~7)
    seen++
  }
  return seen
}
