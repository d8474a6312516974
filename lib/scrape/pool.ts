// The targets of one scrape config: turns target groups into running loops, keeps loops that did not change, and
// hands the caches of those that did to their successors, so that no reload leaves a gap or a staleness marker.
import { isDeepStrictEqual } from 'node:util'
import type { ScrapeConfig } from '../config/scrape-config.ts'
import type { Labels } from '../model/labels.ts'
import type { TargetGroup } from '../model/target-group.ts'
import type { Timer } from '../std/clock.ts'
import { HttpClient } from '../std/http.ts'
import { ScrapeCache } from './cache.ts'
import { FailureLog } from './failure-log.ts'
import { ScrapeLoop, type LoopContext } from './loop.ts'
import { ScrapeError } from './sample-labels.ts'
import { targetsOf, type Target } from './target.ts'

/** Hands out numbers for ScrapeCache.ownerId. */
export type NextOwnerId = () => number

export class ScrapePool {
  /** Labels before relabeling of targets that relabeling dropped, as many as keep_dropped_targets allows. */
  dropped: readonly Labels[] = []
  droppedCount = 0
  #context: LoopContext
  readonly #nextOwnerId: NextOwnerId
  #config: ScrapeConfig
  #client: HttpClient
  #failureLog: FailureLog | null
  #groups: readonly TargetGroup[] = []
  /** By Target.key, in the order of the groups. */
  #loops = new Map<string, ScrapeLoop>()
  /** Markers of removed targets that are still to be written. */
  readonly #endings = new Set<Timer>()
  /** Loops that are ending their last scrape. */
  readonly #stopping = new Set<Promise<void>>()

  constructor(config: ScrapeConfig, context: LoopContext, nextOwnerId: NextOwnerId) {
    this.#config = config
    this.#context = context
    this.#nextOwnerId = nextOwnerId
    this.#client = new HttpClient(config.http, context.clock, config.scrapeTimeoutMs, context.memory)
    this.#failureLog = this.#openFailureLog()
    context.metrics.pools.inc()
  }

  get config(): ScrapeConfig {
    return this.#config
  }

  get loops(): Iterable<ScrapeLoop> {
    return this.#loops.values()
  }

  /** Nothing is left to be written. */
  get isIdle(): boolean {
    return this.#loops.size === 0 && this.#endings.size === 0 && this.#stopping.size === 0
  }

