// quantile_over_time and mad_over_time (prometheus promql/functions.go). Windows are copied into a scratch column,
// whose order is changed (lib/model/quantile.ts).
import { quantile } from '../../lib/model/quantile.ts'
import type { RangeKernel } from './range-kernel.ts'
import { KEPT_MAX } from './scratch.ts'

let store: Float64Array = new Float64Array(256)
/** The part of `store` a window uses; kept from one window to the next, which mostly are equally long. */
let scratch: Float64Array = store

function scratchOf(n: number): Float64Array {
  // A larger window gets a column of its own, and nobody keeps it.
  if (n > KEPT_MAX) return new Float64Array(n)
  if (scratch.length !== n) {
    if (store.length < n) store = new Float64Array(n * 2)
    scratch = store.subarray(0, n)
  }
  return scratch
}

/** The quantile args[0] of each window. Out of [0, 1] it is ±Inf; the warning is the caller's. */
export const quantileOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at, args, pace) => {
  const qs = args[0]!
  const spend = (samples: number): void => pace.spend(samples)
  for (let i = 0; i < w.count; i++) {
    const from = vAt + w.lo[i]!
    const n = w.hi[i]! - w.lo[i]!
    if (n <= 0) continue
    const a = scratchOf(n)
    for (let k = 0; k < n; k++) a[k] = v[from + k]!
    out[at + i] = quantile(qs[i]!, a, spend)
    kinds[at + i] = 1
  }
}

/** Median absolute deviation from the median; NaN if any sample is (Prometheus before 3.14 ranked NaN below numbers). */
export const madOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at, _args, pace) => {
  const spend = (samples: number): void => pace.spend(samples)
  for (let i = 0; i < w.count; i++) {
    const from = vAt + w.lo[i]!
    const n = w.hi[i]! - w.lo[i]!
    if (n <= 0) continue
    const a = scratchOf(n)
    let hasNaN = false
    for (let k = 0; k < n; k++) {
      const x = v[from + k]!
      a[k] = x
      hasNaN ||= x !== x
    }
    const median = quantile(0.5, a, spend)
    for (let k = 0; k < n; k++) a[k] = Math.abs(a[k]! - median)
    out[at + i] = hasNaN ? NaN : quantile(0.5, a, spend)
    kinds[at + i] = 1
  }
}
