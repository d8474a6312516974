// Requests that came while the store was being read: kept on the device until it has taken them (FORMAT.md, "Inbox").
//
//   add ─▶ frame ─▶ write ─▶ fdatasync ─▶ acknowledged      the store is open ─▶ handed over ─▶ clear
//
// A process that dies before it has handed over leaves its files to the next, which hands over theirs first. One for a
// folder whose lock is held.
import path from 'node:path'
import { freeSpace, listFolder, makeFolder, openDurably, readWhole, removeFiles, type DiskFile } from '../lib/std/fs.ts'
import { reserveOf } from './disk-reserve.ts'
import { LogError } from './errors.ts'
import { assertKnownFrames } from './format-mark.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_REQUEST, sealFrame } from './log/frame.ts'
import { scanFrames } from './log/scan-frames.ts'

/** Of all requests that wait; they are held in memory, too. */
const BYTES_MAX = 256 * 2 ** 20
const NAME = /^\d{8}\.frames$/
/** Of a payload: its length, and what fills it up to 8. */
const LENGTH_BYTES = 8

interface Waiter {
  frame: Buffer
  resolve: () => void
  reject: (error: Error) => void
}

export class Inbox {
  /** What an earlier process has left, oldest first. */
  readonly left: readonly Uint8Array[]
  /** Bytes in what was left that are no sound frame: nothing that was acknowledged, unless the disk has rotted. */
  readonly damagedBytes: number
  readonly #data: string
  readonly #folder: string
  readonly #reserveBytes: number | undefined
  readonly #bytesMax: number
  #file: DiskFile | null = null
  #fileNumber: number
  #fileBytes = 0
  #heldBytes = 0
  #waiters: Waiter[] = []
  #isBusy = false

  /** `data`: the data folder. Reads what is left there. `bytesMax`: of all that waits. Throws DiskError. */
  constructor(data: string, reserveBytes: number | undefined, bytesMax: number = BYTES_MAX) {
    this.#bytesMax = bytesMax
    this.#data = data
    this.#folder = path.join(data, 'inbox')
    this.#reserveBytes = reserveBytes
    const left: Uint8Array[] = []
    let damagedBytes = 0
    const names = listFolder(this.#folder).filter((name) => NAME.test(name))
    for (const name of names) damagedBytes += readRequests(path.join(this.#folder, name), left)
    this.left = left
    this.damagedBytes = damagedBytes
    this.#heldBytes = left.reduce((sum, { length }) => sum + length, 0)
    this.#fileNumber = Number(names.at(-1)?.slice(0, 8) ?? 0)
  }

  /** Resolves when the request is on the device. Rejects with LogError where there is no room, or the disk refuses. */
  async add(body: Uint8Array): Promise<void> {
    this.#assertRoom(body.length)
    this.#heldBytes += body.length
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiters.push({ frame: frameOf(body), resolve, reject })
        if (!this.#isBusy) void this.#flush()
      })
    } catch (error) {
      this.#heldBytes -= body.length
      throw error
    }
  }

  /** Everything is in the store: the files go. Rejects with DiskError; the next start then hands them over once more. */
  async clear(): Promise<void> {
    this.#file?.close()
    this.#file = null
    this.#heldBytes = 0
    await removeFiles(this.#folder, listFolder(this.#folder).filter((name) => NAME.test(name)))
  }

  #assertRoom(bytes: number): void {
    if (this.#heldBytes + bytes > this.#bytesMax) throw new LogError(`the store is being read, and ${this.#heldBytes} bytes of requests wait for it; come again`, 'disk_busy')
    const { freeBytes, sizeBytes } = freeSpace(this.#data)
    if (freeBytes - bytes < reserveOf(sizeBytes, this.#reserveBytes)) throw new LogError('disk reserve reached: free space or lower --storage.reserve.size', 'disk_reserve')
  }

  /** Writes and syncs what has come, until nothing has come meanwhile. */
  async #flush(): Promise<void> {
    this.#isBusy = true
    while (this.#waiters.length > 0) {
      const batch = this.#waiters.splice(0)
      try {
        await this.#keep(Buffer.concat(batch.map(({ frame }) => frame)))
        for (const { resolve } of batch) resolve()
      } catch (cause) {
        // Whoever asked is told, whatever it is: nobody else waits for this.
        const why = cause instanceof Error ? cause.message : String(cause)
        for (const { reject } of batch) reject(new LogError(`cannot keep the request: ${why}; send it again`, 'disk_error', { cause }))
      }
    }
    this.#isBusy = false
  }

  async #keep(bytes: Buffer): Promise<void> {
    const file = this.#file ?? this.#nextFile()
    // What a file holds whose sync has failed is not known any more: the next goes into another.
    this.#file = null
    try {
      file.write(bytes, this.#fileBytes)
      await file.sync()
    } catch (error) {
      file.close()
      throw error
    }
    this.#fileBytes += bytes.length
    this.#file = file
  }

  #nextFile(): DiskFile {
    makeFolder(this.#folder)
    this.#fileBytes = 0
    return openDurably(path.join(this.#folder, `${String(++this.#fileNumber).padStart(8, '0')}.frames`))
  }
}

function frameOf(body: Uint8Array): Buffer {
  const length = Math.ceil((LENGTH_BYTES + body.length) / 8) * 8
  const frame = Buffer.alloc(length + FRAME_OVERHEAD_BYTES)
  frame.writeUInt32LE(body.length, FRAME_HEAD_BYTES)
  frame.set(body, FRAME_HEAD_BYTES + LENGTH_BYTES)
  sealFrame(frame, 0, TYPE_REQUEST, length)
  return frame
}

/** Puts the requests of a file behind `into`; returns the bytes between sound frames. Throws FolderError where a newer Monitor has written it. */
function readRequests(file: string, into: Uint8Array[]): number {
  const found = readWhole(file)
  const bytes = Buffer.from(found.buffer, found.byteOffset, found.length)
  let soundBytes = 0
  const tally = scanFrames(bytes, 0, bytes.length, (type, at, length) => {
    soundBytes += length + FRAME_OVERHEAD_BYTES
    if (type === TYPE_REQUEST) into.push(bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + bytes.readUInt32LE(at)))
  })
  // What is left out here goes with its file.
  assertKnownFrames(file, tally)
  return tally.soundEnd - soundBytes
}
