// The waist of Monitor: writers see Appender, readers see Querier, and neither sees what lies between.
//
//   scrape, ingest ──▶ Appender ──▶ log ──▶ head ──▶ (blocks) ──▶ Querier ──▶ PromQL, label APIs
//
// Everything that flows through here per sample is a typed array. A series is a `ref` (u32 ≥ 1, stable while the
// process lives, also across workers); label sets are resolved late, through symbol ids.
// Staleness is a flag beside the value, never a NaN payload: arithmetic and plain arrays do not keep payloads.
import type { Exemplar, ExemplarColumns } from '../lib/model/exemplar.ts'
import type { FloatHistogram } from '../lib/model/histogram.ts'
import type { Labels } from '../lib/model/labels.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import type { TierQuerier } from './tier/bucket.ts'

/** Per-sample verdicts of `append`: 0 stored, else why not. Hot paths count numbers, they do not throw. */
export const STORED = 0
/** Older than the series' newest sample and outside the out-of-order window. */
export const REJECT_OUT_OF_ORDER = 1
/** Same timestamp, other value: the first one wins. */
export const REJECT_DUPLICATE = 2
/** More than 10 min ahead of the wall clock. */
export const REJECT_FUTURE = 3
/** Before the retention or 1970, or not a finite timestamp. */
export const REJECT_TOO_OLD = 4
/** The ref's series was forgotten (Forgetting): the sender's next sample finds the new one. */
export const REJECT_FORGOTTEN = 5
export const REJECT_NAMES: readonly string[] = ['stored', 'out_of_order', 'duplicate', 'future', 'too_old', 'forgotten_series']

/** One body's samples, in the order the source sent them. Buffers stay the caller's; the appender copies. */
export interface SampleBatch {
  /** Samples in use; the arrays may be longer. */
  count: number
  /** Series of sample i. */
  refs: Uint32Array
  values: Float64Array
  /** Unix ms shared by all samples where `times` is null (a scrape). */
  t: number
  /** Unix ms of each sample, where they differ. Several samples of a series stand together, times ascending. */
  times: Float64Array | null
  /** 1 where the sample is a staleness marker (its value is then ignored); null where none is. */
  stale: Uint8Array | null
  /**
   * Where element i is not null, sample i is that native histogram and its value is ignored. Absent or null: floats only.
   * Stored bit by bit, hint included: who writes what others measured or what was computed keeps no hint but "gauge".
   */
  histograms?: readonly (FloatHistogram | null)[] | null
  /** Unix ms at which what sample i counts began, 0 where not known. Absent or null: known of none. */
  startTimes?: Float64Array | null
}

/**
 * Series of which only old blocks hold samples are forgotten: their refs end, and the same labels get another. Who keeps
 * refs looks which of them are still live when the epoch has changed; samples of others are refused (REJECT_FORGOTTEN).
 */
export interface Forgetting {
  readonly epoch: number
  isLive(ref: number): boolean
}

export interface Appender {
  /** Absent: refs are good for ever. */
  readonly forgetting?: Forgetting
  /**
   * The ref of a label set, made if it is new. `labels` must be sorted, unique, without empty values.
   * Throws SeriesLimitError when the store's limit of active series is reached, LogError when it takes no samples.
   */
  series(labels: Labels): number
  /** The ref of a label set that is known, 0 if `series` would make it. Absent: nobody limits what is new. */
  find?(labels: Labels): number
  /**
   * Appends to log and head; readers see the rows when it returns. Writes a verdict per sample to `verdicts`
   * (length ≥ count) and returns how many were refused. A sample equal in time and value to a stored one is
   * STORED without effect. Throws LogError when the store takes no samples now, with nothing of the batch stored where
   * the reason is the disk.
   */
  append(batch: SampleBatch, verdicts: Uint8Array): number
  /** Resolves when all that was appended before the call is on disk (fdatasync). Rejects with LogError if the disk refuses. */
  commit(): Promise<void>
  /** null where no exemplars are kept: nobody need read them. */
  readonly exemplars: ExemplarAppender | null
}

export interface ExemplarAppender {
  /** The ref of a label set, 0 where the store has no such series: exemplars make none. */
  refOf(labels: Labels): number
  /** Takes what `push` found no fault with, and writes what became of each to `verdicts`. Readers see it when it returns. */
  append(batch: ExemplarColumns): void
}

/** What the reader may use to skip work; never changes an answer. */
export interface SelectHints {
  /** Query steps, Unix ms and ms; stepMs 0 for an instant query. */
  startMs: number
  endMs: number
  stepMs: number
  /** Range-vector window in ms, 0 for instant selectors. */
  rangeMs: number
  /** Name of the function directly around the selector, '' if none. */
  func: string
}

/**
 * Series that share one timestamp column. All buffers belong to the selection and are valid until its next call.
 * Times ascend strictly. No series appears in two batches of a selection.
 */
