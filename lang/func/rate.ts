// rate, increase, delta, irate, idelta over floats, in the order of operations of prometheus promql/functions.go
// (extrapolatedRate, instantValue), so that results agree to the last bit.
//
//   startMs         first                      last        endMs
//      |─ to start ──|───────── sampled ─────────|─ to end ──|
//
// The change between first and last sample is stretched over the gaps at both ends; a gap of 1.1 average intervals
// or more counts as half an interval, and a counter is not stretched below the time where it was zero.
//
// Prometheus looks for counter resets in every window anew. Whether sample k follows a reset depends on samples k-1
// and k only, so one pass per series lists them, and each window adds those inside it, in the same order.
import type { RangeKernel, Windows } from './range-kernel.ts'

/** Positions of samples below their predecessor; scratch of one kernel call, grown and never shrunk. */
let resets: Int32Array = new Int32Array(1024)

/** Fills `resets` with the positions in (from, to) whose sample is below the one before; returns how many. */
function findResets(v: Float64Array, vAt: number, from: number, to: number): number {
  if (to - from < 2) return 0
  let n = 0
  let previous = v[vAt + from]!
  for (let k = from + 1; k < to; k++) {
    const current = v[vAt + k]!
    if (current < previous) {
      if (n === resets.length) {
        const grown = new Int32Array(n * 2)
        grown.set(resets)
        resets = grown
      }
      resets[n++] = k
    }
    previous = current
  }
  return n
}

/** Windows of ascending steps: lo and hi never fall. */
function extrapolated(
  w: Windows, t: Float64Array, v: Float64Array, vAt: number,
  out: Float64Array, kinds: Uint8Array, at: number, isCounter: boolean, divisor: number,
): void {
  const { count, lo, hi, startMs, endMs } = w
  const resetCount = isCounter && count > 0 ? findResets(v, vAt, lo[0]!, hi[count - 1]!) : 0
  let reset = 0
  for (let i = 0; i < count; i++) {
    const first = lo[i]!
    const last = hi[i]! - 1
    if (last <= first) continue
    const firstValue = v[vAt + first]!
    let result = v[vAt + last]! - firstValue
    if (resetCount > 0) {
      while (reset < resetCount && resets[reset]! <= first) reset++
      for (let r = reset; r < resetCount && resets[r]! <= last; r++) result += v[vAt + resets[r]! - 1]!
    }
    const firstT = t[first]!
    const lastT = t[last]!
    let toStart = (firstT - startMs[i]!) / 1000
    let toEnd = (endMs[i]! - lastT) / 1000
    const sampled = (lastT - firstT) / 1000
    const interval = sampled / (last - first)
    const threshold = interval * 1.1
    if (toStart >= threshold) toStart = interval / 2
    if (isCounter && result > 0 && firstValue >= 0) {
      const toZero = sampled * (firstValue / result)
      if (toZero < toStart) toStart = toZero
    }
    if (toEnd >= threshold) toEnd = interval / 2
    out[at + i] = result * ((sampled + toStart + toEnd) / sampled / divisor)
    kinds[at + i] = 1
  }
}

/** Per-second increase of a counter, extrapolated to the window's bounds. */
export const rate: RangeKernel = (w, t, v, vAt, out, kinds, at) => {
  extrapolated(w, t, v, vAt, out, kinds, at, true, w.rangeMs / 1000)
}

/** Increase of a counter, extrapolated to the window's bounds. */
export const increase: RangeKernel = (w, t, v, vAt, out, kinds, at) => {
  extrapolated(w, t, v, vAt, out, kinds, at, true, 1)
}

/** Difference of a gauge between the window's bounds, extrapolated. */
export const delta: RangeKernel = (w, t, v, vAt, out, kinds, at) => {
  extrapolated(w, t, v, vAt, out, kinds, at, false, 1)
}

/** Per-second increase between the last two samples; after a reset the counter is taken to have started at 0. */
export const irate: RangeKernel = (w, t, v, vAt, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    const last = w.hi[i]! - 1
    if (last <= w.lo[i]!) continue
    const current = v[vAt + last]!
    const previous = v[vAt + last - 1]!
    const change = current < previous ? current : current - previous
    out[at + i] = change / ((t[last]! - t[last - 1]!) / 1000)
    kinds[at + i] = 1
  }
}

/** Difference between the last two samples. */
export const idelta: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    const last = w.hi[i]! - 1
    if (last <= w.lo[i]!) continue
    out[at + i] = v[vAt + last]! - v[vAt + last - 1]!
    kinds[at + i] = 1
  }
}
