// The write-ahead log: rows in the order they were accepted (FORMAT.md, "Log").
//
//   append row ─▶ buffer ─(end of the event-loop turn)─▶ write ─▶ fdatasync ─▶ commits resolve, buffer forgets
//
// One write per turn for whatever came in it. New definitions are synced to the series file before the rows that use
// them are written. A commit starts a sync at once; while one runs, later commits gather for the next (group commit).
// Rows stay in the buffer until they are on the device: when the disk refuses a write or a sync, the file is left as it
// is, and they go into a new one once the disk takes it (`resume`).
import path from 'node:path'
import { assert } from '../../lib/std/assert.ts'
import { systemClock, type Clock, type Timer } from '../../lib/std/clock.ts'
import { faultPoint } from '../../lib/std/fault-point.ts'
import { explainDisk } from '../../lib/std/disk-advice.ts'
import { DiskError, removeFile, removeFiles, type DiskFile } from '../../lib/std/fs.ts'
import { LogError } from '../errors.ts'
import type { FileList } from '../file-list.ts'
import { closeMarked } from './damage.ts'
import { LOG_HEADER_BYTES, listed, logPath, makeLogFile, type LogFile } from './log-file.ts'
import { RowBuffer, type LoggedRow } from './row-buffer.ts'
import type { SeriesFile } from './series-file.ts'

const FILE_BYTES_MAX = 64 * 1024 * 1024
/** Rows that are not on the device pile up to here, then appends are refused. */
const UNSYNCED_BYTES_MAX = 64 * 1024 * 1024
/** A start after a kill begins a file of its own: more than these, and small ones, are emptied soon. */
const FILES_MAX = 4
/** Rows that nobody waits for (scrapes) are on the device at the latest after this. */
const IDLE_SYNC_MS = 200

interface Waiter {
  lsn: number
  resolve: () => void
  reject: (error: Error) => void
}

export interface LogOptions {
  clock?: Clock | undefined
  /** A file that has this many bytes is followed by another. */
  fileBytesMax?: number | undefined
  /** Where what is on the device is noted. */
  list?: FileList | null
}

export class Log {
  readonly #folder: string
  readonly #series: SeriesFile
  readonly #clock: Clock
  readonly #fileBytesMax: number
  /** Files, oldest first; the last is being written. */
  readonly #files: LogFile[]
  readonly #list: FileList | null
  /** null where the disk has refused the first one. */
  #file: DiskFile | null = null
  #fileStart: number
  #writtenLsn: number
  /** LSN of the first byte in the buffer. All before is on the device; what is not lies in the last file only. */
  #syncedLsn: number
  readonly #rows = new RowBuffer()
  /** More is synced than a mark says. */
  #isMarkDue = false
  #isFlushDue = false
  #isBusy = false
  /** Definitions are on their way to the device; rows that may use them must wait. */
  #isDefining = false
  #idleTimer: Timer | null = null
  #waiters: Waiter[] = []
  #isClosed = false
  /** Files that were to go may be there still, until the next start. */
  #hasLeftFiles = false
  /** Why nothing is written now. */
  #failure: LogError | null = null
  /** Why no rows are taken, though they could be written. */
  #hold: LogError | null = null
  /** fdatasync calls that have completed, for metrics and tests. */
  syncCount = 0
  failureCount = 0
  /** Called after each sync of rows with the time that it took, and the time it is, both monotonic ms. */
  onSync: (tookMs: number, nowMs: number) => void = () => {}

  constructor(folder: string, startLsn: number, older: readonly LogFile[], series: SeriesFile, { clock = systemClock, fileBytesMax = FILE_BYTES_MAX, list = null }: LogOptions) {
    this.#folder = folder
    this.#series = series
    this.#clock = clock
    this.#fileBytesMax = fileBytesMax
    this.#files = [...older]
    this.#list = list
    this.#fileStart = startLsn
    this.#writtenLsn = startLsn + LOG_HEADER_BYTES
    this.#syncedLsn = this.#writtenLsn
    // A disk without room for a byte is no reason not to start: it is tried again by `resume`.
    this.#guard(() => (this.#file = this.#openFile(startLsn)))
  }

  /** LSN that the next row gets. */
  get nextLsn(): number {
    return this.#syncedLsn + this.#rows.used
  }

  get sizeBytes(): number {
    // Between the files of two processes LSNs have a gap that no byte lies in.
    return this.#files.reduce((sum, { startLsn, endLsn }) => sum + endLsn - startLsn, this.#rows.used)
  }

  /** Rows that are not on the device yet. */
  get unsyncedBytes(): number {
    return this.#rows.used
  }

  /** Rows before this LSN lie in many small files, which kills leave behind; 0 where there are few. */
  get crowdedBelow(): number {
    const older = this.#files.slice(0, -1)
    const bytes = older.reduce((sum, { startLsn, endLsn }) => sum + endLsn - startLsn, 0)
    return older.length >= FILES_MAX && bytes < FILE_BYTES_MAX ? this.#files.at(-1)!.startLsn : 0
  }

  /** Why no rows are taken until the disk is better; null if they are. */
  get refusal(): LogError | null {
    return this.#hold ?? this.#failure
  }

