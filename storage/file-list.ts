// Which files of log, head and series there are to be, and how much of them is on the device: one that is gone, or cut off,
// leaves no other trace (FORMAT.md, "files.json").
//
//   bytes of a file are on the device ─▶ note      dropBefore ─▶ files are removed
//
// What it names is there, or was lost; what it does not name may be there. A disk that refuses it costs this knowledge alone.
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { systemClock, type Clock } from '../lib/std/clock.ts'
import { DiskError, pathExists, readTextIfThere, removeFile, replaceText, syncFolder } from '../lib/std/fs.ts'
import { NOTHING_KNOWN, type KnownLength } from './log/damage.ts'

export const LIST_FILE = 'files.json'
const VERSION = 1
/** How often at the most the length of a file that grows is noted: two syncs of main, for which pushes wait. */
const GROWN_MS = 60_000

/** By file, from the data folder on. */
type Lengths = ReadonlyMap<string, KnownLength>

export class FileList {
  readonly #data: string
  #lengths: Lengths
  /** By folder: the first file that was not dropped. */
  readonly #oldest = new Map<string, string>()
  readonly #clock: Clock
  /** By file: when its length was noted as it grew, monotonic ms. */
  readonly #grownMs = new Map<string, number>()
  /** The device has these lengths: a write that failed may have come to it even so. */
  #isWritten = true
  /** There is a list, and it cannot be read: it says nothing. */
  readonly isDamaged: boolean

  constructor(data: string, clock: Clock = systemClock) {
    this.#data = data
    this.#clock = clock
    const lengths = readLengths(path.join(data, LIST_FILE))
    this.isDamaged = lengths === null
    this.#lengths = lengths ?? new Map()
  }

  /** Bytes of a file, or its stream, that are on the device, at least; 0 where none are known to be. */
  lengthOf(file: string): number {
    return this.known(file).end
  }

  known(file: string): KnownLength {
    return this.#lengths.get(file) ?? NOTHING_KNOWN
  }

  /** Files that are to be there, and are not. */
  missing(): string[] {
    return [...this.#lengths.keys()].filter((file) => !pathExists(path.join(this.#data, file)))
  }

  /** So many bytes of a file are on the device, all of them sound. Of a file that was let go while its sync was under way nothing is noted. */
  note(file: string, bytes: number): void {
    this.noteAll([[file, { whole: bytes, end: bytes }]])
  }

  /** The same of a file that is being written, which is synced often: at first, and once a minute from then on. */
  noteGrown(file: string, bytes: number): void {
    const now = this.#clock.monotonic()
    const known = this.lengthOf(file)
    if (bytes <= known || (known > 0 && now - (this.#grownMs.get(file) ?? -Infinity) < GROWN_MS)) return
    this.#grownMs.set(file, now)
    this.note(file, bytes)
  }

  noteAll(known: readonly (readonly [file: string, known: KnownLength])[]): void {
    const news = known.filter(([file, { whole, end }]) => {
      const before = this.known(file)
      return (before.end !== end || before.whole !== whole) && file >= (this.#oldest.get(path.dirname(file)) ?? '')
    })
    if (news.length === 0) return
    try {
      this.#write(new Map([...this.#lengths, ...news]))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
    }
  }

  /** Files of its folder whose names come before are about to be removed. Throws DiskError; they must stay then. */
  dropBefore(file: string): void {
    this.#oldest.set(path.dirname(file), file)
    for (const one of this.#grownMs.keys()) if (path.dirname(one) === path.dirname(file) && one < file) this.#grownMs.delete(one)
    this.#keep((one) => path.dirname(one) !== path.dirname(file) || one >= file)
  }

  /** Another is about to take the place of this file, or it is given up. Throws DiskError; it must stay then. */
  drop(file: string): void {
    this.#keep((one) => one !== file)
  }

  #keep(isKept: (file: string) => boolean): void {
    const kept = new Map([...this.#lengths].filter(([file]) => isKept(file)))
    if (kept.size === this.#lengths.size && this.#isWritten) return
    try {
      this.#write(kept)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      // Removing is what makes room on a full disk.
      removeFile(path.join(this.#data, LIST_FILE))
      syncFolder(this.#data)
      this.#lengths = new Map()
      this.#isWritten = true
    }
  }

  #write(lengths: Lengths): void {
    const files = [...lengths].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([file, { whole, end }]) => (whole === end ? [file, end] : [file, end, whole]))
    this.#isWritten = false
    replaceText(path.join(this.#data, LIST_FILE), `${JSON.stringify({ version: VERSION, files, crc32: crc32(JSON.stringify(files)) })}\n`)
    this.#lengths = lengths
    this.#isWritten = true
  }
}

/** Empty where there is no list, null where it cannot be read. */
function readLengths(file: string): Lengths | null {
  try {
    const text = readTextIfThere(file)
    if (text === null) return new Map()
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { version, files, crc32: sum } = value as Record<string, unknown>
    return version === VERSION && Array.isArray(files) && files.every(isEntry) && sum === crc32(JSON.stringify(files))
      ? new Map(files.map(([file, end, whole = end]) => [file, { whole, end }])) : null
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof DiskError)) throw error
    return null
  }
}

function isEntry(value: unknown): value is [file: string, end: number, whole?: number] {
  return Array.isArray(value) && (value.length === 2 || value.length === 3) && typeof value[0] === 'string' && value.slice(1).every((length) => typeof length === 'number')
}
