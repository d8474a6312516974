// quantile_over_time and mad_over_time (prometheus promql/functions.go, promql/quantile.go). Windows are copied into a
// scratch column and sorted there. NaN sorts below every number.
import type { RangeKernel } from './range-kernel.ts'

let store: Float64Array = new Float64Array(256)
/** The part of `store` a window uses; kept from one window to the next, which mostly are equally long. */
let scratch: Float64Array = store

function scratchOf(n: number): Float64Array {
  if (scratch.length !== n) {
    if (store.length < n) store = new Float64Array(n * 2)
    scratch = store.subarray(0, n)
  }
  return scratch
}

/** Up to here an insertion sort beats the engine's sort, which has a price per call. */
const INSERTION_MAX = 48

/** Ascending, NaN last. */
function sort(a: Float64Array): void {
  const n = a.length
  if (n > INSERTION_MAX) {
    a.sort()
    return
  }
  let end = n
  for (let i = 0; i < end;) {
    const x = a[i]!
    if (x === x) {
      i++
      continue
    }
    a[i] = a[--end]!
    a[end] = x
  }
  for (let i = 1; i < end; i++) {
    const x = a[i]!
    let k = i - 1
    for (; k >= 0 && a[k]! > x; k--) a[k + 1] = a[k]!
    a[k + 1] = x
  }
}

/**
 * The q-quantile of `a`, which it sorts, by linear interpolation between ranks. q < 0 gives -Inf, q > 1 +Inf, NaN or
 * an empty array NaN.
 */
export function quantile(q: number, a: Float64Array): number {
  const n = a.length
  if (n === 0 || q !== q) return NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  sort(a)
  let nanCount = 0
  while (nanCount < n && a[n - 1 - nanCount]! !== a[n - 1 - nanCount]!) nanCount++
  const rank = q * (n - 1)
  const lower = Math.max(0, Math.floor(rank))
  const upper = Math.min(n - 1, lower + 1)
  const weight = rank - Math.floor(rank)
  if (lower < nanCount) return NaN
  return a[lower - nanCount]! * (1 - weight) + a[upper - nanCount]! * weight
}

/** The quantile args[0] of each window. Out of [0, 1] it is ±Inf; the warning is the caller's. */
export const quantileOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at, args, pace) => {
  const qs = args[0]!
  for (let i = 0; i < w.count; i++) {
    const from = vAt + w.lo[i]!
    const n = w.hi[i]! - w.lo[i]!
    if (n <= 0) continue
    pace.spend(n)
    const a = scratchOf(n)
    for (let k = 0; k < n; k++) a[k] = v[from + k]!
    out[at + i] = quantile(qs[i]!, a)
    kinds[at + i] = 1
  }
}

/** Median absolute deviation from the median; NaN if any sample is (Prometheus before 3.14 ranked NaN below numbers). */
export const madOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at, _args, pace) => {
  for (let i = 0; i < w.count; i++) {
    const from = vAt + w.lo[i]!
    const n = w.hi[i]! - w.lo[i]!
    if (n <= 0) continue
    pace.spend(n)
    const a = scratchOf(n)
    for (let k = 0; k < n; k++) a[k] = v[from + k]!
    const median = quantile(0.5, a)
    const hasNaN = a[n - 1]! !== a[n - 1]!
    for (let k = 0; k < n; k++) a[k] = Math.abs(a[k]! - median)
    out[at + i] = hasNaN ? NaN : quantile(0.5, a)
    kinds[at + i] = 1
  }
}
