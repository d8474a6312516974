// Reads a data folder at start: what ids mean, which segments and rows there are, and puts them back into a head. In steps,
// so that a server can take pushes meanwhile.
//
//   lock ─▶ blocks (damaged ones go aside) ─▶ definitions ─▶ segments ─▶ log ─▶ what may be in the page cache alone is synced
import path from 'node:path'
import { systemClock, type Clock } from '../lib/std/clock.ts'
import { explainDisk } from '../lib/std/disk-advice.ts'
import { DiskError, makeFolder, pathExists, syncFolder } from '../lib/std/fs.ts'
import { silentLogger, type Logger } from '../lib/std/log.ts'
import { Random, freshSeed } from '../lib/std/random.ts'
import type { Steps } from '../lib/std/steps.ts'
import { BlockFolder, type BlockState, type StoredBlock } from './block-folder.ts'
import { recoverFolders } from './recover-folders.ts'
import { newestHourRef } from './recover-hours.ts'
import { isRenumberingDue, passUsedRefs, renumber } from './renumber.ts'
import { publishedTiers } from './tier-plan.ts'
import { BlockLabels } from './block/ref-labels.ts'
import { FolderError, LogError } from './errors.ts'
import { assertKnownExemplars } from './exemplars/exemplar-files.ts'
import { FileList } from './file-list.ts'
import { FolderLock } from './folder-lock.ts'
import { assertKnownFormat, assertKnownFrames, formatOf, markFormat } from './format-mark.ts'
import { HeadReplay } from './head/head-replay.ts'
import { Head } from './head/head.ts'
import type { Published } from './head/published.ts'
import { SegmentWriter, listed, scanSegmentFile, segmentFileNumbers, segmentFilePath, type SegmentHead } from './head/segment-file.ts'
import { SharedHeap, defaultHeadBytes } from './head/shared-heap.ts'
import type { DamageTally } from './log/damage.ts'
import { FRAME_OVERHEAD_BYTES } from './log/frame.ts'
import { logPath } from './log/log-file.ts'
import { logNames, nextLsnAfter, oldestLogLsn, replayLog, syncFiles, type FoundFile, type Replayed } from './log/log-replay.ts'
import { SeriesFile } from './log/series-file.ts'
import { since, type LostTime } from './lost-times.ts'
import { blocksFolder, headFolder, hoursFolder, minutesFolder } from './store-querier.ts'
import type { HoursState } from './tier/hour-manifest.ts'

export interface LoadOptions {
  folder: string
  /** The folder's, where who opens it has taken that before. */
  lock?: FolderLock
  /** What is older is dropped, ms, in whole blocks; Infinity keeps all. */
  retentionMs: number
  outOfOrderMs?: number
  /** New series beyond this many are refused; those found at start are kept, however many they are. */
  seriesLimit?: number
  /** No series gets a higher ref than this; by default all of 31 bits. */
  refMax?: number
  /** Address space of the head, bytes; pages cost nothing until used. */
  headBytesMax?: number
  /** In place of `headBytesMax`: memory for the head, that nobody has used. */
  heap?: SharedHeap
  clock?: Clock
  random?: Random
  /** Sizes at which log and segment files are followed by new ones. */
  fileBytesMax?: { log: number; segments: number }
  logger?: Logger
  /** Is told how far reading has come. */
  replay?: ReplayProgress
}

/** Files of the log and of the head's segments, and how many of them have been read. */
export interface ReplayProgress {
  filesTotal: number
  filesRead: number
}

/** What opening a folder found, for the log line and the metrics. */
export interface Recovery {
  series: number
  segments: number
  replayedRows: number
  replayedSamples: number
  corruptRecords: number
  corruptBytes: number
  /** Moved to quarantine/, or gone. */
  damagedBlocks: number
  wasUnclean: boolean
  durationMs: number
}

export interface LoadedFolder {
  lock: FolderLock
  heap: SharedHeap
  definitions: SeriesFile
  segments: SegmentWriter
  list: FileList
  head: Head
  blocks: BlockState
  /** Of the 1-minute tier. */
  minutes: BlockState
  hours: HoursState
  replayed: Replayed
  recovery: Recovery
}

