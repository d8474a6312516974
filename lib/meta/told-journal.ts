// Entries of the log of notifications on their way to the relational store. A line goes to this file as soon as main knows
// that people were told; the store's own sync comes milliseconds later, and a program that is killed between would tell them
// again. Lines are not synced: they outlive the process, not a power cut. Once the store has all of them the file begins anew.
// Node's pool of threads writes it, line behind line: a disk that hangs holds up neither scrapes nor pages.
//
//   <data>/meta/told.log    "<crc32 of the JSON, 8 hex digits> <JSON of an entry>\n" …
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { AppendQueue } from '../std/append-queue.ts'
import { AppendFile, readTextAside } from '../std/fs-aside.ts'
import { DiskError } from '../std/fs.ts'
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
  readonly #queue: AppendQueue
  #file: AppendFile | null = null
  #openCount = 0
  /** The store has refused one, whose line is the only trace of it. */
  #hasRefused = false
  #hasWarned = false

  constructor(folder: string, logger: Logger) {
    this.#path = path.join(folder, NAME)
    this.#logger = logger
    this.#queue = new AppendQueue((lines) => this.#write(lines), (error) => this.#warn(error))
  }

  /** The newest entries that were noted, of each group and receiver. Opens the file, too: the first line is then written at once. */
  async read(): Promise<NotificationEntry[]> {
    const entries = new Map<string, NotificationEntry>()
    try {
      const text = await readTextAside(this.#path) ?? ''
      for (const json of journalTexts(text)) {
        const entry = notedEntry(JSON.parse(json) as NotedEntry)
        entries.set(`${entry.receiver}\n${entry.groupKey}`, entry)
      }
      this.#queue.wake()
    } catch (error) {
      this.#warn(error)
    }
    return [...entries.values()]
  }

  /** Before the entry goes to the store; `settled` must follow. Never throws: the store is what counts. */
  note(entry: NotificationEntry): void {
    this.#openCount++
    void this.#queue.push(journalLine(JSON.stringify(entry)))
  }

  /** Who carried the message has noted the entry; `settled` must follow. */
  carried(): void {
    this.#openCount++
  }

  /** The store has, or has refused, an entry that was noted. */
  settled(isKept: boolean): void {
    this.#openCount--
    this.#hasRefused ||= !isKept
    if (!this.#isAllKept) return
    this.#queue.drop()
    if (this.#file === null || this.#file.sizeBytes > SIZE_BYTES) this.#queue.wake()
  }

  /** Resolves when what was noted is written. */
  async close(): Promise<void> {
    await this.#queue.idle()
    try {
      await this.#file?.close()
    } catch (error) {
      this.#warn(error)
    }
    this.#file = null
  }

  /** The store has all: no line is needed any more. */
  get #isAllKept(): boolean {
    return this.#openCount === 0 && !this.#hasRefused
  }

  async #write(lines: Buffer): Promise<void> {
    if (this.#file === null) {
      this.#file = await AppendFile.open(this.#path)
      // Behind what was written before; a line that broke off ends there.
      if (this.#file.sizeBytes > 0) await this.#file.append(Buffer.from('\n'))
    }
    if (this.#file.sizeBytes > (this.#isAllKept ? SIZE_BYTES : SIZE_BYTES_MAX)) {
      await this.#file.clear()
      this.#hasRefused = false
    }
    await this.#file.append(lines)
  }

  #warn(error: unknown): void {
    if (!(error instanceof DiskError)) throw error
    if (!this.#hasWarned) this.#logger.warn('cannot note what people were told before the store has it; a kill amid that may tell them again', { err: error })
    this.#hasWarned = true
  }
}

/** A line of an earlier version lacks some of it. */
export type NotedEntry = Omit<NotificationEntry, 'memory' | 'target'> & Partial<NotificationEntry>

export function notedEntry(noted: NotedEntry): NotificationEntry {
  return { memory: '', target: '', ...noted }
}

function sumOf(json: string): string {
  return crc32(json).toString(16).padStart(SUM_DIGITS, '0')
}

/** A JSON text with its checksum. */
export function journalLine(json: string): Buffer {
  return Buffer.from(`${sumOf(json)} ${json}\n`)
}

/** How many lines are not as they were written. The last one may have broken off; an empty one parts two processes. */
export function damagedLines(text: string): number {
  return text.split('\n').slice(0, -1).filter((line) => line !== '').length - journalTexts(text).length
}

/** The JSON of each line that is whole. */
export function journalTexts(text: string): string[] {
  return text.split('\n').slice(0, -1).filter((line) => sumOf(line.slice(SUM_DIGITS + 1)) === line.slice(0, SUM_DIGITS)).map((line) => line.slice(SUM_DIGITS + 1))
}

/** The name of an entry whose integration's name is another target's by now. */
export function nameAside({ receiver, target }: Pick<NotificationEntry, 'receiver' | 'target'>): string {
  return `${receiver}@${target}`
}

/** The entry, under a name of its own where `known`, which stands under its name, is another target's: neither says anything of the other. */
export function besides(known: NotificationEntry | undefined, entry: NotificationEntry): NotificationEntry {
  const isOthers = known !== undefined && known.target !== '' && entry.target !== '' && known.target !== entry.target
  return isOthers ? { ...entry, receiver: nameAside(entry) } : entry
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
