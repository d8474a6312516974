// The 1-minute tier's jobs, beside those on blocks (block-jobs.ts): rows of a stretch are made of raw samples, blocks of the
// tier are compacted, rows are deleted. Its folder is one of blocks (block-folder.ts), `tiers/1m/`.
//
// Rows of a stretch are always made of all raw samples there are of it; the block that holds them stands for those before it.
// So a cut, late samples, deletions, imports, a crash between two files and folders from before there were tiers are one thing:
// a stretch that is due (tier/due.ts).
import path from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { faultPoint } from '../lib/std/fault-point.ts'
import { removeFolder } from '../lib/std/fs.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import type { BlockMeta } from './block/block-meta.ts'
import type { BlockFolder, StoredBlock } from './block-folder.ts'
import type { LabelSource } from './interface.ts'
import { PageCache } from './block/page-cache.ts'
import { BlockError } from './errors.ts'
import { EXPIRED_SHARE, type Cutoff } from './retention-rules.ts'
import { StoreQueryable, type StoreHandle } from './store-querier.ts'
import { aggregate, bucketEnd } from './tier/aggregate.ts'
import { TIER_MS } from './tier/bucket.ts'
import { BucketBuffer } from './tier/bucket-buffer.ts'
import { STRETCH_MS, withoutStretch, type Span } from './tier/due.ts'
import { SAMPLES_MAX } from './tier/row-shape.ts'
import { TierBlockBuilder } from './tier/tier-builder.ts'
import { deletedRows, expiredRows, type GoneOf } from './tier/gone-rows.ts'
import { mergeTierBlocks } from './tier/tier-merge.ts'
import { TierReader } from './tier/tier-reader.ts'
import { tierView } from './tier/tier-view.ts'

const WIDTH_MS = TIER_MS['1m']

interface Written {
  name: string
  meta: BlockMeta
}

interface TierWork {
  handle: StoreHandle
  /** A reader slot that nobody else has. */
  slot: number
  raw: BlockFolder
  tier: BlockFolder
}

/** Makes the rows of the stretch that begins at `s`; raw samples before `expiredT` may be gone for some series. Returns sentences about what was left out because it is damaged. */
export async function buildTier(work: TierWork, s: number, expiredT: number): Promise<string[]> {
  const { raw, tier } = work
  const range = { minT: s, maxT: s + STRETCH_MS - WIDTH_MS }
  const older = tier.state.blocks.filter(({ name }) => name.minT <= range.maxT && name.maxT >= range.minT)
  let { written, damage } = await aggregateStretch(work, range)
  if (damage.length > 0) {
    // What a disk refuses once it may give when it is asked again; what is damaged stays so.
    removeFolder(path.join(tier.staging, written.name));
    ({ written, damage } = await aggregateStretch(work, range))
  }
  // Of time whose raw samples are not all there, rows that were made when they were stay.
  const goneT = damage.length > 0 ? range.maxT : Math.min(range.maxT, bucketEnd(Math.max(raw.state.droppedT, expiredT), WIDTH_MS))
  let made: Written | null = written
  if (goneT >= range.minT && older.length > 0) {
    made = await keepOld(tier, older, written, { range, goneT })
    removeFolder(path.join(tier.staging, written.name))
  }
  if (made.meta.series === 0 && older.length === 0) {
    removeFolder(path.join(tier.staging, made.name))
    made = null
  }
  faultPoint('tier.written')
  if (made !== null) {
    const replaced = older.filter(({ name }) => name.minT >= range.minT && name.maxT <= range.maxT)
    tier.commit({ install: [made], remove: replaced.map(({ folder }) => folder) }, (step) => faultPoint(`tier.${step}`))
  }
  raw.commit({ due: withoutStretch(raw.state.due, '1m', s), install: [], remove: [] })
  faultPoint('tier.noted')
  return damage
}

async function aggregateStretch({ handle, slot, tier }: TierWork, range: Span): Promise<{ written: Written; damage: string[] }> {
  // Rows are made of all there is, also of what queries are not shown any more.
  const queryable = new StoreQueryable(handle, slot, { showsExpired: true })
  const querier = queryable.querier()
  let builder: TierBlockBuilder | null = null
  try {
    const span = { mint: range.minT - WIDTH_MS + 1, maxt: range.maxT }
    // Series that the head has forgotten get the refs that blocks have: a thread's own mean nothing to others.
    const stored = querier.storedRefs(span.mint, span.maxt)
    const own = new Map(Array.from(stored, ([ref, inBlocks]) => [inBlocks, ref]))
    const labels: LabelSource = {
      symbolOf: (text) => querier.symbolOf(text), textOf: (symbol) => querier.textOf(symbol), labelsOf: (ref, out) => querier.labelsOf(own.get(ref) ?? ref, out),
    }
    builder = new TierBlockBuilder({ folder: tier.staging, number: tier.takeNumber(), isCompressed: false }, labels)
    const selection = querier.select([], span.mint, span.maxt, { startMs: span.mint, endMs: span.maxt, stepMs: 0, rangeMs: 0, func: '' })
    const refs = selection.refs.map((ref) => stored.get(ref) ?? ref)
    const rows = new BucketBuffer()
    for (let batch = selection.next(); batch !== null; batch = selection.next()) {
      aggregate(batch, WIDTH_MS, rows, SAMPLES_MAX)
      builder.add(rows, batch, refs)
      // Where main itself does the job, it gets its turn.
      await nextTurn()
    }
    const damage = querier.damage()
    return { written: await builder.finish(range, damage[0] ?? ''), damage: [...damage] }
  } catch (error) {
    builder?.abort()
    throw error
  } finally {
    querier.close()
    queryable.close()
  }
}

