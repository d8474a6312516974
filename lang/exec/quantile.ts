// quantile(q, v) by (…): every point of a group and step is needed at once.
import { quantile } from '../../lib/model/quantile.ts'
import type { AggregateScope } from './aggregate-scope.ts'
import { bytesOf, DenseOperator, drain } from './dense.ts'
import { groupInput, type GroupingSpec, type InputGroups } from './grouping.ts'
import { hasHistograms, ignoreHistograms } from './histogram-cells.ts'
import { FLOAT, type Operator, type RowBatch } from './operator.ts'

export interface QuantileSpec extends GroupingSpec {
  /** q at every step. */
  param: Float64Array
}

export class Quantile implements Operator {
  readonly #input: Operator
  readonly #spec: QuantileSpec
  readonly #scope: AggregateScope
  #groups: InputGroups | null = null
  #result: DenseOperator | null = null

  constructor(input: Operator, spec: QuantileSpec, scope: AggregateScope) {
    this.#input = input
    this.#spec = spec
    this.#scope = scope
  }

  series(): Uint32Array {
    return this.#grouped().sets
  }

  next(): RowBatch | null {
    this.#result ??= this.#evaluate()
    return this.#result.next()
  }

  /** All is read to the end also where it gives no series: an error in it is an error. */
  #evaluate(): DenseOperator {
    const { steps, budget } = this.#scope
    const { sets, groupOf, loadedSamples } = this.#grouped()
    const width = steps.count
    const heldBefore = budget.samplesHeld - loadedSamples
    const rows = drain(this.#input, steps, budget)
    if (hasHistograms(rows.kinds, rows.kinds.length)) ignoreHistograms('quantile', this.#scope)
    const values = budget.floats(sets.length * width)
    const kinds = budget.bytes(sets.length * width)
    const members = Array.from(sets, (): number[] => [])
    groupOf.forEach((group, s) => members[group]!.push(s * width))
    const scratch = budget.floats(rows.series.length)
    let points = 0
    members.forEach((starts, group) => {
      for (let i = 0; i < width; i++) {
        let n = 0
        for (const start of starts) if (rows.kinds[start + i] === FLOAT) scratch[n++] = rows.values[start + i]!
        if (n === 0) continue
        budget.spend(n)
        points++
        values[group * width + i] = quantile(this.#spec.param[i]!, scratch.subarray(0, n))
        kinds[group * width + i] = FLOAT
      }
    })
    budget.releaseBytes(bytesOf(rows) + scratch.byteLength)
    budget.settleSamples(heldBefore, points)
    return new DenseOperator({ series: sets, values, kinds }, budget)
  }

  #grouped(): InputGroups {
    return (this.#groups ??= groupInput(this.#input, this.#spec, this.#scope))
  }
}
