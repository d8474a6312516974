// Single samples and label sets as plain values, for who shows them: tools and tests of rules. Queries read columns.
import type { FloatHistogram } from '../lib/model/histogram.ts'
import type { LabelSource, SeriesBatch } from './interface.ts'

export type Sample = number | 'stale' | FloatHistogram

/** Sample i of series s of a batch; null where the series has none at that time. */
export function sampleAt(batch: SeriesBatch, s: number, i: number): Sample | null {
  const bit = (bits: Uint32Array): boolean => ((bits[s * ((batch.n + 31) >>> 5) + (i >>> 5)]! >>> (i & 31)) & 1) === 1
  if (batch.hasGaps[s] === 1) {
    if (!bit(batch.present)) return null
    if (bit(batch.stale)) return 'stale'
  }
  const value = batch.v[s * batch.n + i]!
  return batch.histograms !== null && bit(batch.histogramBits) ? batch.histograms[value]! : value
}

let symbols = new Uint32Array(256)

/** Name and value of each label of a series, by name. */
export function labelPairs(source: LabelSource, ref: number): [name: string, value: string][] {
  let n = source.labelsOf(ref, symbols)
  if (n > symbols.length) {
    symbols = new Uint32Array(n)
    n = source.labelsOf(ref, symbols)
  }
  return Array.from({ length: n / 2 }, (_, i) => [source.textOf(symbols[i * 2]!), source.textOf(symbols[i * 2 + 1]!)])
}
