// Replicates the one step of an operator over all steps of the query: what `@` has pinned is evaluated once.
import type { Budget } from './budget.ts'
import type { Operator, RowBatch, Steps } from './operator.ts'
import { makeBatch, releaseBatch } from './row-batch.ts'
import { AT_FIRST_STEP } from './step-samples.ts'

/** `input` is evaluated at a single step. */
export class StepInvariant implements Operator {
  readonly #input: Operator
  readonly #steps: Steps
  readonly #budget: Budget
  #out: RowBatch | null = null
  #batch: RowBatch | null = null
  #row = 0

  constructor(input: Operator, steps: Steps, budget: Budget) {
    this.#input = input
    this.#steps = steps
    this.#budget = budget
  }

  series(): Uint32Array {
    // Whoever sorts reads all before it knows.
    return this.#budget.readTimes(this.#steps.count, () => this.#input.series(), AT_FIRST_STEP)
  }

  next(): RowBatch | null {
    if (this.#batch === null || this.#row === this.#batch.rows) {
      this.#batch = this.#budget.readTimes(this.#steps.count, () => this.#input.next(), AT_FIRST_STEP)
      this.#row = 0
      if (this.#batch === null) return this.#end()
    }
    this.#budget.check()
    const { count } = this.#steps
    const batch = this.#batch
    const out = this.#out ??= makeBatch(this.#steps, this.#input.series().length, this.#budget)
    const rows = Math.min(out.index.length, batch.rows - this.#row)
    for (let r = 0; r < rows; r++) {
      const from = this.#row + r
      out.index[r] = batch.index[from]!
      out.values.fill(batch.values[from]!, r * count, (r + 1) * count)
      out.kinds.fill(batch.kinds[from]!, r * count, (r + 1) * count)
    }
    out.rows = rows
    this.#row += rows
    this.#budget.addSamples(rows * count, 0)
    return out
  }

  #end(): null {
    if (this.#out !== null) releaseBatch(this.#out, this.#budget)
    this.#out = null
    return null
  }
}
