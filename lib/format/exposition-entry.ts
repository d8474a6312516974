// What the exposition parsers have in common: the kinds of entries, the samples of bodies whose series are known by
// keys, and the error of a body that is not what its Content-Type says.
import type { RawExemplar } from '../model/exemplar.ts'
import type { FloatHistogram } from '../model/histogram.ts'
import type { KeyBuffer } from './key-buffer.ts'

export const ENTRY_END = 0
export const ENTRY_SAMPLE = 1
export const ENTRY_TYPE = 2
export const ENTRY_HELP = 3
export const ENTRY_UNIT = 4
/** A comment or blank line. */
export const ENTRY_COMMENT = 5
/** A sample that is a native histogram. */
export const ENTRY_HISTOGRAM = 6

export type ExpositionFormat = 'text' | 'openmetrics' | 'protobuf'
export type TextFormat = Exclude<ExpositionFormat, 'protobuf'>

/** The body is not what its Content-Type says. The message names the line, counted from 1, or the byte, from 0. */
export class ExpositionError extends Error {
  readonly code = 'EXPOSITION'
}

/** What becomes of a target's histograms. */
export interface HistogramReading {
  /** Native histograms are read (scrape_native_histograms); without, they are classic ones. */
  readonly readsNative: boolean
  /** Classic series stay beside the native histogram (always_scrape_classic_histograms). */
  readonly keepsClassic: boolean
  /** Classic histograms become native ones with custom buckets (convert_classic_histograms_to_nhcb). */
  readonly convertsClassic: boolean
  /** The finest that native_histogram_min_bucket_factor allows; 8 where all are. */
  readonly schemaMax: number
}

/** A sample as it stands in a body; one object, filled anew for each. */
export interface ExposedSample {
  value: number
  /** Of ENTRY_HISTOGRAM; null where `fault` says why there is none. */
  histogram: FloatHistogram | null
  fault: string
  hasTime: boolean
  /** Unix ms, whole; valid where hasTime. */
  timeMs: number
  /** When what it counts began, Unix ms; 0 if not told. */
  startMs: number
  /** The first `exemplarCount` are its exemplars, in order of time. */
  exemplars: RawExemplar[]
  exemplarCount: number
}

/** A body entry by entry, its series by keys: equal keys are equal series. */
export interface KeyedEntries {
  readonly sample: ExposedSample
  /** Reads the next entry into `sample`; returns its kind, never ENTRY_COMMENT. Throws ExpositionError. */
  next(): number
  /** Labels of the sample, as TextParser.labels. */
  labels(): Map<string, string>
  /** Appends the key of the sample's series. */
  writeKey(into: KeyBuffer): void
  /** Appends a TYPE, HELP or UNIT entry as metadataOf (key-buffer.ts) reads it. */
  writeMetadata(into: KeyBuffer): void
}

export function newSample(): ExposedSample {
  return { value: 0, histogram: null, fault: '', hasTime: false, timeMs: 0, startMs: 0, exemplars: [], exemplarCount: 0 }
}
