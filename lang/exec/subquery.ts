// expr[range:step]: the inner expression is evaluated once, on an absolute grid of multiples of its step, and its rows
// are then windowed like stored samples (prometheus promql/engine.go: SubqueryExpr).
//
//   grid    ┼───┼───┼───┼───┼───┼───┼       first point > earliest window start, last ≤ latest window end
//   window      (───────────]
import type { RangeKernel, Windows } from '../func/range-kernel.ts'
import type { SubqueryExpr } from '../parse/ast.ts'
import { durationMs } from '../plan/fold-durations.ts'
import type { Budget } from './budget.ts'
import { LiveSamples } from './live-samples.ts'
import { ABSENT, type Operator, type RowBatch, type Steps } from './operator.ts'
import { countFloats, type RowWatcher } from './range-rows.ts'
import { rowsPerBatch } from './selected-rows.ts'
import { subqueryShift } from './time-shift.ts'
import { locate, makeWindows, type TimeShift } from './windows.ts'

/** The inner steps that the windows of all outer steps need; count 0 if no grid point lies in any. */
export function subquerySteps(outer: Steps, shift: TimeShift, stepMs: number): Steps {
  const firstMs = shift.atMs ?? outer.startMs
  const lastMs = shift.atMs ?? outer.startMs + (outer.count - 1) * outer.stepMs
  const startMs = (Math.floor((firstMs - shift.offsetMs - shift.rangeMs) / stepMs) + 1) * stepMs
  const endMs = lastMs - shift.offsetMs
  return { startMs, stepMs, count: endMs < startMs ? 0 : Math.floor((endMs - startMs) / stepMs) + 1 }
}

/** What an operator holds per step beside its rows: windows twice, times. */
const BYTES_PER_STEP = 64

/** The steps of a subquery's inner expression, paid for; `defaultStepMs` where it names none. */
export function innerSteps(source: SubqueryExpr, defaultStepMs: number, outer: Steps, budget: Budget): Steps {
  const steps = subquerySteps(outer, subqueryShift(source), source.step === null ? defaultStepMs : durationMs(source.step))
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
}

/** A range function over a subquery. Label sets are the inner ones; the caller drops names. */
export class SubqueryRows implements Operator {
  readonly #input: Operator
  readonly #kernel: RangeKernel
  readonly #args: readonly Float64Array[]
  readonly #watch: RowWatcher
  readonly #budget: Budget
  readonly #outer: Steps
  readonly #t: Float64Array
  readonly #windows: Windows
  readonly #ownWindows: Windows
  readonly #live = new LiveSamples()
  #out: RowBatch | null = null
  #batch: RowBatch | null = null
  #row = 0

  constructor(
    input: Operator, func: { kernel: RangeKernel; args: readonly Float64Array[]; watch: RowWatcher }, place: SubqueryPlace, budget: Budget,
  ) {
    this.#input = input
    this.#kernel = func.kernel
    this.#args = func.args
    this.#watch = func.watch
    this.#budget = budget
    this.#outer = place.outer
    this.#t = timesOf(place.inner)
    this.#windows = makeWindows(place.outer, place.shift)
    this.#ownWindows = { ...this.#windows, lo: new Int32Array(place.outer.count), hi: new Int32Array(place.outer.count) }
    locate(this.#windows, this.#t, this.#t.length)
  }

  series(): Uint32Array {
    return this.#input.series()
  }

  next(): RowBatch | null {
    if (this.#t.length === 0) return null
    const out = this.#out ??= this.#makeOut()
    this.#budget.check()
    out.kinds.fill(ABSENT)
    let rows = 0
    while (rows < out.index.length) {
      if (this.#batch === null || this.#row === this.#batch.rows) {
        this.#batch = this.#input.next()
        this.#row = 0
        if (this.#batch === null) break
        continue
      }
      if (this.#fill(this.#batch, out, rows)) out.index[rows++] = this.#batch.index[this.#row]!
      this.#row++
    }
    out.rows = rows
    return rows === 0 ? null : out
  }

  #fill(batch: RowBatch, out: RowBatch, rows: number): boolean {
    const n = this.#t.length
    const width = this.#outer.count
    const from = this.#row * n
    const at = rows * width
    const live = this.#live.compactRow(this.#t, { values: batch.values, kinds: batch.kinds, at: from })
    if (live === 0) return false
    if (live === n) {
      this.#kernel(this.#windows, this.#t, batch.values, from, out.values, out.kinds, at, this.#args)
    } else {
      locate(this.#ownWindows, this.#live.t, live)
      this.#kernel(this.#ownWindows, this.#live.t, this.#live.v, 0, out.values, out.kinds, at, this.#args)
    }
    const points = countFloats(out.kinds, at, width)
    if (points === 0) return false
    this.#budget.addSamples(points)
    this.#watch(batch.index[this.#row]!)
    return true
  }

  #makeOut(): RowBatch {
    const rows = rowsPerBatch(this.#outer, this.#input.series().length)
    const size = rows * this.#outer.count
    return { rows: 0, index: this.#budget.ints(rows), values: this.#budget.floats(size), kinds: this.#budget.bytes(size) }
  }
}