export interface SeriesBatch {
  /** Number of timestamps. */
  n: number
  /** t[0..n): Unix ms. */
  t: Float64Array
  seriesCount: number
  /** Position of series s in `Selection.refs`. */
  index: Uint32Array
  /** v[s * n + i]: value of series s at t[i]. Undefined content where absent or stale. */
  v: Float64Array
  /** 0: series s has a live value at every t. 1: consult the bitmaps. */
  hasGaps: Uint8Array
  /** Bit i of row s (`bits[s * words + (i >>> 5)] >>> (i & 31) & 1`, words = ceil(n / 32)): a sample is there, live or stale. Only valid where hasGaps. */
  present: Uint32Array
  /** Same layout: the sample is a staleness marker. A set bit implies the present bit. Only valid where hasGaps. */
  stale: Uint32Array
  /** The batch's native histograms; null where it has none: then nobody need look at the bits. */
  histograms: readonly FloatHistogram[] | null
  /**
   * Layout of `present`: sample i of series s is a native histogram, v[s * n + i] its position in `histograms`. Valid
   * for every series where `histograms` is not null; a set bit implies a live sample.
   */
  histogramBits: Uint32Array
  /** Layout of v: Unix ms at which what the sample counts began, 0 where not known. null: known of none in this batch. */
  startTimes: Float64Array | null
}

export interface Selection {
  /** All series that match, ascending, whether or not they have samples in range; known before any sample is read. */
  readonly refs: Uint32Array
  /** The next batch with samples in [mint, maxt], or null at the end. At most 1 Mi values, or one series. */
  next(): SeriesBatch | null
}

/** Symbol ids are u32 ≥ 1 and stable; equal text ⇔ equal id. 0 means "not a symbol of this store". */
export interface LabelSource {
  /**
   * Ids of symbols and refs mean the same in two sources that give the same number; where another comes, all that was
   * remembered of them is void. Absent: always the same.
   */
  readonly idsVersion?: number
  /**
   * How many symbols there were when the source was opened, 1 up to this number; more may be there by now. Absent: nobody knows,
   * and a text may have become a symbol at any time.
   */
  readonly symbolCount?: number | undefined
  symbolOf(text: string): number
  textOf(symbol: number): string
  /**
   * Writes name, value symbol ids of a series' labels, sorted by name text, `__name__` included; returns how many ids
   * there are, of which those behind the end of `out` were not written.
   */
  labelsOf(ref: number, out: Uint32Array): number
}

export interface CardinalityEntry {
  name: string
  value: number
}

/** What the newest data's index is made of; lists hold the largest, in descending order. */
export interface Cardinality {
  series: number
  /** Distinct label pairs. */
  pairs: number
  /** Encoded runs of samples, one per series and run. */
  chunks: number
  /** Unix ms; Infinity and -Infinity where there is no sample. */
  minT: number
  maxT: number
  seriesByMetric: readonly CardinalityEntry[]
  valuesByLabel: readonly CardinalityEntry[]
  /** Bytes of the values of a label, each counted once a series. */
  bytesByLabel: readonly CardinalityEntry[]
  /** `name=value`. */
  seriesByPair: readonly CardinalityEntry[]
}

/** Exemplars of a series, in order of time. */
export interface SeriesExemplars {
  ref: number
  exemplars: readonly Exemplar[]
}

/** Reads one consistent state of the store. Close it: it pins memory. Never used across an await in a worker's query. */
export interface Querier extends LabelSource {
  /** mint and maxt are both inclusive, Unix ms. At least one matcher must not match ''. */
  select(matchers: readonly Matcher[], mint: number, maxt: number, hints: SelectHints): Selection
  /** Sorted label names of series that match any of the sets (all series if `sets` is empty) and may have samples in range. */
  labelNames(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[]
  /** Sorted values of a label, same rules. */
  labelValues(name: string, sets: readonly (readonly Matcher[])[], mint: number, maxt: number): string[]
  /** Refs, ascending and unique, of series that match any of the sets and may have samples in range. */
  seriesRefs(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): Uint32Array
  /** Exemplars in [mint, maxt] of series that match any of the sets, in no order of series. Without it there are none. */
  exemplars?(sets: readonly (readonly Matcher[])[], mint: number, maxt: number): SeriesExemplars[]
  /** At most `limit` entries a list. */
  cardinality(limit: number): Cardinality
  /** The ref of a series at a share (0 to 1) of the way through the newest data's, 0 if there is none. */
  refAt?(share: number): number
  /** Downsampled data beside the raw samples; absent: there is none. */
  buckets?: TierQuerier
  /**
   * Live: how often, since the store was opened, samples of one time came late; [k] by at least `LATE_RUN_MS * 2 ** k` and less than
   * twice that. It grows once they can be read: who keeps samples loads it, then reads as far back as a class that has grown. Absent: nobody knows.
   */
  readonly lateRuns?: Uint32Array
  /** Sentences about what this querier left out because it is damaged; the reply carries them as warnings. */
  damage?(): readonly string[]
  close(): void
}

/** Samples that come within so much of their time are not late. */
export const LATE_RUN_MS = 10_000
/** Classes of lateness, each twice as late as the one before: the last ends at almost three hours. Nobody who keeps samples keeps older ones. */
export const LATE_RUN_CLASSES = 10

/** Where queries get their Querier from; a worker has one over shared memory, tests have one over plain arrays. */
export interface Queryable {
  querier(): Querier
}
