// The store as the rest of the program sees it: opens a data folder, replays what it holds, takes batches, keeps the log
// short and the head small. Main thread only; query workers open a StoreQueryable over `handle()`.
import { Random, freshSeed } from '../lib/std/random.ts'
import { systemClock, type Clock, type Timer } from '../lib/std/clock.ts'
import { fileSizeBytes, listFolder } from '../lib/std/fs.ts'
import type { Labels } from '../lib/model/labels.ts'
import { silentLogger, type Logger } from '../lib/std/log.ts'
import { runInTurns, runThrough } from '../lib/std/steps.ts'
import { BlockKeeper } from './block-keeper.ts'
import { DiskReserve } from './disk-reserve.ts'
import type { FolderLock } from './folder-lock.ts'
import { ExemplarStore } from './exemplars/exemplar-store.ts'
import { REJECT_NAMES, type Appender, type Forgetting, type SampleBatch } from './interface.ts'
import type { Head } from './head/head.ts'
import { HeadAppender } from './head/head-append.ts'
import { closeSlot } from './head/arena.ts'
import { DefinitionsRewrite } from './head/definitions-rewrite.ts'
import { Forgetter } from './head/forgetter.ts'
import { maintainHead, type Upkeep } from './head/maintenance.ts'
import type { SegmentWriter } from './head/segment-file.ts'
import { SLOT_COUNT, type SharedHeap } from './head/shared-heap.ts'
import { InlineJobs, WorkerJobs } from './job-runner.ts'
import { Log } from './log/log.ts'
import { LSN_GAP } from './log/log-replay.ts'
import type { SeriesFile } from './log/series-file.ts'
import { loadFolder, type LoadOptions, type LoadedFolder, type Recovery } from './load-folder.ts'
import { longestAge, type RetentionRule } from './retention-rules.ts'
import { publishRetention, publishRetentionTime } from './retention-view.ts'
import { lowRefs } from './renumber.ts'
import { RetentionClock } from '../lib/std/retention-clock.ts'
import { blocksFolder, headFolder, hoursFolder, type ArchiveHandle, type StoreHandle } from './store-querier.ts'
import { ArchiveUploads } from './archive-uploads.ts'
import { hourFileBytes } from './tier/hour-manifest.ts'

const MAINTENANCE_MS = 15_000
/** Reader slot of jobs on blocks; the last is the main thread's, those from 0 up are query workers'. */
const JOB_SLOT = SLOT_COUNT - 2

/** What may change while the store is open. */
export interface StorageLimits {
  /** What is older is dropped, ms, in whole blocks; Infinity keeps all. */
  retentionMs: number
  /** The oldest blocks are dropped while the folder takes more than this. */
  retentionBytes: number
  /** How long rows of the 1-minute tier are kept, ms; 0: none are. */
  minuteRetentionMs: number
  /** The same of the 1-hour tier. */
  hourRetentionMs: number
  /** The oldest block is dropped while less of the file system is free; 0: none for that. */
  keepFreeBytes?: number
  /** The oldest blocks are dropped while the folder takes a larger share of the file system's size. */
  shareMax?: number
  /** So late may a sample be, ms. */
  outOfOrderMs: number
  /** New series beyond this many are refused. */
  seriesLimit?: number
  /** Series with a retention of their own. */
  rules?: readonly RetentionRule[]
}

export interface DatabaseOptions extends LoadOptions {
  /** The oldest blocks are dropped while the folder takes more than this. */
  retentionBytes?: number
  /** How long rows of the 1-minute tier are kept, ms; 0: none are. By default those that are there stay, and none are made. */
  minuteRetentionMs?: number
  /** The same of the 1-hour tier. */
  hourRetentionMs?: number
  /** Where files of the 1-hour tier go once they do not change any more; by default they stay in the folder. */
  archive?: ArchiveOptions
  /** No samples are taken while less of the file system is free; 0: always. Default: 5 % of it, at most 500 MiB. */
  reserveBytes?: number
  /** Exemplars kept, of all series together; by default none. */
  exemplarsMax?: number
  /** Whether blocks are compacted. Who does not know how long they are kept must not make long ones; by default they are. */
  compacts?: boolean
  /** Entry file of a thread that cuts and compacts; without it the main thread does. */
  jobUrl?: URL
}

export interface ArchiveOptions extends ArchiveHandle {
  /** Entry file of a thread that uploads; null: the main thread does. */
  uploadWorker: URL | null
}

