// expr[range:step]: the inner expression is evaluated once, on an absolute grid of multiples of its step, and its rows
// are then windowed like stored samples (prometheus promql/engine.go: SubqueryExpr).
//
//   grid    ┼───┼───┼───┼───┼───┼───┼       first point > earliest window start, last ≤ latest window end
//   window      (───────────]
import type { Windows } from '../func/range-kernel.ts'
import type { SubqueryExpr } from '../parse/ast.ts'
import { durationMs } from '../plan/fold-durations.ts'
import type { Budget } from './budget.ts'
import { LiveSamples } from './live-samples.ts'
import { samplesInRow } from './histogram-samples.ts'
import { MixedRange } from './mixed-range.ts'
import { ABSENT, HISTOGRAM, type Operator, type RowBatch, type Steps } from './operator.ts'
import type { RangeCall } from './range-contract.ts'
import { countFloats } from './range-rows.ts'
import { makeBatch, releaseBatch } from './row-batch.ts'
import type { ReadPlaces } from './step-samples.ts'
import { subqueryShift } from './time-shift.ts'
import { locate, makeWindows, samplesIn, type TimeShift } from './windows.ts'

/** The inner steps that the windows of all outer steps need; count 0 if no grid point lies in any. */
export function subquerySteps(outer: Steps, shift: TimeShift, stepMs: number): Steps {
  const firstMs = shift.atMs ?? outer.startMs
  const lastMs = shift.atMs ?? outer.startMs + (outer.count - 1) * outer.stepMs
  const startMs = (Math.floor((firstMs - shift.offsetMs - shift.rangeMs) / stepMs) + 1) * stepMs
  const endMs = lastMs - shift.offsetMs
  return stepsWithin(startMs, endMs, stepMs)
}

/** The steps of a range. */
export function stepsWithin(startMs: number, endMs: number, stepMs: number): Steps {
  const count = endMs < startMs ? 0 : Math.floor((endMs - startMs) / stepMs) + 1
  return { startMs, stepMs, count, ...(count > 0 && endMs > startMs + (count - 1) * stepMs && { endMs }) }
}

/** What an operator holds per step beside its rows: windows twice, times. */
const BYTES_PER_STEP = 64

/** The steps of a subquery's inner expression, paid for; `defaultStepMs` where it names none, or less than a millisecond. */
export function innerSteps(source: SubqueryExpr, defaultStepMs: number, outer: Steps, budget: Budget): Steps {
  const steps = subquerySteps(outer, subqueryShift(source), source.step === null ? defaultStepMs : durationMs(source.step) || defaultStepMs)
  budget.addBytes(steps.count * BYTES_PER_STEP)
  return steps
}

/** Unix ms of every step. */
export function timesOf(steps: Steps): Float64Array {
  const times = new Float64Array(steps.count)
  for (let i = 0; i < steps.count; i++) times[i] = steps.startMs + i * steps.stepMs
  return times
}

export interface SubqueryPlace {
  outer: Steps
  inner: Steps
  shift: TimeShift
  /** Where its inner steps' samples are read; null: nobody asked. */
  reads: ReadPlaces | null
}

/** What an inner step reads counts at the first outer step whose window holds it, if one does (MergeSamplesReadFromSubquery). */
export function readPlaces(outer: Steps, inner: Steps, shift: TimeShift, budget: Budget): ReadPlaces | null {
  if (budget.stepSamples === null) return null
  budget.addBytes(inner.count * Int32Array.BYTES_PER_ELEMENT)
  const places = new Int32Array(inner.count)
  if (outer.count === 1) return places
  for (let k = 0; k < inner.count; k++) {
    const ms = inner.startMs + k * inner.stepMs + shift.offsetMs - outer.startMs
    const step = Math.min(Math.max(Math.ceil(ms / outer.stepMs), 0), outer.count - 1)
    places[k] = ms > step * outer.stepMs - shift.rangeMs ? step : -1
  }
  return places
}

