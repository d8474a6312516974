// What native histograms cost the samples budget: as many float samples as fit their memory in Prometheus, 16 bytes
// each (promql/value.go, HPoint.size; model/histogram, FloatHistogram.Size), so that limits mean the same.
import type { Buckets, FloatHistogram } from '../../lib/model/histogram.ts'
import { ABSENT, HISTOGRAM } from './operator.ts'
import type { HistogramTable } from './histogram-table.ts'

/** Of the structure without buckets. */
const FIXED_BYTES = 168
const TIMESTAMP_BYTES = 8

/** Float samples that `histogram` counts as, its timestamp included. */
export function samplesOf(histogram: FloatHistogram): number {
  const { positive, negative, customValues } = histogram
  const bytes = FIXED_BYTES + sideBytes(positive) + sideBytes(negative) + customValues.length * 8
  return Math.floor((bytes + TIMESTAMP_BYTES) / 16)
}

/** Prometheus keeps buckets as spans of neighbours: 8 bytes each, and 8 for each bucket. */
function sideBytes({ index }: Buckets): number {
  let spans = 0
  for (let i = 0; i < index.length; i++) if (i === 0 || index[i]! !== index[i - 1]! + 1) spans++
  return (spans + index.length) * 8
}

/** Samples that the points of a row count as: values and kinds from `at` on. */
export function samplesInRow(row: { values: Float64Array; kinds: Uint8Array; at: number }, count: number, table: HistogramTable): number {
  const { values, kinds, at } = row
  let samples = 0
  for (let i = at; i < at + count; i++) {
    if (kinds[i] === HISTOGRAM) samples += samplesOf(table.get(values[i]!))
    else if (kinds[i] !== ABSENT) samples++
  }
  return samples
}