/** Makes the folder if it is not there, and takes its lock. Throws FolderError if another process has it or it cannot be made, or is Prometheus', DiskError. */
export function takeFolder(folder: string): FolderLock {
  assertKnownFormat(folder)
  if (isOfPrometheus(folder)) {
    throw new FolderError(`cannot keep data in ${folder}: it is a data folder of Prometheus, which is not written to; name another with --storage.tsdb.path, and take over what is here with: monitor tsdb import prometheus ${folder} --storage.tsdb.path=THE_OTHER`)
  }
  try {
    for (const name of ['', '/series', '/log', '/head']) makeFolder(folder + name)
    syncNames(folder)
    return new FolderLock(folder)
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    const why = error.code === 'ENOTDIR' ? 'it is a file, or below one; name a folder with --storage.tsdb.path' : `${explainDisk(error)}; or name another folder with --storage.tsdb.path`
    throw new FolderError(`cannot keep data in ${folder}: ${why}`, { cause: error })
  }
}

/** Monitor would keep its own files beside, and show nothing of what is there. */
function isOfPrometheus(folder: string): boolean {
  return !pathExists(`${folder}/series`) && (pathExists(`${folder}/wal`) || pathExists(`${folder}/chunks_head`))
}

/** Throws FolderError if another process has the folder or the head's memory does not hold what is in it, DiskError if it cannot be read. */
export function* loadFolder(options: LoadOptions): Steps<LoadedFolder> {
  const lock = options.lock ?? takeFolder(options.folder)
  try {
    return yield* loadLocked(options, lock)
  } catch (error) {
    // Whoever gave the lock releases it.
    if (options.lock === undefined) lock.release(!lock.wasUnclean)
    throw error
  }
}

function* loadLocked(options: LoadOptions, lock: FolderLock): Steps<LoadedFolder> {
  const { folder, clock = systemClock, logger = silentLogger } = options
  const started = clock.monotonic()
  assertKnownExemplars(`${folder}/exemplars`)
  markFormat(folder, 1, logger)
  const heap = options.heap ?? SharedHeap.make(options.headBytesMax ?? defaultHeadBytes())
  const list = new FileList(folder, clock)
  // Opening makes the files that are written.
  const missing = list.missing()
  const definitions = new SeriesFile(`${folder}/series/definitions`, list)
  const { blocks, minutes, hours, damaged } = recoverFolders(folder, logger)
  const numbers = segmentFileNumbers(headFolder(folder), list)
  const segments = new SegmentWriter(headFolder(folder), Math.max(numbers.at(-1) ?? 0, ...numbersOf(missing, 'head')) + 1, options.fileBytesMax?.segments, list)
  const head = new Head({
    heap, clock, random: options.random ?? new Random(freshSeed()), definitions, segments, folder: headFolder(folder),
    retentionMs: options.retentionMs, outOfOrderMs: options.outOfOrderMs ?? LATE_MS, seriesLimit: options.seriesLimit ?? Infinity, refMax: options.refMax,
    published: publishedAtStart(blocks, minutes, hours),
  })
  const recovery: Recovery = {
    series: 0, segments: 0, replayedRows: 0, replayedSamples: 0, corruptRecords: 0, corruptBytes: 0, damagedBlocks: damaged,
    wasUnclean: lock.wasUnclean, durationMs: 0,
  }
  const load = new Load({ folder, definitions, segments, head, recovery, logger, list, missing, replay: options.replay ?? { filesTotal: 0, filesRead: 0 } })
  const replayed = yield* load.run(numbers, blocks.blocks, minutes.blocks)
  if (replayed === null) {
    definitions.close()
    segments.close()
    heap.clear(heap.arenaStart * 8 + head.arena.usedBytes)
    return yield* loadLocked({ ...options, heap }, lock)
  }
  const { outOfOrderMs: lateMs = LATE_MS } = options
  // A clock may have been set back.
  const inHead = { minT: cutUpTo(blocks) - (lateMs < Infinity ? lateMs : LATE_MS), maxT: Math.max(clock.now(), cutUpTo(blocks), head.newestT) }
  const found = load.losses.length === 0 ? blocks : withLosses(folder, blocks, load.losses, inHead)
  if (found !== blocks) head.cuts.publish(publishedAtStart(found, minutes, hours))
  recovery.durationMs = clock.monotonic() - started
  return { lock, heap, definitions, segments, list, head, blocks: found, minutes, hours, replayed, recovery }
}

