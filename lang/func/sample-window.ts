// One window of a series that has native histograms, or that is extended beyond its range (anchored, smoothed): what
// functions get where a kernel over one float column cannot do. One object per call, filled anew for every window.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { RangeNotes } from './range-notes.ts'

/** A series' live float samples; the arrays may be longer than what is in use. */
export interface FloatColumn {
  t: Float64Array
  v: Float64Array
  /** Unix ms at which what each sample counts began, 0 where not known; null where nobody asks. */
  startTimes: Float64Array | null
}

/** A series' live native histograms, the same way. */
export interface HistogramColumn {
  t: Float64Array
  h: FloatHistogram[]
  startTimes: Float64Array | null
}

export interface SampleWindow {
  readonly floats: FloatColumn
  readonly histograms: HistogramColumn
  /** Samples [floatFrom, floatTo) of `floats` lie in the window, or in its extension. */
  floatFrom: number
  floatTo: number
  histogramFrom: number
  histogramTo: number
  /** The range itself: (startMs, endMs]. */
  startMs: number
  endMs: number
  rangeMs: number
}

/** A float, a native histogram, or null for no result. The window holds at least one sample. */
export type WindowFunc = (w: SampleWindow, notes: RangeNotes) => number | FloatHistogram | null

export function hasFloats(w: SampleWindow): boolean {
  return w.floatTo > w.floatFrom
}

export function hasHistograms(w: SampleWindow): boolean {
  return w.histogramTo > w.histogramFrom
}
