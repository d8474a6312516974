// All scraping of the server: a pool per scrape config, fed by discovery, writing into one Appender.
//
//   Config ──applyConfig──▶ pools ◀──updateTargets── discovery
//                             └─▶ loops ──HTTP──▶ body ──ScrapeWriter──▶ Appender
import type { Config } from '../config/scrape-config.ts'
import type { Labels } from '../model/labels.ts'
import type { MetricMetadata } from '../model/metadata.ts'
import type { TargetGroup } from '../model/target-group.ts'
import type { Clock } from '../std/clock.ts'
import { AnswerMemory } from '../std/http.ts'
import type { Logger } from '../std/log.ts'
import type { Metrics } from '../std/metrics.ts'
import { freshSeed } from '../std/random.ts'
import type { Appender } from '../../storage/interface.ts'
import { shownUrl, type LoopContext, type TargetHealth } from './loop.ts'
import { targetMetadata } from './metadata.ts'
import { ScrapePool } from './pool.ts'
import { ScrapeMetrics } from './scrape-metrics.ts'
import { ScrapeWriter } from './scrape-writer.ts'
import { SeriesOwners } from './series-owners.ts'
import { offsetSeed } from './target.ts'

export interface ScrapeManagerOptions {
  appender: Appender
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** Shown to targets as `Monitor/<version>`. */
  version: string
  /** A target's URL as others reach it: loopback replaced by the server's own name. As it is by default. */
  globalUrl?: (url: URL) => string
  /** What OpenMetrics says of when counters began is stored as start times, not as series (Prometheus' st-storage). */
  readsStartTimes?: boolean
  /** Series have what the target says of type and unit as `__type__` and `__unit__` (Prometheus' type-and-unit-labels). */
  labelsFamilies?: boolean
}

/** As `/api/v1/targets` shows it. */
export interface ActiveTarget {
  discoveredLabels: Labels
  labels: Labels
  scrapePool: string
  scrapeUrl: string
  globalUrl: string
  /** '' if the last scrape went well. */
  lastError: string
  /** Unix ms; 0 before the first scrape. */
  lastScrapeMs: number
  lastScrapeDurationMs: number
  health: TargetHealth
  scrapeIntervalMs: number
  scrapeTimeoutMs: number
}

export interface DroppedTarget {
  discoveredLabels: Labels
  scrapePool: string
}

export interface TargetList {
  active: ActiveTarget[]
  dropped: DroppedTarget[]
  /** By job; counts those that keep_dropped_targets left out of `dropped`, too. */
  droppedTargetCounts: Map<string, number>
}

export interface TargetMetadata {
  labels: Labels
  /** By metric family. */
  metadata: Map<string, MetricMetadata>
}

export class ScrapeManager {
  readonly #options: ScrapeManagerOptions
  readonly #metrics: ScrapeMetrics
  readonly #writer: ScrapeWriter
  readonly #memory = new AnswerMemory()
  readonly #pools = new Map<string, ScrapePool>()
  /** Pools whose job is no longer configured, with markers still to write. */
  readonly #removed = new Set<ScrapePool>()
  readonly #groups = new Map<string, readonly TargetGroup[]>()
  #seed = 0
  #lastOwnerId = 0

  constructor(options: ScrapeManagerOptions) {
    this.#options = options
    this.#metrics = new ScrapeMetrics(options.metrics)
    this.#writer = new ScrapeWriter(options.appender, new SeriesOwners(), this.#metrics, freshSeed(), {
      readsStartTimes: options.readsStartTimes ?? false, labelsFamilies: options.labelsFamilies ?? false, logger: options.logger,
    })
  }

  /** Starts, changes and ends pools. Targets stay those that updateTargets brought last. */
  applyConfig(config: Config): void {
    for (const pool of this.#removed) if (pool.isIdle) this.#removed.delete(pool)
    const seed = offsetSeed(config.global.externalLabels)
    // Another seed is another schedule for every target.
    const isNewSeed = seed !== this.#seed
    this.#seed = seed
    const configs = new Map(config.scrapeConfigs.map((one) => [one.jobName, one]))
    for (const [job, pool] of this.#pools) {
      const next = configs.get(job)
      if (next !== undefined) {
        pool.reload(next, isNewSeed ? this.#context() : null)
        continue
      }
      this.#pools.delete(job)
      this.#groups.delete(job)
      pool.remove()
      this.#removed.add(pool)
    }
    for (const [job, one] of configs) {
      if (this.#pools.has(job)) continue
      const pool = new ScrapePool(one, this.#context(), () => ++this.#lastOwnerId)
      this.#pools.set(job, pool)
      pool.sync(this.#groups.get(job) ?? [])
    }
  }

  /** The complete groups of a job, as discovery knows them now. A job that is not configured yet keeps them for applyConfig. */
  updateTargets(jobName: string, groups: readonly TargetGroup[]): void {
    this.#groups.set(jobName, groups)
    this.#pools.get(jobName)?.sync(groups)
  }

  /** Whether a scrape has come to its end of late, or none was due. */
  isAlive(nowMs: number): boolean {
    let isIdle = true
    for (const { loops } of this.#pools.values()) {
      for (const { target, lastScrapeMs } of loops) {
        if (lastScrapeMs === 0 || nowMs - lastScrapeMs <= 2 * target.intervalMs + target.timeoutMs) return true
        isIdle = false
      }
    }
    return isIdle
  }

  targets(): TargetList {
    const list: TargetList = { active: [], dropped: [], droppedTargetCounts: new Map() }
    for (const [job, pool] of this.#pools) {
      for (const { target, health, lastError, lastScrapeMs, lastDurationMs } of pool.loops) {
        const scrapeUrl = shownUrl(target.url)
        list.active.push({
          discoveredLabels: target.discoveredLabels, labels: target.labels, scrapePool: job, scrapeUrl,
          globalUrl: this.#options.globalUrl?.(new URL(scrapeUrl)) ?? scrapeUrl, lastError, lastScrapeMs,
          lastScrapeDurationMs: lastDurationMs, health, scrapeIntervalMs: target.intervalMs, scrapeTimeoutMs: target.timeoutMs,
        })
      }
      for (const discoveredLabels of pool.dropped) list.dropped.push({ discoveredLabels, scrapePool: job })
      list.droppedTargetCounts.set(job, pool.droppedCount)
    }
    return list
  }

  /** What targets say of their metrics, target by target: read on demand from each one's last body, so stop when you have enough. */
  *metadata(): Generator<TargetMetadata> {
    for (const pool of this.#pools.values()) {
      for (const { target, cache } of pool.loops) yield { labels: target.labels, metadata: targetMetadata(cache) }
    }
  }

  /** Ends all scrapes without staleness markers. Nothing is appended after it resolved. */
  async stop(): Promise<void> {
    const pools = [...this.#pools.values(), ...this.#removed]
    this.#pools.clear()
    this.#removed.clear()
    await Promise.all(pools.map((pool) => pool.stop()))
  }

  #context(): LoopContext {
    const { clock, logger, version } = this.#options
    return { clock, logger, version, metrics: this.#metrics, writer: this.#writer, memory: this.#memory, offsetSeed: this.#seed }
  }
}
