// `node test/bench/tiers.bench.ts`: the engine alone over 30 days of the 1-minute tier, 100 series, 43,200 rows each. The
// columns lie ready as a store hands them up: what decoding costs is not in it.
import { Engine } from '../../lang/engine.ts'
import type { RangeJob } from '../../lang/job.ts'
import { Random } from '../../lib/std/random.ts'
import type { BucketBatch, BucketColumns, BucketSelection, TierQuerier } from '../../storage/tier/bucket.ts'
import { MemoryStorage } from '../support/memory-storage.ts'

const SERIES = 100
const DAY_MS = 86_400_000
const DAYS = 30
const MINUTES = DAYS * 1440
/** Series of a batch: at most 1 Mi values. */
const PER_BATCH = Math.floor((1 << 20) / MINUTES)
/** Every so many minutes a scrape was missed, in every other series. */
const GAP_EVERY = 1000

/** Counters scraped every 15 s, reset now and then. */
function makeBatch(random: Random): BucketBatch {
  const rows = PER_BATCH * MINUTES
  const column = (): Float64Array => new Float64Array(rows)
  const columns: BucketColumns = {
    count: column(), sum: column(), m2: column(), min: column(), max: column(), first: column(), last: column(), correction: column(),
    p99: column(), firstT: column(), lastT: column(), staleAtEnd: new Uint8Array(rows),
  }
  for (let s = 0; s < PER_BATCH; s++) {
    let value = random.int(1000)
    for (let i = 0; i < MINUTES; i++) {
      const k = s * MINUTES + i
      if (random.int(5000) === 0) value = 0
      const [a, b, c, d] = [value, value + random.int(50), value + 50 + random.int(50), value + 100 + random.int(50)] as const
      value = d + random.int(50)
      columns.count[k] = s % 2 === 1 && i % GAP_EVERY === 0 ? 0 : 4
      columns.sum[k] = a + b + c + d
      columns.m2[k] = 10_000
      columns.min[k] = a
      columns.max[k] = d
      columns.first[k] = a
      columns.last[k] = d
      columns.p99[k] = d
      columns.firstT[k] = i * 60_000 + 7000
      columns.lastT[k] = i * 60_000 + 52_000
    }
  }
  const t = Float64Array.from({ length: MINUTES }, (_, i) => (i + 1) * 60_000)
  return { n: MINUTES, t, seriesCount: PER_BATCH, index: new Uint32Array(PER_BATCH), columns }
}

const batch = makeBatch(new Random(1))
const storage = new MemoryStorage()
for (let s = 0; s < SERIES; s++) storage.add(['__name__', 'm_total', 'g', String(s % 10), 'instance', `host-${s}`], 0, 0)

const buckets: TierQuerier = {
  rawFrom: DAYS * DAY_MS,
  keptAlike: (matchers) => [matchers],
  tiers: () => [
    { name: 'raw', widthMs: 0, from: DAYS * DAY_MS, to: Infinity, keptFrom: -Infinity, localFrom: -Infinity, lacksHistograms: false },
    { name: '1m', widthMs: 60_000, from: -Infinity, to: DAYS * DAY_MS, keptFrom: -Infinity, localFrom: -Infinity, lacksHistograms: false },
  ],
  selectBuckets: (): BucketSelection => {
    let done = 0
    return {
      refs: Uint32Array.from({ length: SERIES }, (_, i) => i + 1),
      next: () => {
        if (done === SERIES) return null
        const seriesCount = Math.min(PER_BATCH, SERIES - done)
        const index = Uint32Array.from({ length: seriesCount }, (_, s) => done + s)
        done += seriesCount
        return { ...batch, seriesCount, index }
      },
    }
  },
  quantiles: () => [],
}
const store = { querier: () => Object.assign(storage.querier(), { buckets }) }

function measure(query: string, stepMs: number): void {
  const job: RangeJob = {
    kind: 'range', query, startMs: DAY_MS, endMs: DAYS * DAY_MS, stepMs, lookbackMs: 300_000, stats: '', timeoutMs: 60_000, limit: 0,
  }
  const tookMs: number[] = []
  for (let run = 0; run < 7; run++) {
    const started = performance.now()
    const reply = new Engine().run(job, store)
    tookMs.push(performance.now() - started)
    const text = new TextDecoder().decode(reply.body.subarray(0, 400))
    if (reply.status !== 200 || !text.includes('"value')) throw new Error(text)
  }
  const sorted = tookMs.toSorted((a, b) => a - b)
  console.log(`${query.padEnd(40)} step ${String(stepMs / 60_000).padStart(4)} min: median ${sorted[3]!.toFixed(1).padStart(7)} ms, best ${sorted[0]!.toFixed(1)}`)
}

for (const func of ['avg_over_time', 'max_over_time', 'rate', 'stddev_over_time', 'count_over_time', 'last_over_time', 'irate']) measure(`${func}(m_total[1h])`, 3_600_000)
for (const func of ['avg_over_time', 'max_over_time', 'rate']) measure(`${func}(m_total[1h])`, 300_000)
for (const func of ['avg_over_time', 'max_over_time', 'rate', 'stddev_over_time']) measure(`${func}(m_total[1d])`, 900_000)
measure('sum by (g) (rate(m_total[1h]))', 300_000)
measure('m_total', 300_000)
measure('quantile_over_time(0.99, m_total[1m])', 300_000)
