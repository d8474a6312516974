// Arithmetic and comparison between two vectors. The one side is read into rows once, the many side streams through.
//
// Errors are Prometheus' own, per step: two series of a signature on the one side, or two of the many side that give
// one result, both with a point at that step; whatever a comparison would have said of them.
import { assert } from '../../lib/std/assert.ts'
import { compareLabels, METRIC_NAME } from '../../lib/model/labels.ts'
import type { BinaryExpr, VectorMatching } from '../parse/ast.ts'
import { calculateRow, filterRow, isComparison, type NumberOp, type Side } from './arithmetic.ts'
import type { Budget } from './budget.ts'
import { drain, type DenseRows } from './dense.ts'
import { planJoin, type JoinOutput, type JoinPlan } from './join-plan.ts'
import type { LabelTable } from './label-table.ts'
import { printLabels } from './matching.ts'
import { ABSENT, type Operator, type RowBatch, type Steps } from './operator.ts'
import { ExecutionError } from './query-error.ts'
import { rowsPerBatch } from './selected-rows.ts'

export interface JoinScope {
  steps: Steps
  budget: Budget
  labels: LabelTable
  dropName: (set: number) => number
  removeName: (set: number) => number
}

interface JoinState {
  plan: JoinPlan
  one: DenseRows
  out: RowBatch
  /** claims[claim × steps + i] is 1 once a many series has a result there. */
  claims: Uint8Array
  duplicates: DuplicateOnes | null
  /** First step at which two many series claimed one result; Infinity for none. */
  claimedTwiceAt: number
}

export class Join implements Operator {
  readonly #expr: BinaryExpr & { matching: VectorMatching }
  readonly #many: Operator
  readonly #one: Operator
  readonly #isSwapped: boolean
  readonly #scope: JoinScope
  readonly #merged: Side
  #plan: JoinPlan | null = null
  #state: JoinState | null = null
  #batch: RowBatch | null = null
  #row = 0
  #outputIndex = 0

  constructor(expr: BinaryExpr & { matching: VectorMatching }, sides: readonly [Operator, Operator], scope: JoinScope) {
    this.#expr = expr
    this.#isSwapped = expr.matching.card === 'one-to-many'
    this.#many = sides[this.#isSwapped ? 1 : 0]
    this.#one = sides[this.#isSwapped ? 0 : 1]
    this.#scope = scope
    this.#merged = { values: new Float64Array(scope.steps.count), kinds: new Uint8Array(scope.steps.count), at: 0 }
  }

  series(): Uint32Array {
    return this.#planned().series
  }

  next(): RowBatch | null {
    const state = this.#state ??= this.#start()
    this.#scope.budget.check()
    const { out } = state
    const rowsMax = out.index.length
    let rows = 0
    while (rows < rowsMax) {
      const batch = this.#currentBatch(state)
      if (batch === null) break
      rows = this.#joinRow(state, batch, rows)
    }
    out.rows = rows
    if (rows > 0) return out
    this.#throwFirst(state)
    return null
  }

