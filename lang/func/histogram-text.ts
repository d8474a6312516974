// A native histogram as count_values writes it into a label: Go's FloatHistogram.String() of Prometheus.
//
//   {count:6, sum:12.5, [-2,-1):1, [-0.001,0.001]:2, (1,2]:3}
import { wholeBuckets } from '../../lib/model/histogram-bounds.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { formatGeneral } from '../../lib/std/go-format.ts'

export function histogramText(histogram: FloatHistogram): string {
  const buckets = wholeBuckets(histogram).map(({ lower, upper, isLowerInclusive, isUpperInclusive, count }) => {
    const interval = `${isLowerInclusive ? '[' : '('}${formatGeneral(lower)},${formatGeneral(upper)}${isUpperInclusive ? ']' : ')'}`
    return `, ${interval}:${formatGeneral(count)}`
  })
  return `{count:${formatGeneral(histogram.count)}, sum:${formatGeneral(histogram.sum)}${buckets.join('')}}`
}
