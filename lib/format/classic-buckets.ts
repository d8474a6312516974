// A classic histogram on its way to a native one with custom buckets (NHCB): buckets come one by one, in any order.
// After prometheus util/convertnhcb.
import { CUSTOM_SCHEMA, type CounterResetHint, type FloatHistogram } from '../model/histogram.ts'
import { withoutLongGaps } from '../model/histogram-resolution.ts'
import { histogramFromSpans } from '../model/histogram-spans.ts'

/** Empty buckets that stay between others where all counts are integers, as Prometheus leaves them. */
const GAP_MAX = 2

export class ClassicBuckets {
  /** Upper bounds, ascending where #isSorted. */
  readonly #bounds: number[] = []
  /** Cumulative. */
  readonly #counts: number[] = []
  #count = 0
  #hasCount = false
  #sum = 0
  #isSorted = true
  #fault = ''

  clear(): void {
    this.#bounds.length = this.#counts.length = 0
    this.#count = this.#sum = 0
    this.#hasCount = false
    this.#isSorted = true
    this.#fault = ''
  }

  setSum(sum: number): void {
    this.#sum = sum
  }

  setCount(count: number): void {
    if (count < 0) this.#fail(`count must be non-negative: count=${count}`)
    this.#count = count
    this.#hasCount = true
  }

  setBucket(bound: number, count: number): void {
    if (Number.isNaN(bound)) this.#fail('bucket boundary must not be NaN')
    if (count < 0) this.#fail(`bucket count must be non-negative: le=${bound}, count=${count}`)
    if (this.#bounds.length > 0 && !(bound > this.#bounds.at(-1)!)) this.#isSorted = false
    this.#bounds.push(bound)
    this.#counts.push(count)
  }

  /** All buckets are there: what keeps them from being a histogram, '' for nothing. */
  finish(): string {
    if (!this.#isSorted) this.#sort()
    if (this.#fault !== '') return this.#fault
    const bounds = this.#bounds
    const cumulative = this.#counts
    for (let i = 1; i < cumulative.length; i++) {
      if (cumulative[i]! < cumulative[i - 1]!) return `count is not cumulative: ${cumulative[i]!} < ${cumulative[i - 1]!}`
    }
    const count = this.#hasCount || bounds.length === 0 ? this.#count : cumulative.at(-1)!
    // A count below that of the last bucket is found by `convert`, as in Prometheus: the histogram was read, but is none to store.
    if (bounds.at(-1) !== Infinity) {
      bounds.push(Infinity)
      cumulative.push(count)
    }
    this.#count = count
    const total = cumulative.at(-1)!
    return count === total ? '' : `count mismatch: count=${count} != le=+Inf count=${total}`
  }

  /** The histogram, once `finish` has found no fault, or why the store would not take it. */
  convert(hint: CounterResetHint): FloatHistogram | string {
    const count = this.#count
    const cumulative = this.#counts
    const isInteger = Number.isInteger(count) && cumulative.every(Number.isInteger)
    const counts = cumulative.map((value, i) => (i === 0 ? value : value - cumulative[i - 1]!))
    const made = histogramFromSpans({
      schema: CUSTOM_SCHEMA, zeroThreshold: 0, zeroCount: 0, count, sum: this.#sum, hint, isInteger,
      positive: { offsets: [0], lengths: [counts.length], counts }, negative: { offsets: [], lengths: [], counts: [] },
      customValues: this.#bounds.slice(0, -1),
    })
    if (typeof made === 'string') return made
    return { ...made, positive: withoutLongGaps(made.positive, isInteger ? GAP_MAX : 0) }
  }

  /** Brings buckets in order; of those that come twice the first counts. */
  #sort(): void {
    const order = this.#bounds.map((_, i) => i).sort((a, b) => this.#bounds[a]! - this.#bounds[b]! || a - b)
    const kept = order.filter((i, k) => k === 0 || this.#bounds[i] !== this.#bounds[order[k - 1]!])
    const bounds = kept.map((i) => this.#bounds[i]!)
    const counts = kept.map((i) => this.#counts[i]!)
    this.#bounds.length = this.#counts.length = 0
    for (let k = 0; k < kept.length; k++) {
      this.#bounds.push(bounds[k]!)
      this.#counts.push(counts[k]!)
    }
  }

  #fail(what: string): void {
    if (this.#fault === '') this.#fault = what
  }
}
