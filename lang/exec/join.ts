// Arithmetic and comparison between two vectors. The one side is read into rows once, the many side streams through.
//
// Errors are Prometheus' own, per step: two series of a signature on the one side, or two of the many side that give
// one result, both with a point at that step; whatever a comparison would have said of them.
import { assert } from '../../lib/std/assert.ts'
import { compareLabels, METRIC_NAME, printLabels } from '../../lib/model/labels.ts'
import type { VectorMatching } from '../parse/ast.ts'
import type { Side } from './arithmetic.ts'
import type { Budget } from './budget.ts'
import { bytesOf, drain, type DenseRows } from './dense.ts'
import { ElementOp, type ElementScope } from './element-op.ts'
import { planJoin, type JoinExpr, type JoinFills, type JoinLabels, type JoinOutput, type JoinPlan } from './join-plan.ts'
import type { LabelTable } from './label-table.ts'
import { ABSENT, FLOAT, type Operator, type RowBatch, type Steps } from './operator.ts'
import { ExecutionError } from './query-error.ts'
import { rowsPerBatch } from './selected-rows.ts'

export interface JoinScope extends ElementScope, JoinLabels {
  steps: Steps
  budget: Budget
}

interface JoinState {
  plan: JoinPlan
  one: DenseRows
  out: RowBatch
  /** claims[claim × steps + i] is 1 once a many series has a result there. */
  claims: Uint8Array
  /** matched[group × steps + i] is 1 where a signature of the one side has met a many series. */
  matched: Uint8Array
  duplicates: DuplicateOnes | null
  /** First step at which two many series claimed one result; Infinity for none. */
  claimedTwiceAt: number
  /** What is still to be filled in once the many side is done: row r of `outputs` of which group. */
  filledGroup: number
  filledOutput: number
}

export class Join implements Operator {
  readonly #expr: JoinExpr
  readonly #many: Operator
  readonly #one: Operator
  readonly #isSwapped: boolean
  readonly #fills: JoinFills
  readonly #scope: JoinScope
  readonly #element: ElementOp
  /** A one side put together of several series, or of series and fill. */
  readonly #merged: Side
  /** A many side that is made up. */
  readonly #made: Side
  #plan: JoinPlan | null = null
  #state: JoinState | null = null
  #isDone = false
  #batch: RowBatch | null = null
  #row = 0
  #outputIndex = 0

  constructor(expr: JoinExpr, sides: readonly [Operator, Operator], scope: JoinScope) {
    const { count } = scope.steps
    const { card, fillLeft, fillRight } = expr.matching
    this.#expr = expr
    this.#isSwapped = card === 'one-to-many'
    this.#many = sides[this.#isSwapped ? 1 : 0]
    this.#one = sides[this.#isSwapped ? 0 : 1]
    this.#fills = { many: fillLeft, one: fillRight }
    this.#scope = scope
    this.#element = new ElementOp(expr, scope, count)
    this.#merged = { values: new Float64Array(count), kinds: new Uint8Array(count), at: 0 }
    this.#made = { values: new Float64Array(count), kinds: new Uint8Array(count), at: 0 }
  }

  series(): Uint32Array {
    return this.#planned().series
  }

