// and, or, unless: series of one side by whether the signature has a point on the other side at that step.
// The side asked is read once into one presence row per signature; the other streams through.
import type { VectorMatching } from '../parse/ast.ts'
import type { Budget } from './budget.ts'
import type { LabelTable } from './label-table.ts'
import { highestOf, signatures } from './matching.ts'
import { ABSENT, type Operator, type RowBatch, type Steps } from './operator.ts'

export interface SetScope {
  steps: Steps
  budget: Budget
  labels: LabelTable
}

/** Presence rows: bytes[row × steps + i] is non-zero where a series of the signature has a point. */
class Presence {
  readonly #bytes: Uint8Array
  readonly #width: number
  /** By series. */
  readonly #rowOf: Uint32Array
  /** By signature, one more than the row; 0: it does not occur. */
  readonly #rowOfSign: Uint32Array
  readonly #budget: Budget

  /** Rows for the signatures of `sets`. */
  constructor(sets: Uint32Array, signature: (set: number) => number, { steps, budget }: SetScope) {
    const signs = sets.map(signature)
    this.#width = steps.count
    this.#budget = budget
    this.#rowOf = budget.ints(sets.length)
    this.#rowOfSign = budget.ints(signs.length === 0 ? 0 : highestOf(signs) + 1)
    let rows = 0
    for (let s = 0; s < signs.length; s++) this.#rowOf[s] = (this.#rowOfSign[signs[s]!] ||= ++rows) - 1
    this.#bytes = budget.bytes(rows * this.#width)
  }

  /** Nobody asks any more. */
  release(): void {
    this.#budget.releaseBytes(this.#bytes.byteLength + this.#rowOf.byteLength + this.#rowOfSign.byteLength)
  }

  mark(batch: RowBatch): void {
    const width = this.#width
    const bytes = this.#bytes
    const { kinds } = batch
    for (let r = 0; r < batch.rows; r++) {
      const to = this.#rowOf[batch.index[r]!]! * width
      const from = r * width
      for (let i = 0; i < width; i++) bytes[to + i]! |= kinds[from + i]!
    }
  }

  /** The presence row of each of `others`, -1 where the signature does not occur. */
  rowsFor(others: Uint32Array, signature: (set: number) => number): Int32Array {
    const rows = new Int32Array(others.length)
    for (let s = 0; s < others.length; s++) rows[s] = (this.#rowOfSign[signature(others[s]!)] ?? 0) - 1
    return rows
  }

  /** Removes from a batch the points where presence is not `isWanted`. */
  filter(batch: RowBatch, rowOf: Int32Array, isWanted: boolean): void {
    const width = this.#width
    const bytes = this.#bytes
    const { kinds } = batch
    for (let r = 0; r < batch.rows; r++) {
      const row = rowOf[batch.index[r]!]!
      const at = r * width
      if (row < 0) {
        if (isWanted) kinds.fill(ABSENT, at, at + width)
        continue
      }
      const from = row * width
      for (let i = 0; i < width; i++) if ((bytes[from + i] !== 0) !== isWanted) kinds[at + i] = ABSENT
    }
  }
}

/** left and right, left unless right. */
export class Intersection implements Operator {
  readonly #left: Operator
  readonly #right: Operator
  readonly #signature: (set: number) => number
  readonly #isWanted: boolean
  readonly #scope: SetScope
  #presence: Presence | null = null
  #rowOf: Int32Array = new Int32Array(0)
  #isDone = false

  constructor(op: 'and' | 'unless', sides: readonly [Operator, Operator], matching: VectorMatching, scope: SetScope) {
    this.#left = sides[0]
    this.#right = sides[1]
    this.#signature = signatures(matching, scope.labels)
    this.#isWanted = op === 'and'
    this.#scope = scope
  }

  series(): Uint32Array {
    return this.#left.series()
  }

  next(): RowBatch | null {
    if (this.#isDone) return null
    const presence = this.#presence ??= this.#readRight()
    const batch = this.#left.next()
    this.#isDone = batch === null
    if (batch === null) presence.release()
    else presence.filter(batch, this.#rowOf, this.#isWanted)
    return batch
  }

  #readRight(): Presence {
    const { budget } = this.#scope
    const before = budget.samplesHeld
    const sets = this.#right.series()
    const presence = new Presence(sets, this.#signature, this.#scope)
    for (let batch = this.#right.next(); batch !== null; batch = this.#right.next()) presence.mark(batch)
    budget.settleSamples(before, 0)
    this.#rowOf = presence.rowsFor(this.#left.series(), this.#signature)
    return presence
  }
}

/** left or right: all of left, then what right has for signatures that left lacks at the step. */
export class Union implements Operator {
  readonly #left: Operator
  readonly #right: Operator
  readonly #signature: (set: number) => number
  readonly #scope: SetScope
  #series: Uint32Array | null = null
  #presence: Presence | null = null
  #rowOf: Int32Array = new Int32Array(0)
  #isRight = false
  #isDone = false

  constructor(sides: readonly [Operator, Operator], matching: VectorMatching, scope: SetScope) {
    this.#left = sides[0]
    this.#right = sides[1]
    this.#signature = signatures(matching, scope.labels)
    this.#scope = scope
  }

  series(): Uint32Array {
    return this.#series ??= Uint32Array.from([...this.#left.series(), ...this.#right.series()])
  }

  next(): RowBatch | null {
    if (this.#isDone) return null
    const sets = this.#left.series()
    const presence = this.#presence ??= new Presence(sets, this.#signature, this.#scope)
    if (!this.#isRight) {
      const batch = this.#left.next()
      if (batch !== null) {
        presence.mark(batch)
        return batch
      }
      this.#isRight = true
      this.#rowOf = presence.rowsFor(this.#right.series(), this.#signature)
    }
    const batch = this.#right.next()
    if (batch === null) {
      this.#isDone = true
      presence.release()
      return null
    }
    presence.filter(batch, this.#rowOf, false)
    const index = batch.index.map((position) => position + sets.length)
    return { rows: batch.rows, index, values: batch.values, kinds: batch.kinds }
  }
}
