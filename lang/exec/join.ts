// Arithmetic and comparison between two vectors, row by row: of each series of the many side with the series of the one
// side that it matches, as the two come together (join-rows.ts).
//
// Errors are Prometheus' own, per step: two series of a signature on the one side, or two of the many side that give
// one result, both with a point at that step; whatever a comparison would have said of them.
import { selectorsIn } from '../plan/tree.ts'
import type { Side } from './arithmetic.ts'
import type { Budget } from './budget.ts'
import { DuplicateOnes } from './duplicate-ones.ts'
import { ElementOp, type ElementScope } from './element-op.ts'
import { samplesInRow } from './histogram-samples.ts'
import { planJoin, type JoinExpr, type JoinFills, type JoinLabels, type JoinOutput, type JoinPlan } from './join-plan.ts'
import { JoinRows, type ManyRow } from './join-rows.ts'
import { ABSENT, FLOAT, type Operator, type RowBatch, type Steps } from './operator.ts'
import { ExecutionError } from './query-error.ts'
import { makeBatch, releaseBatch } from './row-batch.ts'

export interface JoinScope extends ElementScope, JoinLabels {
  steps: Steps
  budget: Budget
}

/** Selectors of a join that is read side by side: each has a buffer of up to a million samples while it is read. */
const SIDE_BY_SIDE_MAX = 12

interface JoinState {
  plan: JoinPlan
  rows: JoinRows
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
  readonly #isSideBySide: boolean
  readonly #fills: JoinFills
  readonly #scope: JoinScope
  readonly #element: ElementOp
  /** A one side put together of several series, or of series and fill. */
  readonly #merged: Side
  /** A many side that is made up. */
  readonly #made: Side
  #plan: JoinPlan | null = null
  /** Samples that the sides loaded to know their series. */
  #loadedSamples = 0
  #state: JoinState | null = null
  #isDone = false
  /** The row at work and its next output. */
  #current: ManyRow | null = null
  #outputIndex = 0

  constructor(expr: JoinExpr, sides: readonly [Operator, Operator], scope: JoinScope) {
    const { count } = scope.steps
    const { card, fillLeft, fillRight } = expr.matching
    this.#expr = expr
    this.#isSwapped = card === 'one-to-many'
    this.#isSideBySide = selectorsIn(expr) <= SIDE_BY_SIDE_MAX
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
    const { budget, steps, histograms } = this.#scope
    budget.check()
    const { out } = state
    const rowsMax = out.index.length
    let rows = 0
    while (rows < rowsMax) {
      const current = this.#currentRow(state)
      if (current === null) break
      rows = this.#joinRow(state, current, rows)
    }
    while (rows < rowsMax && state.filledGroup < state.plan.filled.length) rows = this.#fillRow(state, rows)
    out.rows = rows
    if (rows === 0) return this.#end(state)
    budget.addSamples(samplesInRow({ values: out.values, kinds: out.kinds, at: 0 }, rows * steps.count, histograms), 0)
    return out
  }

  #end(state: JoinState): null {
    const { budget } = this.#scope
    this.#throwFirst(state)
    this.#element.tellNotes()
    this.#isDone = true
    this.#state = null
    state.rows.close()
    releaseBatch(state.out, budget)
    budget.releaseBytes(state.claims.byteLength + state.matched.byteLength)
    budget.addSamples(-this.#loadedSamples, 0)
    return null
  }

