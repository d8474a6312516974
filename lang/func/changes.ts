// changes and resets over floats (prometheus promql/functions.go). What sample k adds depends on samples k-1 and k
// only, so a window that begins and ends later is counted by what leaves and what enters: O(samples) per series.
import type { RangeKernel, StartTimesKernel, Windows } from './range-kernel.ts'
import { isStartReset } from './start-times.ts'

function isChange(previous: number, current: number): boolean {
  return current !== previous && (current === current || previous === previous)
}

function isReset(previous: number, current: number): boolean {
  return current < previous
}

/** Counts pairs of neighbours inside each window. Windows of ascending steps: lo and hi never fall. */
function countPairs(
  w: Windows, v: Float64Array, vAt: number, out: Float64Array, kinds: Uint8Array, at: number,
  isCounted: (previous: number, current: number) => boolean,
): void {
  const { count, lo, hi } = w
  let pairs = 0
  let left = 0
  let right = 0
  for (let i = 0; i < count; i++) {
    const from = lo[i]!
    const to = hi[i]!
    if (to <= from) continue
    if (right <= from) {
      pairs = 0
      left = from
      right = from + 1
    }
    for (; left < from; left++) if (isCounted(v[vAt + left]!, v[vAt + left + 1]!)) pairs--
    for (; right < to; right++) if (isCounted(v[vAt + right - 1]!, v[vAt + right]!)) pairs++
    out[at + i] = pairs
    kinds[at + i] = 1
  }
}

/** How often the value changed; NaN after NaN is no change. */
export const changes: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  countPairs(w, v, vAt, out, kinds, at, isChange)
}

/** How often the value fell. */
export const resets: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  countPairs(w, v, vAt, out, kinds, at, isReset)
}

/** resets where start times are known: a sample whose count began after the one before follows a reset, too. */
export const resetsWithStarts: StartTimesKernel = (w, t, v, startTimes, out, kinds, at, pace) => {
  for (let i = 0; i < w.count; i++) {
    const from = w.lo[i]!
    if (w.hi[i]! <= from) continue
    pace.spend(w.hi[i]! - from)
    let pairs = 0
    for (let k = from + 1; k < w.hi[i]!; k++) if (v[k]! < v[k - 1]! || isStartReset(t, startTimes, k)) pairs++
    out[at + i] = pairs
    kinds[at + i] = 1
  }
  return 0
}
