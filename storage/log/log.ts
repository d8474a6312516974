// The write-ahead log: rows in the order they were accepted (FORMAT.md, "Log").
//
//   append row ─▶ buffer ─(end of the event-loop turn)─▶ write ─▶ fdatasync ─▶ commits resolve
//
// One write per turn for whatever came in it. New definitions are synced to the series file before the rows that use
// them are written. A commit starts a sync at once; while one runs, later commits gather for the next (group commit).
import path from 'node:path'
import { systemClock, type Clock, type Timer } from '../../lib/std/clock.ts'
import { faultPoint } from '../../lib/std/fault-point.ts'
import { DiskFile, removeFiles, syncFolder } from '../../lib/std/fs.ts'
import { histogramRecordBytes } from '../codec/histogram-record.ts'
import { LogError } from '../errors.ts'
import { MARK_BYTES, closeMarked, writeMark } from './damage.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_ROW, sealFrame } from './frame.ts'
import type { SeriesFile } from './series-file.ts'

export const LOG_HEADER_BYTES = 16
const LOG_MAGIC = 'MONLOG01'
const FILE_BYTES_MAX = 64 * 1024 * 1024
const BUFFER_BYTES = 1 << 20
/** Rows that the disk refused pile up to here, then appends are refused. */
const UNWRITTEN_BYTES_MAX = 64 * 1024 * 1024
/** A start after a kill begins a file of its own: more than these, and small ones, are emptied soon. */
const FILES_MAX = 4
/** Rows that nobody waits for (scrapes) are on the device at the latest after this. */
const IDLE_SYNC_MS = 200

export const ROW_PRESENT = 1
export const ROW_STALE = 2
export const ROW_HISTOGRAMS = 4
export const ROW_START_TIMES = 8

export interface LogFile {
  startLsn: number
  endLsn: number
  path: string
}

export function logPath(folder: string, startLsn: number): string {
  return `${folder}/${String(startLsn).padStart(20, '0')}.log`
}

interface Waiter {
  lsn: number
  resolve: () => void
  reject: (error: Error) => void
}

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

export interface LogOptions {
  clock?: Clock | undefined
  /** A file that has this many bytes is followed by another. */
  fileBytesMax?: number | undefined
}

export class Log {
  readonly #folder: string
  readonly #series: SeriesFile
  readonly #clock: Clock
  readonly #fileBytesMax: number
  /** Files, oldest first; the last is being written. */
  readonly #files: LogFile[]
  #file: DiskFile
  #fileStart: number
  /** LSN of the first byte in the buffer. */
  #writtenLsn: number
  #syncedLsn: number
  #buffer: Buffer = Buffer.from(new ArrayBuffer(BUFFER_BYTES))
  #floats: Float64Array = new Float64Array(this.#buffer.buffer)
  #used = 0
  /** More is synced than a mark says. */
  #isMarkDue = false
  #isFlushDue = false
  #isBusy = false
  /** Definitions are on their way to the device; rows that may use them must wait. */
  #isDefining = false
  /** Full files that still want their last sync. */
  readonly #full: DiskFile[] = []
  #idleTimer: Timer | null = null
  #waiters: Waiter[] = []
  #isClosed = false
  /** Why nothing is written any more. */
  #failure: LogError | null = null
  /** fdatasync calls that have completed, for metrics and tests. */
  syncCount = 0
  failureCount = 0

  constructor(folder: string, startLsn: number, older: readonly LogFile[], series: SeriesFile, { clock = systemClock, fileBytesMax = FILE_BYTES_MAX }: LogOptions) {
    this.#folder = folder
    this.#series = series
    this.#clock = clock
    this.#fileBytesMax = fileBytesMax
    this.#files = [...older]
    this.#fileStart = startLsn
    this.#writtenLsn = startLsn
    this.#syncedLsn = startLsn
    this.#file = this.#openFile(startLsn)
  }

  /** LSN that the next row gets. */
  get nextLsn(): number {
    return this.#writtenLsn + this.#used
  }

  get sizeBytes(): number {
    return this.nextLsn - this.#files[0]!.startLsn
  }

  /** Rows before this LSN lie in many small files, which kills leave behind; 0 where there are few. */
  get crowdedBelow(): number {
    const older = this.#files.slice(0, -1)
    const bytes = older.reduce((sum, { startLsn, endLsn }) => sum + endLsn - startLsn, 0)
    return older.length >= FILES_MAX && bytes < FILE_BYTES_MAX ? this.#files.at(-1)!.startLsn : 0
  }

