// What `load_with_nhcb` adds: each classic histogram's `_bucket`, `_count` and `_sum` series as one series of native
// histograms with custom bounds (Prometheus' util/convertnhcb).
import { CUSTOM_SCHEMA, denseBuckets, HINT_UNKNOWN, NO_BUCKETS, type FloatHistogram } from '../../lib/model/histogram.ts'
import { getLabel, METRIC_NAME, type Labels } from '../../lib/model/labels.ts'
import { isNumber, parseNumber } from './numbers.ts'
import type { SeriesLine } from './series-line.ts'

/** Counts of one moment. */
interface Moment {
  /** Cumulative, by upper bound. */
  buckets: Map<number, number>
  count: number | null
  sum: number
}

export interface CollatedSeries {
  labels: Labels
  /** By sample position in the load's lines. */
  histograms: Map<number, FloatHistogram>
}

export function collateClassic(lines: Iterable<SeriesLine>): CollatedSeries[] {
  const found = new Map<string, { labels: Labels; moments: Map<number, Moment> }>()
  for (const { labels, items } of lines) {
    const match = /^(.*)_(bucket|count|sum)$/s.exec(getLabel(labels, METRIC_NAME))
    const le = getLabel(labels, 'le')
    if (match === null || (match[2] === 'bucket' && !isNumber(le))) continue
    const collated = collatedLabels(labels, match[1]!, match[2] === 'bucket')
    const key = JSON.stringify(collated)
    if (!found.has(key)) found.set(key, { labels: collated, moments: new Map() })
    const { moments } = found.get(key)!
    items.forEach((item, i) => {
      if (item.kind !== 'float') return
      const moment = moments.get(i) ?? { buckets: new Map<number, number>(), count: null, sum: 0 }
      moments.set(i, moment)
      if (match[2] === 'bucket') moment.buckets.set(parseNumber(le), item.v)
      else if (match[2] === 'count') moment.count = item.v
      else moment.sum = item.v
    })
  }
  return [...found.values()].map(({ labels, moments }) => ({
    labels,
    histograms: new Map([...moments].flatMap(([i, moment]) => {
      const histogram = converted(moment)
      return histogram === null ? [] : [[i, histogram] as const]
    })),
  }))
}

function collatedLabels(labels: Labels, name: string, isBucket: boolean): Labels {
  const collated: string[] = []
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === 'le' && isBucket) continue
    collated.push(labels[i]!, labels[i] === METRIC_NAME ? name : labels[i + 1]!)
  }
  return collated
}

/** null where the buckets are not cumulative. */
function converted({ buckets, count, sum }: Moment): FloatHistogram | null {
  const bounds = [...buckets.keys()].toSorted((a, b) => a - b)
  const last = bounds.at(-1)
  const total = count ?? (last === undefined ? 0 : buckets.get(last)!)
  const cumulative = bounds.map((bound) => buckets.get(bound)!)
  if (last !== Infinity) cumulative.push(total)
  const own = cumulative.map((c, i) => c - (cumulative[i - 1] ?? 0))
  if (own.some((c) => c < 0)) return null
  return {
    schema: CUSTOM_SCHEMA, zeroThreshold: 0, zeroCount: 0, count: total, sum, hint: HINT_UNKNOWN,
    positive: denseBuckets(0, own), negative: NO_BUCKETS, customValues: Float64Array.from(bounds.filter((bound) => bound !== Infinity)),
  }
}