  /** The disk has refused a write or sync, and `resume` may help. */
  get isResumable(): boolean {
    return this.#failure !== null && !this.#isBusy && !this.#isClosed && !this.#series.hasFailedSync
  }

  /** Takes no rows from now on, for this reason, or takes them again (null). What was taken is written all the same. */
  hold(reason: LogError | null): void {
    this.#hold = reason
  }

  /**
   * Appends a row; `values[from, from + row.n)` are its values. Returns its LSN. Copies everything before it returns.
   */
  appendRow(row: LoggedRow, values: Float64Array, from: number): number {
    if (this.#isMarkDue) this.#mark()
    const lsn = this.nextLsn
    this.#rows.append(row, values, from)
    this.#scheduleFlush()
    return lsn
  }

  /** Resolves when every row appended and every series made so far is on the device. */
  commit(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const lsn = this.nextLsn
    // Definitions that a flush has under way are not pending any more, and not on the device either.
    if (lsn <= this.#syncedLsn && !this.#series.hasPending && !this.#isDefining) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ lsn, resolve, reject })
      this.#scheduleFlush()
    })
  }

  /** Removes files whose rows all lie before `lsn`. Rejects with DiskError; the files are forgotten even so, until the next start. */
  async dropBefore(lsn: number): Promise<void> {
    const names: string[] = []
    while (this.#files.length > 1 && this.#files[0]!.endLsn <= lsn) names.push(path.basename(this.#files.shift()!.path))
    try {
      if (names.length > 0) this.#list?.dropBefore(listed(this.#files[0]!.path))
      await removeFiles(this.#folder, names)
    } catch (error) {
      this.#hasLeftFiles = true
      throw error
    }
  }

  /** No row before this is in any file; -Infinity where the disk has not let one go. */
  get oldestLsn(): number {
    return this.#hasLeftFiles ? -Infinity : (this.#files[0]?.startLsn ?? this.#fileStart) + LOG_HEADER_BYTES
  }

  /** Writes and syncs everything, then closes, also where that fails. Throws LogError. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#idleTimer?.cancel()
    try {
      if (this.#failure === null) this.#guard(() => this.#writeAndSyncNow())
    } finally {
      if (this.#failure === null) this.#closeMarked()
      else this.#file?.close()
    }
    if (this.#failure !== null) throw this.#failure
    for (const waiter of this.#waiters.splice(0)) waiter.resolve()
  }

  #writeAndSyncNow(): void {
    this.#series.write()
    this.#series.syncNow()
    this.#write(this.nextLsn)
    this.#file!.syncNow()
    this.#syncedLsn = this.#writtenLsn
  }

  #closeMarked(): void {
    this.#noteLength()
    closeMarked(this.#file!, LOG_HEADER_BYTES, this.#writtenLsn - this.#fileStart, this.#rows.times(0))
  }

  #noteLength(): void {
    const bytes = this.#syncedLsn - this.#fileStart
    if (bytes > LOG_HEADER_BYTES) this.#list?.note(listed(this.#file!.path), bytes)
  }

  #scheduleFlush(): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    setImmediate(() => {
      this.#isFlushDue = false
      if (this.#isStopped) return
      if (!this.#isBusy) void this.#flush()
      // While rows are being synced, more may be written behind them; not while definitions they may use are, nor into a full file.
      else if (!this.#isDefining && !this.#series.hasPending && !this.#isFull) {
        this.#guard(() => this.#write(this.nextLsn))
        this.#syncSoon()
      }
    })
  }

  /** One round: definitions (synced), rows that came before it began, and a sync if someone waits. */
  async #flush(): Promise<void> {
    this.#isBusy = true
    try {
      const upTo = this.nextLsn
      if (this.#series.hasPending) {
        this.#isDefining = true
        this.#series.write()
        faultPoint('log.definitions-written')
        await this.#series.sync()
        faultPoint('log.definitions-synced')
        this.#isDefining = false
      } else this.#series.rest()
      if (this.#isStopped) return
      if (this.#isFull) {
        if (this.#syncedLsn < this.#writtenLsn) await this.#sync()
        if (this.#isStopped) return
        this.#beginNextFile()
      }
      this.#write(upTo)
      if (this.#waiters.length > 0) await this.#sync()
      else this.#syncSoon()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#isDefining = false
      this.#isBusy = false
    }
    this.#flushWhatCame()
  }

  #syncSoon(): void {
    this.#idleTimer ??= this.#clock.after(IDLE_SYNC_MS, () => this.#idleSync(), true)
  }

  #idleSync(): void {
    this.#idleTimer = null
    if (this.#isStopped || this.#syncedLsn === this.#writtenLsn) return
    if (this.#isBusy) {
      // The sync that runs may have begun before some rows were written.
      this.#syncSoon()
      return
    }
    this.#isBusy = true
    this.#sync().catch((error: unknown) => this.#fail(error)).finally(() => {
      this.#isBusy = false
      this.#flushWhatCame()
    })
  }

  /** What came while the disk was busy wants a round of its own. */
  #flushWhatCame(): void {
    if (!this.#isClosed && (this.#waiters.length > 0 || this.#writtenLsn < this.nextLsn || this.#series.hasPending)) this.#scheduleFlush()
  }

  async #sync(): Promise<void> {
    const lsn = this.#writtenLsn
    const beganMs = this.#clock.monotonic()
    await this.#file!.sync()
    const nowMs = this.#clock.monotonic()
    faultPoint('log.rows-synced')
    this.onSync(nowMs - beganMs, nowMs)
    this.#synced(lsn)
  }

  #synced(lsn: number): void {
    this.syncCount++
    this.#rows.drop(lsn - this.#syncedLsn)
    this.#syncedLsn = lsn
    this.#isMarkDue = lsn > this.#fileStart + LOG_HEADER_BYTES
    if (this.#isMarkDue) this.#list?.noteGrown(listed(this.#file!.path), lsn - this.#fileStart)
    const waiting = this.#waiters
    this.#waiters = waiting.filter((waiter) => waiter.lsn > lsn)
    for (const waiter of waiting) if (waiter.lsn <= lsn) waiter.resolve()
  }

  #guard(f: () => void): void {
    try {
      f()
    } catch (error) {
      this.#fail(error)
    }
  }

