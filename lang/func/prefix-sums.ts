// Sums of windows that share most of their samples: differences of running sums, kept in two doubles each (T. J.
// Dekker, "A floating-point technique for extending the available precision", 1971), O(samples) per series however
// long the windows. A window whose sum is so small beside all that was added that digits could be lost is left to a
// scan, so that results stay within 1e-12 of it.
//
//   window sum  =  sum up to its end  −  sum up to its start        106 bits each, of which 53 are asked for
import { ScratchColumn } from './scratch.ts'

/** From this many windows on that hold the same sample, running sums beat a scan of each. */
export const SUMS_WINDOWS_MIN = 16
/**
 * The same for means, whose last digit depends on the order of additions: only where a scan would take long. A window of 64
 * samples is scanned in 90 ns.
 */
export const MEANS_WINDOWS_MIN = 64

/** What one addition may lose of all that was added so far, with room: 106 bits less one. */
const LOSS = 2 ** -105
/** The part of a window's sum that may be lost. */
const LOSS_MAX = 1e-13

const highScratch = new ScratchColumn()
const lowScratch = new ScratchColumn()
const NONE = new Float64Array(0)

/** Running sums of v[0..k), high and low parts, from `addUp` to `letSumsGo`. */
let high: Float64Array = NONE
let low: Float64Array = NONE

/** [0]: sums below this are left to a scan. */
const least = new Float64Array(1)

/** Works out the running sums of v[from..to); false where they are not all finite. `letSumsGo` follows either way. */
export function addUp(v: Float64Array, from: number, to: number): boolean {
  const n = to - from
  const h = high = highScratch.of(n + 1)
  const l = low = lowScratch.of(n + 1)
  let sum = 0
  let rest = 0
  let magnitude = 0
  h[0] = 0
  l[0] = 0
  for (let k = 0; k < n; k++) {
    const x = v[from + k]!
    magnitude += Math.abs(x)
    const total = sum + x
    const shift = total - sum
    rest += (sum - (total - shift)) + (x - shift)
    sum = total + rest
    rest -= sum - total
    h[k + 1] = sum
    l[k + 1] = rest
  }
  least[0] = magnitude * n * (LOSS / LOSS_MAX)
  // Twice, so that no difference of two sums can overflow either.
  return Number.isFinite(magnitude * 2)
}

/** Nobody asks for sums any more. */
export function letSumsGo(): void {
  high = NONE
  low = NONE
}

/** [0]: the low part of the last `sumBetween`. */
export const sumRest: Float64Array = new Float64Array(1)

/** The high part of the sum of samples [from, to), counted from where `addUp` began; NaN where it is left to a scan. */
export function sumBetween(from: number, to: number): number {
  const a = high[to]!
  const b = -high[from]!
  const total = a + b
  const shift = total - a
  const error = (a - (total - shift)) + (b - shift) + (low[to]! - low[from]!)
  const sum = total + error
  sumRest[0] = error - (sum - total)
  return Math.abs(sum) > least[0]! ? sum : NaN
}
