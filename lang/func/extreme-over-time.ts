// min_over_time and max_over_time. NaN counts only where the window holds nothing else; of equals the oldest stays.
//
// Windows that share samples share work, too: a pivot cuts them in two. Left of it the extreme from each sample up to
// the pivot is known, right of it one running extreme grows with the windows. Every sample is looked at about twice
// per series, however long the windows, and without a branch that cannot be foreseen (a queue of two stacks).
//
//   samples     5   3   4 ┊ 2   6   7   1          min, a window of 4 that begins at the second sample:
//   to pivot    3   3   4 ┊                          3 (from there to the pivot)
//   running               ┊ 2   2                    2 (behind it), so 2
//
// When a window begins behind the pivot, the pivot moves to that window's end.
import { isShared, type RangeKernel, type Windows } from './range-kernel.ts'
import { ScratchColumn } from './scratch.ts'

/** From this many windows on that hold the same sample, sharing beats a scan of each. */
const SHARED_MIN = 3

/** Extreme of the samples from each position up to the pivot. */
const toPivot = new ScratchColumn()

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

/** Windows of ascending steps: lo and hi never fall. slideMax is the same but for its comparisons. */
function slideMin(w: Windows, v: Float64Array, vAt: number, out: Float64Array, kinds: Uint8Array, at: number): void {
  const { count, lo, hi } = w
  const base = lo[0]!
  const left = toPivot.of(hi[count - 1]! - base)
  let pivot = base
  let next = base
  let running = NaN
  for (let i = 0; i < count; i++) {
    const from = lo[i]!
    const to = hi[i]!
    if (to <= from) continue
    if (from >= pivot) {
      let best = NaN
      for (let k = to - 1; k >= from; k--) {
        const x = v[vAt + k]!
        best = best < x || x !== x ? best : x
        left[k - base] = best
      }
      pivot = to
      running = NaN
    } else {
      for (let k = next; k < to; k++) {
        const x = v[vAt + k]!
        running = x < running || running !== running ? x : running
      }
    }
    next = to
    const best = left[from - base]!
    out[at + i] = running < best || best !== best ? running : best
    kinds[at + i] = 1
  }
}

function slideMax(w: Windows, v: Float64Array, vAt: number, out: Float64Array, kinds: Uint8Array, at: number): void {
  const { count, lo, hi } = w
  const base = lo[0]!
  const left = toPivot.of(hi[count - 1]! - base)
  let pivot = base
  let next = base
  let running = NaN
  for (let i = 0; i < count; i++) {
    const from = lo[i]!
    const to = hi[i]!
    if (to <= from) continue
    if (from >= pivot) {
      let best = NaN
      for (let k = to - 1; k >= from; k--) {
        const x = v[vAt + k]!
        best = best > x || x !== x ? best : x
        left[k - base] = best
      }
      pivot = to
      running = NaN
    } else {
      for (let k = next; k < to; k++) {
        const x = v[vAt + k]!
        running = x > running || running !== running ? x : running
      }
    }
    next = to
    const best = left[from - base]!
    out[at + i] = running > best || best !== best ? running : best
    kinds[at + i] = 1
  }
}

export const minOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  if (isShared(w, SHARED_MIN)) slideMin(w, v, vAt, out, kinds, at)
  else scanMin(w, v, vAt, out, kinds, at)
}

export const maxOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  if (isShared(w, SHARED_MIN)) slideMax(w, v, vAt, out, kinds, at)
  else scanMax(w, v, vAt, out, kinds, at)
}
