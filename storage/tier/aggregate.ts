// Raw samples to rows of buckets (bucket.ts), batch by batch: bounds of buckets once for all series that share timestamps,
// then series by series. Native histograms are left out: tiers hold floats.
import type { SeriesBatch } from '../interface.ts'
import type { BucketBuffer } from './bucket-buffer.ts'
import { EVERY_SUM, RANGE_ALONE, putRow } from './row-sums.ts'
import { SKETCH_BIN_BYTES, writeSketch } from './sketch.ts'

/** The bucket that holds t, by its end. */
export function bucketEnd(t: number, widthMs: number): number {
  return Math.ceil(t / widthMs) * widthMs
}

/** Inclusive bounds of the samples (whole ms) of buckets that end in (mint, maxt]. */
export function samplesOf(mint: number, maxt: number, widthMs: number): { mint: number; maxt: number } {
  return { mint: Math.floor(mint / widthMs) * widthMs + 1, maxt: Math.floor(maxt / widthMs) * widthMs }
}

/** Positions of the batch's samples by bucket: those of bucket b are [starts[b], starts[b + 1]). */
let starts = new Uint32Array(256)
/** Live floats of the bucket at work, and the same in ascending order. */
let live = new Float64Array(256)
let order = new Float64Array(256)
let sorted = order

/**
 * Fills `out` with a row for each bucket that has a timestamp of the batch; `index` is the batch's. Rows of up to `samplesMax`
 * samples keep these and have no sums yet, others get sums and a sketch.
 */
export function aggregate(batch: SeriesBatch, widthMs: number, out: BucketBuffer, samplesMax: number): void {
  const { t, n } = batch
  if (starts.length < n + 1) starts = new Uint32Array(n * 2)
  let buckets = 0
  let end = -Infinity
  for (let i = 0; i < n; i++) {
    if (t[i]! <= end) continue
    end = bucketEnd(t[i]!, widthMs)
    starts[buckets++] = i
  }
  starts[buckets] = n
  out.shape(batch.seriesCount, buckets)
  for (let b = 0; b < buckets; b++) {
    const from = starts[b]!
    const to = starts[b + 1]!
    out.t[b] = bucketEnd(t[from]!, widthMs)
    out.group.count[b] = to - from
    out.group.firstT[b] = t[from]!
    out.group.lastT[b] = t[to - 1]!
  }
  for (let s = 0; s < batch.seriesCount; s++) {
    out.index[s] = batch.index[s]!
    for (let b = 0; b < buckets; b++) {
      const row = s * buckets + b
      const count = gather(batch, s, b, out, row)
      out.columns.count[row] = count
      if (count > 0) putRow(live, 0, count, out.columns, row, count > samplesMax ? EVERY_SUM : RANGE_ALONE)
      if (count > samplesMax) addSketch(count, out)
      else out.addSamples(live, 0, count)
      out.endRow(row)
    }
  }
}

/** Puts the live floats of a bucket into `live`; writes when they were, and whether the newest entry is a staleness marker. */
function gather(batch: SeriesBatch, s: number, bucket: number, out: BucketBuffer, row: number): number {
  const { n, t, v } = batch
  const from = starts[bucket]!
  const to = starts[bucket + 1]!
  const at = s * n
  const { firstT, lastT, staleAtEnd } = out.columns
  if (live.length < to - from) {
    live = new Float64Array((to - from) * 2)
    order = new Float64Array((to - from) * 2)
  }
  // Fast path: a sample at every time.
  if (batch.hasGaps[s] === 0 && batch.histograms === null) {
    for (let i = from; i < to; i++) live[i - from] = v[at + i]!
    firstT[row] = t[from]!
    lastT[row] = t[to - 1]!
    return to - from
  }
  const words = s * ((n + 31) >>> 5)
  let count = 0
  for (let i = from; i < to; i++) {
    const word = words + (i >>> 5)
    const shift = i & 31
    if (batch.hasGaps[s] === 1) {
      if (((batch.present[word]! >>> shift) & 1) === 0) continue
      staleAtEnd[row] = (batch.stale[word]! >>> shift) & 1
      if (staleAtEnd[row] === 1) continue
    }
    if (batch.histograms !== null && ((batch.histogramBits[word]! >>> shift) & 1) === 1) continue
    if (count === 0) firstT[row] = t[i]!
    lastT[row] = t[i]!
    live[count++] = v[at + i]!
  }
  return count
}

/** Gives the row at work the sketch of live[0, count). */
function addSketch(count: number, out: BucketBuffer): void {
  if (sorted.length !== count || sorted.buffer !== order.buffer) sorted = order.subarray(0, count)
  for (let i = 0; i < count; i++) sorted[i] = live[i]!
  sorted.sort()
  const at = out.reserveSketch((count + 1) * SKETCH_BIN_BYTES)
  out.endSketch(writeSketch(sorted, count, out.sketches, at))
}
