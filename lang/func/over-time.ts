// sum, avg, min, max, count, last, first, present, stddev and stdvar over time, and the timestamps of first, last,
// min and max, over floats (prometheus promql/functions.go). Sums and means are compensated. Every window is
// scanned anew in Prometheus' order, so that results agree to the last bit, unless windows share most of their samples
// (prefix-sums.ts).
import { compensatedSum, compensation, squaredDistances } from '../../lib/model/kahan.ts'
import { addUp, letSumsGo, MEANS_WINDOWS_MIN, sumBetween, sumRest, SUMS_WINDOWS_MIN } from './prefix-sums.ts'
import { isShared, type Pace, type RangeKernel, type Windows } from './range-kernel.ts'

/** [0]: the compensation of the last `sumOf`; an array, for a variable of a module would be a new object each time. */
const sumC = new Float64Array(1)

/**
 * `start` and v[from..to) added up. Knuth's error-free sum gives the same error of each addition as Neumaier's
 * comparison of magnitudes, to the bit and in less time, as long as nothing overflows.
 */
function sumOf(v: Float64Array, from: number, to: number, start: number): number {
  let sum = start
  let c = 0
  for (let k = from; k < to; k++) {
    const x = v[k]!
    const total = sum + x
    const shift = total - sum
    c += (sum - (total - shift)) + (x - shift)
    sum = total
  }
  sumC[0] = c
  return sum
}

/** Of v[from..to). An infinite or undefined running sum never becomes finite again: then the order of cases matters. */
function scannedSum(v: Float64Array, from: number, to: number): number {
  const sum = sumOf(v, from, to, 0)
  const result = sum + sumC[0]!
  return result - result === 0 ? result : compensatedSum(v, from, to)
}

/** Of v[from..to): the plain mean, until the sum overflows; from there on an incremental mean. */
function scannedMean(v: Float64Array, from: number, to: number): number {
  const n = to - from
  const result = sumOf(v, from + 1, to, v[from]!) / n + sumC[0]! / n
  return result - result === 0 ? result : overflowingMeanOf(v, from, to)
}

export const sumOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at, _args, pace) => {
  const { count, lo, hi } = w
  const base = count > 0 ? lo[0]! : 0
  const hasSums = isShared(w, SUMS_WINDOWS_MIN) && addUp(v, vAt + base, vAt + hi[count - 1]!)
  for (let i = 0; i < count; i++) {
    const from = lo[i]!
    const to = hi[i]!
    if (to <= from) continue
    const sum = hasSums ? sumBetween(from - base, to - base) : NaN
    if (sum !== sum) pace.spend(to - from)
    out[at + i] = sum === sum ? sum : scannedSum(v, vAt + from, vAt + to)
    kinds[at + i] = 1
  }
  letSumsGo()
}

export const avgOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at, _args, pace) => {
  const { count, lo, hi } = w
  const base = count > 0 ? lo[0]! : 0
  const hasSums = isShared(w, MEANS_WINDOWS_MIN) && addUp(v, vAt + base, vAt + hi[count - 1]!)
  for (let i = 0; i < count; i++) {
    const from = lo[i]!
    const to = hi[i]!
    if (to <= from) continue
    const sum = hasSums ? sumBetween(from - base, to - base) : NaN
    const n = to - from
    if (sum !== sum) pace.spend(n)
    out[at + i] = sum === sum ? sum / n + sumRest[0]! / n : scannedMean(v, vAt + from, vAt + to)
    kinds[at + i] = 1
  }
  letSumsGo()
}

function overflowingMeanOf(v: Float64Array, from: number, to: number): number {
  let sum = v[from]!
  let c = 0
  let k = from + 1
  for (; k < to; k++) {
    const x = v[k]!
    const total = sum + x
    if (total === Infinity || total === -Infinity) break
    c = compensation(c, sum, x, total)
    sum = total
  }
  return k === to ? sum / (to - from) + c / (to - from) : incrementalMean(v, from, k, to, sum, c)
}

