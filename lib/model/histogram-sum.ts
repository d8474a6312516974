// A running sum of native histograms, each of its numbers a Kahan-Neumaier sum: what sum, avg and their _over_time
// functions keep, and what plain addition is made of. After Prometheus' FloatHistogram.KahanAdd.
import { exponentialBound } from './histogram-bounds.ts'
import { BucketSums } from './histogram-buckets.ts'
import {
  CUSTOM_SCHEMA, HINT_GAUGE, HINT_UNKNOWN, isCustom, isSameArray,
  type Buckets, type CounterResetHint, type FloatHistogram,
} from './histogram.ts'
import { compensation } from './kahan.ts'

export interface Met {
  /** One was marked as reset, the other as not reset. */
  readonly isCollision: boolean
  /** Custom bounds differed; only the shared ones are left. */
  readonly isReconciled: boolean
}

interface ZeroBucket {
  readonly count: number
  /** Compensation of the count. */
  readonly c: number
  readonly threshold: number
}

export class HistogramSum {
  #schema: number
  #zero: ZeroBucket
  #count: number
  #countC = 0
  #sum: number
  #sumC = 0
  #hint: CounterResetHint
  #positive: BucketSums
  #negative: BucketSums
  #customValues: Float64Array
  #hasAdded = false

  constructor(first: FloatHistogram) {
    this.#schema = first.schema
    this.#zero = { count: first.zeroCount, c: 0, threshold: first.zeroThreshold }
    this.#count = first.count
    this.#sum = first.sum
    this.#hint = first.hint
    this.#positive = new BucketSums(first.positive)
    this.#negative = new BucketSums(first.negative)
    this.#customValues = first.customValues
  }

