// What scraped counters say of when they began: stored beside their samples, kept over restarts, answered by queries. Which
// lines count follows Prometheus' parser (openmetricsparse.go, StartTimestamp).
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import type { ExpositionFormat, HistogramReading } from '../../../lib/format/exposition-entry.ts'
import { labelsFromRecord } from '../../../lib/model/labels.ts'
import { ScrapeCache } from '../../../lib/scrape/cache.ts'
import { ScrapeMetrics } from '../../../lib/scrape/scrape-metrics.ts'
import { ScrapeWriter } from '../../../lib/scrape/scrape-writer.ts'
import { SeriesOwners } from '../../../lib/scrape/series-owners.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { Database } from '../../../storage/database.ts'
import { StoreQueryable } from '../../../storage/store-querier.ts'
import { NOW } from '../../storage/store.ts'
import { familiesBody } from '../../support/metric-family-writer.ts'
import { CLASSIC_ONLY, scrapeConfig } from '../../support/scrape-fixture.ts'
import { tempFolder } from '../../support/temp-folder.ts'

class Bench {
  readonly folder: string = tempFolder()
  readonly clock: FakeClock = new FakeClock(NOW)
  db: Database = this.#open()
  readonly cache: ScrapeCache = new ScrapeCache(1)
  readonly writer: ScrapeWriter

  constructor(readsStartTimes: boolean, labelsFamilies = false) {
    this.writer = new ScrapeWriter(this.db, new SeriesOwners(), new ScrapeMetrics(new Metrics()), 7, { readsStartTimes, labelsFamilies })
  }

  #open(): Database {
    return new Database({ folder: this.folder, retentionMs: Infinity, headBytesMax: 64 * 2 ** 20, clock: this.clock })
  }

  scrape(body: string | Uint8Array, format: ExpositionFormat = 'openmetrics', histograms: HistogramReading = CLASSIC_ONLY): void {
    this.clock.jump(10_000)
    const error = this.writer.write({
      cache: this.cache, rules: { targetLabels: labelsFromRecord({ job: 'test' }), config: scrapeConfig({}), histograms }, t: this.clock.now(), format, timeoutMs: 5000,
      body: Buffer.from(body), error: null, durationSeconds: () => 0.5,
    })
    expect(error).toBeNull()
  }

  async restart(): Promise<void> {
    await this.db.close()
    this.db = this.#open()
  }

  /** Series without job, and values. */
  ask(query: string): Record<string, string> {
    const queryable = new StoreQueryable(this.db.handle(), 1)
    try {
      const limits = { lookbackMs: 300_000, stats: '' as const, timeoutMs: 60_000, limit: 0 }
      const { body } = new Engine({ features: { experimentalFunctions: true, startTimestamps: true } }).run({ kind: 'instant', query, timeMs: this.clock.now(), ...limits }, queryable)
      const { data } = JSON.parse(new TextDecoder().decode(body)) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } }
      return Object.fromEntries(data.result.map(({ metric, value }) => [Object.entries(metric).flatMap(([name, text]) => (name === 'job' ? [] : [text])).join(' '), value[1]]))
    } finally {
      queryable.close()
    }
  }
}

const S = NOW / 1000
const PAGE = (n: number): string => `# HELP c a counter
# TYPE c counter
c_total{a="1",b="x\\"}"} ${n}
c_created{a="1",b="x\\"}"} ${S}.5
c_total{a="2",b="y"} ${n}
c_total{a="33",b="y"} ${n}
c_total{a="3",b="y"} ${n} # {id="e"} 1
c_created{a="3",b="y"} ${S + 3}
# TYPE h histogram
h_bucket{g="1",le="1.0"} ${n}
h_bucket{g="1",le="+Inf"} ${n}
h_count{g="1"} ${n}
h_sum{g="1"} ${n}
h_created{g="1"} ${S + 4}
# TYPE s summary
s{quantile="0.5"} ${n}
s_count ${n}
s_sum ${n}
s_created ${S + 5}
# TYPE "q.q" counter
{"q.q_total",a="1"} ${n}
{"q.q_created",a="1"} ${S + 6}
# TYPE g gauge
g ${n}
g_created 7
# EOF
`
const NAMES = ['c_total', 'h_bucket', 'h_count', 'h_sum', 's', 's_count', 's_sum', 'q.q_total', 'g']
const WANT = {
  'c_total 1 x"}': String(S + 0.5), 'c_total 3 y': String(S + 3), 'h_bucket 1 1.0': String(S + 4), 'h_bucket 1 +Inf': String(S + 4), 'h_count 1': String(S + 4),
  'h_sum 1': String(S + 4), 's 0.5': String(S + 5), 's_count ': String(S + 5), 's_sum ': String(S + 5), 'q.q_total 1': String(S + 6),
}

