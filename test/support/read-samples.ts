// Everything a store holds, read through its Querier: floats, staleness markers, native histograms and start times.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { Queryable, SeriesBatch } from '../../storage/interface.ts'

export interface ReadSample {
  t: number
  sample: number | 'stale' | FloatHistogram
  startMs: number
}

const HINTS = { startMs: 0, endMs: 0, stepMs: 0, rangeMs: 0, func: '' }

/** Samples in range by series, whose labels are joined by '|'. */
export function readSamples(queryable: Queryable, mint: number = -Infinity, maxt: number = Infinity): Map<string, ReadSample[]> {
  const querier = queryable.querier()
  const pairs = new Uint32Array(256)
  const out = new Map<string, ReadSample[]>()
  try {
    const selection = querier.select([{ name: '__name__', op: '!=', value: '' }], mint, maxt, HINTS)
    for (let batch = selection.next(); batch; batch = selection.next()) {
      for (let s = 0; s < batch.seriesCount; s++) {
        const n = querier.labelsOf(selection.refs[batch.index[s]!]!, pairs)
        const samples = samplesOf(batch, s)
        if (samples.length > 0) out.set(Array.from(pairs.subarray(0, n), (symbol) => querier.textOf(symbol)).join('|'), samples)
      }
    }
  } finally {
    querier.close()
  }
  return out
}

function samplesOf(batch: SeriesBatch, s: number): ReadSample[] {
  const words = (batch.n + 31) >>> 5
  const samples: ReadSample[] = []
  for (let i = 0; i < batch.n; i++) {
    const bit = (bits: Uint32Array): boolean => ((bits[s * words + (i >>> 5)]! >>> (i & 31)) & 1) === 1
    const at = s * batch.n + i
    if (batch.hasGaps[s] === 1 && !bit(batch.present)) continue
    const isStale = batch.hasGaps[s] === 1 && bit(batch.stale)
    const histogram = batch.histograms !== null && bit(batch.histogramBits) ? batch.histograms[batch.v[at]!]! : null
    samples.push({ t: batch.t[i]!, sample: isStale ? 'stale' : histogram ?? batch.v[at]!, startMs: batch.startTimes?.[at] ?? 0 })
  }
  return samples
}
