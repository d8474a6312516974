// Series whose samples lie in several groups (they changed group, or have late samples): read each group, then lay
// them over the union of their times. Where two groups have a sample at one time, the earlier-listed group wins.
import { BatchBuffer, readGroup, type GroupPlan } from './group-read.ts'
import type { SegmentReader } from './segment-read.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Reads columns[g] of each plan g (the same series in the same order) in the plan's range into `out`. */
export function mergeGroups(
  heap: SharedHeap, reader: SegmentReader, plans: readonly GroupPlan[], columns: readonly Uint32Array[],
  out: BatchBuffer,
): void {
  const parts = plans.map((plan, g) => {
    const part = new BatchBuffer()
    readSorted(heap, reader, plan, columns[g]!, part)
    return part
  })
  const times = unionOfTimes(parts, plans)
  const series = columns[0]!.length
  out.shape(series, times.length)
  out.t.set(times)
  for (let s = 0; s < series; s++) out.beginGaps(s, 0)
  for (const [g, part] of parts.entries()) {
    const place = placesOf(part, plans[g]!, times)
    for (let s = 0; s < series; s++) overlay(part, s, place, out)
  }
}

/** readGroup wants ascending columns; here the order is the bundle's, so read column by column where it is not. */
function readSorted(heap: SharedHeap, reader: SegmentReader, plan: GroupPlan, columns: Uint32Array, into: BatchBuffer): void {
  let isAscending = true
  for (let i = 1; i < columns.length; i++) if (columns[i]! <= columns[i - 1]!) isAscending = false
  if (isAscending) {
    readGroup(heap, reader, plan, columns, into)
    return
  }
  const order = Uint32Array.from(columns, (_, i) => i).sort((a, b) => columns[a]! - columns[b]!)
  const sorted = new BatchBuffer()
  readGroup(heap, reader, plan, Uint32Array.from(order, (i) => columns[i]!), sorted)
  into.shape(columns.length, sorted.n)
  into.t.set(sorted.t.subarray(0, sorted.n))
  const words = (sorted.n + 31) >>> 5
  for (let k = 0; k < order.length; k++) {
    const s = order[k]!
    into.v.set(sorted.v.subarray(k * sorted.n, (k + 1) * sorted.n), s * sorted.n)
    into.hasGaps[s] = sorted.hasGaps[k]!
    into.present.set(sorted.present.subarray(k * words, (k + 1) * words), s * words)
    into.stale.set(sorted.stale.subarray(k * words, (k + 1) * words), s * words)
  }
}

function unionOfTimes(parts: readonly BatchBuffer[], plans: readonly GroupPlan[]): Float64Array {
  const all = new Set<number>()
  for (const [g, part] of parts.entries()) {
    const { mint, maxt } = plans[g]!
    for (let i = 0; i < part.n; i++) if (part.t[i]! >= mint && part.t[i]! <= maxt) all.add(part.t[i]!)
  }
  return Float64Array.from(all).sort()
}

/** Position in `times` of each row of the part, -1 if out of the plan's range. */
function placesOf(part: BatchBuffer, { mint, maxt }: GroupPlan, times: Float64Array): Int32Array {
  const place = new Int32Array(part.n)
  for (let i = 0; i < part.n; i++) {
    const t = part.t[i]!
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
  }
}