  /**
   * Adds a histogram; null, and nothing is added, if one is exponential and the other has custom bounds. `isPlain`: what gets lost
   * where buckets of `h` are put together stays lost.
   */
  add(h: FloatHistogram, isPlain = false): Met | null {
    if (isCustom(h) !== (this.#schema === CUSTOM_SCHEMA)) return null
    this.#hasAdded = true
    const isCollision = this.#meetHint(h.hint)
    const isReconciled = this.#schema === CUSTOM_SCHEMA ? this.#addCustom(h) : this.#addExponential(h, isPlain)
    const count = this.#count + h.count
    this.#countC = compensation(this.#countC, this.#count, h.count, count)
    this.#count = count
    const sum = this.#sum + h.sum
    this.#sumC = compensation(this.#sumC, this.#sum, h.sum, sum)
    this.#sum = sum
    return { isCollision, isReconciled }
  }

  /** Whether reset met not reset; gauge wins over all, unknown over the rest. */
  #meetHint(hint: CounterResetHint): boolean {
    if (hint === this.#hint) return false
    const isCollision = hint !== HINT_GAUGE && hint !== HINT_UNKNOWN && this.#hint !== HINT_GAUGE && this.#hint !== HINT_UNKNOWN
    this.#hint = hint === HINT_GAUGE || this.#hint === HINT_GAUGE ? HINT_GAUGE : HINT_UNKNOWN
    return isCollision
  }

  /** Whether bounds had to go. */
  #addCustom(h: FloatHistogram): boolean {
    const own = this.#customValues
    if (isSameArray(own, h.customValues)) {
      this.#positive.add(h.positive.index, h.positive.count, 0)
      return false
    }
    const shared = sharedBounds(own, h.customValues)
    this.#positive.remap((index) => sharedIndex(index, own, shared))
    // One by one: buckets of h that meet in a shared one are added in their order.
    h.positive.index.forEach((index, k) => {
      this.#positive.add(Int32Array.of(sharedIndex(index, h.customValues, shared)), h.positive.count.subarray(k, k + 1), 0)
    })
    this.#customValues = shared
    return true
  }

  #addExponential(h: FloatHistogram, isPlain: boolean): false {
    const other = h.zeroThreshold === this.#zero.threshold ? { count: h.zeroCount, c: 0 } : this.#meetZeroBucket(h)
    this.#zero = increased(this.#zero, other.count)
    if (!isPlain) this.#zero = increased(this.#zero, other.c)
    if (h.schema < this.#schema) this.#coarsen(h.schema)
    this.#addSide(this.#positive, h.positive, h.schema - this.#schema, isPlain)
    this.#addSide(this.#negative, h.negative, h.schema - this.#schema, isPlain)
    return false
  }

  #addSide(own: BucketSums, side: Buckets, halvings: number, isPlain: boolean): void {
    if (halvings === 0) {
      own.add(side.index, side.count, this.#firstOutside(side.index))
      return
    }
    const coarse = new BucketSums(side)
    coarse.coarsen(halvings)
    own.add(coarse.index, coarse.sum, this.#firstOutside(coarse.index), isPlain ? null : coarse.c)
  }

  /** Position of the first bucket that ends beyond the zero bucket; those before are in the zero count. */
  #firstOutside(index: Int32Array): number {
    let k = 0
    while (k < index.length && exponentialBound(index[k]!, this.#schema) <= this.#zero.threshold) k++
    return k
  }

  #coarsen(schema: number): void {
    this.#positive.coarsen(this.#schema - schema)
    this.#negative.coarsen(this.#schema - schema)
    this.#schema = schema
  }

  /** Widens the zero bucket until it fits both; returns the count of the other's. Each may push the other's threshold to the end of a bucket. */
  #meetZeroBucket(h: FloatHistogram): ZeroBucket {
    const other = new HistogramSum(h)
    let theirs: ZeroBucket = other.#zero
    while (theirs.threshold !== this.#zero.threshold) {
      if (theirs.threshold < this.#zero.threshold) theirs = other.zeroCountFor(this.#zero.threshold)
      if (theirs.threshold > this.#zero.threshold) {
        this.#zero = this.zeroCountFor(theirs.threshold)
        this.#positive.dropFirst(this.#startingWithin(this.#positive.index))
        this.#negative.dropFirst(this.#startingWithin(this.#negative.index))
      }
    }
    return theirs
  }

  /** How many buckets start within the zero bucket. */
  #startingWithin(index: Int32Array): number {
    let k = 0
    while (k < index.length && exponentialBound(index[k]! - 1, this.#schema) < this.#zero.threshold) k++
    return k
  }

  /** The zero bucket if it reached to `threshold`, not less than now, or as much further as its last bucket needs. */
  zeroCountFor(threshold: number): ZeroBucket {
    if (threshold === this.#zero.threshold) return this.#zero
    let { c } = this.#zero
    for (;;) {
      const zero = this.#swallow(this.#positive, { count: this.#zero.count, c, threshold })
      const both = this.#swallow(this.#negative, zero)
      if (both.threshold === zero.threshold) return both
      // The negative side pushed the threshold: the positive one has to reach it, too. Prometheus keeps the compensation.
      threshold = both.threshold
      c = both.c
    }
  }

  #swallow({ index, sum, c }: BucketSums, zero: ZeroBucket): ZeroBucket {
    for (let k = 0; k < index.length; k++) {
      if (exponentialBound(index[k]! - 1, this.#schema) >= zero.threshold) break
      const upper = exponentialBound(index[k]!, this.#schema)
      const isCut = upper > zero.threshold
      zero = increased(increased(zero, sum[k]!), c[k]!)
      if (isCut) return sum[k] === 0 ? zero : { ...zero, threshold: upper }
    }
    return zero
  }

  /** Every number times `factor`, not negative. */
  scale(factor: number): void {
    const { count, c, threshold } = this.#zero
    this.#zero = { count: count * factor, c: c * factor, threshold }
    this.#count *= factor
    this.#countC *= factor
    this.#sum *= factor
    this.#sumC *= factor
    this.#positive.scale(factor)
    this.#negative.scale(factor)
  }

  /** Every number through `divisor`, positive. */
  divide(divisor: number): void {
    const { count, c, threshold } = this.#zero
    this.#zero = { count: count / divisor, c: c / divisor, threshold }
    this.#count /= divisor
    this.#countC /= divisor
    this.#sum /= divisor
    this.#sumC /= divisor
    this.#positive.divide(divisor)
    this.#negative.divide(divisor)
  }

  /** Whether any number is infinite. */
  hasOverflow(): boolean {
    return [this.#zero.count, this.#count, this.#sum].some(isInfinite) ||
      this.#positive.sum.some(isInfinite) || this.#negative.sum.some(isInfinite)
  }

  /** The sum so far. What nothing was added to keeps the signs of its zeros. */
  result(): FloatHistogram {
    return this.#result(this.#hasAdded)
  }

  /** The sum so far as plain additions would have it. */
  uncompensated(): FloatHistogram {
    return this.#result(false)
  }

  #result(isCompensated: boolean): FloatHistogram {
    return {
      schema: this.#schema, zeroThreshold: this.#zero.threshold, hint: this.#hint, customValues: this.#customValues,
      zeroCount: isCompensated ? this.#zero.count + this.#zero.c : this.#zero.count,
      count: isCompensated ? this.#count + this.#countC : this.#count,
      sum: isCompensated ? this.#sum + this.#sumC : this.#sum,
      positive: this.#positive.result(isCompensated), negative: this.#negative.result(isCompensated),
    }
  }

  /** A sum of its own with the same state. */
  copy(): HistogramSum {
    const copy = new HistogramSum(this.uncompensated())
    copy.#hasAdded = this.#hasAdded
    copy.#zero = this.#zero
    copy.#countC = this.#countC
    copy.#sumC = this.#sumC
    copy.#positive = this.#positive.copy()
    copy.#negative = this.#negative.copy()
    return copy
  }
}

function increased({ count, c, threshold }: ZeroBucket, x: number): ZeroBucket {
  const total = count + x
  return { count: total, c: compensation(c, count, x, total), threshold }
}

function isInfinite(x: number): boolean {
  return x === Infinity || x === -Infinity
}

/** Counts in buckets 2^halvings times as wide. */
export function reduceBuckets(buckets: Buckets, halvings: number): Buckets {
  const sums = new BucketSums(buckets)
  sums.coarsen(halvings)
  return sums.result(false)
}

/** The bounds that both have, ascending as they are. */
export function sharedBounds(a: Float64Array, b: Float64Array): Float64Array {
  const known = new Set(b)
  return a.filter((bound) => known.has(bound))
}

/** Of a custom bucket, the bucket between shared bounds that holds it. */
export function sharedIndex(index: number, own: Float64Array, shared: Float64Array): number {
  if (index >= own.length) return shared.length
  const to = shared.findIndex((bound) => bound >= own[index]!)
  return to < 0 ? shared.length : to
}
