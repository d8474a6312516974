// Native histograms with fewer buckets: coarser ones, and ones without runs of empty buckets. After prometheus
// model/histogram (ReduceResolution, Compact).
import { reducedIndex } from './histogram-buckets.ts'
import { NO_BUCKETS, type Buckets, type FloatHistogram } from './histogram.ts'

/** Of an exponential histogram: the same observations in buckets of a schema that is not finer. */
export function atSchema(h: FloatHistogram, schema: number): FloatHistogram {
  if (schema === h.schema) return h
  const halvings = h.schema - schema
  return { ...h, schema, positive: merged(h.positive, halvings), negative: merged(h.negative, halvings) }
}

function merged({ index, count }: Buckets, halvings: number): Buckets {
  const targets = index.map((bucket) => reducedIndex(bucket, halvings))
  const kept = targets.filter((target, k) => k === 0 || target !== targets[k - 1])
  const sums = new Float64Array(kept.length)
  let at = 0
  for (let k = 0; k < targets.length; k++) {
    if (kept[at] !== targets[k]) at++
    sums[at]! += count[k]!
  }
  return kept.length === 0 ? NO_BUCKETS : { index: kept, count: sums }
}

/** Without the empty buckets at its ends and those of which more than `gapMax` stand side by side. */
export function withoutLongGaps({ index, count }: Buckets, gapMax: number): Buckets {
  const isKept = new Uint8Array(count.length)
  let last = -1
  for (let k = 0; k < count.length; k++) {
    if (count[k] === 0) continue
    if (last >= 0 && k - last - 1 <= gapMax) isKept.fill(1, last + 1, k)
    isKept[k] = 1
    last = k
  }
  if (last < 0) return NO_BUCKETS
  if (!isKept.includes(0)) return { index, count }
  return { index: index.filter((_, k) => isKept[k] === 1), count: count.filter((_, k) => isKept[k] === 1) }
}
