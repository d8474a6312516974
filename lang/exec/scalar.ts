// Scalars are operators too: one series, the empty set, a point at every step.
import { FLOAT, type Operator, type RowBatch } from './operator.ts'

const SERIES: Uint32Array = new Uint32Array(1)

/** A scalar whose values at all steps are known. */
export class ScalarOperator implements Operator {
  readonly #values: Float64Array
  #isDone = false

  constructor(values: Float64Array) {
    this.#values = values
  }

  series(): Uint32Array {
    return SERIES
  }

  next(): RowBatch | null {
    if (this.#isDone) return null
    this.#isDone = true
    const kinds = new Uint8Array(this.#values.length).fill(FLOAT)
    return { rows: 1, index: new Uint32Array(1), values: this.#values, kinds }
  }
}