/** Where that is lost, the newest block says it: what is not in blocks is younger. */
function cutUpTo({ cover, blocks }: BlockState): number {
  return cover.t > -Infinity ? cover.t : blocks.reduce((newest, { meta }) => Math.max(newest, meta.maxT), -Infinity)
}

function publishedAtStart(blocks: BlockState, minutes: BlockState, hours: HoursState): Published {
  const tiers = publishedTiers(blocks, minutes, { minutesSinceT: -Infinity, hoursSinceT: -Infinity, hoursDroppedT: hours.droppedT })
  return { cover: blocks.cover, blocks: blocks.blocks.map(({ name }) => ({ ...name, deletions: 0 })), tiers, lost: since(blocks.lost, blocks.droppedT) }
}

/** Each damage is noted once, whatever starts find it. */
function withLosses(folder: string, blocks: BlockState, losses: readonly HeadLoss[], inHead: LostTime): BlockState {
  const known = new Set(blocks.lost.map(({ of }) => of))
  const found = losses.filter(({ of }) => !known.has(of)).map(({ of, time }) => ({ minT: Math.max(0, (time ?? inHead).minT), maxT: (time ?? inHead).maxT, of }))
  if (found.length === 0) return blocks
  const kept = new BlockFolder(blocksFolder(folder), () => undefined)
  try {
    kept.commit({ lost: [...kept.lost, ...found], install: [], remove: [] })
  } catch (error) {
    // A disk without a free byte is no reason not to start.
    if (!(error instanceof DiskError)) throw error
  }
  return { ...blocks, lost: [...blocks.lost, ...found] }
}

/** What damage cost of the head, and of which time; null: no more is known than that it was not in blocks. */
interface HeadLoss {
  of: string
  time: LostTime | null
}

const DEFINITIONS = 'series/definitions'
/** The out-of-order window where none is given. */
const LATE_MS = 10 * 60_000

interface LoadParts {
  folder: string
  definitions: SeriesFile
  segments: SegmentWriter
  head: Head
  recovery: Recovery
  logger: Logger
  list: FileList
  /** Files that are to be there. */
  missing: readonly string[]
  replay: ReplayProgress
}

class Load {
  readonly #parts: LoadParts
  readonly #replay: HeadReplay
  /**
   * Segment files found with rows that the log has, too: it was not cut behind them, so they may never have been synced. Where
   * the log has no file, the process may have ended as it put another in the place of its only one: nothing is known then.
   */
  readonly #unsynced: FoundFile[] = []
  /** Files with damage, and how much. */
  readonly losses: HeadLoss[] = []
  /** The same of segments whose heads tell their times: nothing is lost of rows that the log has. */
  readonly #damagedSegments: (HeadLoss & { firstLsn: number })[] = []

  constructor(parts: LoadParts) {
    this.#parts = parts
    this.#replay = new HeadReplay(parts.head)
  }

  /** `numbers`: of the segment files. null where series have been numbered anew: all is to be loaded once more. */
  *run(numbers: readonly number[], blocks: readonly StoredBlock[], minutes: readonly StoredBlock[]): Steps<Replayed | null> {
    const { folder, recovery, head, logger, replay } = this.#parts
    Object.assign(replay, { filesTotal: numbers.length + logNames(`${folder}/log`).length, filesRead: 0 })
    try {
      yield* this.#loadDefinitions(blocks, minutes)
      if (isRenumberingDue(head) && (yield* renumber(head, folder, logger))) return null
      this.#tellMissing()
      const oldestLsn = oldestLogLsn(`${folder}/log`)
      for (const number of numbers) {
        yield* this.#loadSegments(number, oldestLsn)
        replay.filesRead++
      }
      const replayed = yield* this.#loadLog()
      if (recovery.wasUnclean) this.#syncFound(replayed)
      return replayed
    } catch (cause) {
      if (!(cause instanceof LogError)) throw cause
      throw new FolderError(`cannot open ${folder}: ${cause.message}`, { cause })
    }
  }