/** A range function over a subquery. Label sets are the inner ones; the caller drops names. */
export class SubqueryRows implements Operator {
  readonly #input: Operator
  readonly #called: RangeCall
  readonly #budget: Budget
  readonly #place: SubqueryPlace
  readonly #t: Float64Array
  readonly #windows: Windows
  readonly #ownWindows: Windows
  /** In the windows of a row without gaps. */
  readonly #samplesOfWhole: number
  readonly #live = new LiveSamples()
  #mixed: MixedRange | null = null
  #out: RowBatch | null = null
  #batch: RowBatch | null = null
  #row = 0

  constructor(input: Operator, called: RangeCall, place: SubqueryPlace, budget: Budget) {
    this.#input = input
    this.#called = called
    this.#budget = budget
    this.#place = place
    this.#t = timesOf(place.inner)
    this.#windows = makeWindows(place.outer, place.shift)
    this.#ownWindows = { ...this.#windows, lo: new Int32Array(place.outer.count), hi: new Int32Array(place.outer.count) }
    locate(this.#windows, this.#t, this.#t.length)
    this.#samplesOfWhole = samplesIn(this.#windows)
  }

  series(): Uint32Array {
    return this.#budget.readTimes(0, () => this.#input.series(), this.#place.reads)
  }

  next(): RowBatch | null {
    if (this.#t.length === 0) return null
    const out = this.#out ??= makeBatch(this.#place.outer, this.#input.series().length, this.#budget)
    this.#budget.check()
    out.kinds.fill(ABSENT)
    let rows = 0
    while (rows < out.index.length) {
      if (this.#batch === null || this.#row === this.#batch.rows) {
        this.#batch = this.#budget.readTimes(0, () => this.#input.next(), this.#place.reads)
        this.#row = 0
        if (this.#batch === null) break
        continue
      }
      if (this.#fill(this.#batch, out, rows)) out.index[rows++] = this.#batch.index[this.#row]!
      this.#row++
    }
    out.rows = rows
    return rows === 0 ? this.#end() : out
  }

  #fill(batch: RowBatch, out: RowBatch, rows: number): boolean {
    const n = this.#t.length
    const width = this.#place.outer.count
    const from = this.#row * n
    const to = { values: out.values, kinds: out.kinds, at: rows * width }
    const set = this.#input.series()[batch.index[this.#row]!]!
    const { func, args, histograms, pace } = this.#called
    const { stepSamples } = this.#budget
    let read = this.#samplesOfWhole
    let windows = this.#windows
    if (hasHistogram(batch.kinds, from, n)) {
      read = this.#fillMixed({ values: batch.values, kinds: batch.kinds, at: from }, set, to)
    } else {
      const live = this.#live.compactRow(this.#t, { values: batch.values, kinds: batch.kinds, at: from })
      if (live === 0) return false
      if (live === n) {
        func.kernel(this.#windows, this.#t, batch.values, from, to.values, to.kinds, to.at, args, pace)
      } else {
        locate(this.#ownWindows, this.#live.t, live)
        func.kernel(this.#ownWindows, this.#live.t, this.#live.v, 0, to.values, to.kinds, to.at, args, pace)
        read = samplesIn(this.#ownWindows)
        windows = this.#ownWindows
      }
      stepSamples?.addWindows(windows, 0, true)
    }
    const samples = samplesInRow(to, width, histograms)
    this.#budget.addSamples(samples, read)
    if (samples === 0) return false
    this.#called.see(set, countFloats(to.kinds, to.at, width) > 0, to.kinds, to.at)
    return true
  }

  #fillMixed(from: { values: Float64Array; kinds: Uint8Array; at: number }, set: number, to: typeof from): number {
    const { outer, shift } = this.#place
    const mixed = this.#mixed ??= new MixedRange(this.#called, { steps: outer, shift })
    mixed.samples.loadRow(this.#t, from, this.#called.histograms)
    mixed.fill(set, to)
    if (this.#budget.stepSamples !== null) mixed.countSteps(0, this.#budget.stepSamples, true)
    return mixed.samplesRead()
  }

  #end(): null {
    if (this.#out !== null) releaseBatch(this.#out, this.#budget)
    this.#out = null
    return null
  }
}

function hasHistogram(kinds: Uint8Array, from: number, count: number): boolean {
  for (let i = from; i < from + count; i++) if (kinds[i] === HISTOGRAM) return true
  return false
}
