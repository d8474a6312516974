// Blocks of samples that whoever asks gathers, one stretch of time after the other.
import type { Labels } from '../../lib/model/labels.ts'
import type { WrittenBlock } from '../block-jobs.ts'
import { BLOCK_RANGE_MS } from '../block-plan.ts'
import type { Database } from '../database.ts'
import type { LabelSource } from '../interface.ts'
import type { SeriesSource } from './copy-series.ts'
import { stretchesOf } from './openmetrics.ts'
import { makeSamples, pushSample, sortSamples, type SeriesSamples } from './series-samples.ts'
import { writeSource } from './source-block.ts'

/** Series by their labels. */
export class GatheredSeries implements SeriesSource {
  readonly #byLabels = new Map<string, number>()
  readonly #series: { labels: Labels; samples: SeriesSamples }[] = []

  /** What there is of a series so far, to be added to, in any order; of two samples at one time the first stays. */
  of(labels: Labels): SeriesSamples {
    const key = JSON.stringify(labels)
    let id = this.#byLabels.get(key)
    if (id === undefined) this.#byLabels.set(key, (id = this.#series.push({ labels, samples: makeSamples() }) - 1))
    return this.#series[id]!.samples
  }

  refs(): Iterable<number> {
    return this.#series.keys()
  }

  read(ref: number, out: SeriesSamples): Labels {
    const { labels, samples } = this.#series[ref]!
    sortSamples(samples)
    out.count = 0
    for (let i = 0; i < samples.count; i++) pushSample(out, samples.t[i]!, samples.v[i]!)
    return labels
  }
}

/**
 * `gather` adds what lies in [from, to] to the series, and is called with each block's range in [startMs, endMs], cut to that, Unix ms,
 * in order; a block may be made of several. All blocks come, or none. Rejects with what `gather` rejects with, DiskError, SeriesLimitError.
 */
export async function importGathered({ startMs, endMs }: { startMs: number; endMs: number }, gather: (series: GatheredSeries, from: number, to: number) => Promise<void>, store: { db: Database; labels: LabelSource }): Promise<readonly WrittenBlock[]> {
  const blocks: WrittenBlock[] = []
  const ranges = new Map<number, number>()
  for (let range = Math.floor(startMs / BLOCK_RANGE_MS); range * BLOCK_RANGE_MS <= endMs; range++) ranges.set(range, 0)
  await store.db.blocks.add(async (nextPlace) => {
    for (const stretch of stretchesOf(ranges)) {
      const series = new GatheredSeries()
      for (let from = stretch.from; from < stretch.to; from += BLOCK_RANGE_MS) {
        const to = Math.min(from + BLOCK_RANGE_MS - 1, endMs)
        if (to >= startMs && from <= endMs) await gather(series, Math.max(from, startMs), to)
      }
      const written = await writeSource(series, nextPlace(), store)
      if (written !== null) blocks.push(written)
    }
    return blocks
  })
  return blocks
}
