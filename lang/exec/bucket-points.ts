// A tier's buckets as samples, for functions that have no form over buckets: the first and the last sample of each bucket
// is all that is known of them. Behind them come raw samples, where windows end among those.
import type { Selection, SeriesBatch } from '../../storage/interface.ts'
import type { BucketBatch, BucketColumn, BucketSelection } from '../../storage/tier/bucket.ts'
import type { Budget } from './budget.ts'
import { MixedSamples } from './mixed-samples.ts'

export const POINT_COLUMNS: readonly BucketColumn[] = ['first', 'last', 'firstT', 'lastT']

const NO_BITS = new Uint32Array(0)

interface Samples {
  t: Float64Array
  v: Float64Array
}

/** One series a batch, those that the tier has rows of. */
export class BucketPoints implements Selection {
  readonly refs: Uint32Array
  /** 1: the tier has rows of series i of `refs`, among those handed up so far. */
  readonly seen: Uint8Array
  readonly #selection: BucketSelection
  /** By ref. */
  readonly #tails: ReadonlyMap<number, Samples>
  readonly #budget: Budget
  #t = new Float64Array(0)
  #v = new Float64Array(0)
  #batch: BucketBatch | null = null
  #s = 0

  constructor(selection: BucketSelection, tails: ReadonlyMap<number, Samples>, budget: Budget) {
    this.refs = selection.refs
    this.seen = new Uint8Array(selection.refs.length)
    this.#selection = selection
    this.#tails = tails
    this.#budget = budget
  }

  next(): SeriesBatch | null {
    for (;;) {
      if (this.#batch === null || this.#s === this.#batch.seriesCount) {
        this.#budget.check()
        this.#batch = this.#selection.next()
        this.#s = 0
        if (this.#batch === null) return null
        continue
      }
      const s = this.#s++
      const n = this.#load(this.#batch, s)
      if (n > 0) return this.#made(this.#batch.index[s]!, n)
    }
  }

  /** Returns how many samples. */
  #load({ n, columns, index }: BucketBatch, s: number): number {
    const { count, first, last, firstT, lastT } = columns
    const tail = this.#tails.get(this.refs[index[s]!]!)
    this.#reserve(2 * n + (tail?.t.length ?? 0))
    const t = this.#t
    const v = this.#v
    let points = 0
    for (let k = s * n; k < (s + 1) * n; k++) {
      if (count[k] === 0) continue
      t[points] = firstT[k]!
      v[points++] = first[k]!
      if (lastT[k]! === firstT[k]!) continue
      t[points] = lastT[k]!
      v[points++] = last[k]!
    }
    if (points > 0) this.seen[index[s]!] = 1
    if (points === 0 || tail === undefined) return points
    t.set(tail.t, points)
    v.set(tail.v, points)
    return points + tail.t.length
  }

  #made(index: number, n: number): SeriesBatch {
    return {
      n, t: this.#t, seriesCount: 1, index: Uint32Array.of(index), v: this.#v, hasGaps: new Uint8Array(1), present: NO_BITS, stale: NO_BITS,
      histograms: null, histogramBits: NO_BITS, startTimes: null,
    }
  }

  #reserve(size: number): void {
    if (this.#v.length >= size) return
    this.#v = new Float64Array(size * 2)
    this.#t = new Float64Array(size * 2)
  }
}

/** Live float samples behind `fromMs` of each series of a selection, by ref. */
export function tailSamples(selection: Selection, fromMs: number, budget: Budget): Map<number, Samples> {
  const tails = new Map<number, Samples>()
  const samples = new MixedSamples()
  for (let batch = selection.next(); batch !== null; batch = selection.next()) {
    budget.check()
    for (let s = 0; s < batch.seriesCount; s++) {
      samples.load(batch, s, false)
      const { floats: { t, v }, floatCount } = samples
      let from = 0
      while (from < floatCount && t[from]! <= fromMs) from++
      if (from === floatCount) continue
      budget.addBytes((floatCount - from) * 16)
      tails.set(selection.refs[batch.index[s]!]!, { t: t.slice(from, floatCount), v: v.slice(from, floatCount) })
    }
  }
  return tails
}
