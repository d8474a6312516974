// The store as the rest of the program sees it: opens a data folder, replays what it holds, takes batches, and
// keeps the log short. Main thread only; query workers open a HeadQueryable over `handle()`.
import os from 'node:os'
import path from 'node:path'
import { systemClock, type Clock, type Timer } from '../lib/std/clock.ts'
import { DiskError, DiskFile, makeFolder, syncFolder } from '../lib/std/fs.ts'
import type { Labels } from '../lib/model/labels.ts'
import { silentLogger, type Logger } from '../lib/std/log.ts'
import { Random, freshSeed } from '../lib/std/random.ts'
import { FolderLock } from './folder-lock.ts'
import { FolderError, LogError } from './errors.ts'
import { REJECT_NAMES, type Appender, type SampleBatch } from './interface.ts'
import { Head } from './head/head.ts'
import { HeadAppender } from './head/head-append.ts'
import { closeSlot } from './head/arena.ts'
import type { HeadHandle } from './head/head-querier.ts'
import { maintainHead, type Upkeep } from './head/maintenance.ts'
import { NOTHING_CUT } from './head/published.ts'
import { SegmentWriter, scanSegmentFile, segmentFileNumbers, segmentFilePath } from './head/segment-file.ts'
import { SharedHeap } from './head/shared-heap.ts'
import { Log } from './log/log.ts'
import { LSN_GAP, oldestLogLsn, replayLog, type FoundFile, type Replayed } from './log/log-replay.ts'
import { SeriesFile } from './log/series-file.ts'
import { RetentionClock } from './retention-clock.ts'

const MAINTENANCE_MS = 15_000

export interface DatabaseOptions {
  folder: string
  /** Rows older than this are dropped, ms; Infinity keeps all. */
  retentionMs: number
  outOfOrderMs?: number
  /** New series beyond this many are refused; those found at start are kept, however many they are. */
  seriesLimit?: number
  /** Address space of the head, bytes; pages cost nothing until used. */
  headBytesMax?: number
  clock?: Clock
  random?: Random
  /** Sizes at which log and segment files are followed by new ones. */
  fileBytesMax?: { log: number; segments: number }
  logger?: Logger
}

/** What opening a folder found, for the log line and the metrics. */
export interface Recovery {
  series: number
  segments: number
  replayedRows: number
  replayedSamples: number
  corruptRecords: number
  corruptBytes: number
  wasUnclean: boolean
  durationMs: number
}

export class Database implements Appender {
  readonly head: Head
  readonly recovery: Recovery
  readonly #folder: string
  readonly #heap: SharedHeap
  readonly #lock: FolderLock
  readonly #definitions: SeriesFile
  readonly #segments: SegmentWriter
  readonly #log: Log
  readonly #upkeep: Upkeep
  readonly #appender: HeadAppender
  /** Segment files found with rows that the log has, too: it was not cut behind them, so they may never have been synced. */
  readonly #unsynced: FoundFile[] = []
  readonly #clock: Clock
  readonly #logger: Logger
  #timer: Timer | null = null
  #isClosed = false
  /** Samples stored since start, replayed ones left out. */
  samplesAppended: number = 0
  readonly refused: Float64Array = new Float64Array(REJECT_NAMES.length)

  /** Throws FolderError if another process has the folder or the head's memory does not hold what is in it, DiskError if it cannot be read. */
  constructor(options: DatabaseOptions) {
    const { folder, clock = systemClock, logger = silentLogger } = options
    const started = clock.monotonic()
    this.#folder = folder
    this.#clock = clock
    this.#logger = logger
    for (const name of ['', '/series', '/log', '/head']) makeFolder(folder + name)
    syncNames(folder)
    this.#lock = new FolderLock(folder)
    this.#heap = SharedHeap.make(options.headBytesMax ?? defaultHeadBytes())
    this.#definitions = new SeriesFile(`${folder}/series/definitions`)
    const numbers = segmentFileNumbers(this.#segmentFolder)
    this.#segments = new SegmentWriter(this.#segmentFolder, (numbers.at(-1) ?? 0) + 1, options.fileBytesMax?.segments)
    this.head = new Head({
      heap: this.#heap, clock, random: options.random ?? new Random(freshSeed()), definitions: this.#definitions, segments: this.#segments, folder: this.#segmentFolder,
      retentionMs: options.retentionMs, outOfOrderMs: options.outOfOrderMs ?? 10 * 60_000, seriesLimit: options.seriesLimit ?? Infinity,
      published: { cover: NOTHING_CUT, blocks: [] },
    })
    const { recovery, replayed } = this.#load(numbers)
    this.recovery = recovery
    if (this.recovery.wasUnclean) this.#syncFound(replayed)
    this.#log = new Log(`${folder}/log`, Math.max(replayed.nextLsn, this.head.newestSegmentLsn + LSN_GAP), replayed.files, this.#definitions, { clock, fileBytesMax: options.fileBytesMax?.log })
    this.head.openLog(this.#log)
    this.head.fenceMovedSeries()
    this.#appender = new HeadAppender(this.head)
    this.#upkeep = {
      head: this.head, log: this.#log, segments: this.#segments, clock, retentionClock: new RetentionClock(clock, this.head.newestT),
      isClosed: () => this.#isClosed, released: this.head.cuts.cover,
    }
    this.recovery.durationMs = clock.monotonic() - started
    // Starts that follow each other quickly must not each leave a file of the log behind.
    this.#schedule(this.#log.crowdedBelow > 0 ? 0 : MAINTENANCE_MS)
  }

  get #segmentFolder(): string {
    return `${this.#folder}/head`
  }

