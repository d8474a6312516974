// The rows of a range function over a matrix selector: one kernel call per series computes every step.
import type { SeriesBatch } from '../../storage/interface.ts'
import type { RangeKernel, Windows } from '../func/range-kernel.ts'
import { LiveSamples } from './live-samples.ts'
import { FLOAT, type Steps } from './operator.ts'
import type { RowFiller } from './selected-rows.ts'
import { locate, makeWindows, type TimeShift } from './windows.ts'

/** Told of every series (its position in the selection) that has a result; may throw. */
export type RowWatcher = (series: number) => void

export class RangeRows implements RowFiller {
  readonly #kernel: RangeKernel
  readonly #args: readonly Float64Array[]
  /** Of the batch's shared column. */
  readonly #windows: Windows
  /** Of one series with gaps. */
  readonly #ownWindows: Windows
  readonly #live = new LiveSamples()
  readonly #watch: RowWatcher

  constructor(kernel: RangeKernel, args: readonly Float64Array[], place: { steps: Steps; shift: TimeShift }, watch: RowWatcher) {
    this.#kernel = kernel
    this.#args = args
    this.#windows = makeWindows(place.steps, place.shift)
    this.#ownWindows = { ...this.#windows, lo: new Int32Array(place.steps.count), hi: new Int32Array(place.steps.count) }
    this.#watch = watch
  }

  startBatch(batch: SeriesBatch): void {
    locate(this.#windows, batch.t, batch.n)
  }

  fill(batch: SeriesBatch, s: number, row: { values: Float64Array; kinds: Uint8Array; at: number }): number {
    const { values, kinds, at } = row
    const { n } = batch
    const windows = this.#windows
    if (batch.hasGaps[s] === 0) {
      this.#kernel(windows, batch.t, batch.v, s * n, values, kinds, at, this.#args)
    } else {
      const count = this.#live.compact(batch, s)
      locate(this.#ownWindows, this.#live.t, count)
      this.#kernel(this.#ownWindows, this.#live.t, this.#live.v, 0, values, kinds, at, this.#args)
    }
    const points = countFloats(kinds, at, windows.count)
    if (points > 0) this.#watch(batch.index[s]!)
    return points
  }
}

/** Points in kinds[at..at + count). */
export function countFloats(kinds: Uint8Array, at: number, count: number): number {
  let points = 0
  for (let i = at; i < at + count; i++) if (kinds[i] === FLOAT) points++
  return points
}
