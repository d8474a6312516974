// A selection whose native histograms are reduced to count, sum and schema, for selectors that are marked so
// (plan/counts-only.ts). Without buckets nobody behind can tell a reset, so each sample says what became of the one
// before it, unless it came with a hint (prometheus promql/histogram_stats_iterator.go).
import { isCounterReset } from '../../lib/model/histogram-arithmetic.ts'
import { EMPTY_HISTOGRAM, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, type CounterResetHint, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { Selection, SeriesBatch } from '../../storage/interface.ts'

export class CountsOnlySelection implements Selection {
  readonly refs: Uint32Array
  readonly #selection: Selection
  readonly #mint: number

  /** Samples before `mint`, Unix ms, may be in batches but were not asked for. */
  constructor(selection: Selection, mint: number) {
    this.refs = selection.refs
    this.#selection = selection
    this.#mint = mint
  }

  next(): SeriesBatch | null {
    const batch = this.#selection.next()
    return batch === null || batch.histograms === null ? batch : reduced(batch, batch.histograms, this.#mint)
  }
}

/** The batch with histograms of its own, one for each sample; `v` is copied, for positions change. */
function reduced(batch: SeriesBatch, histograms: readonly FloatHistogram[], mint: number): SeriesBatch {
  const { n, t, seriesCount, histogramBits } = batch
  const v = batch.v.slice(0, n * seriesCount)
  const counts: FloatHistogram[] = []
  const words = (n + 31) >>> 5
  for (let s = 0; s < seriesCount; s++) {
    let previous: FloatHistogram | null = null
    for (let k = 0; k < n; k++) {
      if ((histogramBits[s * words + (k >>> 5)]! >>> (k & 31) & 1) === 0) continue
      const histogram: FloatHistogram = histograms[v[s * n + k]!]!
      v[s * n + k] = counts.push(withoutBuckets(histogram, hintOf(histogram, previous))) - 1
      previous = t[k]! >= mint ? histogram : null
    }
  }
  return { ...batch, v, histograms: counts }
}

function withoutBuckets({ schema, count, sum }: FloatHistogram, hint: CounterResetHint): FloatHistogram {
  return { ...EMPTY_HISTOGRAM, schema, count, sum, hint }
}

function hintOf(histogram: FloatHistogram, previous: FloatHistogram | null): CounterResetHint {
  if (histogram.hint !== HINT_UNKNOWN || previous === null) return histogram.hint
  return isCounterReset(histogram, previous) ? HINT_RESET : HINT_NOT_RESET
}
