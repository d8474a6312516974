// Drains an operator into arrays: for operators that must see all series before they can answer (sort, joins, topk).
import { assert } from '../../lib/std/assert.ts'
import type { Budget } from './budget.ts'
import { ABSENT, type Operator, type RowBatch, type Steps } from './operator.ts'

/** All rows of an operator, row s being series s; rows without a point are all ABSENT. */
export interface DenseRows {
  /** Label-set ids. */
  series: Uint32Array
  /** values[s * steps.count + i] */
  values: Float64Array
  kinds: Uint8Array
}

/** What `drain` has paid for them. */
export function bytesOf({ values, kinds }: DenseRows): number {
  return values.byteLength + kinds.byteLength
}

/** Reads an operator to its end. The arrays are the caller's, paid for from the budget. */
export function drain(operator: Operator, steps: Steps, budget: Budget): DenseRows {
  const series = operator.series()
  const width = steps.count
  const values = budget.floats(series.length * width)
  const kinds = budget.bytes(series.length * width)
  for (let batch = operator.next(); batch !== null; batch = operator.next()) {
    budget.check()
    if (width === 1) {
      scatter(batch, values, kinds)
      continue
    }
    for (let r = 0; r < batch.rows; r++) {
      const to = batch.index[r]! * width
      values.set(batch.values.subarray(r * width, (r + 1) * width), to)
      kinds.set(batch.kinds.subarray(r * width, (r + 1) * width), to)
    }
  }
  return { series, values, kinds }
}

/** Fast path: rows of one point. */
function scatter(batch: RowBatch, values: Float64Array, kinds: Uint8Array): void {
  const { rows, index } = batch
  for (let r = 0; r < rows; r++) {
    values[index[r]!] = batch.values[r]!
    kinds[index[r]!] = batch.kinds[r]!
  }
}

/** The values of a scalar operator, one per step. */
export function drainScalar(operator: Operator, steps: Steps): Float64Array {
  const count = operator.series().length
  const batch = operator.next()
  assert(count === 1 && batch !== null && batch.rows === 1, `scalar of ${count} series`)
  const values = batch.values.slice(0, steps.count)
  assert(!batch.kinds.subarray(0, steps.count).includes(ABSENT), 'scalar with a gap')
  return values
}

/** Hands up rows that lie ready, in one batch. The arrays become the consumer's to overwrite. */
export class DenseOperator implements Operator {
  readonly #series: Uint32Array
  readonly #budget: Budget | null
  #rows: DenseRows | null
  #isDone = false

  /** `budget`: what paid for the rows, which gets it back when nobody looks at them any more. */
  constructor(rows: DenseRows, budget: Budget | null = null) {
    this.#series = rows.series
    this.#rows = rows
    this.#budget = budget
  }

  series(): Uint32Array {
    return this.#series
  }

  next(): RowBatch | null {
    const rows = this.#rows
    if (rows === null) return null
    if (this.#isDone || rows.series.length === 0) {
      this.#rows = null
      this.#budget?.releaseBytes(bytesOf(rows))
      return null
    }
    this.#isDone = true
    const { series, values, kinds } = rows
    const index = new Uint32Array(series.length)
    for (let s = 0; s < index.length; s++) index[s] = s
    return { rows: series.length, index, values, kinds }
  }
}
