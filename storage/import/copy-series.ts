// From somebody else's series to groups of a block. Elsewhere timestamps are kept per series; those of one target are
// the same. Series whose timestamps are equal make a group here, so that they are stored once.
//
//   series ─▶ by their timestamps (first pass) ─▶ groups ─▶ BlockBuilder (second pass)
import { hash } from 'node:crypto'
import type { Labels } from '../../lib/model/labels.ts'
import type { BlockBuilder } from '../block/block.ts'
import { BatchBuffer } from '../head/batch-buffer.ts'
import { makeSamples, type SeriesSamples } from './series-samples.ts'

/** Series with samples of a stretch of time. */
export interface SeriesSource {
  /** Numbers of the series, each once. */
  refs(): Iterable<number>
  /** Puts the samples of a series into `out`, times ascending strictly; returns its labels. */
  read(ref: number, out: SeriesSamples): Labels
}

/** Adds all of a source to a builder, its series under the refs that `refOf` gives; returns the samples. */
export function copySeries(source: SeriesSource, builder: BlockBuilder, refOf: (labels: Labels) => number): number {
  const samples = makeSamples()
  const batch = new BatchBuffer()
  let total = 0
  for (const refs of groupsOf(source, samples)) {
    let isOpen = false
    for (const ref of refs) {
      const labels = source.read(ref, samples)
      if (!isOpen) builder.beginGroup(samples.t, samples.count)
      isOpen = true
      fillBatch(batch, samples)
      builder.addSeries(refOf(labels), batch, 0)
      total += samples.count
    }
  }
  return total
}

/** Lists of series that have the same timestamps; series without samples are in none. */
function groupsOf(source: SeriesSource, samples: SeriesSamples): Iterable<number[]> {
  const groups = new Map<string, number[]>()
  for (const ref of source.refs()) {
    source.read(ref, samples)
    if (samples.count === 0) continue
    const key = keyOfTimes(samples)
    const group = groups.get(key)
    if (group) group.push(ref)
    else groups.set(key, [ref])
  }
  return groups.values()
}

function keyOfTimes({ t, count }: SeriesSamples): string {
  return hash('sha256', new Uint8Array(t.buffer, 0, count * 8), 'base64')
}

/** The samples as a batch of one series. */
function fillBatch(batch: BatchBuffer, samples: SeriesSamples): void {
  const { count, v, stale, histograms } = samples
  batch.shape(1, count)
  batch.t.set(samples.t.subarray(0, count))
  batch.v.set(v.subarray(0, count))
  if (stale.includes(1) && stale.indexOf(1) < count) {
    batch.beginGaps(0, count)
    for (let i = 0; i < count; i++) if (stale[i] === 1) batch.mark(0, i, true)
  }
  for (let i = 0; i < count; i++) if (histograms[i]) batch.putHistogram(0, i, histograms[i]!)
}
