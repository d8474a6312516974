// Quantiles of what was observed lately, for metrics of type summary. prom-client's own keeps a t-digest, at 60 µs per
// observation (0.07 of 0.86 µs per sample in scraping). This keeps a fair sample of two stretches of time, and sorts
// them when it is read: 30 ns per observation.
//
//   stretch before │ stretch now          each: count, and RESERVOIR of all its values (Vitter's algorithm R)
//   ───────────────┼─────────▶ time       read: both together, so quantiles cover 5 to 10 minutes
import { Random } from './random.ts'

const STRETCH_MS = 300_000
const RESERVOIR = 500
/** Which values stay is not for an adversary to guess at; a fixed seed will do. */
const SEED = 1

/** A value as prom-client prints it; `suffix` goes behind the metric's name. */
export interface SummaryValue {
  suffix: '' | '_sum' | '_count'
  labels: Record<string, string | number>
  value: number
}

interface Stretch {
  fromMs: number
  seen: number
  values: Float64Array
}

interface Observed {
  sum: number
  count: number
  now: Stretch
  before: Stretch
}

/** A summary with one label, or with none where its name is ''. */
export class RecentSummary {
  readonly #label: string
  readonly #quantiles: readonly number[]
  readonly #byValue = new Map<string, Observed>()
  readonly #random = new Random(SEED)

  constructor(label: string, quantiles: readonly number[]) {
    this.#label = label
    this.#quantiles = quantiles
  }

  /** `atMs`: any monotonic scale, the same in all calls. */
  observe(labelValue: string, value: number, atMs: number): void {
    let observed = this.#byValue.get(labelValue)
    if (observed === undefined) {
      observed = { sum: 0, count: 0, now: emptyStretch(atMs), before: emptyStretch(atMs) }
      this.#byValue.set(labelValue, observed)
    }
    observed.sum += value
    observed.count++
    if (atMs - observed.now.fromMs >= STRETCH_MS) {
      const isOld = atMs - observed.now.fromMs >= 2 * STRETCH_MS
      observed.before = isOld ? emptyStretch(atMs) : observed.now
      observed.now = emptyStretch(atMs)
    }
    const { now } = observed
    const place = now.seen < RESERVOIR ? now.seen : this.#random.int(now.seen + 1)
    if (place < RESERVOIR) now.values[place] = value
    now.seen++
  }

  values(): SummaryValue[] {
    const all: SummaryValue[] = []
    for (const [labelValue, { sum, count, now, before }] of this.#byValue) {
      const labels = this.#label === '' ? {} : { [this.#label]: labelValue }
      const kept = [...keptOf(before), ...keptOf(now)].toSorted((a, b) => a.value - b.value)
      for (const quantile of this.#quantiles) {
        all.push({ suffix: '', labels: { ...labels, quantile }, value: quantileOf(kept, quantile) })
      }
      all.push({ suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count })
    }
    return all
  }
}

function emptyStretch(fromMs: number): Stretch {
  return { fromMs, seen: 0, values: new Float64Array(RESERVOIR) }
}

/** A kept value stands for as many as were seen for each kept. */
function keptOf({ seen, values }: Stretch): { value: number, weight: number }[] {
  const kept = values.subarray(0, Math.min(seen, RESERVOIR))
  return Array.from(kept, (value) => ({ value, weight: seen / kept.length }))
}

/** The least value that `quantile` of the weight does not exceed; NaN of none. */
function quantileOf(sorted: readonly { value: number, weight: number }[], quantile: number): number {
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0)
  let below = 0
  for (const { value, weight } of sorted) {
    below += weight
    if (below >= total * quantile) return value
  }
  return sorted.at(-1)?.value ?? NaN
}