/** By name and labels; those that have none are left out. */
function startTimes(bench: Bench): Record<string, string> {
  return Object.fromEntries(NAMES.flatMap((name) => Object.entries(bench.ask(`start_timestamp({__name__="${name}"}) > 0`)).map(([labels, t]) => [`${name} ${labels}`, t])))
}

describe('when counters began', () => {
  it('is stored of protobuf, with native histograms and their classic ones', async () => {
    const bench = new Bench(true)
    const startMs = (n: number): number => NOW + 1000 * n
    const page = (n: number): Uint8Array => familiesBody(
      { name: 'c_total', type: 'counter', metrics: [{ labels: [['a', '1']], value: n, startMs: startMs(1) }, { labels: [['a', '2']], value: n }] },
      { name: 's', type: 'summary', metrics: [{ summary: { count: n, sum: n, quantiles: [[0.5, n]], startMs: startMs(2) } }] },
      { name: 'h', type: 'histogram', metrics: [{ histogram: { count: n, sum: n, zeroCount: n, startMs: startMs(3), buckets: [{ bound: 1, count: n }] } }] },
    )
    for (const n of [1, 2, 3]) {
      bench.scrape(page(n), 'protobuf', { ...CLASSIC_ONLY, readsNative: true, keepsClassic: true })
      const started = (name: string): Record<string, string> => bench.ask(`start_timestamp(${name}) > 0`)
      expect(['c_total', 's', 's_count', 'h'].map(started)).toEqual([{ 1: String(S + 1) }, { 0.5: String(S + 2) }, { '': String(S + 2) }, { '': String(S + 3) }])
      expect(bench.ask('start_timestamp(h_bucket)')).toEqual({ '1.0': String(S + 3), '+Inf': String(S + 3) })
    }
    await bench.restart()
    expect(bench.ask('start_timestamp(h)')).toEqual({ '': String(S + 3) })
    await bench.db.close()
  })

  it('is stored of histograms that text is converted to', async () => {
    const bench = new Bench(true)
    for (const n of [1, 2]) {
      bench.scrape(PAGE(n), 'openmetrics', { ...CLASSIC_ONLY, convertsClassic: true })
      expect(bench.ask('start_timestamp(h)')).toEqual({ 1: String(S + 4) })
      expect(bench.ask('histogram_count(h)')).toEqual({ 1: String(n) })
      expect(bench.ask('{__name__=~".*_created"}')).toEqual({ g_created: '7' })
    }
    await bench.db.close()
  })

  it('is stored beside their samples, also by the cache, and kept over a restart', async () => {
    const bench = new Bench(true)
    // The second page is read by the cache; a line more makes the third depart from it.
    for (const page of [PAGE(1), PAGE(2), `# TYPE new counter\nnew_total 1\n${PAGE(3)}`, PAGE(4)]) {
      bench.scrape(page)
      expect(startTimes(bench)).toEqual(WANT)
      expect(bench.ask('{__name__=~".*_created"}')).toEqual({ g_created: '7' })
      expect(bench.ask('scrape_samples_scraped')).toEqual({ scrape_samples_scraped: page.includes('new') ? '15' : '14' })
    }
    await bench.restart()
    expect(startTimes(bench)).toEqual(WANT)
    await bench.db.close()
  })

  it('is stored where labels tell of the type, too', async () => {
    const bench = new Bench(true, true)
    for (const page of [PAGE(1), PAGE(2), `# TYPE new counter\nnew_total 1\n${PAGE(3)}`]) {
      bench.scrape(page)
      expect(bench.ask('start_timestamp(c_total) > 0')).toEqual({ '1 x"}': String(S + 0.5), '3 y': String(S + 3) })
      expect(bench.ask('start_timestamp(s) > 0')).toEqual({ '0.5': String(S + 5) })
      expect(bench.ask('{__name__=~".*_created"}')).toEqual({ 'g_created gauge': '7' })
    }
    await bench.db.close()
  })

  it('tells of a reset that values hide', async () => {
    const bench = new Bench(true)
    const page = (value: number, began: number): string => `# TYPE c counter\nc_total ${value}\nc_created ${began}\n# EOF\n`
    bench.scrape(page(10, S - 100))
    bench.scrape(page(20, S + 15))
    expect(bench.ask('resets(c_total[1m])')).toEqual({ '': '1' })
    await bench.db.close()
  })

  it('is a series of its own where nobody asked for start times, in text, and of what is no counter', async () => {
    const plain = new Bench(false)
    plain.scrape(PAGE(1))
    expect(Object.keys(plain.ask('{__name__=~".*_created"}'))).toHaveLength(6)
    expect(plain.ask('start_timestamp(c_total) > 0')).toEqual({})
    await plain.db.close()
    const text = new Bench(true)
    text.scrape('# TYPE c counter\nc_total 1\nc_created 5\n', 'text')
    expect(text.ask('c_created')).toEqual({ c_created: '5' })
    await text.db.close()
  })
})
