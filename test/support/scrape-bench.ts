// A scrape's way into a store, by hand: bodies go in, what is stored can be looked at.
import type { ScrapeConfig } from '../../lib/config/scrape-config.ts'
import type { ExpositionFormat, HistogramReading } from '../../lib/format/exposition-entry.ts'
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import { ScrapeCache } from '../../lib/scrape/cache.ts'
import { ScrapeMetrics } from '../../lib/scrape/scrape-metrics.ts'
import { ScrapeWriter } from '../../lib/scrape/scrape-writer.ts'
import { SeriesOwners } from '../../lib/scrape/series-owners.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import type { LogError } from '../../storage/errors.ts'
import type { SampleBatch } from '../../storage/interface.ts'
import { MemoryStorage, type MemoryStorageOptions } from './memory-storage.ts'
import { CLASSIC_ONLY, scrapeConfig, stored } from './scrape-fixture.ts'

const TARGET: Labels = labelsFromRecord({ job: 'test', instance: 'here:1' })

/** One target of one store, scraped by hand at t = 1, 2, 3 … seconds. */
export class ScrapeBench {
  readonly storage: MemoryStorage
  readonly metrics: Metrics = new Metrics()
  readonly owners: SeriesOwners = new SeriesOwners()
  readonly writer: ScrapeWriter
  cache: ScrapeCache = new ScrapeCache(1)
  config: ScrapeConfig
  targetLabels: Labels = TARGET
  histograms: HistogramReading = CLASSIC_ONLY
  t = 0
  seriesCalls = 0
  /** Refs that the store has forgotten, and how often it has forgotten any. */
  readonly dead: Set<number> = new Set()
  readonly forgetting: { epoch: number; isLive: (ref: number) => boolean } = { epoch: 0, isLive: (ref: number): boolean => !this.dead.has(ref) }
  readonly givenRefs: number[] = []
  /** What the store refuses everything with. */
  refusal: LogError | null = null

  constructor(changes: Partial<ScrapeConfig> = {}, options: MemoryStorageOptions & { readsStartTimes?: boolean } = {}) {
    this.config = scrapeConfig(changes)
    this.storage = new MemoryStorage(options)
    const appender = {
      series: (labels: Labels) => {
        this.seriesCalls++
        if (this.refusal !== null) throw this.refusal
        const ref = this.storage.series(labels)
        this.givenRefs.push(ref)
        return ref
      },
      append: (batch: SampleBatch, verdicts: Uint8Array) => {
        if (this.refusal !== null) throw this.refusal
        return this.storage.append(batch, verdicts)
      },
      commit: () => this.storage.commit(),
      exemplars: null,
      forgetting: this.forgetting,
    }
    this.writer = new ScrapeWriter(appender, this.owners, new ScrapeMetrics(this.metrics), 7, { readsStartTimes: options.readsStartTimes ?? false, labelsFamilies: false })
  }

  /** Returns the error's message, '' if the scrape went well. A body of null stands for a target that cannot be reached. */
  scrape(body: string | Uint8Array | null, format: ExpositionFormat = 'text'): string {
    this.t += 1000
    const error = this.writer.write({
      cache: this.cache, rules: { targetLabels: this.targetLabels, config: this.config, histograms: this.histograms }, t: this.t, format, timeoutMs: 5000,
      body: body === null ? null : Buffer.from(body), error: body === null ? new Error('unreachable') : null, durationSeconds: () => 0.5,
    })
    return error === null ? '' : error.message
  }

  get all(): Record<string, string[]> {
    return stored(this.storage)
  }

  /** scrape_* of the last scrape: scraped, after relabeling, added. */
  get report(): string[] {
    const names = ['up', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling', 'scrape_series_added']
    return names.map((name) => this.all[name]!.at(-1)!.split(':')[1]!)
  }
}
