// What the aggregations that need no series list keep per group and step, and how a row is added. Rows are added in
// the order they arrive; the arithmetic is Prometheus' (promql/engine.go, aggregation): Neumaier sums for sum and
// avg, Welford for stddev and stdvar, NaN only where all are NaN for min and max.
import { compensation, lostIn } from '../../lib/model/kahan.ts'
import type { Budget } from './budget.ts'
import { ABSENT, FLOAT } from './operator.ts'

/** groups × width cells; `add` folds a row into a group's cells, `finish` leaves the results in values and kinds. */
export interface Accumulator {
  readonly values: Float64Array
  readonly kinds: Uint8Array
  add(group: number, row: Row): void
  finish(): void
}

/** `isWhole`: every point of the row is a float, so that nobody need look at the kinds. */
interface Row {
  values: Float64Array
  kinds: Uint8Array
  at: number
  isWhole: boolean
}

/** What the cells of a group have met: nothing; a whole row first, and so every cell a float; rows with gaps. */
const EMPTY = 0
const FILLED = 1
const RAGGED = 2

export type StreamingOp = 'sum' | 'avg' | 'min' | 'max' | 'count' | 'group' | 'stddev' | 'stdvar'

export function makeAccumulator(op: StreamingOp, groups: number, width: number, budget: Budget): Accumulator {
  const cells = { values: budget.floats(groups * width), kinds: budget.bytes(groups * width), width }
  switch (op) {
    case 'sum': return new SumCells(cells, budget)
    case 'avg': return new MeanCells(cells, budget)
    case 'min': return new MinCells(cells)
    case 'max': return new MaxCells(cells)
    case 'count': return new CountCells(cells)
    case 'group': return new GroupCells(cells)
    case 'stddev': return new VarianceCells(cells, budget, true)
    case 'stdvar': return new VarianceCells(cells, budget, false)
  }
}

interface Cells {
  values: Float64Array
  kinds: Uint8Array
  width: number
}

class SumCells implements Accumulator {
  readonly values: Float64Array
  readonly kinds: Uint8Array
  readonly #width: number
  readonly #compensations: Float64Array
  /** By group. */
  readonly #states: Uint8Array

  constructor(cells: Cells, budget: Budget) {
    this.values = cells.values
    this.kinds = cells.kinds
    this.#width = cells.width
    this.#compensations = budget.floats(cells.values.length)
    this.#states = budget.bytes(cells.values.length / cells.width)
  }

  add(group: number, row: Row): void {
    const state = this.#states[group]!
    if (row.isWhole && state === FILLED) return this.#addWhole(group, row)
    if (state === EMPTY) this.#states[group] = row.isWhole ? FILLED : RAGGED
    const { values: sums, kinds: seen } = this
    const compensations = this.#compensations
    const { values, kinds, at } = row
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) {
      if (kinds[k] !== FLOAT) continue
      const x = values[k]!
      if (seen[c] === ABSENT) {
        seen[c] = FLOAT
        sums[c] = x
        continue
      }
      const sum = sums[c]!
      const total = sum + x
      compensations[c] = compensation(compensations[c]!, sum, x, total)
      sums[c] = total
    }
  }

  // Fast path: adds a row without gaps to cells that have all met a float.
  #addWhole(group: number, { values, at }: Row): void {
    const sums = this.values
    const compensations = this.#compensations
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) {
      const x = values[k]!
      const sum = sums[c]!
      const total = sum + x
      compensations[c] = compensation(compensations[c]!, sum, x, total)
      sums[c] = total
    }
  }

  finish(): void {
    const { values } = this
    // Also where it is 0: that makes 0 of −0.
    for (let c = 0; c < values.length; c++) values[c]! += this.#compensations[c]!
  }
}

/** The plain mean until the sum overflows, from there on an incremental one. */
class MeanCells implements Accumulator {
  readonly values: Float64Array
  readonly kinds: Uint8Array
  readonly #width: number
  readonly #compensations: Float64Array
  /** Of rows with gaps, by cell; whole rows are counted by group. */
  readonly #counts: Float64Array
  readonly #wholeRows: Float64Array
  readonly #isIncremental: Uint8Array
  #hasIncremental = false
  /** By group. */
  readonly #states: Uint8Array

  constructor(cells: Cells, budget: Budget) {
    this.values = cells.values
    this.kinds = cells.kinds
    this.#width = cells.width
    this.#compensations = budget.floats(cells.values.length)
    this.#counts = budget.floats(cells.values.length)
    this.#isIncremental = budget.bytes(cells.values.length)
    this.#wholeRows = budget.floats(cells.values.length / cells.width)
    this.#states = budget.bytes(cells.values.length / cells.width)
  }

  add(group: number, row: Row): void {
    const state = this.#states[group]!
    if (row.isWhole && state === FILLED && !this.#hasIncremental) return this.#addWhole(group, row)
    if (state === EMPTY) this.#states[group] = row.isWhole ? FILLED : RAGGED
    const { values: sums, kinds: seen } = this
    const compensations = this.#compensations
    const counts = this.#counts
    const { values, kinds, at } = row
    const wholeRows = this.#wholeRows[group]!
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) {
      if (kinds[k] !== FLOAT) continue
      const x = values[k]!
      const count = ++counts[c]! + wholeRows
      if (count === 1) {
        seen[c] = FLOAT
        sums[c] = x
        continue
      }
      const sum = sums[c]!
      const total = sum + x
      if (this.#isIncremental[c] === 0 && total !== Infinity && total !== -Infinity) {
        compensations[c]! += lostIn(sum, x, total)
        sums[c] = total
      } else {
        this.#addToMean(c, x, count)
      }
    }
  }

