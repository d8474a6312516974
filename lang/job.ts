// What crosses from the HTTP side to a query worker, and back: plain data one way, finished bytes the other.
import type { NameEscaping } from '../lib/model/escaped-name.ts'
import type { Labels } from '../lib/model/labels.ts'
import type { TierName } from '../storage/tier/bucket.ts'

interface Limits {
  /** Evaluation deadline. */
  timeoutMs: number
  /** At most this many series in the answer, 0 for all; a cut adds a warning. */
  limit: number
}

export interface InstantJob extends Limits {
  kind: 'instant'
  query: string
  timeMs: number
  lookbackMs: number
  stats: '' | 'true' | 'all'
  /** Told with the answer, behind its own. */
  warnings?: readonly string[]
  /** The answer also says what each node of the query cost (exec/explain.ts). */
  explain?: boolean
  /** The tier to answer from, wherever it covers; raw: from raw samples alone. Absent: the engine chooses. */
  tier?: TierName
}

export interface RangeJob extends Limits {
  kind: 'range'
  query: string
  startMs: number
  endMs: number
  stepMs: number
  lookbackMs: number
  stats: '' | 'true' | 'all'
  /** Told with the answer, behind its own. */
  warnings?: readonly string[]
  /** The answer also says what each node of the query cost (exec/explain.ts). */
  explain?: boolean
  /** The tier to answer from, wherever it covers; raw: from raw samples alone. Absent: the engine chooses. */
  tier?: TierName
}

/** `matches`: selector texts (`match[]`), a union; for series at least one. */
export interface SeriesJob extends Limits {
  kind: 'series' | 'labels'
  matches: readonly string[]
  startMs: number
  endMs: number
}

export interface LabelValuesJob extends Limits {
  kind: 'labelValues'
  name: string
  matches: readonly string[]
  startMs: number
  endMs: number
}

/** Nothing is evaluated: the query's text laid out over lines, or its tree. */
export interface SyntaxJob extends Limits {
  kind: 'format' | 'parse'
  query: string
}

/** What the index is made of (/status/tsdb); `limit` entries a list. */
export interface CardinalityJob extends Limits {
  kind: 'cardinality'
}

/** The exemplars of all series that the selectors in a query select. */
export interface ExemplarsJob extends Limits {
  kind: 'exemplars'
  query: string
  startMs: number
  endMs: number
}

/** The newest sample of each series that a selector of `matches` selects, as an exposition page (/federate). */
export interface FederationJob extends Limits {
  kind: 'federate'
  matches: readonly string[]
  startMs: number
  endMs: number
  /** Those that series do not have themselves get them. */
  externalLabels: Labels
  format: 'text' | 'protobuf'
  escaping: NameEscaping
}

export type QueryJob = InstantJob | RangeJob | SeriesJob | LabelValuesJob | SyntaxJob | CardinalityJob | ExemplarsJob | FederationJob

/** A whole HTTP answer, already in bytes: Prometheus' JSON envelope, success or error; of /federate the page. */
export interface QueryReply {
  status: number
  body: Uint8Array
}
