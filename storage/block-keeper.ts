// The blocks of a store, on the main thread: knows what is there, decides what is due, has it done elsewhere, and shows
// readers the result.
//
//   tick ─▶ remove what nobody reads │ drop what is old │ cut │ make rows of tiers │ compact ─▶ job ─▶ publish ─(older readers close)─▶ remove
//
// One job at a time. A job that fails leaves everything as it was; it is counted, logged, and tried again after a while, in which
// other kinds have their turn.
import path from 'node:path'
import { faultPoint } from '../lib/std/fault-point.ts'
import { listFolder } from '../lib/std/fs.ts'
import { formatSize } from '../lib/model/size.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import { BlockFolder, type BlockState, type StoredBlock } from './block-folder.ts'
import { TOMBSTONES_FILE } from './block/block-meta.ts'
import type { BlockPlace } from './block/block-writer.ts'
import type { BlockJob, JobReply, JobRunner, WrittenBlock } from './block-jobs.ts'
import { cutTime, dueCompaction, goneFrom, pastRetention } from './block-plan.ts'
import { DamagedBlocks } from './damaged-blocks.ts'
import { EndWatch } from './end-watch.ts'
import { FreeSpace } from './free-space.ts'
import { JobBackoffs } from './job-backoff.ts'
import { Expiry } from './expiry.ts'
import { newestOf, type Cutoff } from './retention-rules.ts'
import { FolderError, LogError } from './errors.ts'
import type { Head } from './head/head.ts'
import type { Log } from './log/log.ts'
import { JOB_NAMES, NO_JOBS } from './job-names.ts'
import { since } from './lost-times.ts'
import { copiedBytes, type MovedFile } from './snapshot.ts'
import type { RetentionClock } from '../lib/std/retention-clock.ts'
import { dueOfHours, dueOfTier, publishedTiers, type KeptRows } from './tier-plan.ts'
import { addDue, isDue } from './tier/due.ts'
import type { HoursState } from './tier/hour-manifest.ts'

export interface KeeperOptions {
  /** `data/blocks`. */
  folder: string
  head: Head
  log: Log
  clock: Clock
  retentionClock: RetentionClock
  logger: Logger
  found: BlockState
  runner: JobRunner
  /** Blocks, tiers, log and head files take no more than this, as far as these can help; Infinity: no limit. */
  retentionBytes: number
  /** Of the 1-minute tier: what its folder held, and how long rows are kept (ms; 0: none are; null: those there are, and none are made). */
  minutes: BlockState
  minuteRetentionMs: number | null
  /** Of the 1-hour tier: what was found, how long rows are kept (ms; 0: none are made), who hears of new files. */
  hours: HoursState
  hourRetentionMs: number
  onHours: () => void
  /** What a file of hours takes of the data folder, or null where files leave it for an object store. */
  hourFileBytes: ((name: string) => number) | null
  /** Files of the head in which a cut found damage are not to be removed. */
  keepDamaged: (files: readonly number[]) => void
  /** What log and head files take. */
  otherBytes: () => number
  /** Whether so many bytes can be written without touching the disk's reserve. */
  fits: (bytes: number) => boolean
  compacts: boolean
}

