// A range vector as the answer of an instant query: the samples themselves, not a function of them.
import type { Selection } from '../../storage/interface.ts'
import type { Budget } from './budget.ts'
import { LiveSamples } from './live-samples.ts'
import type { Operator } from './operator.ts'
import { locate, makeWindows, type TimeShift } from './windows.ts'

/** Samples of one series: t ascending, Unix ms. */
export interface RawSeries {
  set: number
  t: Float64Array
  v: Float64Array
}

/** The live samples of a selection in the window (endMs - rangeMs, endMs] at one evaluation time. */
export function readMatrix(selection: Selection, sets: Uint32Array, place: { evalMs: number; shift: TimeShift }, budget: Budget): RawSeries[] {
  const windows = makeWindows({ startMs: place.evalMs, stepMs: 0, count: 1 }, place.shift)
  const live = new LiveSamples()
  const found: RawSeries[] = []
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    budget.check()
    for (let s = 0; s < batch.seriesCount; s++) {
      const hasGaps = batch.hasGaps[s] !== 0
      const n = hasGaps ? live.compact(batch, s) : batch.n
      const t = hasGaps ? live.t : batch.t
      const vAt = hasGaps ? 0 : s * batch.n
      const v = hasGaps ? live.v : batch.v
      locate(windows, t, n)
      const lo = windows.lo[0]!
      const hi = windows.hi[0]!
      if (hi <= lo) continue
      budget.addSamples(hi - lo)
      budget.addBytes((hi - lo) * 16)
      found.push({ set: sets[batch.index[s]!]!, t: t.slice(lo, hi), v: v.slice(vAt + lo, vAt + hi) })
    }
  }
  return found
}

/** The points of a subquery's inner rows; `t` holds the time of each of its steps. */
export function readSubquery(input: Operator, t: Float64Array, budget: Budget): RawSeries[] {
  const sets = input.series()
  const live = new LiveSamples()
  const found: RawSeries[] = []
  for (let batch = input.next(); batch !== null; batch = input.next()) {
    budget.check()
    for (let r = 0; r < batch.rows; r++) {
      const n = live.compactRow(t, { values: batch.values, kinds: batch.kinds, at: r * t.length })
      if (n === 0) continue
      budget.addSamples(n)
      budget.addBytes(n * 16)
      found.push({ set: sets[batch.index[r]!]!, t: live.t.slice(0, n), v: live.v.slice(0, n) })
    }
  }
  return found
}
