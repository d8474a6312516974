// Behind every operator that may put out equal label sets (names dropped, labels replaced): equal sets become one
// series. Two points of one set at one step are an error of the query, in Prometheus' words.
import type { Budget } from './budget.ts'
import { bytesOf, DenseOperator, drain } from './dense.ts'
import { isMarked, unmarked } from './label-table.ts'
import { ABSENT, type Operator, type RowBatch, type Steps } from './operator.ts'
import { ExecutionError } from './query-error.ts'

/**
 * `isStrict`: equal sets are an error even if they have their points at different steps, as after range functions
 * in Prometheus.
 */
export interface MergeOptions {
  steps: Steps
  budget: Budget
  isStrict: boolean
}

/** Costs one look at the series where no two are equal, which is nearly always. */
export class MergeSeries implements Operator {
  readonly #input: Operator
  readonly #options: MergeOptions
  #series: Uint32Array | null = null
  #merged: DenseOperator | null = null
  #isMerging = false

  constructor(input: Operator, options: MergeOptions) {
    this.#input = input
    this.#options = options
  }

  series(): Uint32Array {
    if (this.#series !== null) return this.#series
    const given = this.#input.series()
    const unique = uniqueSets(given)
    this.#isMerging = unique.length !== given.length
    this.#series = this.#isMerging ? unique : given
    // Which of two marks a series has, only their points tell.
    if (this.#isMerging && given.some(isMarked)) this.#merged = this.#merge(this.#series)
    return this.#series
  }

  next(): RowBatch | null {
    const series = this.series()
    if (!this.#isMerging) return this.#input.next()
    this.#merged ??= this.#merge(series)
    return this.#merged.next()
  }

  /** Of equal sets the one with the earliest point stays in `series`, with its mark. */
  #merge(series: Uint32Array): DenseOperator {
    const { steps, budget, isStrict } = this.#options
    const rows = drain(this.#input, steps, budget)
    const width = steps.count
    const values = budget.floats(series.length * width)
    const kinds = budget.bytes(series.length * width)
    const positions = positionsOf(series)
    const isTaken = new Uint8Array(series.length)
    const earliest = new Int32Array(series.length).fill(width)
    for (let s = 0; s < rows.series.length; s++) {
      const from = s * width
      const position = positions.get(unmarked(rows.series[s]!))!
      const to = position * width
      let points = 0
      for (let i = 0; i < width; i++) {
        if (rows.kinds[from + i] === ABSENT) continue
        if (kinds[to + i] !== ABSENT) throw sameLabelset()
        kinds[to + i] = rows.kinds[from + i]!
        values[to + i] = rows.values[from + i]!
        points++
        if (i >= earliest[position]!) continue
        earliest[position] = i
        series[position] = rows.series[s]!
      }
      if (points === 0) continue
      if (isStrict && isTaken[position] === 1) throw sameLabelset()
      isTaken[position] = 1
    }
    budget.releaseBytes(bytesOf(rows))
    return new DenseOperator({ series, values, kinds }, budget)
  }
}

function sameLabelset(): ExecutionError {
  return new ExecutionError('vector cannot contain metrics with the same labelset')
}

/** Below this, looking through them is quicker than an array over all ids. */
const FEW_SETS = 16

/** The distinct sets, in order of first appearance; of sets that differ in their mark alone the first stays. */
function uniqueSets(sets: Uint32Array): Uint32Array {
  if (sets.length < FEW_SETS) return sets.filter((set, i) => sets.findIndex((other) => unmarked(other) === unmarked(set)) === i)
  let highest = 0
  for (let i = 0; i < sets.length; i++) highest = Math.max(highest, unmarked(sets[i]!))
  const seen = new Uint8Array(highest + 1)
  let repeated = 0
  for (let i = 0; i < sets.length; i++) {
    const set = unmarked(sets[i]!)
    repeated += seen[set]!
    seen[set] = 1
  }
  if (repeated === 0) return sets
  seen.fill(0)
  return sets.filter((set) => {
    const isFirst = seen[unmarked(set)] === 0
    seen[unmarked(set)] = 1
    return isFirst
  })
}

/** Where each set stands, by its id without mark. */
function positionsOf(sets: Uint32Array): ReadonlyMap<number, number> {
  const positions = new Map<number, number>()
  sets.forEach((set, position) => positions.set(unmarked(set), position))
  return positions
}