  #planned(): JoinPlan {
    if (this.#plan !== null) return this.#plan
    const { budget } = this.#scope
    const before = budget.samplesHeld
    const sides = { many: this.#many.series(), one: this.#one.series() }
    this.#loadedSamples = budget.samplesHeld - before
    return this.#plan = planJoin(this.#expr, sides, this.#fills, this.#scope)
  }

  #start(): JoinState {
    const { steps, budget } = this.#scope
    const plan = this.#planned()
    const duplicates = plan.duplicates.length === 0 ? null : new DuplicateOnes(steps.count, this.#fills.many !== null || this.#fills.one !== null)
    const sides = { many: this.#many, one: this.#one }
    return {
      plan,
      rows: new JoinRows(sides, plan, this.#scope, {
        isSideBySide: this.#isSideBySide,
        retained: [...plan.duplicates, ...plan.filled.flatMap(({ outputs }) => outputs.map(({ ones }) => ones))].flat(),
        onMany: (batch) => duplicates?.markMany(batch),
      }),
      out: makeBatch(steps, plan.series.length, budget),
      claims: budget.bytes(plan.claimCount * steps.count),
      matched: budget.bytes(plan.filled.length * steps.count),
      duplicates,
      claimedTwiceAt: Infinity,
      filledGroup: 0, filledOutput: 0,
    }
  }

  #currentRow({ plan, rows }: JoinState): ManyRow | null {
    while (this.#current === null || this.#outputIndex === plan.outputs[this.#current.series]!.length) {
      this.#current = rows.next()
      this.#outputIndex = 0
      if (this.#current === null) return null
    }
    return this.#current
  }

  /** Writes the next output of a row, if it has points; returns the new number of rows. */
  #joinRow(state: JoinState, many: ManyRow, rows: number): number {
    const { series } = many
    const output = state.plan.outputs[series]![this.#outputIndex++]!
    const one = this.#oneSide(state.rows, output)
    if (one === null) return rows
    this.#applyTo(state.out, rows, { many, one, order: series })
    if (output.claim >= 0) this.#claim(state, output, many, one)
    const group = state.plan.filledOf[series]!
    if (group >= 0 && output.fill !== 'only') this.#match(state, group, many, output.ones)
    state.rows.used(output)
    state.out.index[rows] = output.position
    return rows + 1
  }

  #applyTo(batch: RowBatch, row: number, { many, one, order }: { many: Side; one: Side; order: number }): void {
    const out: Side = { values: batch.values, kinds: batch.kinds, at: row * this.#scope.steps.count }
    const [left, right] = this.#isSwapped ? [one, many] : [many, one]
    this.#element.apply(left, right, { kept: left, out, order })
  }

  /** null where there is nothing to join with at any step. */
  #oneSide(rows: JoinRows, { ones, fill }: JoinOutput): Side | null {
    const width = this.#scope.steps.count
    if (fill === 'none' && ones.length === 1) return rows.one(ones[0]!)
    const merged = this.#mergedOf(rows, ones)
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

  /** The rows of several series laid over each other. */
  #mergedOf(rows: JoinRows, ones: readonly number[]): Side {
    const merged = this.#merged
    merged.kinds.fill(ABSENT)
    for (const position of ones) {
      const row = rows.one(position)
      if (row !== null) copyPoints(row, merged)
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
      const one = state.rows.one(position)
      if (one === null) continue
      for (let i = 0; i < width; i++) {
        if (many.kinds[many.at + i] === ABSENT || one.kinds[one.at + i] === ABSENT || voids?.[i] === 1) continue
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
    const merged = this.#mergedOf(state.rows, output.ones)
    const made = this.#made
    made.values.fill(this.#fills.many!)
    for (let i = 0; i < width; i++) made.kinds[i] = state.matched[state.filledGroup * width + i] === 1 ? ABSENT : FLOAT
    // What is made up comes last.
    this.#applyTo(state.out, rows, { many: made, one: merged, order: Infinity })
    state.out.index[rows] = output.position
    return rows + 1
  }

  #throwFirst(state: JoinState): void {
    const { rows, plan, duplicates, claimedTwiceAt } = state
    const groups = plan.duplicates.map((group) => group.flatMap((position) => {
      const row = rows.one(position)
      return row === null ? [] : [{ position, set: rows.oneSet(position), kinds: row.kinds, at: row.at }]
    }))
    duplicates?.throwUpTo(claimedTwiceAt, groups, { matching: this.#expr.matching, side: this.#isSwapped ? 'left' : 'right', labels: this.#scope.labels })
    if (state.claimedTwiceAt !== Infinity) throw this.#multipleMatches()
  }

  #multipleMatches(): ExecutionError {
    return new ExecutionError(this.#expr.matching.card === 'one-to-one'
      ? 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'
      : 'multiple matches for labels: grouping labels must ensure unique matches')
  }
}

/** Lays the points of a row over a side. */
function copyPoints({ values, kinds, at }: Side, to: Side): void {
  for (let i = 0; i < to.kinds.length; i++) {
    if (kinds[at + i] === ABSENT) continue
    to.kinds[i] = kinds[at + i]!
    to.values[i] = values[at + i]!
  }
}
