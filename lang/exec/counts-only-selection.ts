// A selection whose native histograms are reduced to count, sum and schema, for selectors that are marked so
// (plan/counts-only.ts). Without buckets nobody behind can tell a reset, so each sample says what became of the one
// before it, unless it came with a hint (prometheus promql/histogram_stats_iterator.go).
//
// Where steps are further apart than windows are long, Prometheus' iterator leaps over what lies between, and the first sample behind
// a leap knows of none before it:
//
//   samples   · · · · · · · · · · · ·
//   windows     (───]        (───]
//                    └ leap ┘
import { isCounterReset } from '../../lib/model/histogram-arithmetic.ts'
import { EMPTY_HISTOGRAM, HINT_NOT_RESET, HINT_RESET, HINT_UNKNOWN, type CounterResetHint, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { Selection, SeriesBatch } from '../../storage/interface.ts'
import type { Windows } from '../func/range-kernel.ts'
import type { Steps } from './operator.ts'
import { makeWindows, type TimeShift } from './windows.ts'

export class CountsOnlySelection implements Selection {
  readonly refs: Uint32Array
  readonly #selection: Selection
  readonly #mint: number
  /** Those of the steps, where any of them may begin behind a leap. */
  readonly #windows: Windows | null

  /** Samples before `mint`, Unix ms, may be in batches but were not asked for. */
  constructor(selection: Selection, mint: number, { steps, shift }: { steps: Steps; shift: TimeShift }) {
    this.refs = selection.refs
    this.#selection = selection
    this.#mint = mint
    this.#windows = shift.atMs === null && steps.count > 1 && steps.stepMs > shift.rangeMs ? makeWindows(steps, shift) : null
  }

  next(): SeriesBatch | null {
    const batch = this.#selection.next()
    return batch === null || batch.histograms === null ? batch : reduced(batch, batch.histograms, { mint: this.#mint, windows: this.#windows })
  }
}

/** The batch with histograms of its own, one for each sample; `v` is copied, for positions change. */
function reduced(
  batch: SeriesBatch, histograms: readonly FloatHistogram[], { mint, windows }: { mint: number; windows: Windows | null },
): SeriesBatch {
  const { n, t, seriesCount, histogramBits } = batch
  const v = batch.v.slice(0, n * seriesCount)
  const counts: FloatHistogram[] = []
  const words = (n + 31) >>> 5
  const leaps = new Uint8Array(n)
  for (let s = 0; s < seriesCount; s++) {
    if (windows !== null) markLeaps(batch, s, { mint, windows }, leaps)
    let previous: FloatHistogram | null = null
    for (let k = 0; k < n; k++) {
      if (leaps[k] === 1) previous = null
      if ((histogramBits[s * words + (k >>> 5)]! >>> (k & 31) & 1) === 0) continue
      const histogram: FloatHistogram = histograms[v[s * n + k]!]!
      v[s * n + k] = counts.push(withoutBuckets(histogram, hintOf(histogram, previous))) - 1
      previous = t[k]! >= mint ? histogram : null
    }
  }
  return { ...batch, v, histograms: counts }
}

/** leaps[k] = 1 where a leap lands on sample k of series s; as BufferedSeriesIterator.Seek and MemoizedSeriesIterator.Seek go. */
function markLeaps(batch: SeriesBatch, s: number, { mint, windows }: { mint: number; windows: Windows }, leaps: Uint8Array): void {
  const { n, t, present, hasGaps } = batch
  const { count, startMs, endMs } = windows
  const from = s * ((n + 31) >>> 5)
  const isThere = (k: number): boolean => hasGaps[s] === 0 || (present[from + (k >>> 5)]! >>> (k & 31) & 1) === 1
  leaps.fill(0)
  const nextFrom = (k: number, ms: number): number => {
    let next = k
    while (next < n && (t[next]! < ms || !isThere(next))) next++
    return next
  }
  let k = nextFrom(0, mint)
  for (let i = 0; i < count && k < n; i++) {
    if (startMs[i]! > t[k]!) {
      k = nextFrom(k, startMs[i]!)
      if (k < n) leaps[k] = 1
    }
    k = nextFrom(k, endMs[i]!)
  }
}

function withoutBuckets({ schema, count, sum }: FloatHistogram, hint: CounterResetHint): FloatHistogram {
  return { ...EMPTY_HISTOGRAM, schema, count, sum, hint }
}

function hintOf(histogram: FloatHistogram, previous: FloatHistogram | null): CounterResetHint {
  if (histogram.hint !== HINT_UNKNOWN || previous === null) return histogram.hint
  return isCounterReset(histogram, previous) ? HINT_RESET : HINT_NOT_RESET
}
