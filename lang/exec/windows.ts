// Where the windows of all steps lie in a timestamp column. Worked out once per column, whatever the number of
// series that share it.
//
//   column      ·   ·   ·   ·   ·   ·   ·
//   window i        (───────────]            left-open: (endMs - rangeMs, endMs]
//                   ▲lo         ▲hi
import type { Windows } from '../func/range-kernel.ts'
import type { Steps } from './operator.ts'

/** How a selector or subquery looks back from each step. */
export interface TimeShift {
  rangeMs: number
  /** Positive looks into the past. */
  offsetMs: number
  /** Fixed evaluation time, Unix ms; null: each step's own. */
  atMs: number | null
  /** Samples outside are not seen, whatever the windows. */
  visible?: Stretch
}

/** Of time, left-open as windows are, Unix ms. */
export interface Stretch {
  fromMs: number
  toMs: number
}

/** Bounds of every step's window; lo and hi are still to be filled by `locate`. */
export function makeWindows(steps: Steps, shift: TimeShift): Windows {
  const { count, startMs: firstMs, stepMs } = steps
  const { rangeMs, offsetMs, atMs } = shift
  const startMs = new Float64Array(count)
  const endMs = new Float64Array(count)
  const evalMs = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const own = firstMs + i * stepMs
    const end = (atMs ?? own) - offsetMs
    evalMs[i] = own
    endMs[i] = end
    startMs[i] = end - rangeMs
  }
  const windows: Windows = { count, lo: new Int32Array(count), hi: new Int32Array(count), startMs, endMs, rangeMs, evalMs, stretch: null }
  if (shift.visible !== undefined) clip(windows, shift.visible)
  return windows
}

function clip({ count, startMs, endMs }: Windows, { fromMs, toMs }: Stretch): void {
  for (let i = 0; i < count; i++) {
    startMs[i] = Math.max(startMs[i]!, fromMs)
    endMs[i] = Math.min(endMs[i]!, toMs)
  }
}

/** Fills lo and hi for the column t[0..n), ascending. */
export function locate(windows: Windows, t: Float64Array, n: number): void {
  const { count, lo, hi, startMs, endMs } = windows
  windows.stretch = null
  advance(t, n, startMs, count, lo)
  advance(t, n, endMs, count, hi)
}

/** Samples in all windows; one in several counts in each. */
export function samplesIn({ count, lo, hi }: Windows): number {
  let samples = 0
  for (let i = 0; i < count; i++) samples += hi[i]! - lo[i]!
  return samples
}

/** A step this many times rarer than samples is found by halving instead of walking. */
const WALK_MAX = 16

/** out[i] = how many of t[0..n) are ≤ limits[i]; limits never fall. */
export function advance(t: Float64Array, n: number, limits: Float64Array, count: number, out: Int32Array): void {
  let k = 0
  if (n > count * WALK_MAX) {
    for (let i = 0; i < count; i++) {
      k = countUpTo(t, k, n, limits[i]!)
      out[i] = k
    }
    return
  }
  for (let i = 0; i < count; i++) {
    const limit = limits[i]!
    while (k < n && t[k]! <= limit) k++
    out[i] = k
  }
}

function countUpTo(t: Float64Array, from: number, n: number, limit: number): number {
  let low = from
  let high = n
  while (low < high) {
    const middle = (low + high) >>> 1
    if (t[middle]! <= limit) low = middle + 1
    else high = middle
  }
  return low
}