  /**
   * Appends a row; `values[from, from + row.n)` are its values. Returns its LSN. Copies everything before it returns.
   */
  appendRow(row: LoggedRow, values: Float64Array, from: number): number {
    const words = (row.n + 31) >>> 5
    const bitmaps = (row.present ? words : 0) + (row.stale ? words : 0) + (row.histograms ? words : 0)
    const headBytes = 24 + ((bitmaps * 4 + 7) & ~7)
    const hasStartTimes = row.startTimesAt >= 0
    const recordsAt = headBytes + row.n * (hasStartTimes ? 16 : 8)
    const recordBytes = row.histograms === null ? 0 : recordsBytes(row, row.histograms, values, from)
    const length = recordsAt + ((recordBytes + 7) & ~7)
    if (this.#isMarkDue) this.#mark()
    this.#reserve(length + FRAME_OVERHEAD_BYTES)
    const lsn = this.nextLsn
    const buffer = this.#buffer
    const at = this.#used + FRAME_HEAD_BYTES
    this.#floats[at / 8] = row.t
    buffer.writeUInt32LE(row.group, at + 8)
    buffer.writeUInt32LE(row.first, at + 12)
    buffer.writeUInt32LE(row.n, at + 16)
    buffer.writeUInt32LE((flagsOf(row) | (row.salt << 16)) >>> 0, at + 20)
    if (bitmaps > 0) this.#writeBitmaps(row, at + 24, words, headBytes - 24)
    this.#floats.set(values.subarray(from, from + row.n), (at + headBytes) / 8)
    if (hasStartTimes) this.#floats.set(values.subarray(row.startTimesAt, row.startTimesAt + row.n), (at + headBytes) / 8 + row.n)
    if (row.histograms !== null) {
      buffer.fill(0, at + length - 8, at + length)
      this.#copyRecords(row, row.histograms, (at + headBytes) / 8, at + recordsAt)
    }
    this.#used = sealFrame(buffer, this.#used, TYPE_ROW, length)
    this.#scheduleFlush()
    return lsn
  }

  /** Resolves when every row appended and every series made so far is on the device. */
  commit(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const lsn = this.nextLsn
    if (lsn <= this.#syncedLsn && !this.#series.hasPending) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ lsn, resolve, reject })
      this.#scheduleFlush()
    })
  }

  /** Removes files whose rows all lie before `lsn`. Rejects with DiskError; the files are forgotten even so, until the next start. */
  dropBefore(lsn: number): Promise<void> {
    const names: string[] = []
    while (this.#files.length > 1 && this.#files[0]!.endLsn <= lsn) names.push(path.basename(this.#files.shift()!.path))
    return removeFiles(this.#folder, names)
  }

  /** Writes and syncs everything, then closes, also where that fails. Throws LogError. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#idleTimer?.cancel()
    try {
      if (this.#failure === null) this.#guard(() => this.#writeAndSyncNow())
    } finally {
      for (const file of [...this.#full.splice(0), this.#file]) {
        if (this.#failure === null) closeMarked(file, LOG_HEADER_BYTES, file.sizeBytes())
        else file.close()
      }
    }
    if (this.#failure !== null) throw this.#failure
    for (const waiter of this.#waiters.splice(0)) waiter.resolve()
  }

  #writeAndSyncNow(): void {
    this.#series.write()
    this.#series.syncNow()
    this.#writeBuffer(this.#used)
    for (const file of this.#full) file.syncNow()
    this.#file.syncNow()
  }

  #scheduleFlush(): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    setImmediate(() => {
      this.#isFlushDue = false
      if (this.#isClosed || this.#failure !== null) return
      if (!this.#isBusy) void this.#flush()
      // While rows are being synced, more may be written behind them; not while definitions they may use are.
      else if (!this.#isDefining && !this.#series.hasPending) {
        this.#guard(() => this.#writeBuffer(this.#used))
        this.#syncSoon()
      }
    })
  }

  /** One round: definitions (synced), rows that came before it began, and a sync if someone waits. */
  async #flush(): Promise<void> {
    this.#isBusy = true
    try {
      const upTo = this.#used
      if (this.#series.hasPending) {
        this.#isDefining = true
        this.#series.write()
        faultPoint('log.definitions-written')
        await this.#series.sync()
        faultPoint('log.definitions-synced')
        this.#isDefining = false
      }
      if (this.#isClosed) return
      this.#writeBuffer(upTo)
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
    if (this.#isClosed || this.#failure !== null || this.#isBusy || this.#syncedLsn === this.#writtenLsn) return
    this.#isBusy = true
    this.#sync().catch((error: unknown) => this.#fail(error)).finally(() => {
      this.#isBusy = false
      this.#flushWhatCame()
    })
  }

  /** What came while the disk was busy wants a round of its own. */
  #flushWhatCame(): void {
    if (!this.#isClosed && (this.#waiters.length > 0 || this.#used > 0 || this.#series.hasPending)) this.#scheduleFlush()
  }

  async #sync(): Promise<void> {
    const lsn = this.#writtenLsn
    // Files that were full before their last sync come first: a commit covers everything before it.
    while (this.#full.length > 0) {
      await this.#full[0]!.sync()
      const full = this.#full.shift()
      if (full) closeMarked(full, LOG_HEADER_BYTES, full.sizeBytes())
    }
    await this.#file.sync()
    faultPoint('log.rows-synced')
    this.syncCount++
    this.#syncedLsn = Math.max(this.#syncedLsn, lsn)
    this.#isMarkDue = lsn > this.#fileStart + LOG_HEADER_BYTES
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
   * A failed write or sync is final: what the device holds is then unknown, and a sync that succeeds later proves
   * nothing about it (fsyncgate). Nothing more is taken or promised until the folder is opened anew.
   */
  #fail(cause: unknown): void {
    this.failureCount++
    const why = cause instanceof Error ? cause.message : String(cause)
    this.#failure ??= new LogError(`cannot write the log, so nothing more is taken: ${why}; mend the disk and start again`, { cause })
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure)
  }

