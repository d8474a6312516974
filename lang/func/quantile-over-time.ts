// quantile_over_time and mad_over_time (prometheus promql/functions.go). Windows are copied into a scratch column and
// sorted there (lib/model/quantile.ts).
import { quantile } from '../../lib/model/quantile.ts'
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
