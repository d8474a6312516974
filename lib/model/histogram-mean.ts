// The mean of native histograms: their sum through their number, or, once that sum would be infinite, the mean so far
// brought nearer to each next one. After Prometheus' avg and avg_over_time (promql/engine.go, functions.go).
import { HistogramSum, type Met } from './histogram-sum.ts'
import { divideHistogram } from './histogram-arithmetic.ts'
import type { FloatHistogram } from './histogram.ts'

export class HistogramMean {
  #state: HistogramSum
  /** Whether #state is the mean and no longer the sum. */
  #isIncremental = false
  #seen = 1
  /** Of all numbers added: while it is finite, no sum of them can overflow. */
  #magnitude: number

  constructor(first: FloatHistogram) {
    this.#state = new HistogramSum(first)
    this.#magnitude = magnitude(first)
  }

  /** Adds a histogram; null, and nothing is added, if one is exponential and the other has custom bounds. */
  add(h: FloatHistogram): Met | null {
    const seen = this.#seen + 1
    if (!this.#isIncremental) {
      this.#magnitude += magnitude(h)
      const sum = Number.isFinite(this.#magnitude) ? this.#state : this.#state.copy()
      const met = sum.add(h)
      if (met === null) return null
      if (sum === this.#state || !sum.hasOverflow()) {
        this.#state = sum
        this.#seen = seen
        return met
      }
      this.#isIncremental = true
      this.#state.divide(seen - 1)
    }
    this.#state.scale((seen - 1) / seen)
    const met = this.#state.add(divideHistogram(h, seen))
    if (met === null) this.#state.scale(seen / (seen - 1))
    else this.#seen = seen
    return met
  }

  result(): FloatHistogram {
    if (this.#isIncremental) return this.#state.result()
    const mean = this.#state.copy()
    mean.divide(this.#seen)
    return mean.result()
  }
}

function magnitude(h: FloatHistogram): number {
  let total = Math.abs(h.count) + Math.abs(h.sum) + Math.abs(h.zeroCount)
  for (const count of h.positive.count) total += Math.abs(count)
  for (const count of h.negative.count) total += Math.abs(count)
  return total
}
