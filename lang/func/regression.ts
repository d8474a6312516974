// deriv, predict_linear and double_exponential_smoothing over floats (prometheus promql/functions.go).
import { compensation } from '../../lib/model/kahan.ts'
import { ExecutionError } from '../exec/query-error.ts'
import { formatFixed } from '../../lib/std/go-format.ts'
import type { RangeKernel } from './range-kernel.ts'

/** Result of the last `fit`: the line's slope per second and its value at the origin. */
let slope = 0
let intercept = 0

/** Least squares over samples [from, to), x in seconds relative to `originMs`, sums compensated. */
function fit(t: Float64Array, v: Float64Array, vAt: number, from: number, to: number, originMs: number): void {
  const first = v[vAt + from]!
  let isConstant = true
  let sumX = 0, cX = 0, sumY = 0, cY = 0, sumXY = 0, cXY = 0, sumX2 = 0, cX2 = 0
  for (let k = from; k < to; k++) {
    const x = (t[k]! - originMs) / 1e3
    const y = v[vAt + k]!
    if (y !== first && k > from) isConstant = false
    let total = sumX + x
    cX = compensation(cX, sumX, x, total)
    sumX = total
    total = sumY + y
    cY = compensation(cY, sumY, y, total)
    sumY = total
    const xy = x * y
    total = sumXY + xy
    cXY = compensation(cXY, sumXY, xy, total)
    sumXY = total
    const x2 = x * x
    total = sumX2 + x2
    cX2 = compensation(cX2, sumX2, x2, total)
    sumX2 = total
  }
  if (isConstant) {
    const isInfinite = first === Infinity || first === -Infinity
    slope = isInfinite ? NaN : 0
    intercept = isInfinite ? NaN : first
    return
  }
  const n = to - from
  sumX += cX
  sumY += cY
  sumXY += cXY
  sumX2 += cX2
  slope = (sumXY - sumX * sumY / n) / (sumX2 - sumX * sumX / n)
  intercept = sumY / n - slope * sumX / n
}

/** Slope per second of the least-squares line. */
export const deriv: RangeKernel = (w, t, v, vAt, out, kinds, at, _args, pace) => {
  for (let i = 0; i < w.count; i++) {
    const from = w.lo[i]!
    if (w.hi[i]! - from < 2) continue
    pace.spend(w.hi[i]! - from)
    // The origin lies near the samples, so that x² keeps its digits.
    fit(t, v, vAt, from, w.hi[i]!, t[from]!)
    out[at + i] = slope
    kinds[at + i] = 1
  }
}

/** The least-squares line's value args[0] seconds after the evaluation time. */
export const predictLinear: RangeKernel = (w, t, v, vAt, out, kinds, at, args, pace) => {
  const ahead = args[0]!
  for (let i = 0; i < w.count; i++) {
    const from = w.lo[i]!
    if (w.hi[i]! - from < 2) continue
    pace.spend(w.hi[i]! - from)
    fit(t, v, vAt, from, w.hi[i]!, w.evalMs[i]!)
    out[at + i] = slope * ahead[i]! + intercept
    kinds[at + i] = 1
  }
}

/** NaN passes, as in Prometheus. */
function checkFactor(what: string, factor: number): void {
  if (factor <= 0 || factor >= 1) throw new ExecutionError(`invalid ${what}, got: ${formatFixed(factor, 6)}`)
}

/** The factors of a step, in (0, 1): others are an ExecutionError as soon as a window holds a sample. */
export function checkFactors(args: readonly Float64Array[], i: number): void {
  checkFactor('smoothing factor. Expected: 0 < sf < 1', args[0]![i]!)
  checkFactor('trend factor. Expected: 0 < tf < 1', args[1]![i]!)
}

/** Holt's double exponential smoothing with smoothing factor args[0] and trend factor args[1]. */
export const doubleExponentialSmoothing: RangeKernel = (w, _t, v, vAt, out, kinds, at, args, pace) => {
  const [smoothing, trend] = args
  for (let i = 0; i < w.count; i++) {
    const from = w.lo[i]!
    const to = w.hi[i]!
    if (to <= from) continue
    checkFactors(args, i)
    if (to - from < 2) continue
    pace.spend(to - from)
    const sf = smoothing![i]!
    const tf = trend![i]!
    let s0 = 0
    let s1 = v[vAt + from]!
    let b = v[vAt + from + 1]! - s1
    for (let k = from + 1; k < to; k++) {
      const x = sf * v[vAt + k]!
      if (k > from + 1) b = tf * (s1 - s0) + (1 - tf) * b
      const y = (1 - sf) * (s1 + b)
      s0 = s1
      s1 = x + y
    }
    out[at + i] = s1
    kinds[at + i] = 1
  }
}
