// Random traffic for the store under simulation: scrapes of a few targets, pushes of several times, late samples,
// repeats with and without other values, staleness markers, series that come and go.
import { EMPTY_HISTOGRAM, denseBuckets, type FloatHistogram } from '../../lib/model/histogram.ts'
import type { Labels } from '../../lib/model/labels.ts'
import type { Random } from '../../lib/std/random.ts'
import type { SampleBatch } from '../../storage/interface.ts'
import { valueText, type Value } from './ledger.ts'

/** Samples of a batch before they have refs. */
export interface PlannedBatch {
  labels: Labels[]
  values: PlannedValue[]
  /** One for all, or one each. */
  times: number[]
  /** Unix ms since when all of it counts; 0 where not known. */
  since: number
}

type PlannedValue = number | FloatHistogram | 'stale'

const REPEATS_KEPT = 8
const ODD_VALUES: readonly number[] = [NaN, Infinity, -Infinity, -0, 0, 5e-324, 1e308, 0.1]

export class Workload {
  readonly #random: Random
  readonly #targets: Labels[][]
  readonly #recent: PlannedBatch[] = []
  /** Few stores have any. */
  readonly #hasHistograms: boolean
  #serial = 0
  #count = 0

  constructor(random: Random) {
    this.#random = random
    this.#hasHistograms = random.int(4) === 0
    this.#targets = Array.from({ length: 1 + random.int(3) }, () => Array.from({ length: 1 + random.int(12) }, () => this.#newSeries()))
  }

  /** What is sent at a time; several batches make a burst that fills row blocks. */
  next(now: number): PlannedBatch[] {
    const kind = this.#random.int(20)
    if (kind === 0) this.#churn()
    if (kind <= 9) return [this.#scrape(now)]
    if (kind <= 12) return this.#burst(now)
    if (kind <= 15) return [this.#push(now)]
    if (kind <= 17) return [this.#late(now)]
    return this.#repeat()
  }

  #newSeries(): Labels {
    const serial = this.#serial++
    return ['__name__', `m${serial % 3}`, 'n', String(serial), 'text', 'x'.repeat(this.#random.int(60) + 1)]
  }

  #churn(): void {
    const target = this.#random.pick(this.#targets)
    for (let n = this.#random.int(4); n >= 0; n--) {
      const at = this.#random.int(target.length + 1)
      target.splice(at, this.#random.int(2), this.#newSeries())
    }
    if (target.length === 0) target.push(this.#newSeries())
  }

  #value(): PlannedValue {
    const kind = this.#random.int(30)
    if (kind === 0) return 'stale'
    if (kind === 1) return this.#random.pick(ODD_VALUES)
    if (kind < 6) return this.#random.float() * 1000
    if (kind === 6 && this.#hasHistograms) return this.#histogram()
    return ++this.#count / (kind < 12 ? 100 : 1)
  }

  #histogram(): FloatHistogram {
    const count = ++this.#count
    const positive = denseBuckets(this.#random.int(9) - 4, Array.from({ length: this.#random.int(9) }, () => this.#random.int(5)))
    return { ...EMPTY_HISTOGRAM, schema: this.#random.int(13) - 4, zeroThreshold: 0.001, zeroCount: this.#random.int(3), count, sum: count / 7, positive }
  }

  #since(now: number): number {
    return this.#hasHistograms && this.#random.int(4) === 0 ? now - 60_000 : 0
  }

  #scrape(t: number): PlannedBatch {
    const target = this.#random.pick(this.#targets)
    const isWhole = this.#random.int(4) > 0
    const labels = target.filter(() => isWhole || this.#random.int(3) > 0)
    return this.#kept({ labels, values: labels.map(() => this.#value()), times: [t], since: this.#since(t) })
  }

  #burst(now: number): PlannedBatch[] {
    const target = this.#random.pick(this.#targets)
    const rows = 8 + this.#random.int(60)
    return Array.from({ length: rows }, (_, k) => ({ labels: [...target], values: target.map(() => this.#value()), times: [now - rows + k], since: 0 }))
  }

  #push(now: number): PlannedBatch {
    const batch: PlannedBatch = { labels: [], values: [], times: [], since: this.#since(now) }
    const samples = 1 + this.#random.int(6)
    for (const labels of this.#random.pick(this.#targets)) {
      if (this.#random.int(2) === 0) continue
      const first = now - samples - this.#random.int(1000)
      for (let k = 0; k < samples; k++) {
        batch.labels.push(labels)
        batch.values.push(this.#value())
        batch.times.push(first + k)
      }
    }
    return this.#kept(batch)
  }

  #late(now: number): PlannedBatch {
    const labels = [this.#random.pick(this.#random.pick(this.#targets))]
    return this.#kept({ labels, values: [this.#value()], times: [now - this.#random.int(20 * 60_000)], since: 0 })
  }

  #repeat(): PlannedBatch[] {
    if (this.#recent.length === 0) return []
    const batch = this.#random.pick(this.#recent)
    if (this.#random.int(3) > 0) return [batch]
    return [{ ...batch, values: batch.values.map((value) => (this.#random.int(3) === 0 ? this.#value() : value)) }]
  }

  #kept(batch: PlannedBatch): PlannedBatch {
    this.#recent.push(batch)
    if (this.#recent.length > REPEATS_KEPT) this.#recent.shift()
    return batch
  }
}

/** What a reader must see of sample i. */
export function valueOf({ values, since }: PlannedBatch, i: number): Value {
  const value = values[i]!
  return value === 'stale' || (typeof value === 'number' && since === 0) ? value : valueText(value, since)
}

export function toBatch({ values, times, since }: PlannedBatch, refs: Uint32Array): SampleBatch {
  return {
    count: refs.length, refs, t: times[0] ?? 0,
    values: Float64Array.from(values, (value) => (typeof value === 'number' ? value : 0)),
    times: times.length === 1 ? null : Float64Array.from(times),
    histograms: values.some((value) => typeof value === 'object') ? values.map((value) => (typeof value === 'object' ? value : null)) : null,
    startTimes: since === 0 ? null : new Float64Array(refs.length).fill(since),
    stale: values.includes('stale') ? Uint8Array.from(values, (value) => (value === 'stale' ? 1 : 0)) : null,
  }
}
