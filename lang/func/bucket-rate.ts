// rate, increase and delta over rows of buckets, in the order of operations of rate.ts. A row tells the values before
// drops inside it, summed; a drop between two rows shows in the last value of one and the first of the next.
//
//   row k-1   first ··· last          row k   first ··· last      change = last of the last row − first of the first
//                         └── below? ─────────┘                            + every value before a drop
import { countSamples, type BucketKernel, type BucketRun, type BucketWindows } from './bucket-kernel.ts'
import { extrapolationFactor, NO_ZERO, stretched } from './extrapolation.ts'
import type { Pace } from './range-kernel.ts'

/** A row with drops has about so many: each is a rounding when they are added up in another order. */
const DROPS = 8
/** A change this small a part of what was added up, for each rounding, may be off by more than 1e-12 of itself. */
const CANCELED = 2 ** -53 / 1e-12

/** Positions of rows with a drop inside or before them; scratch of one kernel call, grown and never shrunk. */
let drops: Int32Array = new Int32Array(1024)

function findDrops({ at, columns: { first, last, correction } }: BucketRun, from: number, to: number): number {
  let n = 0
  for (let k = from; k < to; k++) {
    const isBefore = k > from && first[at + k]! < last[at + k - 1]!
    if (!isBefore && correction[at + k]! === 0) continue
    if (n === drops.length) {
      const grown = new Int32Array(n * 2)
      grown.set(drops)
      drops = grown
    }
    drops[n++] = k
  }
  return n
}

/** [0]: whether the change that was added up last is in doubt. */
const doubt = new Uint8Array(1)

/** `change`, of rows [lo, hi), and what the counter had before each drop in rows drops[from..to). */
function withDrops(change: number, rows: BucketRun, lo: number, hi: number, from: number, to: number): number {
  const { at, columns: { first, last, correction } } = rows
  let result = change
  let added = Math.abs(first[at + lo]!) + Math.abs(last[at + hi - 1]!)
  let roundings = 0
  let isWhole = Number.isInteger(added)
  let least = Math.min(first[at + lo]!, last[at + hi - 1]!)
  for (let r = from; r < to; r++) {
    const k = at + drops[r]!
    const before = drops[r]! > lo && first[k]! < last[k - 1]! ? last[k - 1]! : 0
    result += before
    result += correction[k]!
    added += Math.abs(before) + Math.abs(correction[k]!)
    roundings += correction[k]! === 0 ? 1 : DROPS
    isWhole &&= Number.isInteger(before) && Number.isInteger(correction[k]!)
    least = Math.min(least, before, correction[k]!)
  }
  // Sums of whole numbers have no roundings; a change that is NaN is so in any order.
  const isExact = change !== change || (isWhole && added <= Number.MAX_SAFE_INTEGER)
  // No counter is below zero; of values that are, a row's sum does not tell what cancelled in it. One that overflows may not in the order of samples.
  const isCounter = least >= 0 && result >= 0
  doubt[0] = isExact || (isCounter && added < Infinity && result >= roundings * CANCELED * added) ? 0 : 1
  return result
}

function extrapolated(
  w: BucketWindows, rows: BucketRun, out: Float64Array, kinds: Uint8Array, at: number, pace: Pace, isCounter: boolean, isRate: boolean,
): boolean {
  const { count, lo, hi, startMs, endMs, scale } = w
  const { at: rowsAt, columns: { first, last, firstT, lastT } } = rows
  const base = count > 0 ? lo[0]! : 0
  const samples = countSamples(w, rows)
  const dropCount = isCounter && count > 0 ? findDrops(rows, base, hi[count - 1]!) : 0
  let isInDoubt = false
  let drop = 0
  for (let i = 0; i < count; i++) {
    const from = rowsAt + lo[i]!
    const to = rowsAt + hi[i]! - 1
    const intervals = samples[hi[i]! - base]! - samples[lo[i]! - base]! - 1
    if (to < from || intervals < 1) continue
    const firstValue = first[from]!
    let result = last[to]! - firstValue
    if (dropCount > 0) {
      while (drop < dropCount && drops[drop]! < lo[i]!) drop++
      let end = drop
      while (end < dropCount && drops[end]! < hi[i]!) end++
      pace.spend(end - drop)
      if (end > drop) {
        result = withDrops(result, rows, lo[i]!, hi[i]!, drop, end)
        if (doubt[0] === 1) isInDoubt = true
      }
    }
    const zeroShare = isCounter && result > 0 && firstValue >= 0 ? firstValue / result : NO_ZERO
    const sampled = (lastT[to]! - firstT[from]!) / 1000
    const start = stretched((firstT[from]! - startMs[i]!) / 1000, sampled / intervals)
    const end = stretched((endMs[i]! - lastT[to]!) / 1000, sampled / intervals)
    const factor = extrapolationFactor(sampled, start, end, zeroShare)
    const divisor = isRate ? (endMs[i]! - startMs[i]!) / 1000 : 1
    out[at + i] = result * (factor / divisor) * (isRate ? 1 : scale[i]!)
    kinds[at + i] = 1
  }
  return isInDoubt
}

export const bucketRate: BucketKernel = (w, rows, out, kinds, at, pace) => extrapolated(w, rows, out, kinds, at, pace, true, true)

export const bucketIncrease: BucketKernel = (w, rows, out, kinds, at, pace) => extrapolated(w, rows, out, kinds, at, pace, true, false)

export const bucketDelta: BucketKernel = (w, rows, out, kinds, at, pace) => extrapolated(w, rows, out, kinds, at, pace, false, false)
