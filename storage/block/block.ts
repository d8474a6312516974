// How the head's cut fills a block, and how queries read one. Between the two lies a folder (FORMAT.md, "Block").
//
//   head, group by group ──▶ BlockBuilder ──▶ blocks/<name>/ ──▶ BlockColumns ──▶ Querier
//
// A block holds series in block order (metric name, then labels), so that one metric over many targets lies together.
// A reader that wants many series takes them by number, ascending, in stretches of up to 1 Mi values, and makes its
// batches inside a stretch: each page is then read about once. By group instead, each group would read every page.
import type { BatchBuffer } from '../head/batch-buffer.ts'
import type { Labels } from '../../lib/model/labels.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import type { SeriesBatch } from '../interface.ts'
import type { BlockMeta, BlockOrigin } from './block-meta.ts'

/** "No such series here", where a series number is expected. */
export const NO_SERIES = 0xffffffff

/** Takes samples group by group and writes a block of them. Not for two threads. */
export interface BlockBuilder {
  /** The timestamps t[0, n) of the series that follow, strictly ascending; copied. */
  beginGroup(t: Float64Array, n: number): void
  /** Adds series s of a batch whose n is the group's. A ref may be added once. Series without samples are left out. */
  addSeries(ref: number, batch: SeriesBatch, s: number): void
  /** Lays the block out, syncs and names it. null if it would hold no sample: then nothing is there. */
  finish(origin: BlockOrigin): Promise<{ name: string; meta: BlockMeta } | null>
  /** Removes what was written; for when the source failed. */
  abort(): void
}

/** Reads one block, in one thread. What is damaged is left out and told of in `leftOut`. */
export interface BlockColumns {
  readonly folder: string
  readonly meta: BlockMeta
  /** Why parts were left out; the querier clears it when it opens. */
  readonly leftOut: Set<string>
  /** Numbers of refs (ascending) into `numbers`, NO_SERIES where the block has no such series; returns how many it has. */
  find(refs: Uint32Array, numbers: Uint32Array): number
  /** The group of a series. Its timestamps are shared by all series that give the same number. */
  groupOf(series: number): number
  /** Sets `from` and `to`: rows [from, to) of a group are those in [mint, maxt]; none where their timestamps are damaged. */
  seekRows(group: number, mint: number, maxt: number): void
  readonly from: number
  readonly to: number
  /** Timestamps of rows [from, to) of a group into out[at, …). False where they cannot be read: the rows must be left out. */
  readTimes(group: number, from: number, to: number, out: Float64Array, at: number): boolean
  /** Rows [from, to) of a series' group into row s of a batch (already shaped), at position base on; deleted samples are absent. */
  readSeries(series: number, from: number, to: number, batch: BatchBuffer, place: { s: number; base: number }): void
  /** True if samples of a series are native histograms, as far as its first rows tell. */
  hasHistograms(series: number): boolean
  /** What is told of whatever is read: what was asked of the disk but once, when the block was opened. */
  readonly standing: readonly string[]
  /** Numbers, ascending, of the series that match all matchers, by the block's own index; null where that cannot be read. */
  select(matchers: readonly Matcher[]): Uint32Array | null
  readonly seriesCount: number
  readonly pairCount: number
  /** A bit for each series whose ref is not known, or cannot be read; null if there is none, undefined where none can be read. */
  unknown(isKnown: (ref: number) => boolean): Int32Array | null | undefined
  /** Pairs of a series, those of the metric's name first, then by name; null where they cannot be read. */
  pairsOf(series: number): Uint32Array | null
  pairText(pair: number): { name: string; value: string } | null
  refOf(series: number): number
  labelsOf(series: number): Labels
  labelNames(): string[]
  labelValues(name: string): string[]
  close(): void
}
