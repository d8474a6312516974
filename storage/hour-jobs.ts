// The 1-hour tier's job, beside those on blocks (block-jobs.ts): rows of stretches that are due (tier/due.ts) are made of raw
// samples, all that go into one file at once; then a month that is over becomes one file, and old files go. Its folder is
// `archive/` (tier/hour-build.ts).
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../lib/std/clock.ts'
import { Random, freshSeed } from '../lib/std/random.ts'
import type { BlockFolder, BlockState } from './block-folder.ts'
import { ObjectStoreError } from './object-store/object-store.ts'
import { openStore } from './object-store/open-store.ts'
import type { Cutoff } from './retention-rules.ts'
import { StoreQueryable, hoursFolder, type StoreHandle } from './store-querier.ts'
import { bucketEnd } from './tier/aggregate.ts'
import { TIER_MS } from './tier/bucket.ts'
import { STRETCH_MS, nextStretch, withoutStretch, type Stretches } from './tier/due.ts'
import { cleanFile, compactMonth, dropHours, expireFile, fileToClean, fileToExpire, monthToCompact, rebuildHours, spanFor, sweepHours, type HourWork } from './tier/hour-build.ts'
import { readManifest, stateOf, type HourSpan, type HoursState } from './tier/hour-manifest.ts'
import type { RowSource } from './tier/hour-merge.ts'
import { rawRows, type RawBounds } from './tier/hour-sources.ts'

const WIDTH_MS = TIER_MS['1h']
/** Rows held in memory at a time: some 150 MB. */
const ROWS_MAX = 1_500_000
/** Files are fetched back from a bucket for a month that is written anew only: a job waits no longer than a minute for one. */
const PATIENCE = { attempts: 3, firstWaitMs: 1000, connections: 1 }

export interface HourJob {
  /** Rows before are too old to be kept, Unix ms. */
  sinceT: number
  /** Raw samples before may be gone for some series, Unix ms. */
  expiredT: number
  nowMs: number
  /** Of rows of hours, by series. */
  cutoffs: readonly Cutoff[]
}

interface HourJobWork {
  handle: StoreHandle
  /** A reader slot that nobody else has. */
  slot: number
  raw: BlockFolder
}

export interface HoursDone {
  /** Sentences about what was left out because it is damaged. */
  damage: readonly string[]
  /** Why some rows wait: the object store does not give a file that they go into. '' if none do. */
  unreachable: string
}

const NOTHING_DONE: HoursDone = { damage: [], unreachable: '' }

/** Rows that wait for a file of the object store hold up nothing else. */
export async function runHours(work: HourJobWork, { sinceT, expiredT, nowMs, cutoffs }: HourJob): Promise<HoursDone> {
  return await withStore(work.handle, { nowMs, cutoffs }, async (hours) => {
    const made = await makeRows(work, hours, { sinceT, expiredT })
    const month = monthToCompact(hours, (span) => isDueWithin(work.raw.state, span))
    const compacted = month === null ? NOTHING_DONE : await reached(() => compactMonth(hours, month))
    dropHours(hours, sinceT)
    const old = fileToExpire(hours)
    const expired = old === null ? NOTHING_DONE : await reached(() => expireFile(hours, old))
    const strays = sweepHours(hours)
    const all = [made, compacted, expired]
    return { damage: [...all.flatMap(({ damage }) => damage), ...strays], unreachable: all.map(({ unreachable }) => unreachable).find((why) => why !== '') ?? '' }
  })
}

async function reached(work: () => Promise<readonly string[]>): Promise<HoursDone> {
  try {
    return { damage: await work(), unreachable: '' }
  } catch (error) {
    if (!(error instanceof ObjectStoreError)) throw error
    return { damage: [], unreachable: error.message }
  }
}

/** Writes files anew that hold what was deleted. */
export async function cleanHours(handle: StoreHandle): Promise<string[]> {
  return await withStore(handle, { nowMs: systemClock.now(), cutoffs: [] }, async (hours) => {
    const damage: string[] = []
    const tried = new Set<string>()
    for (let file = fileToClean(hours.folder, tried); file !== null; file = fileToClean(hours.folder, tried)) {
      tried.add(file.name)
      damage.push(...await cleanFile(hours, file))
    }
    return damage
  })
}

