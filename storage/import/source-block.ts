// One block of all that a source of series holds.
import { GroupBlockBuilder } from '../block/block-builder.ts'
import type { BlockPlace } from '../block/block-writer.ts'
import type { WrittenBlock } from '../block-jobs.ts'
import type { Database } from '../database.ts'
import type { LabelSource } from '../interface.ts'
import { copySeries, type SeriesSource } from './copy-series.ts'

/** null: there are no samples. Rejects with DiskError, SeriesLimitError, or what the source throws; then there is no block. */
export async function writeSource(source: SeriesSource, place: BlockPlace, { db, labels }: { db: Database; labels: LabelSource }): Promise<WrittenBlock | null> {
  const builder = new GroupBlockBuilder(place, labels)
  try {
    copySeries(source, builder, (set) => db.series(set))
    return await builder.finish({ level: 1, sources: [], coveredGeneration: 0, coveredT: 0 })
  } catch (error) {
    builder.abort()
    throw error
  }
}
