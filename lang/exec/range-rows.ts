// The rows of a range function over a matrix selector: one kernel call per series computes every step.
import type { SeriesBatch } from '../../storage/interface.ts'
import type { Windows } from '../func/range-kernel.ts'
import { samplesInRow } from './histogram-samples.ts'
import { LiveSamples } from './live-samples.ts'
import { MixedRange } from './mixed-range.ts'
import { hasHistogram } from './mixed-samples.ts'
import { FLOAT, type Steps } from './operator.ts'
import type { RangeCall } from './range-contract.ts'
import type { RowFiller } from './selected-rows.ts'
import type { StepSamples } from './step-samples.ts'
import { locate, makeWindows, samplesIn, type TimeShift } from './windows.ts'

export class RangeRows implements RowFiller {
  readonly #called: RangeCall
  readonly #sets: Uint32Array
  readonly #place: { steps: Steps; shift: TimeShift }
  /** Of the batch's shared column. */
  readonly #windows: Windows
  /** Of one series with gaps. */
  readonly #ownWindows: Windows
  readonly #live = new LiveSamples()
  #mixed: MixedRange | null = null
  /** What the row filled last was made of. */
  #filled: Windows | MixedRange
  /** In the windows of a series without gaps. */
  #samplesOfWhole = 0
  samplesRead = 0

  /** `sets`: the label set of each series of the selection. `windows`: where they are others than steps and shift say. */
  constructor(called: RangeCall, sets: Uint32Array, place: { steps: Steps; shift: TimeShift; windows?: Windows }) {
    this.#called = called
    this.#sets = sets
    this.#place = place
    this.#windows = place.windows ?? makeWindows(place.steps, place.shift)
    this.#ownWindows = { ...this.#windows, lo: new Int32Array(place.steps.count), hi: new Int32Array(place.steps.count) }
    this.#filled = this.#windows
  }

  startBatch(batch: SeriesBatch): void {
    locate(this.#windows, batch.t, batch.n)
    this.#samplesOfWhole = samplesIn(this.#windows)
  }

  fill(batch: SeriesBatch, s: number, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    const { values, kinds, at } = row
    const { n } = batch
    const { func, args, extended, usesStartTimes, pace } = this.#called
    if (extended !== null || (batch.histograms !== null && hasHistogram(batch, s)) || (usesStartTimes && batch.startTimes !== null)) {
      return this.#fillMixed(batch, s, row)
    }
    // Fast path: plain floats.
    const windows = this.#windows
    if (batch.hasGaps[s] === 0) {
      func.kernel(windows, batch.t, batch.v, s * n, values, kinds, at, args, pace)
      this.samplesRead += this.#samplesOfWhole
      this.#filled = windows
    } else {
      const count = this.#live.compact(batch, s)
      locate(this.#ownWindows, this.#live.t, count)
      func.kernel(this.#ownWindows, this.#live.t, this.#live.v, 0, values, kinds, at, args, pace)
      this.samplesRead += samplesIn(this.#ownWindows)
      this.#filled = this.#ownWindows
    }
    const points = countFloats(kinds, at, windows.count)
    if (points > 0) this.#called.see(this.#sets[batch.index[s]!]!, true, kinds, at)
    return points
  }

  countSteps(_row: object, first: number, steps: StepSamples): void {
    if (this.#filled instanceof MixedRange) this.#filled.countSteps(first, steps, false)
    else steps.addWindows(this.#filled, first, false)
  }

  #fillMixed(batch: SeriesBatch, s: number, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    const mixed = this.#mixed ??= new MixedRange(this.#called, this.#place)
    const set = this.#sets[batch.index[s]!]!
    mixed.samples.load(batch, s, this.#called.usesStartTimes)
    mixed.fill(set, row)
    this.samplesRead += mixed.samplesRead()
    this.#filled = mixed
    const { count } = this.#windows
    const samples = samplesInRow(row, count, this.#called.histograms)
    if (samples > 0) this.#called.see(set, countFloats(row.kinds, row.at, count) > 0, row.kinds, row.at)
    return samples
  }
}

/** Points in kinds[at..at + count) that are floats. */
export function countFloats(kinds: Uint8Array, at: number, count: number): number {
  let points = 0
  for (let i = at; i < at + count; i++) if (kinds[i] === FLOAT) points++
  return points
}