async function withStore<T>({ folder, archive }: StoreHandle, now: Pick<HourWork, 'nowMs' | 'cutoffs'>, work: (hours: HourWork) => Promise<T>): Promise<T> {
  const store = archive === null ? null : openStore(archive.place, PATIENCE, systemClock, new Random(freshSeed()))
  try {
    return await work({ folder: hoursFolder(folder), store, ...now })
  } finally {
    await store?.close()
  }
}

/** Rows of the newest stretches that are due and go into one file, one that can be had. */
async function makeRows(work: HourJobWork, hours: HourWork, { sinceT, expiredT }: { sinceT: number; expiredT: number }): Promise<HoursDone> {
  const { due, cover } = work.raw.state
  let unreachable = ''
  for (let before = cover.t; ;) {
    const newest = nextStretch(due['1h'], before, sinceT)
    if (newest === null) return { damage: [], unreachable }
    const span = spanFor(hours.folder, newest)
    const made = await reached(() => makeRowsOf(work, hours, { expiredT, newest, span }))
    if (made.unreachable === '') return { damage: made.damage, unreachable }
    ;({ unreachable } = made)
    before = span.from
  }
}

async function makeRowsOf(
  { handle, slot, raw }: HourJobWork, hours: HourWork, { expiredT, newest, span }: { expiredT: number; newest: number; span: HourSpan },
): Promise<string[]> {
  const { due, droppedT, blocks } = raw.state
  const series = blocks.reduce((most, { meta }) => Math.max(most, meta.series), 1)
  const stretches = within(due['1h'], span, newest, Math.max(1, Math.floor(ROWS_MAX / (2 * series))))
  // Rows of buckets whose raw samples are not all there any more stay as they were made; of what was imported there come new ones
  // beside them. In the bucket that raw samples begin within only if it was made before: what is left of it is not all.
  const goneT = bucketEnd(droppedT, WIDTH_MS)
  const partlyGoneT = bucketEnd(Math.max(droppedT, expiredT), WIDTH_MS)
  const isGoneMade = readManifest(hours.folder).files.some(({ minT, maxT }) => minT <= goneT && goneT <= maxT)
  const isWanted = (t: number): boolean => (t !== goneT || isGoneMade) && stretches.includes(Math.floor(t / STRETCH_MS) * STRETCH_MS)
  const bounds = { from: stretches.at(-1)!, to: newest + STRETCH_MS - WIDTH_MS, isWanted }
  let read = await readRaw(handle, slot, bounds)
  // What a disk refuses once it may give when it is asked again; what is damaged stays so.
  if (read.damage.length > 0) read = await readRaw(handle, slot, bounds)
  const { rows, damage } = read
  const isReplaced = (t: number): boolean => damage.length === 0 && t > partlyGoneT && isWanted(t)
  const lost = await rebuildHours(hours, { span, isReplaced, damaged: damage[0] ?? '' }, rows)
  raw.commit({ due: stretches.reduce((rest, s) => withoutStretch(rest, '1h', s), due), install: [], remove: [] })
  return [...damage, ...lost]
}

async function readRaw(handle: StoreHandle, slot: number, bounds: RawBounds): Promise<{ rows: RowSource; damage: readonly string[] }> {
  // Rows are made of all there is, also of what queries are not shown any more.
  const queryable = new StoreQueryable(handle, slot, { showsExpired: true })
  const querier = queryable.querier()
  try {
    const rows = await rawRows(querier, bounds, nextTurn)
    return { rows, damage: querier.damage() }
  } finally {
    querier.close()
    queryable.close()
  }
}

/** Stretches that are due and lie in the span, from `newest` back, `max` at the most. */
function within(stretches: Stretches, { from, to }: HourSpan, newest: number, max: number): number[] {
  const found: number[] = []
  for (let s = newest; s >= from && found.length < max; s -= STRETCH_MS) if (s < to && stretches.some(([a, b]) => s >= a && s < b)) found.push(s)
  return found
}

/** Rows that can be made; others may never come, and make the month's file anew if they do. */
function isDueWithin({ due, cover }: BlockState, { from, to }: HourSpan): boolean {
  const end = Math.min(to, Math.floor(cover.t / STRETCH_MS) * STRETCH_MS)
  return due['1h'].some(([a, b]) => a < end && b > from)
}

/** What the keeper is to know of the files. */
export function hoursState(data: string): HoursState {
  return stateOf(readManifest(hoursFolder(data)))
}
