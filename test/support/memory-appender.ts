// An Appender over plain maps: the contract of storage/interface.ts in its clearest form, for tests of what writes.
import { formatLabels, type Labels } from '../../lib/model/labels.ts'
import { SeriesLimitError } from '../../storage/errors.ts'
import {
  REJECT_DUPLICATE, REJECT_FUTURE, REJECT_OUT_OF_ORDER, REJECT_TOO_OLD, STORED, type Appender, type SampleBatch,
} from '../../storage/interface.ts'

const FUTURE_MS = 10 * 60_000

/** One stored sample; `stale` ones have no value. */
export interface StoredSample {
  t: number
  v: number
  stale: boolean
}

export class MemoryAppender implements Appender {
  readonly stored: { labels: Labels; samples: StoredSample[] }[] = []
  /** Refs of each append, in the order given. */
  readonly batches: number[][] = []
  commits = 0
  readonly exemplars = null
  /** Set to make the next commits fail. */
  commitError: Error | null = null
  readonly #refs = new Map<string, number>()
  readonly #nowMs: number
  readonly #seriesMax: number

  constructor(nowMs: number = 1_700_000_000_000, seriesMax: number = Infinity) {
    this.#nowMs = nowMs
    this.#seriesMax = seriesMax
  }

  series(labels: Labels): number {
    const key = labels.map((text) => `${text.length}:${text}`).join('')
    let ref = this.#refs.get(key)
    if (ref === undefined) {
      if (this.stored.length >= this.#seriesMax) throw new SeriesLimitError(`the limit is ${this.#seriesMax} series`)
      this.stored.push({ labels, samples: [] })
      ref = this.stored.length
      this.#refs.set(key, ref)
    }
    return ref
  }

  append(batch: SampleBatch, verdicts: Uint8Array): number {
    this.batches.push([...batch.refs.subarray(0, batch.count)])
    let refused = 0
    for (let i = 0; i < batch.count; i++) {
      const stale = batch.stale !== null && batch.stale[i] === 1
      const sample = { t: batch.times?.[i] ?? batch.t, v: stale ? 0 : batch.values[i]!, stale }
      const verdict = this.#store(this.stored[batch.refs[i]! - 1]!.samples, sample)
      verdicts[i] = verdict
      if (verdict !== STORED) refused++
    }
    return refused
  }

  async commit(): Promise<void> {
    this.commits++
    if (this.commitError !== null) throw this.commitError
  }

  /** Everything stored, by series in Prometheus' notation. */
  dump(): Record<string, StoredSample[]> {
    return Object.fromEntries(this.stored.map(({ labels, samples }) => [formatLabels(labels), samples]))
  }

  #store(samples: StoredSample[], sample: StoredSample): number {
    if (sample.t > this.#nowMs + FUTURE_MS) return REJECT_FUTURE
    if (!(sample.t >= 0)) return REJECT_TOO_OLD
    const last = samples.at(-1)
    if (last !== undefined && sample.t < last.t) return REJECT_OUT_OF_ORDER
    if (last?.t === sample.t) {
      return last.stale === sample.stale && Object.is(last.v, sample.v) ? STORED : REJECT_DUPLICATE
    }
    samples.push(sample)
    return STORED
  }
}
