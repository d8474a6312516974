// What is done to blocks, off the main thread: the head's old samples are cut into blocks, blocks are compacted, and those
// that nobody reads are removed. Each job opens the folder anew, and tells what is there when it is done.
import path from 'node:path'
import { faultPoint } from '../lib/std/fault-point.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { GroupBlockBuilder } from './block/block-builder.ts'
import type { BlockMeta } from './block/block-meta.ts'
import { compactBlocks } from './block/compact.ts'
import { cleanBlocks, deleteSamples, type Deletion } from './block-delete.ts'
import { BlockFolder, type BlockState } from './block-folder.ts'
import { BLOCK_RANGE_MS } from './block-plan.ts'
import { HeadQueryable, type HeadQuerier } from './head/head-querier.ts'
import type { Cut } from './head/published.ts'
import { MergeError } from './errors.ts'
import { since, type Loss } from './lost-times.ts'
import { expireBlocks, hideExpired } from './retention-expire.ts'
import type { Cutoff } from './retention-rules.ts'
import { noteInQuarantine } from './quarantined-deletions.ts'
import { writeSnapshot, type MovedFile } from './snapshot.ts'
import { cleanHours, hoursState, runHours, type HourJob } from './hour-jobs.ts'
import { blocksFolder, headFolder, hoursFolder, minutesFolder, type StoreHandle } from './store-querier.ts'
import { buildTier, compactTier, deleteRows, expireTier } from './tier-jobs.ts'
import { bucketEnd } from './tier/aggregate.ts'
import { TIER_MS } from './tier/bucket.ts'
import { addDue } from './tier/due.ts'
import { deleteHours } from './tier/hour-build.ts'
import type { HoursState } from './tier/hour-manifest.ts'

export type BlockJob =
  /** What of this is in no block yet goes into blocks. */
  | { kind: 'cut'; cut: Cut }
  /** These become one. */
  | { kind: 'compact'; sources: readonly string[]; cutoffs: readonly Cutoff[] }
  /** Of these, those that hold mostly series past their own retention are written anew without them. */
  | { kind: 'expire'; names: readonly string[]; cutoffs: readonly Cutoff[] }
  /** These go because of their age, the first `past` of them, or the size of all; who reads them may go on. */
  | { kind: 'drop'; names: readonly string[]; past: number }
  /** Nobody reads these blocks, and these of the 1-minute tier. */
  | { kind: 'remove'; names: readonly string[]; minutes: readonly string[] }
  /** Rows of the stretch that begins at this time (Unix ms) are made; raw samples before `expiredT` may be gone for some series. */
  | { kind: 'tier'; stretch: number; expiredT: number }
  /** These blocks of the 1-minute tier become one; these are written anew as by 'expire'; these go because of their age. */
  | { kind: 'tier-compact'; sources: readonly string[]; cutoffs: readonly Cutoff[] }
  | { kind: 'tier-expire'; names: readonly string[]; cutoffs: readonly Cutoff[] }
  | { kind: 'tier-drop'; names: readonly string[] }
  /** Rows of the 1-hour tier are made, its old files go. */
  | ({ kind: 'hours' } & HourJob)
  /** Samples in [from, to] (Unix ms) of series that match one of the sets are deleted from the blocks. */
  | { kind: 'delete'; sets: readonly (readonly Matcher[])[]; from: number; to: number }
  /** What is deleted is taken out of the files. */
  | { kind: 'clean' }
  /** The blocks there are, as a data folder of their own. */
  | { kind: 'snapshot'; name: string; moved: MovedFile | null }

export interface JobReply {
  state: BlockState
  /** Of the 1-minute tier. */
  minutes: BlockState
  hours: HoursState
  /** Sentences about what was left out because it is damaged. */
  damage: readonly string[]
  /** Numbers of the head's files in which a cut found damage. */
  damagedFiles: readonly number[]
  /** Blocks that have lost samples. */
  deletedFrom: readonly string[]
  /** Why rows of hours could not be put into files of the object store; '' if all could. */
  unreachable: string
  /** Why blocks did not become one, and which of them are damaged; null if they did. */
  unmerged: { why: string; damaged: readonly string[] } | null
}

