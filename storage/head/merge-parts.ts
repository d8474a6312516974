// Series whose samples lie in several places (groups they moved between, late samples, blocks that overlap): each place
// is read by itself, then all are laid over the union of their times. Where two have a sample at one time, the first wins.
import { BatchBuffer } from './batch-buffer.ts'
import { readGroup, type GroupPlan } from './group-read.ts'
import type { SegmentReader } from './segment-read.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Samples of the same series in the same order from one place; rows outside [mint, maxt] do not count. */
export interface BatchPart {
  batch: BatchBuffer
  mint: number
  maxt: number
}

/** Reads columns[g] of each plan g (the same series in the same order). */
export function readParts(heap: SharedHeap, reader: SegmentReader, plans: readonly GroupPlan[], columns: readonly Uint32Array[]): BatchPart[] {
  return plans.map((plan, g) => {
    const batch = new BatchBuffer()
    readSorted(heap, reader, plan, columns[g]!, batch)
    return { batch, mint: plan.mint, maxt: plan.maxt }
  })
}

/** Lays parts over each other, the first uppermost. */
export function mergeParts(parts: readonly BatchPart[], out: BatchBuffer): void {
  const times = unionOfTimes(parts)
  const series = parts[0]!.batch.seriesCount
  out.shape(series, times.length)
  out.t.set(times)
  for (let s = 0; s < series; s++) out.beginGaps(s, 0)
  for (const part of parts) {
    const place = placesOf(part, times)
    for (let s = 0; s < series; s++) overlay(part.batch, s, place, out)
  }
}

/** readGroup wants ascending columns; here the order is the bundle's, so read column by column where it is not. */
function readSorted(heap: SharedHeap, reader: SegmentReader, plan: GroupPlan, columns: Uint32Array, into: BatchBuffer): void {
  let isAscending = true
  for (let i = 1; i < columns.length; i++) if (columns[i]! <= columns[i - 1]!) isAscending = false
  if (isAscending) {
    into.shape(columns.length, plan.rows)
    readGroup(heap, reader, plan, columns, into, 0)
    return
  }
  const order = Uint32Array.from(columns, (_, i) => i).sort((a, b) => columns[a]! - columns[b]!)
  const sorted = new BatchBuffer()
  sorted.shape(columns.length, plan.rows)
  readGroup(heap, reader, plan, Uint32Array.from(order, (i) => columns[i]!), sorted, 0)
  into.shape(columns.length, sorted.n)
  into.t.set(sorted.t.subarray(0, sorted.n))
  const words = (sorted.n + 31) >>> 5
  for (let k = 0; k < order.length; k++) {
    const s = order[k]!
    into.v.set(sorted.v.subarray(k * sorted.n, (k + 1) * sorted.n), s * sorted.n)
    into.hasGaps[s] = sorted.hasGaps[k]!
    into.present.set(sorted.present.subarray(k * words, (k + 1) * words), s * words)
    into.stale.set(sorted.stale.subarray(k * words, (k + 1) * words), s * words)
    if (sorted.histograms !== null || sorted.startTimes !== null) for (let i = 0; i < sorted.n; i++) copyExtras(sorted, k, i, into, s, i)
  }
}

/** What sample i of series s is beside a float, to sample `at` of series `toS` of another batch. */
function copyExtras(from: BatchBuffer, s: number, i: number, to: BatchBuffer, toS: number, at: number): void {
  const histogram = from.histogramAt(s, i)
  if (histogram !== null) to.putHistogram(toS, at, histogram)
  if (from.startTimes !== null) to.putStartTime(toS, at, from.startTimes[s * from.n + i]!)
}

function unionOfTimes(parts: readonly BatchPart[]): Float64Array {
  const all = new Set<number>()
  for (const { batch, mint, maxt } of parts) {
    for (let i = 0; i < batch.n; i++) if (batch.t[i]! >= mint && batch.t[i]! <= maxt) all.add(batch.t[i]!)
  }
  return Float64Array.from(all).sort()
}

/** Position in `times` of each row of the part, -1 if out of its range. */
function placesOf({ batch, mint, maxt }: BatchPart, times: Float64Array): Int32Array {
  const place = new Int32Array(batch.n)
  for (let i = 0; i < batch.n; i++) {
    const t = batch.t[i]!
    let lo = 0
    let hi = times.length
    while (lo < hi) {
      const mid = (lo + hi) >>> 1
      if (times[mid]! < t) lo = mid + 1
      else hi = mid
    }
    place[i] = t >= mint && t <= maxt ? lo : -1
  }
  return place
}

function overlay(part: BatchBuffer, s: number, place: Int32Array, out: BatchBuffer): void {
  const words = (part.n + 31) >>> 5
  const outWords = (out.n + 31) >>> 5
  for (let i = 0; i < part.n; i++) {
    const at = place[i]!
    if (at < 0 || ((out.present[s * outWords + (at >>> 5)]! >>> (at & 31)) & 1) === 1) continue
    let isStale = false
    if (part.hasGaps[s] === 1) {
      const word = s * words + (i >>> 5)
      if (((part.present[word]! >>> (i & 31)) & 1) === 0) continue
      isStale = ((part.stale[word]! >>> (i & 31)) & 1) === 1
    }
    out.v[s * out.n + at] = part.v[s * part.n + i]!
    out.mark(s, at, isStale)
    if (part.histograms !== null || part.startTimes !== null) copyExtras(part, s, i, out, s, at)
  }
}
