// One side's buckets of a running sum of native histograms: sorted by index, each with the compensation of its Kahan
// sum (histogram-sum.ts). Most histograms of a series share their buckets, so adding is in place once all are known.
import { NO_BUCKETS, type Buckets } from './histogram.ts'

/** Of a bucket, the bucket that holds it when every 2^halvings of them become one. */
export function reducedIndex(index: number, halvings: number): number {
  return ((index - 1) >> halvings) + 1
}

/** Neumaier's compensation after adding `x` to `sum` with result `total`; 0 once the sum is infinite. */
export function compensated(c: number, sum: number, x: number, total: number): number {
  if (total === Infinity || total === -Infinity) return 0
  return Math.abs(sum) >= Math.abs(x) ? c + ((sum - total) + x) : c + ((x - total) + sum)
}

export class BucketSums {
  index: Int32Array
  sum: Float64Array
  /** Compensations: bucket k holds sum[k] + c[k]. */
  c: Float64Array

  constructor(buckets: Buckets) {
    this.index = buckets.index.slice()
    this.sum = buckets.count.slice()
    this.c = new Float64Array(this.sum.length)
  }

  /** Adds count[k] to bucket index[k] for k ≥ from; index ascends strictly. */
  add(index: Int32Array, count: Float64Array, from: number): void {
    this.#makeRoom(index, from)
    const own = this.index
    let at = 0
    for (let k = from; k < index.length; k++) {
      while (own[at]! < index[k]!) at++
      this.#addAt(at, count[k]!)
    }
  }

  #addAt(at: number, x: number): void {
    const sum = this.sum[at]!
    const total = sum + x
    this.c[at] = compensated(this.c[at]!, sum, x, total)
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

  /** Moves every bucket to index `target(index)`, which never descends, and merges those that meet. */
  remap(target: (index: number) => number): void {
    const old = { index: this.index, sum: this.sum, c: this.c }
    const indexes = Int32Array.from(new Set(Array.from(old.index, target)))
    this.index = indexes
    this.sum = new Float64Array(indexes.length)
    this.c = new Float64Array(indexes.length)
    let at = 0
    for (let k = 0; k < old.index.length; k++) {
      while (indexes[at] !== target(old.index[k]!)) at++
      this.#addAt(at, old.sum[k]!)
      this.c[at]! += old.c[k]!
    }
  }

  /** Forgets the first n buckets. */
  dropFirst(n: number): void {
    this.index = this.index.subarray(n)
    this.sum = this.sum.subarray(n)
    this.c = this.c.subarray(n)
  }

  change(changed: (x: number) => number): void {
    this.sum = this.sum.map(changed)
    this.c = this.c.map(changed)
  }

  /** Its buckets that are not empty. */
  result(isCompensated: boolean): Buckets {
    const counts = isCompensated ? this.sum.map((sum, k) => sum + this.c[k]!) : this.sum
    if (counts.length === 0) return NO_BUCKETS
    return { index: this.index.filter((_, k) => counts[k] !== 0), count: counts.filter((count) => count !== 0) }
  }

  copy(): BucketSums {
    const copy = new BucketSums(NO_BUCKETS)
    copy.index = this.index.slice()
    copy.sum = this.sum.slice()
    copy.c = this.c.slice()
    return copy
  }
}