export class BlockKeeper {
  readonly #options: KeeperOptions
  #state: BlockState
  /** How often samples were deleted from a block since the start. */
  readonly #deletions = new Map<string, number>()
  #minutes: BlockState
  /** Not shown any more, read by nobody, still on disk: blocks, and blocks of the 1-minute tier. */
  #unread: string[] = []
  #unreadMinutes: string[] = []
  #job: Promise<void> | null = null
  #isClosed = false
  readonly #backoffs: JobBackoffs<BlockJob['kind']>
  readonly #end: EndWatch
  /** Not to be compacted: blocks, and those of the 1-minute tier. */
  readonly #damaged: DamagedBlocks
  readonly #damagedMinutes: DamagedBlocks
  retentionBytes: number
  minuteRetentionMs: number | null
  readonly freeSpace: FreeSpace
  readonly expiry: Expiry = new Expiry()
  hourRetentionMs: number
  #hours: HoursState
  #hoursFloorT = -Infinity // Rows of hours before have to go for their size, Unix ms.
  readonly done: Record<BlockJob['kind'], number> = { ...NO_JOBS }
  readonly failed: Record<BlockJob['kind'], number> = { ...NO_JOBS }
  readonly seconds: Record<BlockJob['kind'], number> = { ...NO_JOBS }
  /** Blocks let go because of their age, and because of the size of all. */
  timeRetentions = 0
  sizeRetentions = 0

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#state = options.found
    this.#minutes = options.minutes
    this.retentionBytes = options.retentionBytes
    this.minuteRetentionMs = options.minuteRetentionMs
    this.hourRetentionMs = options.hourRetentionMs
    this.#hours = options.hours
    this.#end = new EndWatch(options.clock)
    this.#damaged = new DamagedBlocks(options.clock, options.logger)
    this.#damagedMinutes = new DamagedBlocks(options.clock, options.logger)
    this.#backoffs = new JobBackoffs(options.clock)
    this.freeSpace = new FreeSpace(options.folder, options.clock, options.logger)
  }

  get #newestBlockT(): number {
    return this.#state.blocks.reduce((newest, { meta }) => Math.max(newest, meta.maxT), -Infinity)
  }

  /** The time by which data grows old, Unix ms: what is old is old beside the newest sample, too. */
  get retentionT(): number {
    return Math.min(this.#options.retentionClock.now(), Math.max(this.#newestBlockT, this.#options.head.newestT))
  }

  get blocks(): readonly StoredBlock[] {
    return this.#state.blocks
  }

  /** Blocks of the 1-minute tier. */
  get minutes(): readonly StoredBlock[] {
    return this.#minutes.blocks
  }

  /** End of the last bucket of the 1-minute tier, Unix ms, before which none is still to be made; 0 where there is none. */
  get minutesCoverT(): number {
    return Math.max(0, publishedTiers(this.#state, this.#minutes, this.#keptRows()).to)
  }

  /** Files of the 1-hour tier. */
  get hours(): HoursState {
    return this.#hours
  }

  /** As minutesCoverT, of the 1-hour tier. */
  get hoursCoverT(): number {
    return Math.max(0, publishedTiers(this.#state, this.#minutes, this.#keptRows()).hours.to)
  }

  /** Starts what is due, if nothing runs. */
  tick(): void {
    if (this.#isClosed || this.#job !== null) return
    const job = this.#due().find(({ kind }) => !this.#backoffs.of(kind).isWaiting)
    if (job === undefined) return
    this.#job = this.#run(job).then(() => {
      this.#job = null
      this.tick()
    })
  }

  /**
   * Blocks that `make` writes to the places it is given come beside the others, all or none. Rejects with what `make` or
   * the disk refuses; nothing has changed then.
   */
  add(make: (nextPlace: () => BlockPlace) => Promise<readonly WrittenBlock[]>): Promise<void> {
    return this.#alone(async () => {
      const folder = new BlockFolder(this.#options.folder, (_, why) => this.#options.logger.warn('blocks: damaged data was left out: see monitor tsdb repair', { why }))
      folder.clearStaging()
      const install = await make(() => {
        this.#assertRoom('take blocks in', 0)
        return { folder: folder.staging, number: folder.takeNumber(), isCompressed: true }
      })
      // A block names series: their definitions are to be on disk before it is.
      await this.#options.log.commit()
      folder.commit({ due: addDue(folder.state.due, install.map(({ meta }) => meta)), install, remove: [] })
      this.#show(folder.state, this.#minutes)
    })
  }

  /**
   * Deletes samples in [from, to] (Unix ms) of series that match one of the sets; nobody who asks later sees them, also
   * after a restart; none where `to` is before `from`. Rejects with what the disk refuses; some may then be deleted, none comes back.
   */
  delete(sets: readonly (readonly Matcher[])[], from: number, to: number): Promise<void> {
    return to < from ? Promise.resolve() : this.#alone(async () => {
      this.#assertRoom('delete', this.#options.otherBytes())
      this.#options.head.hasDeleted = true
      await this.#cutAll().then(() => this.#ask({ kind: 'delete', sets, from, to }))
    })
  }

  /** Takes what is deleted out of the files. */
  clean(): Promise<void> {
    return this.#alone(async () => {
      const touched = this.#state.blocks.filter(({ folder }) => listFolder(path.join(this.#options.folder, folder)).includes(TOMBSTONES_FILE))
      this.#assertRoom('clean tombstones', touched.reduce((sum, { meta }) => sum + meta.bytes, 0))
      await this.#ask({ kind: 'clean' })
    })
  }

  /** What is asked for, and makes no room by itself, leaves the disk's reserve alone. Throws LogError. */
  #assertRoom(what: string, bytes: number): void {
    if (this.#options.fits(bytes)) return
    throw new LogError(`cannot ${what} now: it may take ${formatSize(Math.ceil(bytes / 2 ** 20) * 2 ** 20)}, which the disk has not beyond its reserve; free space or lower --storage.reserve.size`, 'disk_reserve')
  }

  /** Makes `data/snapshots/<name>`; with `isWhole`, what the head holds is cut into blocks first. `moved` goes into it: `make` makes it, when there is room. */
  snapshot(name: string, isWhole: boolean, moved: MovedFile | null = null, make: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    return this.#alone(async () => {
      this.#assertRoom('make a snapshot', copiedBytes(path.dirname(this.#options.folder), moved) + (isWhole ? this.#options.otherBytes() : 0))
      await make()
      if (isWhole) await this.#cutAll()
      await this.#ask({ kind: 'snapshot', name, moved })
    })
  }

  /** All of the head is in blocks then; what comes meanwhile is not. */
  async #cutAll(): Promise<void> {
    const { head, log } = this.#options
    if (head.newestT === -Infinity) return
    const cut = head.cuts.beginAll(Math.floor(head.newestT) + 1)
    await log.commit()
    faultPoint('cut.begun')
    await this.#ask({ kind: 'cut', cut })
  }

  async #ask(job: BlockJob): Promise<void> {
    this.#take(job, await this.#options.runner.run(job))
    this.done[job.kind]++
  }

  /** Waits until no job runs, then does `work` as if it were one. */
  async #alone(work: () => Promise<void>): Promise<void> {
    // Not by idle(): of several that wait, the first to wake must have set the job before the next looks.
    for (; this.#job !== null; await this.#job) this.#options.runner.hurry()
    const done = this.#isClosed ? Promise.reject(new FolderError('cannot do this: the store is closed')) : work()
    this.#job = done.catch(() => {
      // Whoever asked is told.
    }).then(() => {
      this.#job = null
    })
    return done
  }

  get isBusy(): boolean {
    return this.#job !== null
  }

  /** Resolves when nothing is due any more. */
  async idle(): Promise<void> {
    while (this.#job !== null) await this.#job
  }

  /** Resolves when no job runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#options.runner.close()
    await this.idle()
  }

  /** What is due, what comes first in front. */
  *#due(): Generator<BlockJob> {
    const { head, clock, fits } = this.#options
    if (this.#unread.length + this.#unreadMinutes.length > 0) yield { kind: 'remove', names: this.#unread, minutes: this.#unreadMinutes }
    const old = this.#old()
    if (old !== null) yield old
    // Of a head without samples all is in blocks, up to the newest sample these have: imported ones may be all there is.
    const isEmpty = head.newestT === -Infinity
    const t = cutTime(clock.now(), isEmpty ? this.#newestBlockT : head.newestT, isEmpty || this.#end.hasEnded(head.newestT))
    // A store that is new, without blocks and older samples, has nothing to cut before the next boundary.
    const isNew = this.#state.blocks.length === 0 && !isEmpty && head.oldestT >= t
    if (t > head.cuts.cover.t && !isNew) yield { kind: 'cut', cut: head.cuts.begin(t) }
    const cutoffs = this.expiry.cutoffs('raw', this.retentionT)
    const tier = this.#dueOfTier(cutoffs)
    if (tier !== null) yield tier
    const hours = { sinceT: this.#hoursSince(), cutoffs: this.expiry.cutoffs('1h', this.retentionT) }
    const isSweepDue = this.freeSpace.awaitsHours && clock.now() >= this.#hours.sweepT
    if (isSweepDue || dueOfHours(this.#state, this.#hours, { ...hours, fits })) yield { kind: 'hours', ...hours, expiredT: newestOf(cutoffs), nowMs: clock.now() }
    const names = this.expiry.due('raw', this.#state.blocks, cutoffs)
    if (names.length > 0) yield { kind: 'expire', names, cutoffs }
    if (!this.#options.compacts) return
    // A cut may use the reserve: it frees more than it takes.
    const sources = dueCompaction(this.#state.blocks, { coverT: head.cuts.cover.t, retentionMs: head.retentionMs, damaged: this.#damaged.folders }, fits)
    if (sources !== null) yield { kind: 'compact', sources, cutoffs }
  }

  /** Rows are made before some of the samples go. */
  #dueOfTier(cutoffs: readonly Cutoff[]): BlockJob | null {
    if (this.minuteRetentionMs === null || this.minuteRetentionMs === 0) return null
    const own = this.expiry.cutoffs('1m', this.retentionT)
    const limits = { sinceT: this.#minutesSince(), expiredT: newestOf(cutoffs), retentionMs: this.minuteRetentionMs, cutoffs: own, damaged: this.#damagedMinutes.folders, fits: this.#options.fits }
    const names = this.expiry.due('1m', this.#minutes.blocks, own)
    return dueOfTier(this.#state, this.#minutes, limits) ?? (names.length > 0 ? { kind: 'tier-expire', names, cutoffs: own } : null)
  }

  /** Rows before are too old to be kept. */
  #minutesSince(): number {
    return this.minuteRetentionMs === null ? -Infinity : this.#since(this.minuteRetentionMs)
  }

  #hoursSince(): number {
    return Math.max(this.#since(this.hourRetentionMs), this.#hoursFloorT)
  }

  #since(keptMs: number): number {
    return keptMs === 0 ? Infinity : Math.min(this.#options.retentionClock.now(), this.#options.head.newestT) - keptMs
  }

  #keptRows(): KeptRows {
    return { minutesSinceT: this.#minutesSince(), hoursSinceT: this.#hoursSince(), hoursDroppedT: this.#hours.droppedT }
  }

  async #run(job: BlockJob): Promise<void> {
    const { logger, log, runner } = this.#options
    try {
      // A block names series: their definitions, and the rows in it, are to be on disk before it is.
      if (job.kind === 'cut') {
        await log.commit()
        faultPoint('cut.begun')
      }
      if (this.#isClosed) return
      const removed = job.kind === 'remove' || job.kind === 'hours' ? this.freeSpace.removing() : null
      const reply = await runner.run(job)
      this.#take(job, reply)
      removed?.()
      if (reply.unreachable === '') this.#backoffs.of(job.kind).succeed()
      this.done[job.kind]++
      this.seconds[job.kind] += runner.tookMs / 1000
    } catch (error) {
      if (this.#isClosed) return
      this.failed[job.kind]++
      logger.error(`blocks: ${JOB_NAMES[job.kind]} failed; nothing is lost, it is tried again`, { retry_ms: this.#backoffs.of(job.kind).fail(), err: error instanceof Error ? error : String(error) })
    }
  }

  #take(job: BlockJob, { state, minutes, hours, damage, damagedFiles, deletedFrom, unreachable, unmerged }: JobReply): void {
    // Before it is published: what is covered may go from then on.
    this.#options.keepDamaged(damagedFiles)
    for (const why of damage) this.#options.logger.warn('blocks: damaged data was left out: see monitor tsdb repair', { why })
    if (job.kind === 'remove') {
      this.#unread = this.#unread.filter((name) => !job.names.includes(name))
      this.#unreadMinutes = this.#unreadMinutes.filter((name) => !job.minutes.includes(name))
      return
    }
    if (job.kind === 'drop') {
      this.timeRetentions += job.past
      this.sizeRetentions += job.names.length - job.past
    }
    if (job.kind === 'expire') this.expiry.note('raw', this.#state.blocks, job.cutoffs)
    if (job.kind === 'tier-expire') this.expiry.note('1m', this.#minutes.blocks, job.cutoffs)
    for (const folder of deletedFrom) this.#deletions.set(folder, (this.#deletions.get(folder) ?? 0) + 1)
    this.#hours = hours
    if (unreachable !== '') this.#noteUnreachable(unreachable)
    if (unmerged !== null && (job.kind === 'compact' || job.kind === 'tier-compact')) {
      this.failed[job.kind]++
      ;(job.kind === 'compact' ? this.#damaged : this.#damagedMinutes).note(job.sources, unmerged)
    }
    this.#show(state, minutes)
    if (job.kind === 'hours' || job.kind === 'clean') this.#options.onHours()
    if (job.kind === 'cut') faultPoint('cut.published')
  }

  #noteUnreachable(why: string): void {
    this.failed.hours++
    this.#options.logger.warn('blocks: rows of the 1-hour tier wait for older ones of the archive; raw samples answer for them meanwhile', { retry_ms: this.#backoffs.of('hours').fail(), err: why })
  }

  /** What a job has made of the blocks is what readers see from now on. */
  #show(next: BlockState, minutes: BlockState): void {
    const { cuts } = this.#options.head
    const gone = goneFrom(this.#state.blocks, next.blocks)
    const goneMinutes = goneFrom(this.#minutes.blocks, minutes.blocks)
    const blocks = next.blocks.map(({ folder, name }) => ({ ...name, deletions: this.#deletions.get(folder) ?? 0 }))
    cuts.publish({ cover: next.cover, blocks, tiers: publishedTiers(next, minutes, this.#keptRows()), lost: since(next.lost, Math.max(next.droppedT, this.retentionT - this.#options.head.retentionMs)) }, () => {
      this.#unread.push(...gone)
      this.#unreadMinutes.push(...goneMinutes)
    })
    for (const folder of gone) this.#deletions.delete(folder)
    this.expiry.forget([...gone, ...goneMinutes])
    this.#damaged.forget(gone)
    this.#damagedMinutes.forget(goneMinutes)
    this.#state = next
    this.#minutes = minutes
  }

  #old(): BlockJob | null {
    const { head, otherBytes, hourFileBytes, fits } = this.#options
    const { due, cover } = this.#state
    const oldMinutes = pastRetention(this.#minutes.blocks, this.#minutesSince())
    if (oldMinutes.length > 0) return { kind: 'tier-drop', names: oldMinutes }
    // Rows are made of what goes before it does, unless that fails, or the disk has no room for them: what goes makes some.
    const isRowSource = ({ meta }: StoredBlock): boolean => fits(meta.bytes) && (isDue(due['1h'], meta, '1h', { coverT: cover.t, sinceT: this.#hoursSince() })
      || (this.minuteRetentionMs !== null && isDue(due['1m'], meta, '1m', { coverT: cover.t, sinceT: this.#minutesSince() })))
    const isFailing = this.#backoffs.of('tier').isFailing || this.#backoffs.of('hours').isFailing
    const blocks = isFailing ? this.#state.blocks : this.#state.blocks.filter((block) => !isRowSource(block))
    const past = pastRetention(blocks, this.retentionT - head.retentionMs)
    const rest = this.#state.blocks.filter(({ folder }) => !past.includes(folder))
    const hours = hourFileBytes === null || this.hourRetentionMs === 0 || !this.freeSpace.hasLimit(this.retentionBytes)
      ? [] : this.#hours.looks.map(({ name, maxT }) => ({ name, maxT, bytes: hourFileBytes(name) }))
    const going = this.freeSpace.going({ blocks: rest, minutes: this.#minutes.blocks, hours }, this.retentionBytes, otherBytes)
    this.#hoursFloorT = Math.max(this.#hoursFloorT, going.hoursT)
    if (going.minutes.length > 0) return { kind: 'tier-drop', names: going.minutes }
    return past.length + going.blocks.length === 0 ? null : { kind: 'drop', names: [...past, ...going.blocks], past: past.length }
  }
}
