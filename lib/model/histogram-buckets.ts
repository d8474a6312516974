// One side's buckets of a running sum of native histograms: sorted by index, each with the compensation of its Kahan
// sum (histogram-sum.ts). Most histograms of a series share their buckets, so adding is in place once all are known.
import { NO_BUCKETS, type Buckets } from './histogram.ts'
import { compensation } from './kahan.ts'

/** Of a bucket, the bucket that holds it when every 2^halvings of them become one. */
export function reducedIndex(index: number, halvings: number): number {
  return ((index - 1) >> halvings) + 1
}

export class BucketSums {
  /** Never written to: shared with histograms. */
  index: Int32Array
  sum: Float64Array
  /** Compensations: bucket k holds sum[k] + c[k]. */
  c: Float64Array

  constructor({ index, count }: Buckets) {
    this.index = index
    this.sum = count.slice()
    this.c = new Float64Array(count.length)
  }

  /** Adds count[k], and a compensation of it, to bucket index[k] for k ≥ from; index ascends strictly. */
  add(index: Int32Array, count: Float64Array, from: number, compensations: Float64Array | null = null): void {
    if (!isSuffix(this.index, index, from)) this.#makeRoom(index, from)
    const { index: own, sum, c } = this
    let at = 0
    for (let k = from; k < index.length; k++, at++) {
      while (own[at]! < index[k]!) at++
      const x = count[k]!
      const before = sum[at]!
      const total = before + x
      c[at] = compensation(c[at]!, before, x, total)
      sum[at] = total
      if (compensations !== null) this.#increase(at, compensations[k]!)
    }
  }

  #increase(at: number, x: number): void {
    const before = this.sum[at]!
    const total = before + x
    this.c[at] = compensation(this.c[at]!, before, x, total)
    this.sum[at] = total
  }

  /** Makes empty buckets for those of index[from…] that are missing. */
  #makeRoom(index: Int32Array, from: number): void {
    const missing = this.#missing(index, from)
    if (missing === 0) return
    const length = this.index.length + missing
    const [toIndex, toSum, toC] = [new Int32Array(length), new Float64Array(length), new Float64Array(length)]
    let [a, b] = [0, from]
    for (let k = 0; k < length; k++) {
      const isOwn = b === index.length || (a < this.index.length && this.index[a]! <= index[b]!)
      if (isOwn) {
        if (this.index[a] === index[b]) b++
        toIndex[k] = this.index[a]!
        toSum[k] = this.sum[a]!
        toC[k] = this.c[a]!
        a++
      } else toIndex[k] = index[b++]!
    }
    this.index = toIndex
    this.sum = toSum
    this.c = toC
  }

  #missing(index: Int32Array, from: number): number {
    let at = 0
    let missing = 0
    for (let k = from; k < index.length; k++) {
      while (at < this.index.length && this.index[at]! < index[k]!) at++
      if (at === this.index.length || this.index[at] !== index[k]) missing++
    }
    return missing
  }

  /** Makes buckets 2^halvings times as wide. The first of those that meet is taken with its compensation, the others are added. */
  coarsen(halvings: number): void {
    const { index, sum, c } = this
    const targets = index.map((one) => reducedIndex(one, halvings))
    this.#clear(targets)
    for (let k = 0, at = -1; k < index.length; k++) {
      if (at >= 0 && this.index[at] === targets[k]) {
        this.#increase(at, sum[k]!)
        this.#increase(at, c[k]!)
      } else {
        at++
        this.sum[at] = sum[k]!
        this.c[at] = c[k]!
      }
    }
  }

  /** Moves every bucket to index `target(index)`, which never descends, and adds up those that meet, compensations as counts. */
  remap(target: (index: number) => number): void {
    const { index, sum, c } = this
    const targets = index.map(target)
    this.#clear(targets)
    for (let k = 0, at = 0; k < index.length; k++) {
      if (this.index[at] !== targets[k]) at++
      this.#increase(at, sum[k]!)
      this.#increase(at, c[k]!)
    }
  }

  /** Empty buckets at `targets`, which may repeat. */
  #clear(targets: Int32Array): void {
    this.index = targets.filter((to, k) => k === 0 || to !== targets[k - 1])
    this.sum = new Float64Array(this.index.length)
    this.c = new Float64Array(this.index.length)
  }

  /** Forgets the first n buckets. */
  dropFirst(n: number): void {
    this.index = this.index.subarray(n)
    this.sum = this.sum.subarray(n)
    this.c = this.c.subarray(n)
  }

  /** Every number times `factor`. */
  scale(factor: number): void {
    const { sum, c } = this
    for (let k = 0; k < sum.length; k++) {
      sum[k]! *= factor
      c[k]! *= factor
    }
  }

  /** Every number through `divisor`. */
  divide(divisor: number): void {
    const { sum, c } = this
    for (let k = 0; k < sum.length; k++) {
      sum[k]! /= divisor
      c[k]! /= divisor
    }
  }

  result(isCompensated: boolean): Buckets {
    const { index, c } = this
    if (index.length === 0) return NO_BUCKETS
    const count = this.sum.slice()
    if (isCompensated) for (let k = 0; k < count.length; k++) count[k]! += c[k]!
    return { index, count }
  }

  copy(): BucketSums {
    const copy = new BucketSums(NO_BUCKETS)
    copy.index = this.index
    copy.sum = this.sum.slice()
    copy.c = this.c.slice()
    return copy
  }
}

/** Fast path: whether `own` is index[from…], as it mostly is within a series. */
function isSuffix(own: Int32Array, index: Int32Array, from: number): boolean {
  if (own === index && from === 0) return true
  if (own.length !== index.length - from) return false
  for (let k = 0; k < own.length; k++) if (own[k] !== index[from + k]) return false
  return true
}
