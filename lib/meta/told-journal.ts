// Entries of the log of notifications on their way to the relational store. A line stands in this file as soon as main knows
// that people were told; the store's own sync comes milliseconds later, and a program that is killed between would tell them
// again. Lines are not synced: they outlive the process, not a power cut. Once the store has all of them the file begins anew.
//
//   <data>/meta/told.log    "<crc32 of the JSON, 8 hex digits> <JSON of an entry>\n" …
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { readTextAside } from '../std/fs-aside.ts'
import { DiskError, DiskFile, makeFolder } from '../std/fs.ts'
import type { Logger } from '../std/log.ts'
import type { NotificationEntry } from './interface.ts'

const NAME = 'told.log'
const SUM_DIGITS = 8
/** A file that is larger begins anew at the next moment at which the store has all. */
const SIZE_BYTES = 1 << 18
/** While the store refuses entries the file grows to this at most. */
const SIZE_BYTES_MAX = 1 << 24

export class ToldJournal {
  readonly #path: string
  readonly #logger: Logger
  #file: DiskFile | null = null
  #endBytes = 0
  /** What it has is read: a disk that hangs then holds no page, whose line is left out. */
  #isReading = false
  #openCount = 0
  /** The store has refused one, whose line is the only trace of it. */
  #hasRefused = false
  #hasWarned = false

  constructor(folder: string, logger: Logger) {
    this.#path = path.join(folder, NAME)
    this.#logger = logger
  }

  /** The newest entries that were noted, of each group and receiver. Opens the file: the first page must not wait for that. */
  async read(): Promise<NotificationEntry[]> {
    const entries = new Map<string, NotificationEntry>()
    this.#isReading = true
    try {
      const text = await readTextAside(this.#path) ?? ''
      for (const json of journalTexts(text)) {
        // A line of an earlier version has no memory.
        const entry: NotificationEntry = { memory: '', ...JSON.parse(json) as Omit<NotificationEntry, 'memory'> }
        entries.set(`${entry.receiver}\n${entry.groupKey}`, entry)
      }
      this.#file ??= this.#open()
    } catch (error) {
      this.#warn(error)
    } finally {
      this.#isReading = false
    }
    return [...entries.values()]
  }

  /** Before the entry goes to the store; `settled` must follow. Never throws: the store is what counts. */
  note(entry: NotificationEntry): void {
    this.#openCount++
    if (this.#isReading) return
    try {
      this.#file ??= this.#open()
      if (this.#endBytes > SIZE_BYTES_MAX) this.#beginAnew(this.#file)
      const line = journalLine(JSON.stringify(entry))
      this.#file.write(line, this.#endBytes)
      this.#endBytes += line.length
    } catch (error) {
      this.#warn(error)
    }
  }

  /** Who carried the message has noted the entry; `settled` must follow. */
  carried(): void {
    this.#openCount++
  }

  /** The store has, or has refused, an entry that was noted. */
  settled(isKept: boolean): void {
    this.#openCount--
    this.#hasRefused ||= !isKept
    if (this.#file === null || this.#openCount > 0 || this.#hasRefused || this.#endBytes <= SIZE_BYTES) return
    try {
      this.#beginAnew(this.#file)
    } catch (error) {
      this.#warn(error)
    }
  }

  close(): void {
    this.#file?.close()
    this.#file = null
  }

  /** Behind what was written before; a line that broke off ends there. */
  #open(): DiskFile {
    makeFolder(path.dirname(this.#path))
    const file = DiskFile.openForWrite(this.#path)
    this.#endBytes = file.sizeBytes()
    if (this.#endBytes === 0) return file
    file.write(Buffer.from('\n'), this.#endBytes)
    this.#endBytes++
    return file
  }

  #beginAnew(file: DiskFile): void {
    file.truncate(0)
    this.#endBytes = 0
    this.#hasRefused = false
  }

  #warn(error: unknown): void {
    if (!(error instanceof DiskError)) throw error
    if (!this.#hasWarned) this.#logger.warn('cannot note what people were told before the store has it; a kill amid that may tell them again', { err: error })
    this.#hasWarned = true
  }
}

function sumOf(json: string): string {
  return crc32(json).toString(16).padStart(SUM_DIGITS, '0')
}

/** A JSON text with its checksum. */
export function journalLine(json: string): Buffer {
  return Buffer.from(`${sumOf(json)} ${json}\n`)
}

/** The JSON of each line that is whole. */
export function journalTexts(text: string): string[] {
  return text.split('\n').slice(0, -1).filter((line) => sumOf(line.slice(SUM_DIGITS + 1)) === line.slice(0, SUM_DIGITS)).map((line) => line.slice(SUM_DIGITS + 1))
}

/**
 * What holds of what the store and the journal have of one group and receiver. Of one moment, the one that has told less: it came
 * later, and telling once too often is better than never.
 */
export function laterEntry(stored: NotificationEntry, noted: NotificationEntry): NotificationEntry {
  if (noted.timeMs !== stored.timeMs) return noted.timeMs > stored.timeMs ? noted : stored
  const firing = new Set(noted.firing)
  return { ...stored, firing: stored.firing.filter((one) => firing.has(one)), withheld: [...new Set([...stored.withheld, ...noted.withheld])] }
}
