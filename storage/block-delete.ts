// Deleting from blocks: tombstones at once, which readers and compaction heed; cleaning writes the blocks anew without what
// they name.
import path from 'node:path'
import { faultPoint } from '../lib/std/fault-point.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import { NO_SERIES } from './block/block.ts'
import { BlockReader } from './block/block-reader.ts'
import { compactBlocks } from './block/compact.ts'
import { PageCache } from './block/page-cache.ts'
import { readTombstones, writeTombstones, type Tombstone } from './block/tombstones.ts'
import type { BlockFolder } from './block-folder.ts'
import { BlockError } from './errors.ts'
import { HeadQueryable } from './head/head-querier.ts'
import { headFolder, type StoreHandle } from './store-querier.ts'

export interface Deletion {
  sets: readonly (readonly Matcher[])[]
  /** Unix ms, both inclusive. */
  from: number
  to: number
}

/** Returns the blocks that have lost samples. Throws DiskError and BlockError; what was deleted by then stays deleted. */
export function deleteSamples(handle: StoreHandle, slot: number, folder: BlockFolder, { sets, from, to }: Deletion): string[] {
  const refs = matchingRefs(handle, slot, sets)
  const cache = new PageCache()
  const touched: string[] = []
  // The youngest first: where it ends amid them, no sample is seen that an older block's was seen in place of.
  for (const { folder: name, meta } of folder.state.blocks.toSorted((a, b) => b.name.number - a.name.number)) {
    if (meta.maxT < from || meta.minT > to) continue
    const block = path.join(folder.path, name)
    const there = refsIn(block, refs, sets, cache)
    if (there.length === 0) continue
    const known = readTombstones(block)
    const fresh = there.filter((ref) => !known.some((old) => old.ref === ref && old.from <= from && old.to >= to))
    if (fresh.length === 0) continue
    writeTombstones(block, [...known, ...fresh.map((ref): Tombstone => ({ ref, from, to }))])
    faultPoint('delete.written')
    touched.push(name)
  }
  return touched
}

/** Of series that match one of the sets; ascending, each once. */
function matchingRefs(handle: StoreHandle, slot: number, sets: readonly (readonly Matcher[])[]): Uint32Array {
  const head = new HeadQueryable({ memory: handle.memory, segmentFolder: headFolder(handle.folder) }, slot)
  const querier = head.querier()
  try {
    const refs = new Set<number>()
    for (const matchers of sets) for (const ref of querier.matching(matchers)) refs.add(ref)
    return Uint32Array.from(refs).sort()
  } finally {
    querier.close()
    head.close()
  }
}

/** Of the head's refs those that the block has, and those of its series that match by its own index: the head may have forgotten them. */
export function refsIn(block: string, refs: Uint32Array, sets: Deletion['sets'], cache: PageCache): number[] {
  const reader = new BlockReader(block, cache)
  try {
    const numbers = new Uint32Array(refs.length)
    reader.find(refs, numbers)
    const there = new Set(refs.filter((_, i) => numbers[i] !== NO_SERIES))
    for (const matchers of sets) {
      const found = reader.select(matchers)
      // It would stay, and nobody be told.
      if (found === null) throw new BlockError(`cannot tell what to delete: ${[...reader.leftOut].join('; ')}; see monitor tsdb repair`)
      for (const series of found) there.add(reader.refOf(series))
    }
    there.delete(0)
    return [...there].toSorted((a, b) => a - b)
  } finally {
    reader.close()
  }
}

/** Writes every block that has tombstones anew. Throws DiskError and BlockError; blocks that are done stay done. */
export async function cleanBlocks(folder: BlockFolder): Promise<void> {
  for (const { folder: name, name: { number } } of folder.state.blocks) {
    const block = path.join(folder.path, name)
    if (readTombstones(block).length === 0) continue
    // Its number stays, at the next level: of conflicting samples those of the block made first are seen.
    const clean = await compactBlocks([block], { folder: folder.staging, number, isCompressed: true })
    faultPoint('compact.written')
    folder.commit({ install: clean === null ? [] : [clean], remove: [name] }, (step) => faultPoint(`compact.${step}`))
  }
}