  #planned(): JoinPlan {
    return this.#plan ??= planJoin(this.#expr, { many: this.#many.series(), one: this.#one.series() }, this.#scope)
  }

  #start(): JoinState {
    const { steps, budget } = this.#scope
    const plan = this.#planned()
    const one = drain(this.#one, steps, budget)
    const rows = rowsPerBatch(steps, plan.series.length)
    const size = rows * steps.count
    return {
      plan, one,
      out: { rows: 0, index: budget.ints(rows), values: budget.floats(size), kinds: budget.bytes(size) },
      claims: budget.bytes(plan.claimCount * steps.count),
      duplicates: plan.duplicates.length === 0 ? null : new DuplicateOnes(plan.duplicates, one, steps.count),
      claimedTwiceAt: Infinity,
    }
  }

  #currentBatch(state: JoinState): RowBatch | null {
    while (this.#batch === null || this.#row === this.#batch.rows) {
      this.#batch = this.#many.next()
      this.#row = 0
      this.#outputIndex = 0
      if (this.#batch === null) return null
      state.duplicates?.markMany(this.#batch)
    }
    return this.#batch
  }

  /** Writes the next output of the current row, if it has one; returns the new number of rows. */
  #joinRow(state: JoinState, batch: RowBatch, rows: number): number {
    const outputs = state.plan.outputs[batch.index[this.#row]!]!
    const output = outputs[this.#outputIndex]
    if (output === undefined) {
      this.#row++
      this.#outputIndex = 0
      return rows
    }
    this.#outputIndex++
    const width = this.#scope.steps.count
    const many: Side = { values: batch.values, kinds: batch.kinds, at: this.#row * width }
    const one = this.#oneSide(state.one, output)
    if (output.claim >= 0) this.#claim(state, output, many, one)
    const out: Side = { values: state.out.values, kinds: state.out.kinds, at: rows * width }
    const [left, right] = this.#isSwapped ? [one, many] : [many, one]
    const op = this.#expr.op as NumberOp
    if (isComparison(op) && !this.#expr.returnBool) filterRow(op, left, right, { kept: left, out }, width)
    else calculateRow(op, left, right, out, width)
    state.out.index[rows] = output.position
    return rows + 1
  }

  #oneSide(one: DenseRows, output: JoinOutput): Side {
    const width = this.#scope.steps.count
    if (output.ones.length === 1) return { values: one.values, kinds: one.kinds, at: output.ones[0]! * width }
    const merged = this.#merged
    merged.kinds.fill(ABSENT)
    for (const position of output.ones) {
      const from = position * width
      for (let i = 0; i < width; i++) {
        if (one.kinds[from + i] === ABSENT) continue
        merged.kinds[i] = one.kinds[from + i]!
        merged.values[i] = one.values[from + i]!
      }
    }
    return merged
  }

  #claim(state: JoinState, output: JoinOutput, many: Side, one: Side): void {
    const width = this.#scope.steps.count
    const from = output.claim * width
    const { claims } = state
    for (let i = 0; i < width; i++) {
      if (many.kinds[many.at + i] === ABSENT || one.kinds[one.at + i] === ABSENT) continue
      if (claims[from + i] === 0) {
        claims[from + i] = 1
        continue
      }
      if (state.duplicates === null) throw this.#multipleMatches()
      // A duplicate on the one side at this step or before it is told first, but known only at the end.
      state.claimedTwiceAt = Math.min(state.claimedTwiceAt, i)
    }
  }

  #throwFirst(state: JoinState): void {
    const side = this.#isSwapped ? 'left' : 'right'
    state.duplicates?.throwUpTo(state.claimedTwiceAt, this.#expr.matching, side, this.#scope.labels)
    if (state.claimedTwiceAt !== Infinity) throw this.#multipleMatches()
  }

  #multipleMatches(): ExecutionError {
    return new ExecutionError(this.#expr.matching.card === 'one-to-one'
      ? 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'
      : 'multiple matches for labels: grouping labels must ensure unique matches')
  }
}

/** Steps at which the one side has two series of a signature: an error where the many side has any point at all. */
class DuplicateOnes {
  readonly #width: number
  /** The series that came second, and the one before it, at each step; -1 for none. */
  readonly #second: Int32Array
  readonly #first: Int32Array
  readonly #isManyThere: Uint8Array
  readonly #sets: Uint32Array

  constructor(groups: readonly (readonly number[])[], one: DenseRows, width: number) {
    this.#width = width
    this.#second = new Int32Array(width).fill(-1)
    this.#first = new Int32Array(width).fill(-1)
    this.#isManyThere = new Uint8Array(width)
    this.#sets = one.series
    for (const group of groups) {
      for (let i = 0; i < width; i++) {
        const there = group.filter((position) => one.kinds[position * width + i] !== ABSENT)
        if (there.length < 2 || (this.#second[i]! >= 0 && this.#second[i]! < there[1]!)) continue
        this.#first[i] = there[0]!
        this.#second[i] = there[1]!
      }
    }
  }

  markMany(batch: RowBatch): void {
    const width = this.#width
    for (let r = 0; r < batch.rows; r++) {
      for (let i = 0; i < width; i++) this.#isManyThere[i]! |= batch.kinds[r * width + i]!
    }
  }

  /** Throws for the earliest step up to `last`, if there is one. */
  throwUpTo(last: number, matching: VectorMatching, side: 'left' | 'right', labels: LabelTable): void {
    const step = this.#second.findIndex((position, i) => position >= 0 && this.#isManyThere[i] !== 0)
    if (step < 0 || step > last) return
    // In label order, so that the text does not depend on the order of series in the store.
    const [first, second] = [this.#first, this.#second].map((at) => labels.labels(this.#sets[at[step]!]!)).toSorted(compareLabels)
    assert(first !== undefined && second !== undefined, 'a duplicate is two series')
    const names = new Set(matching.labels)
    const matched = second.filter((_, i) => {
      const name = second[i - (i % 2)]!
      return matching.isOn ? names.has(name) : name !== METRIC_NAME && !names.has(name)
    })
    throw new ExecutionError(
      `found duplicate series for the match group ${printLabels(matched)} on the ${side} hand-side of the operation: `
      + `[${printLabels(first)}, ${printLabels(second)}];many-to-many matching not allowed: matching labels must be unique on one side`,
    )
  }
}
