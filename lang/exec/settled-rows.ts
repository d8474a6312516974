// Behind every operator that gives fewer points than it has read: filters, set operators, functions of subqueries and the like.
// What it has read counts no longer as held once its rows are handed up (as in Prometheus, promql/engine.go: rangeEval).
import type { Budget } from './budget.ts'
import { samplesInRow } from './histogram-samples.ts'
import type { HistogramTable } from './histogram-table.ts'
import type { Operator, RowBatch, Steps } from './operator.ts'

export class SettledRows implements Operator {
  readonly #input: Operator
  readonly #steps: Steps
  readonly #scope: { budget: Budget; histograms: HistogramTable }
  /** Samples that the input loaded to know its series. */
  #loaded = 0

  constructor(input: Operator, steps: Steps, scope: { budget: Budget; histograms: HistogramTable }) {
    this.#input = input
    this.#steps = steps
    this.#scope = scope
  }

  series(): Uint32Array {
    const { budget } = this.#scope
    const before = budget.samplesHeld
    const series = this.#input.series()
    this.#loaded += budget.samplesHeld - before
    return series
  }

  next(): RowBatch | null {
    const { budget, histograms } = this.#scope
    const before = budget.samplesHeld - this.#loaded
    this.#loaded = 0
    const batch = this.#input.next()
    const points = batch === null ? 0 : samplesInRow({ values: batch.values, kinds: batch.kinds, at: 0 }, batch.rows * this.#steps.count, histograms)
    budget.settleSamples(before, points)
    return batch
  }
}