  // Fast path: adds a row without gaps to cells that have all met a float, none of them incremental.
  #addWhole(group: number, { values, at }: Row): void {
    const sums = this.values
    const compensations = this.#compensations
    this.#wholeRows[group]!++
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) {
      const x = values[k]!
      const sum = sums[c]!
      const total = sum + x
      if (total === Infinity || total === -Infinity) {
        this.#addToMean(c, x, this.#counts[c]! + this.#wholeRows[group]!)
        continue
      }
      compensations[c]! += lostIn(sum, x, total)
      sums[c] = total
    }
  }

  #addToMean(c: number, x: number, count: number): void {
    const sums = this.values
    const compensations = this.#compensations
    if (this.#isIncremental[c] === 0) {
      this.#isIncremental[c] = 1
      this.#hasIncremental = true
      sums[c]! /= count - 1
      compensations[c]! /= count - 1
    }
    const share = (count - 1) / count
    const scaled = share * sums[c]!
    const part = x / count
    const total = scaled + part
    compensations[c] = compensation(share * compensations[c]!, scaled, part, total)
    sums[c] = total
  }

  finish(): void {
    const { values, kinds } = this
    for (let c = 0; c < values.length; c++) {
      if (kinds[c] === ABSENT) continue
      const parts = this.#isIncremental[c] === 1 ? 1 : this.#counts[c]! + this.#wholeRows[Math.floor(c / this.#width)]!
      // Each through the number of parts before they meet, as Prometheus rounds.
      values[c] = values[c]! / parts + this.#compensations[c]! / parts
    }
  }
}

class MinCells implements Accumulator {
  readonly values: Float64Array
  readonly kinds: Uint8Array
  readonly #width: number

  constructor(cells: Cells) {
    this.values = cells.values
    this.kinds = cells.kinds
    this.#width = cells.width
  }

  add(group: number, row: Row): void {
    const { values: best, kinds: seen } = this
    const { values, kinds, at } = row
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) {
      if (kinds[k] !== FLOAT) continue
      const x = values[k]!
      const y = best[c]!
      if (seen[c] === ABSENT || x < y || y !== y) {
        seen[c] = FLOAT
        best[c] = x
      }
    }
  }

  finish(): void {}
}

class MaxCells implements Accumulator {
  readonly values: Float64Array
  readonly kinds: Uint8Array
  readonly #width: number

  constructor(cells: Cells) {
    this.values = cells.values
    this.kinds = cells.kinds
    this.#width = cells.width
  }

  add(group: number, row: Row): void {
    const { values: best, kinds: seen } = this
    const { values, kinds, at } = row
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) {
      if (kinds[k] !== FLOAT) continue
      const x = values[k]!
      const y = best[c]!
      if (seen[c] === ABSENT || x > y || y !== y) {
        seen[c] = FLOAT
        best[c] = x
      }
    }
  }

  finish(): void {}
}

class CountCells implements Accumulator {
  readonly values: Float64Array
  readonly kinds: Uint8Array
  readonly #width: number

  constructor(cells: Cells) {
    this.values = cells.values
    this.kinds = cells.kinds
    this.#width = cells.width
  }

  add(group: number, row: Row): void {
    const { values: counts, kinds: seen } = this
    const { kinds, at } = row
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) {
      if (kinds[k] === ABSENT) continue
      counts[c]! += 1
      seen[c] = FLOAT
    }
  }

  finish(): void {}
}

/** 1 wherever the group has a member. */
class GroupCells implements Accumulator {
  readonly values: Float64Array
  readonly kinds: Uint8Array
  readonly #width: number

  constructor(cells: Cells) {
    this.values = cells.values.fill(1)
    this.kinds = cells.kinds
    this.#width = cells.width
  }

  add(group: number, row: Row): void {
    const { kinds: seen } = this
    const { kinds, at } = row
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) if (kinds[k] !== ABSENT) seen[c] = FLOAT
  }

  finish(): void {}
}

/** Welford's running variance (Technometrics 4, 1962); `values` holds the sum of squared distances. */
class VarianceCells implements Accumulator {
  readonly values: Float64Array
  readonly kinds: Uint8Array
  readonly #width: number
  readonly #means: Float64Array
  readonly #counts: Float64Array
  readonly #isRoot: boolean

  constructor(cells: Cells, budget: Budget, isRoot: boolean) {
    this.values = cells.values
    this.kinds = cells.kinds
    this.#width = cells.width
    this.#means = budget.floats(cells.values.length)
    this.#counts = budget.floats(cells.values.length)
    this.#isRoot = isRoot
  }

  add(group: number, row: Row): void {
    const { values: squares, kinds: seen } = this
    const means = this.#means
    const counts = this.#counts
    const { values, kinds, at } = row
    const end = at + this.#width
    for (let k = at, c = group * this.#width; k < end; k++, c++) {
      if (kinds[k] !== FLOAT) continue
      const x = values[k]!
      const count = ++counts[c]!
      if (count === 1) {
        seen[c] = FLOAT
        means[c] = x
        // Infinities and NaN have no distance from their mean.
        squares[c] = x - x
        continue
      }
      const distance = x - means[c]!
      means[c]! += distance / count
      squares[c]! += distance * (x - means[c]!)
    }
  }

  finish(): void {
    const { values, kinds } = this
    for (let c = 0; c < values.length; c++) {
      if (kinds[c] === ABSENT) continue
      const variance = values[c]! / this.#counts[c]!
      values[c] = this.#isRoot ? Math.sqrt(variance) : variance
    }
  }
}