  next(): RowBatch | null {
    if (this.#isDone) return null
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
    while (rows < rowsMax && state.filledGroup < state.plan.filled.length) rows = this.#fillRow(state, rows)
    out.rows = rows
    if (rows > 0) return out
    this.#throwFirst(state)
    this.#element.tellNotes()
    this.#isDone = true
    this.#state = null
    this.#scope.budget.releaseBytes(bytesOf(state.one))
    return null
  }

  #planned(): JoinPlan {
    const sides = { many: this.#many.series(), one: this.#one.series() }
    return this.#plan ??= planJoin(this.#expr, sides, this.#fills, this.#scope)
  }

  #start(): JoinState {
    const { steps, budget } = this.#scope
    const plan = this.#planned()
    const one = drain(this.#one, steps, budget)
    const rows = rowsPerBatch(steps, plan.series.length)
    const size = rows * steps.count
    const isManyAlways = this.#fills.many !== null || this.#fills.one !== null
    return {
      plan, one,
      out: { rows: 0, index: budget.ints(rows), values: budget.floats(size), kinds: budget.bytes(size) },
      claims: budget.bytes(plan.claimCount * steps.count),
      matched: budget.bytes(plan.filled.length * steps.count),
      duplicates: plan.duplicates.length === 0 ? null : new DuplicateOnes(plan.duplicates, one, steps.count, isManyAlways),
      claimedTwiceAt: Infinity,
      filledGroup: 0, filledOutput: 0,
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
    const series = batch.index[this.#row]!
    const output = state.plan.outputs[series]![this.#outputIndex]
    if (output === undefined) {
      this.#row++
      this.#outputIndex = 0
      return rows
    }
    this.#outputIndex++
    const many: Side = { values: batch.values, kinds: batch.kinds, at: this.#row * this.#scope.steps.count }
    const one = this.#oneSide(state.one, output)
    this.#applyTo(state.out, rows, { many, one, order: series })
    if (output.claim >= 0) this.#claim(state, output, many, one)
    const group = state.plan.filledOf[series]!
    if (group >= 0 && output.fill !== 'only') this.#match(state, group, many, output.ones)
    state.out.index[rows] = output.position
    return rows + 1
  }

  #applyTo(batch: RowBatch, row: number, { many, one, order }: { many: Side; one: Side; order: number }): void {
    const out: Side = { values: batch.values, kinds: batch.kinds, at: row * this.#scope.steps.count }
    const [left, right] = this.#isSwapped ? [one, many] : [many, one]
    this.#element.apply(left, right, { kept: left, out, order })
  }

  #oneSide(one: DenseRows, { ones, fill }: JoinOutput): Side {
    const width = this.#scope.steps.count
    if (fill === 'none' && ones.length === 1) return { values: one.values, kinds: one.kinds, at: ones[0]! * width }
    const merged = this.#merged
    merged.kinds.fill(ABSENT)
    for (const position of ones) copyPoints(one, position * width, merged)
    if (fill === 'none') return merged
    const value = this.#fills.one!
    for (let i = 0; i < width; i++) {
      const isFilled = merged.kinds[i] === ABSENT
      if (isFilled) merged.values[i] = value
      if (isFilled) merged.kinds[i] = FLOAT
      else if (fill === 'only') merged.kinds[i] = ABSENT
    }
    return merged
  }

  #claim(state: JoinState, output: JoinOutput, many: Side, one: Side): void {
    const width = this.#scope.steps.count
    const from = output.claim * width
    const { claims } = state
    const { voids } = this.#element
    for (let i = 0; i < width; i++) {
      if (many.kinds[many.at + i] === ABSENT || one.kinds[one.at + i] === ABSENT || voids?.[i] === 1) continue
      if (claims[from + i] === 0) {
        claims[from + i] = 1
        continue
      }
      if (state.duplicates === null) throw this.#multipleMatches()
      // A duplicate on the one side at this step or before it is told first, but known only at the end.
      state.claimedTwiceAt = Math.min(state.claimedTwiceAt, i)
    }
  }

  #match(state: JoinState, group: number, many: Side, ones: readonly number[]): void {
    const width = this.#scope.steps.count
    const { voids } = this.#element
    for (const position of ones) {
      for (let i = 0; i < width; i++) {
        if (many.kinds[many.at + i] === ABSENT || state.one.kinds[position * width + i] === ABSENT || voids?.[i] === 1) continue
        state.matched[group * width + i] = 1
      }
    }
  }

  /** Writes the next output of the many sides that are made up; returns the new number of rows. */
  #fillRow(state: JoinState, rows: number): number {
    const width = this.#scope.steps.count
    const output = state.plan.filled[state.filledGroup]!.outputs[state.filledOutput]
    if (output === undefined) {
      state.filledGroup++
      state.filledOutput = 0
      return rows
    }
    state.filledOutput++
    const merged = this.#merged
    merged.kinds.fill(ABSENT)
    for (const position of output.ones) copyPoints(state.one, position * width, merged)
    const made = this.#made
    made.values.fill(this.#fills.many!)
    for (let i = 0; i < width; i++) made.kinds[i] = state.matched[state.filledGroup * width + i] === 1 ? ABSENT : FLOAT
    // What is made up comes last.
    this.#applyTo(state.out, rows, { many: made, one: merged, order: Infinity })
    state.out.index[rows] = output.position
    return rows + 1
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

/** Lays the points of a row over a side. */
function copyPoints({ values, kinds }: DenseRows, from: number, to: Side): void {
  for (let i = 0; i < to.kinds.length; i++) {
    if (kinds[from + i] === ABSENT) continue
    to.kinds[i] = kinds[from + i]!
    to.values[i] = values[from + i]!
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

  /** `isManyAlways`: the many side need not be there, since what is missing is filled in. */
  constructor(groups: readonly (readonly number[])[], one: DenseRows, width: number, isManyAlways: boolean) {
    this.#width = width
    this.#second = new Int32Array(width).fill(-1)
    this.#first = new Int32Array(width).fill(-1)
    this.#isManyThere = new Uint8Array(width).fill(isManyAlways ? 1 : 0)
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
