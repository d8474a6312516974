// Counter reset hints as Prometheus' TSDB hands them back: it keeps one per chunk, not per sample. The first histogram
// of a chunk has what the chunk's header says, the others are "not reset"; a chunk ends where the counter does, where
// the layout changes, and at whatever is no histogram of its kind (tsdb/chunkenc/float_histogram.go).
import { withHint } from '../../model/histogram-arithmetic.ts'
import {
  HINT_GAUGE, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, isSameArray, type Buckets, type CounterResetHint, type FloatHistogram,
} from '../../model/histogram.ts'

/** Follows one series' samples in order of time. Chunks are taken to hold any number of samples. */
export class StoredHints {
  #last: FloatHistogram | null = null

  /** A float, or a gap in the kind of samples. */
  float(): void {
    this.#last = null
  }

  /** A staleness marker: the chunk ends, and what comes next is unknown. */
  stale(): void {
    this.#last = null
  }

  /** The histogram as it will be read. */
  histogram(h: FloatHistogram): FloatHistogram {
    const hint = this.#hintOf(h)
    this.#last = h
    return withHint(h, hint)
  }

  #hintOf(h: FloatHistogram): CounterResetHint {
    const last = this.#last
    if (h.hint === HINT_GAUGE) return HINT_GAUGE
    if (last !== null && last.hint === HINT_GAUGE) return HINT_UNKNOWN
    if (h.hint === HINT_RESET) return HINT_RESET
    if (last === null) return HINT_UNKNOWN
    // That a chunk was begun for a reset is not told to readers: the chunk before it might be gone by then.
    return isNewChunk(h, last) ? HINT_UNKNOWN : HINT_NOT_RESET
  }
}

function isNewChunk(h: FloatHistogram, last: FloatHistogram): boolean {
  return h.count < last.count || h.schema !== last.schema || h.zeroThreshold !== last.zeroThreshold || !isSameArray(h.customValues, last.customValues) ||
    h.zeroCount < last.zeroCount || hasFallen(h.positive, last.positive) || hasFallen(h.negative, last.negative)
}

function hasFallen(buckets: Buckets, last: Buckets): boolean {
  const counts = new Map(Array.from(buckets.index, (at, k) => [at, buckets.count[k]!]))
  return last.index.some((at, k) => (counts.get(at) ?? 0) < last.count[k]!)
}