  /** Takes the complete list of target groups. */
  sync(groups: readonly TargetGroup[]): void {
    const { clock, metrics } = this.#context
    const startMs = clock.monotonic()
    this.#groups = groups
    const targets = this.#targets()
    for (const [key, loop] of this.#loops) if (!targets.has(key)) this.#end(loop)
    const loops = new Map<string, ScrapeLoop>()
    for (const [key, target] of targets) loops.set(key, this.#loops.get(key) ?? this.#begin(target, null))
    this.#loops = loops
    this.#applyTargetLimit()
    const job = { scrape_job: this.#config.jobName }
    metrics.poolTargets.set(job, loops.size)
    metrics.poolTargetLimit.set(job, this.#config.limits.targets)
    metrics.poolSyncs.inc(job)
    metrics.syncLength.observe(this.#config.jobName, (clock.monotonic() - startMs) / 1000, clock.monotonic())
  }

  /** Changes the configuration, and the context where one is given; loops start anew with their caches, unless nothing changed. */
  reload(config: ScrapeConfig, context: LoopContext | null): void {
    if (context === null && isDeepStrictEqual(config, this.#config)) return
    if (context !== null) this.#context = context
    this.#context.metrics.poolReloads.inc()
    const isSameNaming = isDeepStrictEqual(namingOf(config), namingOf(this.#config))
    if (!isDeepStrictEqual(config.http, this.#config.http) || config.scrapeTimeoutMs !== this.#config.scrapeTimeoutMs) {
      this.#own(this.#client.close())
      this.#client = new HttpClient(config.http, this.#context.clock, config.scrapeTimeoutMs, this.#context.memory)
    }
    this.#config = config
    this.#failureLog?.close()
    this.#failureLog = this.#openFailureLog()
    const old = [...this.#loops.values()]
    this.#loops = new Map()
    const targets = this.#targets()
    // The same target is one with the same stored labels and path: interval and parameters may have changed.
    const successors = new Map([...targets.values()].map((target) => [identityOf(target), target]))
    for (const loop of old) {
      const target = targets.get(loop.target.key) ?? successors.get(identityOf(loop.target))
      if (target === undefined || this.#loops.has(target.key)) {
        this.#end(loop)
        continue
      }
      if (!isSameNaming) loop.cache.relearn()
      this.#own(loop.stop())
      this.#loops.set(target.key, this.#begin(target, loop))
    }
    this.sync(this.#groups)
  }

  /** Ends all loops, writes no markers: after a restart the targets go on where they were. */
  async stop(): Promise<void> {
    for (const timer of this.#endings) timer.cancel()
    this.#endings.clear()
    for (const loop of this.#loops.values()) this.#own(loop.stop())
    this.#loops.clear()
    await Promise.all(this.#stopping)
    await this.#client.close()
    this.#failureLog?.close()
  }

  /** Ends all loops as if their targets had gone: the job is no longer configured. Markers follow on time. */
  remove(): void {
    this.sync([])
    const { metrics } = this.#context
    metrics.poolTargets.remove({ scrape_job: this.#config.jobName })
    metrics.poolTargetLimit.remove({ scrape_job: this.#config.jobName })
    this.#own(this.#client.close())
    this.#failureLog?.close()
  }

  #begin(target: Target, predecessor: ScrapeLoop | null): ScrapeLoop {
    const cache = predecessor?.cache ?? new ScrapeCache(this.#nextOwnerId())
    const loop = new ScrapeLoop(target, this.#config, cache, this.#client, this.#context, this.#failureLog)
    if (predecessor !== null) loop.inherit(predecessor)
    loop.start()
    return loop
  }

  /** The target is gone; whether it comes back under another name shows within two intervals. */
  #end(loop: ScrapeLoop): void {
    const { clock, writer } = this.#context
    this.#own(loop.stop())
    if (loop.lastScrapeMs === 0) return
    const { intervalMs } = loop.target
    const nextTickMs = Math.max(loop.lastScrapeMs + intervalMs, clock.now())
    const timer = clock.after(nextTickMs - clock.now() + intervalMs * 1.1, () => {
      this.#endings.delete(timer)
      writer.writeEnd(loop.cache, nextTickMs)
    })
    this.#endings.add(timer)
  }

  #targets(): Map<string, Target> {
    const { limits, jobName } = this.#config
    const { logger, metrics } = this.#context
    const targets = new Map<string, Target>()
    const dropped: Labels[] = []
    this.droppedCount = 0
    for (const group of this.#groups) {
      const found = targetsOf(group, this.#config)
      for (const target of found.targets) if (!targets.has(target.key)) targets.set(target.key, target)
      for (const labels of found.dropped) if (limits.keepDroppedTargets === 0 || dropped.length < limits.keepDroppedTargets) dropped.push(labels)
      this.droppedCount += found.dropped.length
      for (const error of found.errors) {
        metrics.failedTargets.inc({ scrape_job: jobName })
        logger.error('creating target failed', { job: jobName, source: group.source, err: error })
      }
    }
    this.dropped = dropped
    return targets
  }

  /** Too many targets fail all of them: which ones to scrape would be a guess. */
  #applyTargetLimit(): void {
    const limit = this.#config.limits.targets
    const count = this.#loops.size
    const isOver = limit > 0 && count > limit
    if (isOver) this.#context.metrics.overTargetLimit.inc()
    const error = isOver ? new ScrapeError('TARGET_LIMIT', `target_limit exceeded (number of targets: ${count}, limit: ${limit})`) : null
    for (const loop of this.#loops.values()) loop.forcedError = error
  }

  #openFailureLog(): FailureLog | null {
    const file = this.#config.scrapeFailureLogFile
    return file === '' ? null : new FailureLog(file, this.#context.logger)
  }

  #own(work: Promise<void>): void {
    const owned = work.finally(() => this.#stopping.delete(owned))
    this.#stopping.add(owned)
  }
}

/** What decides how a line's series is called. */
function namingOf(config: ScrapeConfig): unknown[] {
  return [
    config.honorLabels, config.metricRelabelConfigs, config.metricNameValidationScheme,
    config.limits.labels, config.limits.labelNameLength, config.limits.labelValueLength,
  ]
}

function identityOf(target: Target): string {
  return JSON.stringify([target.labels, target.url.origin, target.url.pathname])
}
