// When a group is evaluated: every interval, shifted by a hash of its file and name, so that groups spread over the interval
// and a restart changes nothing. After prometheus rules/group.go, EvalTimestamp.
import { xxhash64 } from '../std/xxhash64.ts'

/** The shift in ms, below the interval. */
export function slotOffsetMs(file: string, name: string, intervalMs: number): number {
  return Math.floor(slotOffset(file, name, intervalMs))
}

/** The same to the nanosecond: who asks a server for slots, as promtool does, has them rounded there. */
export function slotOffset(file: string, name: string, intervalMs: number): number {
  const bytes = Buffer.concat(['file', file, 'name', name].flatMap((text) => [sizeOf(text), Buffer.from(text)]))
  return Number(xxhash64(bytes) % (BigInt(Math.round(intervalMs)) * 1_000_000n)) / 1e6
}

/** As Prometheus lays label sets out in memory (model/labels/labels_stringlabels.go): a byte, or 255 and three. */
function sizeOf(text: string): Buffer {
  const size = Buffer.byteLength(text)
  return Buffer.from(size < 255 ? [size] : [255, size & 255, (size >> 8) & 255, (size >> 16) & 255])
}

/** The last slot at or before `nowMs`. */
export function slotBefore(nowMs: number, offsetMs: number, intervalMs: number): number {
  return Math.floor((nowMs - offsetMs) / intervalMs) * intervalMs + offsetMs
}