/** The mean of v[from..to), where sum and c hold v[from..k) and adding v[k] overflows. */
function incrementalMean(v: Float64Array, from: number, k: number, to: number, sum: number, c: number): number {
  let mean = sum / (k - from)
  c /= k - from
  for (; k < to; k++) {
    const n = k - from + 1
    const share = (n - 1) / n
    const x = v[k]! / n
    const scaled = share * mean
    const total = scaled + x
    c = compensation(share * c, scaled, x, total)
    mean = total
  }
  return mean + c
}

export const countOverTime: RangeKernel = (w, _t, _v, _vAt, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    const n = w.hi[i]! - w.lo[i]!
    if (n <= 0) continue
    out[at + i] = n
    kinds[at + i] = 1
  }
}

export const presentOverTime: RangeKernel = (w, _t, _v, _vAt, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    if (w.hi[i]! <= w.lo[i]!) continue
    out[at + i] = 1
    kinds[at + i] = 1
  }
}

export const lastOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    if (w.hi[i]! <= w.lo[i]!) continue
    out[at + i] = v[vAt + w.hi[i]! - 1]!
    kinds[at + i] = 1
  }
}

export const firstOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    if (w.hi[i]! <= w.lo[i]!) continue
    out[at + i] = v[vAt + w.lo[i]!]!
    kinds[at + i] = 1
  }
}

/** Unix seconds of the window's newest sample. */
export const tsOfLastOverTime: RangeKernel = (w, t, _v, _vAt, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    if (w.hi[i]! <= w.lo[i]!) continue
    out[at + i] = t[w.hi[i]! - 1]! / 1000
    kinds[at + i] = 1
  }
}

/** Unix seconds of the window's oldest sample. */
export const tsOfFirstOverTime: RangeKernel = (w, t, _v, _vAt, out, kinds, at) => {
  for (let i = 0; i < w.count; i++) {
    if (w.hi[i]! <= w.lo[i]!) continue
    out[at + i] = t[w.lo[i]!]! / 1000
    kinds[at + i] = 1
  }
}

/** Unix seconds of the smallest (sign 1) or largest (sign -1) sample, the newest of equals; NaN only counts among NaN. */
function tsOfExtreme(
  w: Windows, t: Float64Array, v: Float64Array, vAt: number,
  out: Float64Array, kinds: Uint8Array, at: number, sign: number, pace: Pace,
): void {
  for (let i = 0; i < w.count; i++) {
    const from = w.lo[i]!
    const to = w.hi[i]!
    if (to <= from) continue
    pace.spend(to - from)
    let best = from
    let bestValue = sign * v[vAt + from]!
    for (let k = from + 1; k < to; k++) {
      const x = sign * v[vAt + k]!
      if (x <= bestValue || bestValue !== bestValue) {
        best = k
        bestValue = x
      }
    }
    out[at + i] = t[best]! / 1000
    kinds[at + i] = 1
  }
}

export const tsOfMinOverTime: RangeKernel = (w, t, v, vAt, out, kinds, at, _args, pace) => {
  tsOfExtreme(w, t, v, vAt, out, kinds, at, 1, pace)
}

export const tsOfMaxOverTime: RangeKernel = (w, t, v, vAt, out, kinds, at, _args, pace) => {
  tsOfExtreme(w, t, v, vAt, out, kinds, at, -1, pace)
}

/** Population variance of v[from..to). */
function variance(v: Float64Array, from: number, to: number): number {
  return squaredDistances(v, from, to) / (to - from)
}

export const stdvarOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at, _args, pace) => {
  for (let i = 0; i < w.count; i++) {
    if (w.hi[i]! <= w.lo[i]!) continue
    pace.spend(w.hi[i]! - w.lo[i]!)
    out[at + i] = variance(v, vAt + w.lo[i]!, vAt + w.hi[i]!)
    kinds[at + i] = 1
  }
}

export const stddevOverTime: RangeKernel = (w, _t, v, vAt, out, kinds, at, _args, pace) => {
  for (let i = 0; i < w.count; i++) {
    if (w.hi[i]! <= w.lo[i]!) continue
    pace.spend(w.hi[i]! - w.lo[i]!)
    out[at + i] = Math.sqrt(variance(v, vAt + w.lo[i]!, vAt + w.hi[i]!))
    kinds[at + i] = 1
  }
}