/** The block of new rows, but where older ones end at goneT or before: these stay. */
function keepOld(tier: BlockFolder, older: readonly StoredBlock[], written: Written, { range, goneT }: { range: Span; goneT: number }): Promise<Written> {
  const kept = tierView(older.map(({ name, folder }) => ({ ...name, folder }))).flatMap(({ minT, maxT, block }) => {
    const part = { minT: Math.max(minT, range.minT), maxT: Math.min(maxT, goneT), folder: path.join(tier.path, block.folder) }
    return part.minT <= part.maxT ? [part] : []
  })
  const sources = [...kept, { ...range, folder: path.join(tier.staging, written.name) }]
  return mergeTierBlocks(sources, range, { folder: tier.staging, number: tier.takeNumber(), isCompressed: false }, null)
}

/** Makes one block of these, without rows past their series' own retention. */
export async function compactTier(tier: BlockFolder, sources: readonly string[], cutoffs: readonly Cutoff[]): Promise<void> {
  const from = tier.state.blocks.filter(({ folder }) => sources.includes(folder))
  // An attempt whose end main did not hear of.
  if (from.length < sources.length) return
  const made = await rewrite(tier, from, expiredRows(cutoffs))
  faultPoint('tier.written')
  tier.commit({ install: [made], remove: sources }, (step) => faultPoint(`tier.${step}`))
}

/** Rows in buckets that touch the span go from blocks that have such; those that raw samples can be had of are to be made anew. */
export function deleteRows(tier: BlockFolder, sets: readonly (readonly Matcher[])[], span: Span): Promise<void> {
  const touched = tier.state.blocks.filter(({ name }) => name.maxT >= span.minT && name.minT - WIDTH_MS < span.maxT)
  return rewriteEach(tier, touched, deletedRows(sets, span, WIDTH_MS))
}

/** Writes blocks anew that hold mostly what is past its series' own retention. Returns why some were left as they are. Throws DiskError. */
export async function expireTier(tier: BlockFolder, names: readonly string[], cutoffs: readonly Cutoff[]): Promise<string[]> {
  const damage: string[] = []
  for (const block of tier.state.blocks.filter(({ folder }) => names.includes(folder))) {
    // One that was rewritten along with another before.
    if (!tier.state.blocks.some(({ folder }) => folder === block.folder)) continue
    try {
      if (expiredShare(path.join(tier.path, block.folder), cutoffs) >= EXPIRED_SHARE) await rewriteEach(tier, [block], expiredRows(cutoffs))
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      damage.push(error.message)
    }
  }
  return damage
}

/** Of the block's series those whose rows are all past their retention. */
function expiredShare(folder: string, cutoffs: readonly Cutoff[]): number {
  const reader = new TierReader(folder, new PageCache())
  try {
    const past = expiredRows(cutoffs)(reader).values().filter(({ before }) => before > reader.meta.maxT).toArray()
    return past.length / Math.max(1, reader.seriesCount)
  } finally {
    reader.close()
  }
}

async function rewriteEach(tier: BlockFolder, touched: readonly StoredBlock[], goneOf: GoneOf): Promise<void> {
  const done = new Set<string>()
  for (const { folder, name } of touched.toSorted((a, b) => (b.name.maxT - b.name.minT) - (a.name.maxT - a.name.minT))) {
    if (done.has(folder)) continue
    // What is written anew stands for all before it: blocks that stand for parts of this one go into it.
    const from = tier.state.blocks.filter((other) => other.name.minT <= name.maxT && other.name.maxT >= name.minT)
    for (const block of from) done.add(block.folder)
    const made = await rewrite(tier, from, goneOf)
    faultPoint('tier.written')
    tier.commit({ install: [made], remove: from.map((block) => block.folder) }, (step) => faultPoint(`tier.${step}`))
  }
}

function rewrite(tier: BlockFolder, from: readonly StoredBlock[], goneOf: GoneOf): Promise<Written> {
  const range = { minT: Math.min(...from.map(({ name }) => name.minT)), maxT: Math.max(...from.map(({ name }) => name.maxT)) }
  // It stands for all of the range, also for stretches between these that readers see of a longer block.
  const view = tierView(tier.state.blocks.map(({ name, folder }) => ({ ...name, folder })))
  const sources = view.flatMap(({ minT, maxT, block }) => {
    const part = { minT: Math.max(minT, range.minT), maxT: Math.min(maxT, range.maxT), folder: path.join(tier.path, block.folder) }
    return part.minT <= part.maxT ? [part] : []
  })
  return mergeTierBlocks(sources, range, { folder: tier.staging, number: tier.takeNumber(), isCompressed: true }, goneOf)
}
