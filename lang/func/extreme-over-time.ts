// min_over_time and max_over_time. NaN counts only where the window holds nothing else.
//
// Short windows are scanned. Where a window spans many steps, a monotone deque holds the samples that can still
// become the extreme, oldest first, best first: each sample enters and leaves once, O(samples) per series.
//
//   min, window of 4:   5 3 [4 2 6 7] 1     deque: 2 6 7      (4 can never be the minimum again once 2 is in)
import type { RangeKernel, Windows } from './range-kernel.ts'

/** From this many samples per window and step on, the deque beats the scan. */
const OVERLAP_MIN = 16

/** Positions of the deque; scratch of one kernel call, grown and never shrunk. */
let deque: Int32Array = new Int32Array(1024)

function isOverlapping({ count, lo, hi }: Windows): boolean {
  if (count < 2) return false
  const windowSamples = hi[count - 1]! - lo[count - 1]!
  const samplesPerStep = (hi[count - 1]! - hi[0]!) / (count - 1)
  return windowSamples > OVERLAP_MIN * Math.max(1, samplesPerStep)
}

function scanMin(w: Windows, v: Float64Array, vAt: number, out: Float64Array, kinds: Uint8Array, at: number): void {
  for (let i = 0; i < w.count; i++) {
    const from = vAt + w.lo[i]!
    const to = vAt + w.hi[i]!
    if (to <= from) continue
    let best = v[from]!
    for (let k = from + 1; k < to; k++) {
      const x = v[k]!
      if (x < best || best !== best) best = x
    }
    out[at + i] = best
    kinds[at + i] = 1
  }
}

function scanMax(w: Windows, v: Float64Array, vAt: number, out: Float64Array, kinds: Uint8Array, at: number): void {
  for (let i = 0; i < w.count; i++) {
    const from = vAt + w.lo[i]!
    const to = vAt + w.hi[i]!
    if (to <= from) continue
    let best = v[from]!
    for (let k = from + 1; k < to; k++) {
      const x = v[k]!
      if (x > best || best !== best) best = x
    }
    out[at + i] = best
    kinds[at + i] = 1
  }
}

/** Windows of ascending steps: lo and hi never fall. `sign` 1 for the minimum, -1 for the maximum. */
function slide(
  w: Windows, v: Float64Array, vAt: number, out: Float64Array, kinds: Uint8Array, at: number, sign: number,
): void {
  const { count, lo, hi } = w
  const samples = hi[count - 1]! - lo[0]!
  if (deque.length < samples) deque = new Int32Array(samples * 2)
  const held = deque
  let head = 0
  let tail = 0
  let next = lo[0]!
  for (let i = 0; i < count; i++) {
    const from = lo[i]!
    const to = hi[i]!
    if (to <= from) continue
    if (next < from) next = from
    for (; next < to; next++) {
      const x = sign * v[vAt + next]!
      if (x !== x) continue
      // Of equals the oldest stays, as in a scan.
      while (tail > head && sign * v[vAt + held[tail - 1]!]! > x) tail--
      held[tail++] = next
    }
    while (head < tail && held[head]! < from) head++
    out[at + i] = head < tail ? v[vAt + held[head]!]! : NaN
    kinds[at + i] = 1
  }
}

export const minOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  if (isOverlapping(w)) slide(w, v, vAt, out, kinds, at, 1)
  else scanMin(w, v, vAt, out, kinds, at)
}

export const maxOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  if (isOverlapping(w)) slide(w, v, vAt, out, kinds, at, -1)
  else scanMax(w, v, vAt, out, kinds, at)
}
