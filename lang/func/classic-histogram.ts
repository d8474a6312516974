// Quantiles and fractions of classic histograms: cumulative counts by upper bound (prometheus promql/quantile.go).
//
//   count ┤        ┌──▶ +Inf: all observations
//    rank ┤┄┄┄┄┄┌──┘
//         ┤  ┌──┘╎       a rank is read back from the stairs, on a straight line within its step
//         └──┴───╎──────▶ le

/** Relative difference of two counts up to which they are taken as equal: summing rates leaves such dust. */
const SMALL_DELTA = 1e-12
const NORMAL_MIN = 2.2250738585072014e-308

function isAlmostEqual(a: number, b: number): boolean {
  const sum = Math.abs(a) + Math.abs(b)
  const difference = Math.abs(a - b)
  if (a === 0 || b === 0 || sum < NORMAL_MIN) return difference < SMALL_DELTA * NORMAL_MIN
  return difference / Math.min(sum, Number.MAX_VALUE) < SMALL_DELTA
}

/** The buckets of one histogram at one time; filled anew for each. */
export class Buckets {
  #n = 0
  readonly #bounds: Float64Array
  readonly #counts: Float64Array
  /** What `quantile` last had to raise so that counts do not fall with the bound. */
  isFixed = false
  fixedBoundMin = 0
  fixedBoundMax = 0
  fixedDifferenceMax = 0

  constructor(capacity: number) {
    this.#bounds = new Float64Array(capacity)
    this.#counts = new Float64Array(capacity)
  }

  get size(): number {
    return this.#n
  }

  clear(): void {
    this.#n = 0
  }

  /** Adds a bucket; bounds come ascending, and equal ones (`1` and `1.0`) are added up. */
  push(bound: number, count: number): void {
    if (this.#n > 0 && this.#bounds[this.#n - 1] === bound) {
      this.#counts[this.#n - 1]! += count
      return
    }
    this.#bounds[this.#n] = bound
    this.#counts[this.#n++] = count
  }

  /** The q-quantile; -Inf and +Inf for q outside [0, 1]; NaN without a +Inf bucket, a second one, or observations. */
  quantile(q: number): number {
    this.isFixed = false
    if (q !== q) return NaN
    if (q < 0) return -Infinity
    if (q > 1) return Infinity
    const bounds = this.#bounds
    const counts = this.#counts
    const top = this.#n - 1
    if (top < 0 || bounds[top] !== Infinity) return NaN
    this.#forceMonotonic()
    const observations = counts[top]!
    if (top < 1 || observations === 0) return NaN
    let rank = q * observations
    // By halving, as Prometheus: where a count is NaN, that finds another bucket than going through them.
    let b = 0
    for (let end = top; b < end;) {
      const middle = (b + end) >>> 1
      if (counts[middle]! >= rank) end = middle
      else b = middle + 1
    }
    if (b === top) return bounds[top - 1]!
    const upperBound = bounds[b]!
    if (b === 0 && upperBound <= 0) return upperBound
    let lowerBound = 0
    let count = counts[b]!
    if (b > 0) {
      lowerBound = bounds[b - 1]!
      count -= counts[b - 1]!
      rank -= counts[b - 1]!
    }
    return lowerBound + (upperBound - lowerBound) * (rank / count)
  }

  /** The share of observations between two values; NaN without a +Inf bucket or observations, or for a NaN value. */
  fraction(lower: number, upper: number): number {
    const top = this.#n - 1
    if (top < 0 || this.#bounds[top] !== Infinity) return NaN
    const observations = this.#counts[top]!
    if (observations === 0 || lower !== lower || upper !== upper) return NaN
    if (lower >= upper) return 0
    return (this.#rankOf(upper) - this.#rankOf(lower)) / observations
  }

  /** How many observations lie below `value`; never more than there are. */
  #rankOf(value: number): number {
    const observations = this.#counts[this.#n - 1]!
    let lowerBound = this.#bounds[0]! > 0 ? 0 : -Infinity
    let rank = 0
    for (let b = 0; b < this.#n; b++) {
      if (lowerBound >= value) return Math.min(rank, observations)
      const upperBound = this.#bounds[b]!
      const count = this.#counts[b]!
      if (upperBound > value) {
        // Within a bucket without a lower bound nothing can be told apart: all of it counts.
        const within = lowerBound === -Infinity ? count : rank + (count - rank) * (value - lowerBound) / (upperBound - lowerBound)
        return Math.min(within, observations)
      }
      rank = count
      lowerBound = upperBound
    }
    return observations
  }

  /** Raises counts to the one before where they fall; evens out small differences either way without a word. */
  #forceMonotonic(): void {
    const counts = this.#counts
    let previous = counts[0]!
    for (let b = 1; b < this.#n; b++) {
      const count = counts[b]!
      if (count === previous) continue
      if (isAlmostEqual(previous, count)) {
        counts[b] = previous
      } else if (count < previous) {
        const bound = this.#bounds[b]!
        this.fixedBoundMin = this.isFixed ? Math.min(this.fixedBoundMin, bound) : bound
        this.fixedBoundMax = this.isFixed ? Math.max(this.fixedBoundMax, bound) : bound
        this.fixedDifferenceMax = Math.max(this.isFixed ? this.fixedDifferenceMax : 0, previous - count)
        this.isFixed = true
        counts[b] = previous
      } else {
        previous = count
      }
    }
  }
}
