// Takes samples past their series' own retention out of blocks: whoever reads a block to write another does not see them.
import path from 'node:path'
import { faultPoint } from '../lib/std/fault-point.ts'
import { BlockReader } from './block/block-reader.ts'
import { compactBlocks } from './block/compact.ts'
import { PageCache } from './block/page-cache.ts'
import type { BlockFolder } from './block-folder.ts'
import { BlockError } from './errors.ts'
import { EXPIRED_SHARE, type Cutoff } from './retention-rules.ts'

/** Hides what is past its retention; returns how many of the block's series are so wholly. */
export function hideExpired(reader: BlockReader, cutoffs: readonly Cutoff[]): number {
  const { minT, maxT } = reader.meta
  const claimed = new Uint8Array(reader.seriesCount)
  let expired = 0
  for (const { matchers, t } of cutoffs) {
    for (const series of reader.select(matchers) ?? []) {
      if (claimed[series] === 1) continue
      claimed[series] = 1
      if (t <= minT) continue
      reader.hide(series, t - 1)
      if (t > maxT) expired++
    }
  }
  return expired
}

/** Writes blocks anew that hold mostly what is past its retention. Returns why some were left as they are. Throws DiskError. */
export async function expireBlocks(folder: BlockFolder, names: readonly string[], cutoffs: readonly Cutoff[]): Promise<string[]> {
  const damage: string[] = []
  for (const name of names) {
    // An attempt whose end main did not hear of.
    const found = folder.state.blocks.find((block) => block.folder === name)
    if (found === undefined) continue
    try {
      const block = path.join(folder.path, name)
      if (expiredShare(block, cutoffs) < EXPIRED_SHARE) continue
      const place = { folder: folder.staging, number: found.name.number, isCompressed: true }
      const rest = await compactBlocks([block], place, (reader) => void hideExpired(reader, cutoffs))
      faultPoint('compact.written')
      folder.commit({ install: rest === null ? [] : [rest], remove: [name] }, (step) => faultPoint(`compact.${step}`))
    } catch (error) {
      if (!(error instanceof BlockError)) throw error
      damage.push(error.message)
    }
  }
  return damage
}

function expiredShare(block: string, cutoffs: readonly Cutoff[]): number {
  const reader = new BlockReader(block, new PageCache())
  try {
    return hideExpired(reader, cutoffs) / reader.seriesCount
  } finally {
    reader.close()
  }
}