export class Database implements Appender {
  readonly head: Head
  readonly recovery: Recovery
  readonly #folder: string
  readonly #archive: ArchiveHandle | null
  /** null where files of the 1-hour tier stay in the folder. */
  readonly uploads: ArchiveUploads | null
  readonly #heap: SharedHeap
  readonly #lock: FolderLock
  readonly #definitions: SeriesFile
  readonly #segments: SegmentWriter
  readonly #log: Log
  readonly #rewrite: DefinitionsRewrite
  readonly #upkeep: Upkeep
  readonly blocks: BlockKeeper
  readonly reserve: DiskReserve
  readonly exemplars: ExemplarStore | null
  readonly #appender: HeadAppender
  readonly #clock: Clock
  readonly #logger: Logger
  #timer: Timer | null = null
  #upkeepRound: Promise<void> | null = null
  /** When the last round of upkeep ended, on the monotonic scale. */
  #maintainedMs = 0
  #isClosed = false
  #hasWarnedOfIds = false
  /** Samples stored since start, replayed ones left out. */
  samplesAppended: number = 0
  readonly refused: Float64Array = new Float64Array(REJECT_NAMES.length)

  /** Throws FolderError if another process has the folder or the head's memory does not hold what is in it, DiskError if it cannot be read. */
  constructor(options: DatabaseOptions, loaded: LoadedFolder = runThrough(loadFolder(options))) {
    const { folder, clock = systemClock, logger = silentLogger, archive = null } = options
    const started = clock.monotonic()
    const { blocks: found, minutes, replayed } = loaded
    this.#folder = folder
    this.#archive = archive === null ? null : { place: archive.place, fetchWorker: archive.fetchWorker }
    this.uploads = archive === null ? null : new ArchiveUploads({
      folder: hoursFolder(folder), place: archive.place, worker: archive.uploadWorker, clock, random: options.random ?? new Random(freshSeed()), logger,
    })
    this.#clock = clock
    this.#logger = logger
    this.#lock = loaded.lock
    this.#heap = loaded.heap
    this.#definitions = loaded.definitions
    this.#segments = loaded.segments
    this.head = loaded.head
    this.recovery = loaded.recovery
    this.#log = new Log(`${folder}/log`, Math.max(replayed.nextLsn, this.head.newestSegmentLsn + LSN_GAP), replayed.files, this.#definitions, { clock, fileBytesMax: options.fileBytesMax?.log, list: loaded.list })
    this.head.openLog(this.#log, this.#segments.newestFile)
    this.head.fenceMovedSeries()
    this.#appender = new HeadAppender(this.head)
    const { exemplarsMax = 0 } = options
    this.exemplars = exemplarsMax === 0 ? null : new ExemplarStore(exemplarsMax, {
      folder: `${folder}/exemplars`, clock, logger, refOf: (labels) => this.head.series.find(labels),
      isLive: (ref) => this.head.series.isLive(ref), newestRef: () => this.head.series.newest, commit: () => this.commit(), fits: (bytes) => this.reserve.fits(bytes),
    })
    const newestT = found.blocks.reduce((newest, { meta }) => Math.max(newest, meta.maxT), this.head.newestT)
    const retentionClock = new RetentionClock(clock, newestT)
    this.#rewrite = new DefinitionsRewrite(this.head, () => this.#isClosed)
    this.#upkeep = {
      head: this.head, log: this.#log, segments: this.#segments, clock, retentionClock,
      isClosed: () => this.#isClosed, released: this.head.cuts.cover,
      forgetter: new Forgetter(this.head, this.#rewrite, {
        isKept: (ref) => this.exemplars?.ring.has(ref) ?? false, fits: (bytes) => this.reserve.fits(bytes),
      }),
    }
    this.reserve = new DiskReserve({
      folder, log: this.#log, clock, logger, reserveBytes: options.reserveBytes, isHeld: () => this.#lock.isHeld(), mend: () => this.#rewrite.run(), needsMending: () => this.#definitions.hasFailedSync,
    })
    this.blocks = new BlockKeeper({
      folder: blocksFolder(folder), head: this.head, log: this.#log, clock, retentionClock, logger, found,
      runner: options.jobUrl ? new WorkerJobs(options.jobUrl, this.handle(), JOB_SLOT, clock) : new InlineJobs(this.handle(), JOB_SLOT, clock),
      keepDamaged: (files) => this.#segments.keepDamaged(files), retentionBytes: options.retentionBytes ?? Infinity, otherBytes: () => this.logBytes + this.segmentBytes,
      fits: (bytes) => this.reserve.fits(bytes), compacts: options.compacts ?? true, minutes, minuteRetentionMs: options.minuteRetentionMs ?? null,
      hours: loaded.hours, hourRetentionMs: options.hourRetentionMs ?? 0, onHours: () => this.uploads?.poke(),
      hourFileBytes: archive === null ? (name) => hourFileBytes(hoursFolder(folder), name) : null,
    })
    this.recovery.durationMs += clock.monotonic() - started
    this.uploads?.poke()
    // Starts that follow each other quickly must not each leave a file of the log behind.
    this.#maintainedMs = this.#clock.monotonic()
    this.#schedule(this.#log.crowdedBelow > 0 ? 0 : MAINTENANCE_MS)
  }

  /** The same, without holding the thread for long. Rejects as the constructor throws. */
  static async open(options: DatabaseOptions): Promise<Database> {
    return new Database(options, await runInTurns(loadFolder(options), options.clock ?? systemClock))
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
    return { memory: this.#heap.memory, folder: this.#folder, exemplars: this.exemplars?.ring.buffer ?? null, archive: this.#archive }
  }

  series(labels: Labels): number {
    return this.head.ref(labels)
  }

  find(labels: Labels): number {
    return this.head.series.find(labels)
  }

  get forgetting(): Forgetting {
    return this.head.series
  }

  /** Of `samplesAppended`, those that the head had already: nothing was written for them. */
  get samplesRepeated(): number {
    return this.#appender.repeated
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
  setLimits(limits: StorageLimits): void {
    const { retentionMs, retentionBytes, minuteRetentionMs, hourRetentionMs, outOfOrderMs, keepFreeBytes = 0, shareMax = 1, seriesLimit = Infinity, rules = [] } = limits
    this.head.series.limit = seriesLimit
    this.head.retentionMs = longestAge(rules, 'raw', retentionMs)
    this.head.outOfOrderMs = outOfOrderMs
    this.blocks.retentionBytes = retentionBytes
    this.blocks.minuteRetentionMs = longestAge(rules, '1m', minuteRetentionMs)
    this.blocks.hourRetentionMs = longestAge(rules, '1h', hourRetentionMs)
    this.blocks.freeSpace.setLimits(keepFreeBytes, shareMax)
    // Where a tier is off, what there is of it stays and is shown, unless some series have it after all.
    const own = { raw: retentionMs, '1m': minuteRetentionMs || (this.blocks.minuteRetentionMs > 0 ? 0 : Infinity), '1h': hourRetentionMs || (this.blocks.hourRetentionMs > 0 ? 0 : Infinity) }
    this.blocks.expiry.setRules(rules, own)
    publishRetention(this.#heap, this.head.arena, rules, own)
    publishRetentionTime(this.#heap, this.blocks.retentionT)
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

  /** How full the head's memory is, in bytes: its fixed tables are part of both. */
  get headFill(): { usedBytes: number; sizeBytes: number } {
    const { arena, heap } = this.head
    return { usedBytes: heap.arenaStart * 8 + arena.usedBytes, sizeBytes: heap.u8.length }
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
    await Promise.all([this.blocks.close(), this.uploads?.close()])
    await this.#upkeepRound
    await this.#rewrite.idle()
    await this.exemplars?.close().catch((error: unknown) => failures.push(error))
    await this.#log.commit().catch((error: unknown) => failures.push(error))
    for (const part of [this.#log, this.#segments, this.#definitions, this.head]) {
      try {
        part.close()
      } catch (error) {
        failures.push(error)
      }
    }
    this.#lock.release(failures.length === 0)
    if (failures.length > 0) throw failures[0]
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
    if (this.#isClosed) return
    this.#warnOfIds()
    publishRetentionTime(this.#heap, this.blocks.retentionT)
    this.blocks.tick()
    this.#maintainedMs = this.#clock.monotonic()
  }

  /** Once a process. */
  #warnOfIds(): void {
    const why = lowRefs(this.head)
    if (why !== null && !this.#hasWarnedOfIds) this.#logger.warn('ids of series run low', { why })
    this.#hasWarnedOfIds ||= why !== null
  }

  /** Whether upkeep comes round as it should. */
  get isMaintained(): boolean {
    return this.#clock.monotonic() - this.#maintainedMs < 4 * MAINTENANCE_MS
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      void this.maintain().then(() => {
        if (!this.#isClosed) this.#schedule(MAINTENANCE_MS)
      })
    }, true)
  }
}