  /** For HeadQueryable in any thread. */
  handle(): HeadHandle {
    return { memory: this.#heap.memory, folder: this.#segmentFolder }
  }

  series(labels: Labels): number {
    return this.head.ref(labels)
  }

  append(batch: SampleBatch, verdicts: Uint8Array): number {
    const refused = this.#appender.append(batch, verdicts)
    this.samplesAppended += batch.count - refused
    if (refused > 0) for (let i = 0; i < batch.count; i++) this.refused[verdicts[i]!]! += 1
    return refused
  }

  commit(): Promise<void> {
    return this.#log.commit()
  }

  /** Frees what a terminated worker's query had pinned. */
  releaseSlot(slot: number): void {
    closeSlot(this.#heap, slot)
    this.head.arena.reclaim()
  }

  get seriesCount(): number {
    return this.head.series.count
  }

  get headBytes(): number {
    return this.head.arena.usedBytes
  }

  get logBytes(): number {
    return this.#log.sizeBytes
  }

  get log(): Log {
    return this.#log
  }

  /**
   * Syncs what is accepted and closes; the folder can be opened again at once, also after a failure. Rejects with
   * LogError if the disk refuses the log, DiskError if it refuses the rest.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer?.cancel()
    const failures: unknown[] = []
    await this.#log.commit().catch((error: unknown) => failures.push(error))
    for (const part of [this.#log, this.#segments, this.#definitions]) {
      try {
        part.close()
      } catch (error) {
        failures.push(error)
      }
    }
    this.#lock.release(failures.length === 0)
    if (failures.length > 0) throw failures[0]
  }

  #load(numbers: readonly number[]): { recovery: Recovery; replayed: Replayed } {
    try {
      const recovery = this.#recover(numbers)
      return { recovery, replayed: this.#replay(recovery) }
    } catch (cause) {
      if (!(cause instanceof LogError)) throw cause
      throw new FolderError(`cannot open ${this.#folder}: ${cause.message}`, { cause })
    }
  }

  #recover(numbers: readonly number[]): Recovery {
    const recovery: Recovery = {
      series: 0, segments: 0, replayedRows: 0, replayedSamples: 0, corruptRecords: 0, corruptBytes: 0,
      wasUnclean: this.#lock.wasUnclean, durationMs: 0,
    }
    const damage = this.#definitions.load({
      series: (ref, labels) => this.head.replaySeries(ref, labels),
      group: (definition) => this.head.replayGroup(definition),
    })
    recovery.series = this.head.series.count
    recovery.corruptRecords += damage.frames
    recovery.corruptBytes += damage.bytes
    const oldestLsn = oldestLogLsn(`${this.#folder}/log`)
    for (const number of numbers) {
      let mayBeUnsynced = false
      const found = scanSegmentFile(this.#segmentFolder, number, oldestLsn, (head) => {
        // One whose definition is lost or never came to the disk holds nothing that was acknowledged.
        if (this.head.replaySegment(head, head.flushedLsn >= oldestLsn)) recovery.segments++
        mayBeUnsynced ||= head.flushedLsn >= oldestLsn
        this.#segments.note(number, { maxT: head.maxT, generation: this.head.groups[head.group]?.generation ?? 0 })
      })
      recovery.corruptRecords += found.frames
      recovery.corruptBytes += found.bytes
      if (mayBeUnsynced) this.#unsynced.push({ path: segmentFilePath(this.#segmentFolder, number), syncedTo: found.syncedTo })
    }
    return recovery
  }

  /** What the killed process left may be in the page cache alone; what is acknowledged or cut from now on relies on it. */
  #syncFound(replayed: Replayed): void {
    this.#definitions.syncFound()
    for (const { path: name, syncedTo } of [...this.#unsynced, ...replayed.found]) {
      const file = DiskFile.openForWrite(name)
      file.rewrite(syncedTo)
      file.syncNow()
      file.close()
    }
  }

  #replay(recovery: Recovery): Replayed {
    const replayed = replayLog(`${this.#folder}/log`, (lsn, row) => {
      recovery.replayedSamples += this.head.replayRow(lsn, row)
    })
    recovery.replayedRows = replayed.rows
    recovery.corruptRecords += replayed.damagedRecords
    recovery.corruptBytes += replayed.damagedBytes
    if (recovery.corruptRecords > 0) {
      this.#logger.warn('damaged records were skipped; what they held is lost', { folder: this.#folder, records: recovery.corruptRecords, bytes: recovery.corruptBytes })
    }
    return replayed
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      maintainHead(this.#upkeep)
        .catch((error: unknown) => this.#logger.error('maintenance of the head failed', { err: error instanceof Error ? error : String(error) }))
        .finally(() => {
          if (!this.#isClosed) this.#schedule(MAINTENANCE_MS)
        })
    }, true)
  }
}

/** Folders that are there may have been made by a process that was killed before it synced their names. */
function syncNames(folder: string): void {
  syncFolder(folder)
  try {
    syncFolder(path.dirname(path.resolve(folder)))
  } catch (error) {
    // Who may not look into the parent has not made the folder in it either.
    if (!(error instanceof DiskError && error.code === 'EACCES')) throw error
  }
}

/** Most of the machine, at most what 32-bit addresses reach. */
function defaultHeadBytes(): number {
  return Math.min(4 * 2 ** 30, Math.floor(os.totalmem() * 0.6))
}
