// The rows of both sides of a join, brought together: gives those of the many side whose ones have all come, and lets go
// of a row as soon as nobody is to be joined with it any more.
//
// The one side is read on as far as the many side asks. Where the two come in orders of their own, neither waits for the
// other: a row of the many side whose ones are late is put aside once as many rows wait on either side.
import type { Side } from './arithmetic.ts'
import { HeldRows, type HeldRowsScope } from './held-rows.ts'
import type { JoinOutput, JoinPlan } from './join-plan.ts'
import type { Operator, RowBatch } from './operator.ts'

/** A row of the many side. */
export interface ManyRow extends Side {
  series: number
}

export interface JoinOperators {
  many: Operator
  one: Operator
}

export interface JoinReading {
  /** Else the one side is read first: every selection that is being read has buffers of its own. */
  isSideBySide: boolean
  /** Series of the one side to keep to the end, beyond their outputs. */
  retained: readonly number[]
  /** Sees each batch of the many side. */
  onMany: (batch: RowBatch) => void
}

/** Place of a row that has not come. */
const NOWHERE = -1

export class JoinRows {
  readonly #sides: JoinOperators
  readonly #plan: JoinPlan
  readonly #scope: HeldRowsScope
  readonly #reading: JoinReading
  readonly #ones: HeldRows
  readonly #oneSets: Uint32Array
  /** Where the row of each series of the one side is held. */
  readonly #placeOf: Int32Array
  /** Outputs that are still to read it. */
  readonly #uses: Uint32Array
  /** Rows of the many side put aside: by series, where they are held. */
  readonly #deferred: HeldRows
  readonly #deferredAt = new Map<number, number>()
  /** Series of the many side put aside, by the series of the one side that they wait for next. */
  readonly #waiting = new Map<number, number[]>()
  /** Those that need not wait any more. */
  #ready: number[] = []
  #batch: RowBatch | null = null
  #row = 0
  /** Samples that came with the batch. */
  #batchSamples = 0
  #isManyDone = false
  #isOneDone = false
  readonly #current: ManyRow = { series: 0, values: new Float64Array(0), kinds: new Uint8Array(0), at: 0 }
  /** Place of the current row if it was put aside. */
  #currentPlace = NOWHERE

  constructor(sides: JoinOperators, plan: JoinPlan, scope: HeldRowsScope, reading: JoinReading) {
    const oneSets = sides.one.series()
    this.#sides = sides
    this.#plan = plan
    this.#scope = scope
    this.#reading = reading
    this.#oneSets = oneSets
    this.#ones = new HeldRows(oneSets.length, scope)
    this.#deferred = new HeldRows(plan.outputs.length, scope)
    this.#placeOf = new Int32Array(oneSets.length).fill(NOWHERE)
    this.#uses = new Uint32Array(oneSets.length)
    for (const outputs of plan.outputs) for (const { ones } of outputs) for (const one of ones) this.#uses[one]!++
    for (const one of reading.retained) this.#uses[one]!++
  }

  /** The row of a series of the one side; null if it has none. */
  one(position: number): Side | null {
    const place = this.#placeOf[position]!
    return place === NOWHERE ? null : this.#ones.at(place)
  }

  /** The label set of a series of the one side. */
  oneSet(position: number): number {
    return this.#oneSets[position]!
  }

  /** The next row of the many side, valid until the next call; null once both sides are read to their end. */
  next(): ManyRow | null {
    if (this.#currentPlace !== NOWHERE) this.#deferred.release(this.#currentPlace)
    this.#currentPlace = NOWHERE
    for (;;) {
      const series = this.#ready.pop()
      if (series !== undefined) return this.#deferredRow(series)
      if (!this.#isManyDone) {
        if (this.#nextOfBatch()) return this.#current
      } else if (!this.#isOneDone) this.#readOne()
      else return null
    }
  }

  /** An output of the current row is written. */
  used({ ones }: JoinOutput): void {
    for (const one of ones) {
      if (--this.#uses[one]! > 0 || this.#placeOf[one] === NOWHERE) continue
      this.#ones.release(this.#placeOf[one]!)
      this.#placeOf[one] = NOWHERE
    }
  }

  /** Lets go of all that is still held. */
  close(): void {
    this.#ones.clear()
    this.#deferred.clear()
  }

  /** Whether there is a current row now: else it was put aside, or there was none. */
  #nextOfBatch(): boolean {
    if (this.#batch === null || this.#row === this.#batch.rows) return this.#readMany()
    const { index, values, kinds } = this.#batch
    const row = this.#row
    const series = index[row]!
    while (!this.#isReady(series) && this.#ones.count <= this.#deferred.count) this.#readOne()
    this.#row++
    if (!this.#isReady(series)) {
      this.#deferredAt.set(series, this.#deferred.put(this.#batch, row))
      this.#wait(series)
      return false
    }
    const current = this.#current
    current.series = series
    current.values = values
    current.kinds = kinds
    current.at = row * this.#scope.steps.count
    return true
  }

  #deferredRow(series: number): ManyRow {
    const current = this.#current
    this.#currentPlace = this.#deferredAt.get(series)!
    this.#deferredAt.delete(series)
    return Object.assign(current, this.#deferred.at(this.#currentPlace), { series })
  }

  #readMany(): false {
    const { budget } = this.#scope
    while (!this.#reading.isSideBySide && !this.#isOneDone) this.#readOne()
    budget.addSamples(-this.#batchSamples, 0)
    const before = budget.samplesHeld
    this.#batch = this.#sides.many.next()
    this.#row = 0
    if (this.#batch === null) {
      this.#isManyDone = true
      // A join lets go at its end of what it loaded to know its series; so will this one, as it was loaded for it, too.
      budget.addSamples(before - budget.samplesHeld, 0)
    } else {
      this.#batchSamples = budget.samplesHeld - before
      this.#reading.onMany(this.#batch)
    }
    return false
  }

  /** Takes a batch of the one side and tells those who wait for it. */
  #readOne(): void {
    const { budget } = this.#scope
    const before = budget.samplesHeld
    const batch = this.#sides.one.next()
    if (batch === null) {
      this.#isOneDone = true
      for (const series of this.#waiting.values()) this.#ready.push(...series)
      this.#waiting.clear()
    } else {
      for (let r = 0; r < batch.rows; r++) this.#takeOne(batch, r)
    }
    budget.addSamples(before - budget.samplesHeld, 0)
  }

  #takeOne(batch: RowBatch, r: number): void {
    const one = batch.index[r]!
    if (this.#uses[one] === 0) return
    this.#placeOf[one] = this.#ones.put(batch, r)
    const waiting = this.#waiting.get(one)
    if (waiting === undefined) return
    this.#waiting.delete(one)
    for (const series of waiting) this.#wait(series)
  }

  /** Puts a series of the many side behind the first of its ones that has not come. */
  #wait(series: number): void {
    const one = this.#missing(series)
    if (one === NOWHERE) {
      this.#ready.push(series)
      return
    }
    const others = this.#waiting.get(one)
    if (others === undefined) this.#waiting.set(one, [series])
    else others.push(series)
  }

  #isReady(series: number): boolean {
    return this.#isOneDone || this.#missing(series) === NOWHERE
  }

  #missing(series: number): number {
    for (const { ones } of this.#plan.outputs[series]!) {
      for (const one of ones) if (this.#placeOf[one] === NOWHERE) return one
    }
    return NOWHERE
  }
}