  /** Throws LogError if rows cannot be taken now. Asked before a batch is put anywhere, so that none is seen but not logged. */
  assertWritable(): void {
    if (this.#failure !== null) throw this.#failure
    if (this.#used > UNWRITTEN_BYTES_MAX) throw new LogError(`cannot log more rows: ${this.#used} bytes wait for the disk`)
  }

  /** Hands the first `bytes` of the buffer to the kernel. */
  #writeBuffer(bytes: number): void {
    if (bytes === 0) return
    this.#file.write(this.#buffer.subarray(0, bytes), this.#writtenLsn - this.#fileStart)
    faultPoint('log.rows-written')
    this.#buffer.copyWithin(0, bytes, this.#used)
    this.#used -= bytes
    this.#writtenLsn += bytes
    this.#files.at(-1)!.endLsn = this.#writtenLsn
    // A burst leaves a large buffer behind; it goes when a round has needed little of it.
    if (this.#used === 0 && this.#buffer.length > BUFFER_BYTES && bytes < BUFFER_BYTES / 2) this.#resize(BUFFER_BYTES)
    // LSNs of rows still buffered are given out already, so a new file begins only when none are.
    if (this.#used === 0 && this.#writtenLsn - this.#fileStart >= this.#fileBytesMax) {
      const full = this.#file
      this.#file = this.#openFile(this.#writtenLsn)
      this.#full.push(full)
    }
  }

  #openFile(startLsn: number): DiskFile {
    const file = DiskFile.openForWrite(logPath(this.#folder, startLsn))
    const header = Buffer.alloc(LOG_HEADER_BYTES)
    header.write(LOG_MAGIC, 0, 'latin1')
    header.writeDoubleLE(startLsn, 8)
    file.write(header, 0)
    faultPoint('log.file-made')
    syncFolder(this.#folder)
    this.#files.push({ startLsn, endLsn: startLsn + LOG_HEADER_BYTES, path: file.path })
    this.#fileStart = startLsn
    this.#writtenLsn = startLsn + LOG_HEADER_BYTES
    return file
  }

  /** Copies records to `at`, and makes the values in place offsets from there. */
  #copyRecords({ n, records }: LoggedRow, histograms: Uint32Array, valuesAt: number, at: number): void {
    let used = 0
    for (let i = 0; i < n; i++) {
      if (((histograms[i >>> 5]! >>> (i & 31)) & 1) === 0) continue
      const from = this.#floats[valuesAt + i]!
      const bytes = histogramRecordBytes(records, from)
      this.#buffer.set(records.subarray(from, from + bytes), at + used)
      this.#floats[valuesAt + i] = used
      used += bytes
    }
  }

  /** Says behind the rows so far which of them are on the device. */
  #mark(): void {
    this.#isMarkDue = false
    this.#reserve(MARK_BYTES)
    this.#used = writeMark(this.#buffer, this.#used, LOG_HEADER_BYTES, this.#syncedLsn - this.#fileStart)
  }

  #writeBitmaps(row: LoggedRow, at: number, words: number, bytes: number): void {
    this.#buffer.fill(0, at, at + bytes)
    for (const bitmap of [row.present, row.stale, row.histograms]) {
      if (!bitmap) continue
      for (let i = 0; i < words; i++) this.#buffer.writeUInt32LE(bitmap[i]!, at + i * 4)
      at += words * 4
    }
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes > this.#buffer.length) this.#resize(Math.max(this.#buffer.length * 2, this.#used + bytes))
  }

  #resize(bytes: number): void {
    const made = Buffer.from(new ArrayBuffer((bytes + 7) & ~7))
    this.#buffer.copy(made, 0, 0, this.#used)
    this.#buffer = made
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
