// Makes blocks of a file of OpenMetrics text, beside those that a store has.
import type { WrittenBlock } from '../block-jobs.ts'
import { BLOCK_RANGE_MS, RANGE_FACTOR } from '../block-plan.ts'
import type { Database } from '../database.ts'
import type { LabelSource } from '../interface.ts'
import type { OpenMetricsText } from './openmetrics-text.ts'
import { writeSource } from './source-block.ts'

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
        const written = await writeSource(part.within(from, to), nextPlace(), { db, labels })
        if (written !== null) blocks.push(written)
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
  for (const stretch of stretchesOf(text.counts)) {
    samples += stretch.samples
    if (samples > PART_SAMPLES) {
      parts.push([])
      ;({ samples } = stretch)
    }
    parts.at(-1)!.push(stretch)
  }
  return parts
}

/** The stretches of time that samples lie in, Unix ms, ascending; each makes a block. `counts`: samples by the number of their block range. */
export function stretchesOf(counts: ReadonlyMap<number, number>): Stretch[] {
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
