// rate, increase, delta, irate, idelta over floats, in the order of operations of prometheus promql/functions.go
// (extrapolatedRate, instantValue), so that results agree to the last bit. The change between the first and the last
// sample is stretched over the window (extrapolation.ts).
//
// Prometheus looks for counter resets in every window anew. Whether sample k follows a reset depends on samples k-1
// and k only, so one pass per series lists them, and each window adds those inside it, in the same order.
import { extrapolationFactor, factorSinceStart, NO_ZERO, stretched } from './extrapolation.ts'
import type { Pace, RangeKernel, StartTimesKernel, Stretch, Windows } from './range-kernel.ts'
import { KEPT_MAX } from './scratch.ts'
import { isStartInside, isStartOverlap, isStartReset } from './start-times.ts'

/** Positions of samples below their predecessor; scratch of one kernel call. */
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

/** Of each window of a column, worked out at the first series that asks. */
function stretchOf(w: Windows, t: Float64Array, divisor: number): Stretch {
  if (w.stretch !== null) return w.stretch
  const { count, lo, hi, startMs, endMs } = w
  const stretch: Stretch = {
    sampled: new Float64Array(count), start: new Float64Array(count), end: new Float64Array(count), factor: new Float64Array(count),
  }
  for (let i = 0; i < count; i++) {
    const first = lo[i]!
    const last = hi[i]! - 1
    if (last <= first) continue
    const sampled = (t[last]! - t[first]!) / 1000
    const interval = sampled / (last - first)
    const start = stretched((t[first]! - startMs[i]!) / 1000, interval)
    const end = stretched((endMs[i]! - t[last]!) / 1000, interval)
    stretch.sampled[i] = sampled
    stretch.start[i] = start
    stretch.end[i] = end
    stretch.factor[i] = extrapolationFactor(sampled, start, end, NO_ZERO) / divisor
  }
  w.stretch = stretch
  return stretch
}

/** Windows of ascending steps: lo and hi never fall. */
function extrapolated(
  w: Windows, t: Float64Array, v: Float64Array, vAt: number,
  out: Float64Array, kinds: Uint8Array, at: number, isCounter: boolean, divisor: number, pace: Pace,
): void {
  const { count, lo, hi } = w
  const { sampled, start, end, factor: factors } = stretchOf(w, t, divisor)
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
      let r = reset
      for (; r < resetCount && resets[r]! <= last; r++) result += v[vAt + resets[r]! - 1]!
      pace.spend(r - reset)
    }
    let factor = factors[i]!
    // Fast path: a counter that stands above twice its increase was at zero before any start that there can be.
    if (isCounter && result > 0 && firstValue >= 0 && firstValue < result * 2) {
      factor = extrapolationFactor(sampled[i]!, start[i]!, end[i]!, firstValue / result) / divisor
    }
    out[at + i] = result * factor
    kinds[at + i] = 1
  }
  if (resets.length > KEPT_MAX) resets = new Int32Array(1024)
}

/** The same where start times are known: a sample whose count began after the one before follows a reset, too. */
function extrapolatedWithStarts(
  w: Windows, t: Float64Array, v: Float64Array, startTimes: Float64Array,
  out: Float64Array, kinds: Uint8Array, at: number, divisor: number, pace: Pace,
): number {
  const { count, lo, hi, startMs, endMs } = w
  let overlaps = 0
  for (let i = 0; i < count; i++) {
    const first = lo[i]!
    const last = hi[i]! - 1
    if (last < first) continue
    let result = v[last]! - v[first]!
    let hasOverlap = false
    pace.spend(last - first)
    for (let k = first + 1; k <= last; k++) {
      hasOverlap ||= isStartOverlap(t, startTimes, k)
      if (v[k]! < v[k - 1]! || isStartReset(t, startTimes, k)) result += v[k - 1]!
    }
    if (hasOverlap) overlaps++
    const toEnd = (endMs[i]! - t[last]!) / 1000
    const sampled = (t[last]! - t[first]!) / 1000
    const start = startTimes[first]!
    let factor: number
    if (isStartInside(start, startMs[i]!, t[first]!)) {
      result += v[first]!
      factor = factorSinceStart((t[last]! - start) / 1000, last > first ? sampled / (last - first) : 0, toEnd)
    } else if (last > first) {
      const zeroShare = result > 0 && v[first]! >= 0 ? v[first]! / result : NO_ZERO
      const interval = sampled / (last - first)
      factor = extrapolationFactor(sampled, stretched((t[first]! - startMs[i]!) / 1000, interval), stretched(toEnd, interval), zeroShare)
    } else {
      continue
    }
    out[at + i] = result * (factor / divisor)
    kinds[at + i] = 1
  }
  return overlaps
}

/** Per-second increase of a counter, extrapolated to the window's bounds. */
export const rate: RangeKernel = (w, t, v, vAt, out, kinds, at, _args, pace) => {
  extrapolated(w, t, v, vAt, out, kinds, at, true, w.rangeMs / 1000, pace)
}

/** rate with start times. */
export const rateWithStarts: StartTimesKernel = (w, t, v, startTimes, out, kinds, at, pace) => {
  return extrapolatedWithStarts(w, t, v, startTimes, out, kinds, at, w.rangeMs / 1000, pace)
}

/** increase with start times. */
export const increaseWithStarts: StartTimesKernel = (w, t, v, startTimes, out, kinds, at, pace) => {
  return extrapolatedWithStarts(w, t, v, startTimes, out, kinds, at, 1, pace)
}

/** Increase of a counter, extrapolated to the window's bounds. */
export const increase: RangeKernel = (w, t, v, vAt, out, kinds, at, _args, pace) => {
  extrapolated(w, t, v, vAt, out, kinds, at, true, 1, pace)
}

/** Difference of a gauge between the window's bounds, extrapolated. */
export const delta: RangeKernel = (w, t, v, vAt, out, kinds, at, _args, pace) => {
  extrapolated(w, t, v, vAt, out, kinds, at, false, 1, pace)
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

/** irate with start times. */
export const irateWithStarts: StartTimesKernel = (w, t, v, startTimes, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    const last = w.hi[i]! - 1
    if (last <= w.lo[i]!) continue
    const isReset = v[last]! < v[last - 1]! || isStartReset(t, startTimes, last)
    const change = isReset ? v[last]! : v[last]! - v[last - 1]!
    out[at + i] = change / ((t[last]! - t[last - 1]!) / 1000)
    kinds[at + i] = 1
  }
  return 0
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
