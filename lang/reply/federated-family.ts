// What /federate tells of the series of one name, and the classic form of a histogram with custom buckets.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { Labels } from '../../lib/model/labels.ts'

export interface FederatedMetric {
  /** Without the name; flat. */
  labels: Labels
  t: number
  v: number
  histogram: FloatHistogram | null
}

/** Metrics of one name and kind. */
export interface FederatedFamily {
  name: string
  type: 'untyped' | 'histogram' | 'gauge_histogram'
  metrics: readonly FederatedMetric[]
}

/** A bucket for each bound but +Inf, with the count of all up to it. */
export function cumulativeBuckets({ customValues, positive }: FloatHistogram): { bound: number; count: number }[] {
  let k = 0
  let sum = 0
  return Array.from(customValues, (bound, i) => {
    for (; k < positive.index.length && positive.index[k]! <= i; k++) sum += positive.count[k]!
    return { bound, count: sum }
  })
}
