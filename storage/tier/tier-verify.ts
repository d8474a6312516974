// Looks at every byte of a tier's block, and reads all its rows.
import { PageCache } from '../block/page-cache.ts'
import { ownTimesFault } from '../block/block-reader.ts'
import { verifyBlock } from '../block/verify.ts'
import { BucketBuffer } from './bucket-buffer.ts'
import { WHOLE } from './row-item.ts'
import { TierReader } from './tier-reader.ts'

/** Sentences about what is wrong with a block of a tier; none if all of it is sound. */
export function verifyTierBlock(folder: string): string[] {
  return verifyBlock(folder, (index, _, damage) => {
    const reader = new TierReader(folder, new PageCache())
    const rows = new BucketBuffer()
    for (let s = 0; s < index.seriesCount; s++) {
      const n = reader.group(reader.groupOf(s))?.rows ?? 0
      rows.shape(1, n)
      reader.readRows(s, 0, n, rows, 0, WHOLE)
    }
    reader.lacking()
    const fault = ownTimesFault(index)
    if (fault !== '') damage.push(fault)
    damage.push(...reader.leftOut)
    reader.close()
  })
}
