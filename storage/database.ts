// The store as the rest of the program sees it: opens a data folder, replays what it holds, takes batches, keeps the log
// short and the head small. Main thread only; query workers open a StoreQueryable over `handle()`.
import path from 'node:path'
import { systemClock, type Clock, type Timer } from '../lib/std/clock.ts'
import { DiskError, DiskFile, fileSizeBytes, listFolder, makeFolder, syncFolder } from '../lib/std/fs.ts'
import type { Labels } from '../lib/model/labels.ts'
import { silentLogger, type Logger } from '../lib/std/log.ts'
import { Random, freshSeed } from '../lib/std/random.ts'
import { BlockKeeper, recoverBlocks } from './block-keeper.ts'
import type { StoredBlock } from './block-folder.ts'
import { BlockLabels } from './block/ref-labels.ts'
import { DiskReserve } from './disk-reserve.ts'
import { FolderLock } from './folder-lock.ts'
import { FolderError, LogError } from './errors.ts'
import { ExemplarStore } from './exemplars/exemplar-store.ts'
import { REJECT_NAMES, type Appender, type SampleBatch } from './interface.ts'
import { Head } from './head/head.ts'
import { HeadAppender } from './head/head-append.ts'
import { closeSlot } from './head/arena.ts'
import { maintainHead, type Upkeep } from './head/maintenance.ts'
import { SegmentWriter, scanSegmentFile, segmentFileNumbers, segmentFilePath } from './head/segment-file.ts'
import { SLOT_COUNT, SharedHeap, defaultHeadBytes } from './head/shared-heap.ts'
import { InlineJobs, WorkerJobs } from './job-runner.ts'
import { Log } from './log/log.ts'
import { LSN_GAP, oldestLogLsn, replayLog, type FoundFile, type Replayed } from './log/log-replay.ts'
import { SeriesFile } from './log/series-file.ts'
import { RetentionClock } from './retention-clock.ts'
import { blocksFolder, headFolder, type StoreHandle } from './store-querier.ts'

const MAINTENANCE_MS = 15_000
/** Reader slot of jobs on blocks; the last is the main thread's, those from 0 up are query workers'. */
const JOB_SLOT = SLOT_COUNT - 2

/** What may change while the store is open. */
export interface StorageLimits {
  /** What is older is dropped, ms, in whole blocks; Infinity keeps all. */
  retentionMs: number
  /** The oldest blocks are dropped while the folder takes more than this. */
  retentionBytes: number
  /** So late may a sample be, ms. */
  outOfOrderMs: number
}