/** Does jobs, one after the other. */
export interface JobRunner {
  /** Rejects if the job cannot be done; everything is then as it was, or as if it was done. */
  run(job: BlockJob): Promise<JobReply>
  /** How long the last job took, rests before it left out. */
  readonly tookMs: number
  /** Somebody waits: a job that rests before it begins need not. */
  hurry(): void
  /** Ends the job that runs, if any. */
  close(): Promise<void>
}

/** A staged block. */
export interface WrittenBlock {
  name: string
  meta: BlockMeta
}

/** `slot`: a reader slot that nobody else has. Rejects with DiskError, BlockError or LogError. */
export async function runBlockJob(handle: StoreHandle, slot: number, job: BlockJob): Promise<JobReply> {
  const damage: string[] = []
  const folder = new BlockFolder(blocksFolder(handle.folder), (_, why) => damage.push(why))
  const minutes = new BlockFolder(minutesFolder(handle.folder), (_, why) => damage.push(why))
  folder.clearStaging()
  minutes.clearStaging()
  const work: JobWork = { handle, slot, folder, minutes, damage, damagedFiles: [], deletedFrom: [], unreachable: '', unmerged: null }
  await doJob(work, job)
  return { state: folder.state, minutes: minutes.state, hours: hoursState(handle.folder), damage, damagedFiles: work.damagedFiles, deletedFrom: work.deletedFrom, unreachable: work.unreachable, unmerged: work.unmerged }
}

interface JobWork {
  handle: StoreHandle
  slot: number
  folder: BlockFolder
  minutes: BlockFolder
  damage: string[]
  damagedFiles: number[]
  deletedFrom: string[]
  unreachable: string
  unmerged: JobReply['unmerged']
}

async function doJob(work: JobWork, job: BlockJob): Promise<void> {
  const { handle, slot, folder, minutes } = work
  switch (job.kind) {
    case 'cut': return cut({ ...work, cut: job.cut })
    case 'compact': return unlessDamaged(work, compact(folder, job.sources, job.cutoffs))
    case 'expire':
      work.damage.push(...await expireBlocks(folder, job.names, job.cutoffs))
      return
    case 'drop': return drop(folder, job.names)
    case 'remove':
      folder.remove(job.names)
      return minutes.remove(job.minutes)
    case 'tier':
      work.damage.push(...await buildTier({ handle, slot, raw: folder, tier: minutes }, job.stretch, job.expiredT))
      return
    case 'tier-compact': return unlessDamaged(work, compactTier(minutes, job.sources, job.cutoffs))
    case 'tier-expire':
      work.damage.push(...await expireTier(minutes, job.names, job.cutoffs))
      return
    case 'tier-drop': return drop(minutes, job.names)
    case 'hours': {
      const { damage, unreachable } = await runHours({ handle, slot, raw: folder }, job)
      work.damage.push(...damage)
      work.unreachable = unreachable
      return
    }
    case 'delete': return deleteEverywhere(work, job)
    case 'clean':
      await cleanBlocks(folder)
      work.damage.push(...await cleanHours(handle))
      return
    case 'snapshot': return writeSnapshot(handle.folder, { blocks: folder, minutes }, job)
  }
}

/** Damaged blocks stay as they are; to try them again and again would be of no use. */
async function unlessDamaged(work: JobWork, merge: Promise<void>): Promise<void> {
  try {
    await merge
  } catch (error) {
    if (!(error instanceof MergeError)) throw error
    work.unmerged = { why: error.message, damaged: error.damaged }
  }
}

function drop(folder: BlockFolder, names: readonly string[]): void {
  const going = folder.state.blocks.filter((block) => names.includes(block.folder))
  const goneT = going.reduce((newest, { meta }) => Math.max(newest, meta.maxT), -Infinity)
  const droppedT = Math.max(folder.state.droppedT, goneT)
  folder.commit({ droppedT, lost: since(folder.lost, goneT), install: [], remove: names })
  faultPoint('retention.changed')
}

