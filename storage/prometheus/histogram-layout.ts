// How Prometheus writes the buckets of a native histogram: spans of neighbours, counts of integer histograms each less
// the one before (prometheus model/histogram). Both its chunks and its log have them so.
import { PrometheusFormatError } from './byte-reader.ts'
import { NO_BUCKETS, type Buckets, type CounterResetHint, type FloatHistogram } from '../../lib/model/histogram.ts'

/** `length` neighbouring buckets that begin `offset` behind the end of the span before. */
export interface Span {
  offset: number
  length: number
}

/** What the samples of a chunk share. */
export interface Layout {
  schema: number
  zeroThreshold: number
  positive: readonly Span[]
  negative: readonly Span[]
  customValues: Float64Array
}

export function sumOfLengths(spans: readonly Span[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0)
}

/** Absolute counts from those less the one before; the negative side, from `positiveCount` on, begins anew. */
export function summedUp(deltas: Float64Array, positiveCount: number): Float64Array {
  const counts = new Float64Array(deltas.length)
  let count = 0
  for (let k = 0; k < deltas.length; k++) {
    if (k === positiveCount) count = 0
    counts[k] = count += deltas[k]!
  }
  return counts
}

/** `counts`: absolute, the positive side's, then the negative side's. Throws PrometheusFormatError where buckets do not ascend. */
export function makeHistogram(
  layout: Layout, hint: CounterResetHint, head: { count: number; zeroCount: number; sum: number }, counts: Float64Array,
): FloatHistogram {
  const positiveCount = sumOfLengths(layout.positive)
  return {
    schema: layout.schema, zeroThreshold: layout.zeroThreshold, ...head, hint, customValues: layout.customValues,
    positive: bucketsOf(layout.positive, counts.subarray(0, positiveCount)),
    negative: bucketsOf(layout.negative, counts.subarray(positiveCount)),
  }
}

function bucketsOf(spans: readonly Span[], counts: Float64Array): Buckets {
  if (counts.length === 0) return NO_BUCKETS
  const index = new Int32Array(counts.length)
  let bucket = 0
  let k = 0
  for (const [i, { offset, length }] of spans.entries()) {
    // Prometheus 3.5 makes such when it puts histograms in order that came late: counts are not those of their buckets then.
    if (i > 0 && offset < 0) throw new PrometheusFormatError(`buckets of a histogram overlap: span ${i + 1} begins ${-offset} before the end of the one before`)
    bucket += offset
    for (let i = 0; i < length; i++) index[k++] = bucket++
  }
  return { index, count: counts.slice() }
}