export interface DatabaseOptions {
  folder: string
  /** What is older is dropped, ms, in whole blocks; Infinity keeps all. */
  retentionMs: number
  /** The oldest blocks are dropped while the folder takes more than this. */
  retentionBytes?: number
  /** No samples are taken while less of the file system is free; 0: always. Default: 5 % of it, at most 500 MiB. */
  reserveBytes?: number
  outOfOrderMs?: number
  /** New series beyond this many are refused; those found at start are kept, however many they are. */
  seriesLimit?: number
  /** Exemplars kept, of all series together; by default none. */
  exemplarsMax?: number
  /** Address space of the head, bytes; pages cost nothing until used. */
  headBytesMax?: number
  /** In place of `headBytesMax`: memory for the head, that nobody has used. */
  heap?: SharedHeap
  /** Entry file of a thread that cuts and compacts; without it the main thread does. */
  jobUrl?: URL
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
  /** Moved to quarantine/. */
  damagedBlocks: number
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
  readonly blocks: BlockKeeper
  readonly reserve: DiskReserve
  readonly exemplars: ExemplarStore | null
  readonly #appender: HeadAppender
  /** Segment files found with rows that the log has, too: it was not cut behind them, so they may never have been synced. */
  readonly #unsynced: FoundFile[] = []
  readonly #clock: Clock
  readonly #logger: Logger
  #timer: Timer | null = null
  #upkeepRound: Promise<void> | null = null
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
    this.#heap = options.heap ?? SharedHeap.make(options.headBytesMax ?? defaultHeadBytes())
    this.#definitions = new SeriesFile(`${folder}/series/definitions`)
    const found = recoverBlocks(blocksFolder(folder), `${folder}/quarantine`, logger)
    const numbers = segmentFileNumbers(this.#segmentFolder)
    this.#segments = new SegmentWriter(this.#segmentFolder, (numbers.at(-1) ?? 0) + 1, options.fileBytesMax?.segments)
    this.head = new Head({
      heap: this.#heap, clock, random: options.random ?? new Random(freshSeed()), definitions: this.#definitions, segments: this.#segments, folder: this.#segmentFolder,
      retentionMs: options.retentionMs, outOfOrderMs: options.outOfOrderMs ?? 10 * 60_000, seriesLimit: options.seriesLimit ?? Infinity,
      published: { cover: found.state.cover, blocks: found.state.blocks.map(({ name }) => ({ ...name, deletions: 0 })) },
    })
    const { recovery, replayed } = this.#load(numbers, found.state.blocks)
    this.recovery = recovery
    this.recovery.damagedBlocks = found.damaged
    if (this.recovery.wasUnclean) this.#syncFound(replayed)
    this.#log = new Log(`${folder}/log`, Math.max(replayed.nextLsn, this.head.newestSegmentLsn + LSN_GAP), replayed.files, this.#definitions, { clock, fileBytesMax: options.fileBytesMax?.log })
    this.head.openLog(this.#log)
    this.head.fenceMovedSeries()
    this.#appender = new HeadAppender(this.head)
    const { exemplarsMax = 0 } = options
    this.exemplars = exemplarsMax === 0 ? null : new ExemplarStore(exemplarsMax, {
      folder: `${folder}/exemplars`, clock, logger, refOf: (labels) => this.head.series.find(labels),
      seriesCount: () => this.seriesCount, commit: () => this.commit(), fits: (bytes) => this.reserve.fits(bytes),
    })
    const newestT = found.state.blocks.reduce((newest, { meta }) => Math.max(newest, meta.maxT), this.head.newestT)
    const retentionClock = new RetentionClock(clock, newestT)
    this.#upkeep = {
      head: this.head, log: this.#log, segments: this.#segments, clock, retentionClock,
      isClosed: () => this.#isClosed, released: this.head.cuts.cover,
    }
    this.reserve = new DiskReserve({ folder, log: this.#log, clock, logger, reserveBytes: options.reserveBytes })
    this.blocks = new BlockKeeper({
      folder: blocksFolder(folder), head: this.head, log: this.#log, clock, retentionClock, logger, found: found.state,
      runner: options.jobUrl ? new WorkerJobs(options.jobUrl, this.handle(), JOB_SLOT) : new InlineJobs(this.handle(), JOB_SLOT),
      keepDamaged: (files) => this.#segments.keepDamaged(files), retentionBytes: options.retentionBytes ?? Infinity, otherBytes: () => this.logBytes + this.segmentBytes,
      fits: (bytes) => this.reserve.fits(bytes),
    })
    this.recovery.durationMs = clock.monotonic() - started
    // Starts that follow each other quickly must not each leave a file of the log behind.
    this.#schedule(this.#log.crowdedBelow > 0 ? 0 : MAINTENANCE_MS)
  }

  get #segmentFolder(): string {
    return headFolder(this.#folder)
  }

  /** Of the head's encoded rows on disk. */
  get segmentBytes(): number {
    return listFolder(this.#segmentFolder).reduce((sum, name) => sum + fileSizeBytes(`${this.#segmentFolder}/${name}`), 0)
  }

  /** For StoreQueryable in any thread. */
  handle(): StoreHandle {
    return { memory: this.#heap.memory, folder: this.#folder, exemplars: this.exemplars?.ring.buffer ?? null }
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

  /** Holds from the next sample and the next round of upkeep on. */
  setLimits({ retentionMs, retentionBytes, outOfOrderMs }: StorageLimits): void {
    this.head.retentionMs = retentionMs
    this.head.outOfOrderMs = outOfOrderMs
    this.blocks.retentionBytes = retentionBytes
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
    this.reserve.stop()
    const failures: unknown[] = []
    await this.blocks.close()
    await this.#upkeepRound
    await this.exemplars?.close().catch((error: unknown) => failures.push(error))
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

  #load(numbers: readonly number[], blocks: readonly StoredBlock[]): { recovery: Recovery; replayed: Replayed } {
    try {
      const recovery = this.#recover(numbers, blocks)
      return { recovery, replayed: this.#replay(recovery) }
    } catch (cause) {
      if (!(cause instanceof LogError)) throw cause
      throw new FolderError(`cannot open ${this.#folder}: ${cause.message}`, { cause })
    }
  }

  #recover(numbers: readonly number[], blocks: readonly StoredBlock[]): Recovery {
    const recovery: Recovery = {
      series: 0, segments: 0, replayedRows: 0, replayedSamples: 0, corruptRecords: 0, corruptBytes: 0, damagedBlocks: 0,
      wasUnclean: this.#lock.wasUnclean, durationMs: 0,
    }
    const damage = this.#definitions.load({
      series: (ref, bytes, at, count) => this.head.replaySeries(ref, bytes, at, count),
      group: (definition) => this.head.replayGroup(definition),
    })
    this.#defineLost(blocks)
    recovery.series = this.head.series.count
    recovery.corruptRecords += damage.frames
    recovery.corruptBytes += damage.bytes
    const oldestLsn = oldestLogLsn(`${this.#folder}/log`)
    for (const number of numbers) {
      let mayBeUnsynced = false
      const found = scanSegmentFile(this.#segmentFolder, number, oldestLsn, (head, mustBeVerified) => {
        // One whose definition is lost or never came to the disk holds nothing that was acknowledged.
        if (this.head.replaySegment(head, mustBeVerified)) recovery.segments++
        mayBeUnsynced ||= head.flushedLsn >= oldestLsn
        this.#segments.note(number, { maxT: head.maxT, generation: this.head.groups[head.group]?.generation ?? 0 })
      })
      recovery.corruptRecords += found.frames
      recovery.corruptBytes += found.bytes
      if (found.frames > 0) this.#segments.keepDamaged([number])
      if (mayBeUnsynced) this.#unsynced.push({ path: segmentFilePath(this.#segmentFolder, number), syncedTo: found.syncedTo })
    }
    return recovery
  }

  /** Refs whose definitions are lost at the end of their file must not be given again: blocks would answer for them. */
  #defineLost(blocks: readonly StoredBlock[]): void {
    const labels = new BlockLabels(blocks.map(({ folder }) => path.join(blocksFolder(this.#folder), folder)))
    const known = this.head.series.count
    for (let ref = known + 1; ref <= labels.lastRef; ref++) this.head.redefine(ref, labels.labelsOf(ref))
    labels.close()
    const count = this.head.series.count - known
    if (count > 0) this.#logger.error('definitions of series are lost; they are taken from the blocks', { folder: this.#folder, series: count })
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

  /** A round of upkeep, as there is one every 15 s: lets go of what need not be kept, and starts a job on blocks if one is due. */
  maintain(): Promise<void> {
    this.#upkeepRound ??= this.#maintain().finally(() => (this.#upkeepRound = null))
    return this.#upkeepRound
  }

  async #maintain(): Promise<void> {
    try {
      await maintainHead(this.#upkeep)
    } catch (error) {
      this.#logger.error('maintenance of the head failed', { err: error instanceof Error ? error : String(error) })
    }
    if (!this.#isClosed) this.blocks.tick()
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      void this.maintain().then(() => {
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