/** Rows go before samples do: of what is deleted nothing must come back, and rows that still have samples are made anew. */
async function deleteEverywhere(work: JobWork, deletion: Deletion): Promise<void> {
  const { handle, slot, folder, minutes } = work
  const { from, to } = deletion
  noteInQuarantine(path.join(handle.folder, 'quarantine'), deletion)
  const { blocks, due } = folder.state
  // A row goes with any of its bucket's time, also one whose samples all lie beside what is deleted.
  const [minT, maxT] = [bucketEnd(from, TIER_MS['1h']) - TIER_MS['1h'], bucketEnd(to, TIER_MS['1h'])]
  const touched = blocks.filter(({ meta }) => meta.maxT >= minT && meta.minT <= maxT)
  const spans = touched.map(({ meta }) => ({ minT: Math.max(minT, meta.minT), maxT: Math.min(maxT, meta.maxT) }))
  folder.commit({ due: addDue(due, spans), install: [], remove: [] })
  await deleteRows(minutes, deletion.sets, { minT: from, maxT: to })
  deleteHours(hoursFolder(handle.folder), deletion.sets, from, to)
  work.deletedFrom.push(...deleteSamples(handle, slot, folder, deletion))
  // Tombstones that are lost are to be missed.
  if (work.deletedFrom.length > 0) folder.commit({ install: [], remove: [] })
}

interface CutWork extends JobWork {
  cut: Cut
}

async function cut(work: CutWork): Promise<void> {
  const { handle, slot, folder, cut: { generation, t } } = work
  // An attempt whose end main did not hear of.
  if (folder.state.cover.t >= t && folder.state.cover.generation >= generation) return
  const head = new HeadQueryable({ memory: handle.memory, segmentFolder: headFolder(handle.folder) }, slot, { mayLeaveOutRefused: false })
  const written: WrittenBlock[] = []
  const lost: Loss[] = []
  try {
    // What is pinned for a stretch is free again after it.
    for (let from = -Infinity; from < t;) {
      const querier = head.querier(generation)
      try {
        const oldest = querier.oldestFrom(from)
        if (oldest >= t) break
        const start = Math.floor(oldest / BLOCK_RANGE_MS) * BLOCK_RANGE_MS
        from = start + BLOCK_RANGE_MS
        const block = await writeStretch(querier, { mint: start, maxt: Math.min(from, t) - 1 }, work)
        if (block !== null) written.push(block)
        const damage = querier.damage()
        if (damage.length > 0) lost.push({ minT: start, maxT: Math.min(from, t) - 1, of: `what a cut at ${new Date(t).toISOString()} could not read` })
        work.damage.push(...damage)
        work.damagedFiles.push(...head.damagedFiles())
      } finally {
        querier.close()
      }
    }
  } finally {
    head.close()
  }
  faultPoint('cut.written')
  const due = addDue(folder.state.due, written.map(({ meta }) => meta))
  folder.commit({ cover: work.cut, due, lost: [...folder.lost, ...lost], install: written, remove: [] }, (step) => faultPoint(`cut.${step}`))
}

/** Samples of the head in [mint, maxt] as a staged block; null if there are none. */
async function writeStretch(querier: HeadQuerier, { mint, maxt }: { mint: number; maxt: number }, { folder, cut: { generation, t } }: CutWork): Promise<WrittenBlock | null> {
  const selection = querier.select([], mint, maxt, { startMs: mint, endMs: maxt, stepMs: 0, rangeMs: 0, func: '' })
  let batch = selection.next()
  if (batch === null) return null
  const builder = new GroupBlockBuilder({ folder: folder.staging, number: folder.takeNumber(), isCompressed: false }, querier)
  try {
    for (; batch; batch = selection.next()) {
      builder.beginGroup(batch.t, batch.n)
      for (let s = 0; s < batch.seriesCount; s++) builder.addSeries(selection.refs[batch.index[s]!]!, batch, s)
      // Where main itself does the job, it gets its turn.
      await nextTurn()
    }
    return await builder.finish({ level: 1, sources: [], coveredGeneration: generation, coveredT: t })
  } catch (error) {
    builder.abort()
    throw error
  }
}

async function compact(folder: BlockFolder, sources: readonly string[], cutoffs: readonly Cutoff[]): Promise<void> {
  const { blocks } = folder.state
  // Of conflicting samples that of the block made first stays, in what comes of it and beside blocks that stay.
  const from = blocks.filter((block) => sources.includes(block.folder)).toSorted((a, b) => a.name.number - b.name.number)
  // An attempt whose end main did not hear of.
  if (from.length < sources.length) return
  const place = { folder: folder.staging, number: from[0]!.name.number, isCompressed: true }
  const merged = await compactBlocks(from.map((block) => path.join(folder.path, block.folder)), place, (reader) => void hideExpired(reader, cutoffs))
  faultPoint('compact.written')
  folder.commit({ install: merged === null ? [] : [merged], remove: sources }, (step) => faultPoint(`compact.${step}`))
}
