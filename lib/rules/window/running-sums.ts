// Sums of a series' samples from the first one on, by sample: the sum of any window is a difference of two, whatever its length, so
// that windows keep nothing of their own.
//
//   v      3    5    1    8    …         sum of (5, 1, 8) = 17 − 3
//   sums   3    8    9   17    …
//
// A sum is a double and what it lacks as a float, about 77 bits. Where that, or what was added since, could show within 1e-12 a
// window's difference is not told, and neither is that of one with samples that no sum takes in.
import { resized } from '../../std/typed-array.ts'

/** Bytes of a sample's sum. */
export const SUM_BYTES = 12
/** Bytes of a series beside. */
export const SUMS_SLOT_BYTES = 24
/**
 * The sums may have been so many times as large as the difference: each addition errs by 2^-76 of it at most, those within a window
 * of 2^12 samples by 2^-40 of the difference, a little less than 1e-12.
 */
const CANCELLATION_MAX = 2 ** 24
/** Of smaller differences the floats would have no digits. */
const SUM_MIN = 1e-20
/** Larger samples, infinite ones and what is no number are not added. */
const SAMPLE_MAX = 1e25

export class RunningSums {
  #high: Float64Array
  #low: Float32Array
  /** By slot: the sum before its first sample that is here. */
  #highBefore: Float64Array
  #lowBefore: Float32Array
  /** The largest magnitude of any sum. */
  #most: Float32Array
  /** One more than the count of samples before the newest that was not added, and before the newest that is not 0; 0: none. */
  #leftOut: Uint32Array
  #nonZero: Uint32Array

  /** Of so many series and samples, none so far. */
  constructor(slotCount: number, sampleCount: number) {
    this.#high = new Float64Array(sampleCount)
    this.#low = new Float32Array(sampleCount)
    this.#highBefore = new Float64Array(slotCount)
    this.#lowBefore = new Float32Array(slotCount)
    this.#most = new Float32Array(slotCount)
    this.#leftOut = new Uint32Array(slotCount)
    this.#nonZero = new Uint32Array(slotCount)
  }

  growSamples(count: number): void {
    this.#high = resized(this.#high, count)
    this.#low = resized(this.#low, count)
  }

  growSlots(count: number): void {
    this.#highBefore = resized(this.#highBefore, count)
    this.#lowBefore = resized(this.#lowBefore, count)
    this.#most = resized(this.#most, count)
    this.#leftOut = resized(this.#leftOut, count)
    this.#nonZero = resized(this.#nonZero, count)
  }

  /** So many slots, none of which has samples. */
  clearSlots(count: number): void {
    this.#highBefore = new Float64Array(count)
    this.#lowBefore = new Float32Array(count)
    this.#most = new Float32Array(count)
    this.#leftOut = new Uint32Array(count)
    this.#nonZero = new Uint32Array(count)
  }

  /** The slot is another series', which has no samples. */
  begin(slot: number): void {
    this.#highBefore[slot] = 0
    this.#lowBefore[slot] = 0
    this.#most[slot] = 0
    this.#leftOut[slot] = 0
    this.#nonZero[slot] = 0
  }

  /** Adds the sample at `base + place`, the slot's newest; `dropped` came before the first that is here. */
  push(slot: number, base: number, place: number, value: number, dropped: number): void {
    const at = base + place
    let high = place === 0 ? this.#highBefore[slot]! : this.#high[at - 1]!
    let low: number = place === 0 ? this.#lowBefore[slot]! : this.#low[at - 1]!
    if (value !== 0) this.#nonZero[slot] = place + dropped + 1
    // False of what is no number.
    if (Math.abs(value) <= SAMPLE_MAX) {
      const total = high + value
      const shift = total - high
      low += (high - (total - shift)) + (value - shift)
      high = total + low
      low -= high - total
      const size = Math.abs(high)
      if (size > this.#most[slot]!) this.#most[slot] = size
    } else {
      this.#leftOut[slot] = place + dropped + 1
    }
    this.#high[at] = high
    this.#low[at] = low
  }

  /** Samples [from, from + count) lie at `to` from now on. */
  move(from: number, to: number, count: number): void {
    this.#high.copyWithin(to, from, from + count)
    this.#low.copyWithin(to, from, from + count)
  }

  /** The first `count` of the slot's `end` samples, which lie from `base` on, go. */
  drop(slot: number, base: number, count: number, end: number): void {
    this.#highBefore[slot] = this.#high[base + count - 1]!
    this.#lowBefore[slot] = this.#low[base + count - 1]!
    this.#high.copyWithin(base, base + count, base + end)
    this.#low.copyWithin(base, base + count, base + end)
  }

  /** The sum of the samples at places [from, to) of the slot, at least one, the first of which lies at `base`; NaN: it is to be found otherwise. */
  sum(slot: number, base: number, from: number, to: number, dropped: number): number {
    if (from + dropped >= this.#nonZero[slot]!) return 0
    if (from + dropped < this.#leftOut[slot]!) return NaN
    const high = from === 0 ? this.#highBefore[slot]! : this.#high[base + from - 1]!
    const low = from === 0 ? this.#lowBefore[slot]! : this.#low[base + from - 1]!
    // As exact as its parts: where they are far apart, the first is; where they are not, so is the second.
    const sum = (this.#high[base + to - 1]! - high) + (this.#low[base + to - 1]! - low)
    const size = Math.abs(sum)
    return size >= SUM_MIN && this.#most[slot]! <= size * CANCELLATION_MAX ? sum : NaN
  }
}