  *#loadDefinitions(blocks: readonly StoredBlock[], minutes: readonly StoredBlock[]): Steps<void> {
    const { folder, definitions, head, recovery } = this.#parts
    const damage = yield* definitions.load(head.definitionVisitor())
    assertKnownFrames(`${folder}/series/definitions`, damage)
    // The mark tells, too: of what is lost in both copies of the definitions must not be what they begin with.
    if (head.series.renumberings > 0 || formatOf(folder) > 1) yield* passUsedRefs(head, folder, this.#parts.logger)
    else {
      this.#defineLost(blocks)
      this.#skipRefsOfTiers(minutes)
    }
    recovery.series = head.series.count
    this.#count(DEFINITIONS, damage)
  }

  #count(file: string, { frames, bytes }: { frames: number; bytes: number }): void {
    const { recovery } = this.#parts
    recovery.corruptRecords += frames
    recovery.corruptBytes += bytes
    if (frames > 0) this.losses.push({ of: `${file}, ${bytes} bytes`, time: null })
  }

  /** Files that are gone look like files that never were. What is missing of definitions is counted as they are read. */
  #tellMissing(): void {
    const { folder, list, missing, logger } = this.#parts
    for (const file of missing) {
      this.#count(file, { frames: file === DEFINITIONS ? 0 : 1, bytes: list.lengthOf(file) })
      logger.error('a file of the data is gone; what it held is left out: put it back from a copy, or see monitor tsdb repair', { file: path.join(folder, file), bytes: list.lengthOf(file) })
    }
  }

  /** Refs whose definitions are lost at the end of their file must not be given again: blocks would answer for them. */
  #defineLost(blocks: readonly StoredBlock[]): void {
    const { folder, head, logger } = this.#parts
    const labels = new BlockLabels(blocks.map((block) => path.join(blocksFolder(folder), block.folder)))
    const known = head.series.newest
    for (let ref = known + 1; ref <= labels.lastRef; ref++) head.redefine(ref, labels.labelsOf(ref))
    labels.close()
    const count = head.series.newest - known
    if (count > 0) logger.error('definitions of series are lost; they are taken from the blocks', { folder, series: count })
  }

  /** Nor those that rows of tiers alone know: of a folder that was given another one's archive, or that has lost all else. */
  #skipRefsOfTiers(minutes: readonly StoredBlock[]): void {
    const { folder, head, logger } = this.#parts
    const known = head.series.newest
    const labels = new BlockLabels(minutes.map((block) => path.join(minutesFolder(folder), block.folder)))
    labels.close()
    const newest = newestHourRef(hoursFolder(folder), Math.max(known, labels.lastRef))
    if (newest === known) return
    head.series.skipTo(newest)
    logger.info('rows of tiers are of series that the folder has no definitions of; they are found by their labels', { folder, series: newest - known })
  }

  *#loadSegments(number: number, oldestLsn: number): Steps<void> {
    const { folder, head, segments, recovery, list } = this.#parts
    let mayBeUnsynced = false
    const torn: SegmentHead[] = []
    const file = segmentFilePath(headFolder(folder), number)
    const name = listed(file)
    const found = yield* scanSegmentFile(headFolder(folder), number, { verifyFromLsn: oldestLsn, known: list.known(name) }, (segment, mustBeVerified) => {
      // One whose definition is lost or never came to the disk holds nothing that was acknowledged.
      if (this.#replay.segment(segment, mustBeVerified)) recovery.segments++
      if (mustBeVerified && !segment.isVerified) torn.push(segment)
      mayBeUnsynced ||= segment.flushedLsn >= oldestLsn || (oldestLsn === Infinity && mustBeVerified)
      segments.note(number, { maxT: segment.maxT, generation: head.groups[segment.group]?.generation ?? 0 })
    })
    assertKnownFrames(file, found)
    // Without a sound head in it a file goes, too: with what was in the head by now, or at once where a repair has sealed all of it.
    if (!segments.has(number)) segments.note(number, found.frames > 0 ? { maxT: head.clock.now(), generation: head.cuts.generation } : { maxT: -Infinity, generation: 0 })
    const known = knownSegments(found, torn)
    if (known === null) this.#count(name, found)
    else this.#countSegments(name, found, known)
    if (found.frames > 0) segments.keepDamaged([number])
    if (mayBeUnsynced || found.soundEnd > list.lengthOf(name)) this.#unsynced.push({ path: file, syncedTo: found.syncedTo, damage: found.stretches, known: found.known })
  }

  #countSegments(file: string, { frames, bytes }: DamageTally, segments: readonly SegmentHead[]): void {
    this.#parts.recovery.corruptRecords += frames
    this.#parts.recovery.corruptBytes += bytes
    this.#damagedSegments.push(...segments.map(({ minT, maxT, firstLsn, offsetBytes }) => ({ of: `${file} at ${offsetBytes}`, time: { minT, maxT }, firstLsn })))
  }

  /** `oldestLsn`: the log is whole from there on; Infinity: it is not. */
  #noteLostSegments(oldestLsn: number): void {
    this.losses.push(...this.#damagedSegments.filter(({ firstLsn }) => firstLsn < oldestLsn))
  }

  *#loadLog(): Steps<Replayed> {
    const { folder, recovery, logger, list, missing, replay } = this.#parts
    const replayed = yield* replayLog(`${folder}/log`, (lsn, row) => {
      const samples = this.#replay.row(lsn, row)
      recovery.replayedSamples += Math.max(0, samples)
      return samples >= 0
    }, { knownOf: (name) => list.known(`log/${name}`), onFile: () => replay.filesRead++ })
    // LSNs of rows that are gone are not given again.
    for (const startLsn of numbersOf(missing, 'log')) replayed.nextLsn = Math.max(replayed.nextLsn, nextLsnAfter(startLsn + list.lengthOf(logPath('log', startLsn))))
    recovery.replayedRows = replayed.rows
    this.#noteLostSegments(replayed.damagedRecords > 0 || missing.some((file) => file.startsWith('log/')) ? Infinity : oldestLogLsn(`${folder}/log`))
    recovery.corruptRecords += replayed.damagedRecords
    recovery.corruptBytes += replayed.damagedBytes
    for (const { path: file, damage } of replayed.found) this.losses.push(...damage.map(({ at, time }) => ({ of: `log/${path.basename(file)} at ${at}`, time: time ?? null })))
    if (recovery.corruptRecords > 0) {
      logger.warn('damaged records were skipped; what they held is left out: see monitor tsdb repair', { folder, records: recovery.corruptRecords, bytes: recovery.corruptBytes })
    }
    return replayed
  }

  #syncFound(replayed: Replayed): void {
    const { folder, definitions, list } = this.#parts
    definitions.syncFound()
    syncFiles(folder, [...this.#unsynced, ...replayed.found], list)
  }
}

/** The segments that damage of a file was in, null where it was in other parts of it, too. */
function knownSegments({ stretches }: DamageTally, torn: readonly SegmentHead[]): SegmentHead[] | null {
  const within = stretches.map(({ at, end }) => torn.filter(({ offsetBytes }) => offsetBytes >= at && offsetBytes < end))
  const isKnown = stretches.every(({ at, end }, i) => end - at === within[i]!.reduce((sum, { lengthBytes }) => sum + lengthBytes + FRAME_OVERHEAD_BYTES, 0))
  return isKnown ? within.flat() : null
}

/** What the names of files of a part say. */
function numbersOf(files: readonly string[], part: string): number[] {
  return files.filter((file) => file.startsWith(`${part}/`)).map((file) => Number.parseInt(path.basename(file), 10))
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
