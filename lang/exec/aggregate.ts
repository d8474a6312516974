// sum, avg, min, max, count, group, stddev, stdvar: streams its input once into one row per group, so that memory is
// groups × steps whatever the number of series.
import { makeAccumulator, type StreamingOp } from './accumulators.ts'
import type { Budget } from './budget.ts'
import { groupSeries, groupSets, type Groups, type GroupingSpec } from './grouping.ts'
import type { LabelTable } from './label-table.ts'
import type { Operator, RowBatch, Steps } from './operator.ts'

/** What every aggregation works with. */
export interface AggregateScope {
  steps: Steps
  budget: Budget
  labels: LabelTable
}

export class Aggregate implements Operator {
  readonly #op: StreamingOp
  readonly #input: Operator
  readonly #spec: GroupingSpec
  readonly #scope: AggregateScope
  #groups: Groups | null = null
  #isDone = false

  constructor(op: StreamingOp, input: Operator, spec: GroupingSpec, scope: AggregateScope) {
    this.#op = op
    this.#input = input
    this.#spec = spec
    this.#scope = scope
  }

  series(): Uint32Array {
    return this.#grouped().sets
  }

  next(): RowBatch | null {
    if (this.#isDone) return null
    this.#isDone = true
    const { steps, budget } = this.#scope
    const { sets, groupOf } = this.#grouped()
    if (sets.length === 0) return null
    const width = steps.count
    const cells = makeAccumulator(this.#op, sets.length, width, budget)
    const row = { values: cells.values, kinds: cells.kinds, at: 0 }
    for (let batch = this.#input.next(); batch !== null; batch = this.#input.next()) {
      row.values = batch.values
      row.kinds = batch.kinds
      for (let r = 0; r < batch.rows; r++) {
        row.at = r * width
        cells.add(groupOf[batch.index[r]!]!, row)
      }
    }
    cells.finish()
    return { rows: sets.length, index: sets.map((_, g) => g), values: cells.values, kinds: cells.kinds }
  }

  #grouped(): Groups {
    return this.#groups ??= groupSeries(this.#input.series(), groupSets(this.#spec, this.#scope.labels))
  }
}
