// How the parts of a query talk: an operator hands up batches of whole rows, series × all steps.
//
//   selector ─▶ range function ─▶ aggregation ─▶ binary ─▶ reply
//
// A row is one series at every step of the query. Series are known before any sample, so that grouping and join
// signatures are worked out once per query and never per step.

/** The steps of a query or subquery: startMs + i × stepMs for i in [0, count). An instant query has one. */
export interface Steps {
  startMs: number
  stepMs: number
  count: number
  /** End of the range, where it lies behind the last step. */
  endMs?: number
}

/** What a point of a row is. */
export const ABSENT = 0
export const FLOAT = 1
/** The value is then an id in the query's table of native histograms (histogram-table.ts). */
export const HISTOGRAM = 2

/** Buffers belong to the operator and are valid until its next call; a consumer may overwrite values and kinds in place. */
export interface RowBatch {
  rows: number
  /** Position in series() of row r. */
  index: Uint32Array
  /** values[r * steps.count + i] */
  values: Float64Array
  /** kinds[r * steps.count + i]: ABSENT, FLOAT, HISTOGRAM. */
  kinds: Uint8Array
}

export interface Operator {
  /** Label-set ids (LabelTable) of all output series; fixed once asked. Duplicates are an error of the consumer's choosing. */
  series(): Uint32Array
  /** The next rows, in any order of series, each series at most once; null at the end. */
  next(): RowBatch | null
}
