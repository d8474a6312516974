// Reads of a damaged block what can be read, for a block in its place. Pages that are there twice make up for each other;
// what stands in no page that is sound is left out.
import type { Labels } from '../../lib/model/labels.ts'
import { BlockError } from '../errors.ts'
import { BatchBuffer } from '../head/batch-buffer.ts'
import { parseBlockName, type BlockMeta } from './block-meta.ts'
import { BlockReader, ownMeta } from './block-reader.ts'
import { NO_SERIES, type BlockBuilder } from './block.ts'
import { PageCache } from './page-cache.ts'
import { countSamples } from './series-encode.ts'

/** What a block says of itself where its description is damaged: no more than its name. */
export function metaOf(folder: string, name: string): { meta: BlockMeta; isKnown: boolean } {
  try {
    return { meta: ownMeta(folder), isKnown: true }
  } catch (error) {
    const named = parseBlockName(name)
    if (!(error instanceof BlockError) || named === null) throw error
    const { minT, maxT, level } = named
    return { meta: { minT, maxT, level, sources: [], series: 0, samples: 0, groups: 0, bytes: 0, coveredGeneration: 0, coveredT: 0 }, isKnown: false }
  }
}

/**
 * Gives the series of a block to `to`; returns the samples. `labels`: by ref, which name the series whose labels the block
 * has lost; it gains those that only the block has. Throws BlockError where nothing can be read, DiskError.
 */
export function salvage(folder: string, meta: BlockMeta, labels: Labels[], to: Pick<BlockBuilder, 'beginGroup' | 'addSeries'>): number {
  const reader = new BlockReader(folder, new PageCache(), meta)
  const batch = new BatchBuffer()
  let samples = 0
  try {
    for (const [group, series] of seriesByGroup(reader, labels)) {
      reader.seekRows(group, -Infinity, Infinity)
      const rows = reader.to
      batch.shape(1, rows)
      if (rows === 0 || !reader.readTimes(group, 0, rows, batch.t, 0)) continue
      let isOpen = false
      for (const { number, ref } of series) {
        batch.shape(1, rows)
        reader.readSeries(number, 0, rows, batch, { s: 0, base: 0 })
        const count = countSamples(batch, 0)
        if (count === 0) continue
        if (!isOpen) to.beginGroup(batch.t, rows)
        isOpen = true
        samples += count
        to.addSeries(ref, batch, 0)
      }
    }
    return samples
  } finally {
    reader.close()
  }
}

/** Numbers and refs of the series that have a name, by group. */
function seriesByGroup(reader: BlockReader, labels: Labels[]): Map<number, { number: number; ref: number }[]> {
  // A series' ref stands beside its labels and, twice, in the list by ref.
  const refs = new Uint32Array(reader.seriesCount)
  const all = Uint32Array.from({ length: Math.max(0, labels.length - 1) }, (_, i) => i + 1)
  const numbers = new Uint32Array(all.length)
  reader.find(all, numbers)
  numbers.forEach((number, i) => {
    if (number < refs.length) refs[number] = all[i]!
  })
  const groups = new Map<number, { number: number; ref: number }[]>()
  for (let number = 0; number < refs.length; number++) {
    const ref = refs[number]! || reader.refOf(number)
    const group = reader.groupOf(number)
    if (ref === 0 || group === NO_SERIES) continue
    if ((labels[ref]?.length ?? 0) === 0) labels[ref] = reader.labelsOf(number)
    if (labels[ref]!.length === 0) continue
    const list = groups.get(group)
    if (list) list.push({ number, ref })
    else groups.set(group, [{ number, ref }])
  }
  return groups
}
