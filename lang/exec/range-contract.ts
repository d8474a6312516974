// What the call of a range function asks of the rows it is computed from.
import type { RangeFunc } from '../func/contract.ts'
import type { Pace } from '../func/range-kernel.ts'
import type { RangeNotes } from '../func/range-notes.ts'
import type { WindowFunc } from '../func/sample-window.ts'
import type { HistogramTable } from './histogram-table.ts'
import type { Extension } from './time-shift.ts'

/** What the rows of a range function need to know of its call. */
export interface RangeCall {
  readonly func: RangeFunc
  /** The scalar arguments at every step. */
  readonly args: readonly Float64Array[]
  /** What anchored or smoothed make of the function; null without them. */
  readonly extended: WindowFunc | null
  readonly extension: Extension
  readonly usesStartTimes: boolean
  readonly notes: RangeNotes
  readonly histograms: HistogramTable
  readonly pace: Pace
  /** To be told of every series, by its label set, that has a result, and of its row, kinds[at..]. */
  see(set: number, hasFloats: boolean, kinds: Uint8Array, at: number): void
}
