// Makes blocks of a file of OpenMetrics text, beside those that a store has.
import { GroupBlockBuilder } from '../block/block-builder.ts'
import type { WrittenBlock } from '../block-jobs.ts'
import { BLOCK_RANGE_MS, RANGE_FACTOR } from '../block-plan.ts'
import type { Database } from '../database.ts'
import type { LabelSource } from '../interface.ts'
import { copySeries } from './copy-series.ts'
import type { OpenMetricsText } from './openmetrics-text.ts'

/** Long stretches of time make longer blocks, as compaction would, so that there are no more than about this many. */
const BLOCKS_MAX = 256
/** Read together, at 20 bytes each; a stretch that has more is read by itself. */
const PART_SAMPLES = 8 << 20

export interface MadeBlocks {
  blocks: readonly WrittenBlock[]
  /** Samples that came at a time at which their series had one before. */
  repeated: number
}

/** All blocks come, or none. Rejects with DiskError, SeriesLimitError, or what else the store refuses. */
export async function importOpenMetrics(text: OpenMetricsText, db: Database, labels: LabelSource): Promise<MadeBlocks> {
  const blocks: WrittenBlock[] = []
  await db.blocks.add(async (nextPlace) => {
    for (const stretches of partsOf(text)) {
      const part = text.part(stretches[0]!.from, stretches.at(-1)!.to)
      for (const { from, to } of stretches) {
        const builder = new GroupBlockBuilder(nextPlace(), labels)
        try {
          copySeries(part.within(from, to), builder, (set) => db.series(set))
          const written = await builder.finish({ level: 1, sources: [], coveredGeneration: 0, coveredT: 0 })
          if (written !== null) blocks.push(written)
        } catch (error) {
          builder.abort()
          throw error
        }
      }
    }
    return blocks
  })
  return { blocks, repeated: text.samples - blocks.reduce((sum, { meta }) => sum + meta.samples, 0) }
}

interface Stretch {
  from: number
  to: number
  samples: number
}

/** Stretches of time whose samples are read together, ascending. */
function partsOf(text: OpenMetricsText): Stretch[][] {
  const parts: Stretch[][] = []
  let samples = Infinity
  for (const stretch of stretchesOf(text)) {
    samples += stretch.samples
    if (samples > PART_SAMPLES) {
      parts.push([])
      ;({ samples } = stretch)
    }
    parts.at(-1)!.push(stretch)
  }
  return parts
}

/** The stretches of time that samples lie in, Unix ms, ascending; each makes a block. */
function stretchesOf({ counts }: OpenMetricsText): Stretch[] {
  let ranges = counts
  let rangeMs = BLOCK_RANGE_MS
  while (ranges.size > BLOCKS_MAX) {
    const longer = new Map<number, number>()
    for (const [range, samples] of ranges) {
      const at = Math.floor(range / RANGE_FACTOR)
      longer.set(at, (longer.get(at) ?? 0) + samples)
    }
    ranges = longer
    rangeMs *= RANGE_FACTOR
  }
  return [...ranges].toSorted(([a], [b]) => a - b).map(([range, samples]) => ({ from: range * rangeMs, to: (range + 1) * rangeMs, samples }))
}
