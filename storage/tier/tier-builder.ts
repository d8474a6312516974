// Makes a tier's block (FORMAT.md, "Tier block") of rows that come batch by batch.
import { GroupBlockBuilder } from '../block/block-builder.ts'
import type { BlockMeta } from '../block/block-meta.ts'
import type { BlockPlace } from '../block/block-writer.ts'
import type { LabelSource, SeriesBatch } from '../interface.ts'
import type { BucketBuffer } from './bucket-buffer.ts'
import { encodeGroupItem, encodeItem, groupBytes, itemBytes } from './row-item.ts'

export class TierBlockBuilder {
  readonly #block: GroupBlockBuilder

  constructor(place: BlockPlace, labels: LabelSource) {
    this.#block = new GroupBlockBuilder(place, labels)
  }

  /**
   * Adds the rows of a batch, those of few samples with these; `refs[index[s]]`: its series, each added once. Of native
   * histograms the block only knows which series have them.
   */
  add(rows: BucketBuffer, batch: SeriesBatch, refs: Uint32Array): void {
    const { n, t, columns: { count, staleAtEnd } } = rows
    this.#block.beginPieces(n, { minT: t[0]!, maxT: t[n - 1]! }, (from, length) => encodeGroupItem(rows, from, length), groupBytes)
    for (let s = 0; s < rows.seriesCount; s++) {
      let there = 0
      for (let row = s * n; row < (s + 1) * n; row++) if (count[row]! + staleAtEnd[row]! > 0) there++
      const lacks = hasHistograms(batch, s)
      if (there === 0 && !lacks) continue
      this.#block.addPieces(refs[rows.index[s]!]!, there, (from, length) => encodeItem(rows, s * n + from, length, from), () => itemBytes)
      if (lacks) this.#block.noteLacking()
    }
  }

  /** `range`: the ends of buckets that the block answers for; `damaged`: why rows do not say all, '' where they do. `samples` of its meta are rows. */
  async finish(range: { minT: number; maxT: number }, damaged: string): Promise<{ name: string; meta: BlockMeta }> {
    return (await this.#block.finish({ level: 1, sources: [], coveredGeneration: 0, coveredT: 0, range, ...(damaged !== '' && { damaged }) }))!
  }

  abort(): void {
    this.#block.abort()
  }
}

function hasHistograms({ histograms, histogramBits, n }: SeriesBatch, s: number): boolean {
  const words = (n + 31) >>> 5
  return histograms !== null && histogramBits.subarray(s * words, (s + 1) * words).some((bits) => bits !== 0)
}