  /**
   * After a failed write or sync nobody knows what the device holds of the file's end, and a sync that succeeds later
   * proves nothing about it (fsyncgate). Whoever waits is told so, and nothing more is taken until `resume`.
   */
  #fail(cause: unknown): void {
    this.failureCount++
    const why = cause instanceof DiskError ? explainDisk(cause) : cause instanceof Error ? cause.message : String(cause)
    this.#failure = new LogError(`cannot write the log, so nothing more is taken: ${why}; it is tried again in a new file every second`, 'disk_error', { cause })
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure)
  }

  /**
   * After a failure, puts all that is not on the device into a new file, synced, and takes rows again; the failure stays
   * where the disk refuses that, too. Holds the thread as long as the disk takes.
   */
  resume(): void {
    assert(this.isResumable, 'the log has not failed, or for good')
    this.#guard(() => {
      this.#series.write()
      this.#series.syncNow()
      this.#file?.close()
      const last = this.#files.at(-1)
      if (last !== undefined) last.endLsn = Math.min(last.endLsn, this.#syncedLsn)
      if (this.#file !== null) this.#noteLength()
      // LSNs are given out: the new file's header lies over the last bytes that are synced. Of a file with that name nothing is.
      const startLsn = this.#syncedLsn - LOG_HEADER_BYTES
      removeFile(logPath(this.#folder, startLsn))
      this.#file = this.#openFile(startLsn)
      this.#writtenLsn = this.#syncedLsn
      this.#write(this.nextLsn)
      this.#file.syncNow()
      this.#synced(this.#writtenLsn)
      this.#failure = null
    })
  }

  /** Throws LogError if rows cannot be taken now. Asked before a batch is put anywhere, so that none is seen but not logged. */
  assertWritable(): void {
    const { refusal } = this
    if (refusal !== null) throw refusal
    if (this.#rows.used > UNSYNCED_BYTES_MAX) throw new LogError(`cannot log more rows: ${this.#rows.used} bytes wait for the disk`, 'disk_busy')
  }

  get #isStopped(): boolean {
    return this.#isClosed || this.#failure !== null
  }

  get #isFull(): boolean {
    return this.#writtenLsn - this.#fileStart >= this.#fileBytesMax
  }

  /** Hands rows before an LSN to the kernel. */
  #write(upTo: number): void {
    if (upTo === this.#writtenLsn) return
    this.#file!.write(this.#rows.part(this.#writtenLsn - this.#syncedLsn, upTo - this.#syncedLsn), this.#writtenLsn - this.#fileStart)
    faultPoint('log.rows-written')
    this.#writtenLsn = upTo
    this.#files.at(-1)!.endLsn = upTo
  }

  /** A full file that is synced to its end is followed by another, whose header lies over its last bytes: LSNs behind them are given out. */
  #beginNextFile(): void {
    assert(this.#syncedLsn === this.#writtenLsn, `${this.#writtenLsn - this.#syncedLsn} bytes of a full file are not synced`)
    const full = this.#file!
    const end = this.#writtenLsn - this.#fileStart
    this.#noteLength()
    this.#file = this.#openFile(this.#writtenLsn - LOG_HEADER_BYTES)
    closeMarked(full, LOG_HEADER_BYTES, end, this.#rows.times(this.nextLsn - this.#writtenLsn))
  }

  #openFile(startLsn: number): DiskFile {
    const file = makeLogFile(this.#folder, startLsn)
    if (this.#files.at(-1)?.startLsn === startLsn) this.#files.pop()
    this.#files.push({ startLsn, endLsn: startLsn + LOG_HEADER_BYTES, path: file.path })
    this.#fileStart = startLsn
    this.#isMarkDue = false
    this.#rows.clearMarks()
    return file
  }

  /** Says behind the rows so far which of them are on the device. */
  #mark(): void {
    this.#isMarkDue = false
    this.#rows.mark(LOG_HEADER_BYTES, this.#syncedLsn - this.#fileStart)
  }
}
