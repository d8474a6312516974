// Runs the discoverers of every scrape config and hands on what they find, at most once in 5 s for each job (the first
// at once), so that a flapping source cannot make scraping resync all the time.
import type { DnsSdConfig, ScrapeConfig } from '../lib/config/scrape-config.ts'
import type { TargetGroup } from '../lib/model/target-group.ts'
import type { Clock, Timer } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Counter, Gauge, Metrics } from '../lib/std/metrics.ts'
import type { Discoverer } from './discoverer.ts'
import { DnsDiscoverer } from './dns.ts'
import { FileDiscoverer } from './file.ts'
import { HttpDiscoverer } from './http.ts'
import { StaticDiscoverer } from './static.ts'

const UPDATE_MS = 5000

/** What a manager needs to know of a job. */
export type DiscoveredJob = Pick<ScrapeConfig, 'jobName' | 'staticConfigs' | 'fileSdConfigs' | 'httpSdConfigs' | 'dnsSdConfigs'>

/** The metrics of all managers. */
export class DiscoveryMetrics {
  readonly discovered: Gauge<'name' | 'config'>
  readonly fileErrors: Counter
  readonly httpFailures: Counter
  readonly dnsLookups: Counter
  readonly dnsFailures: Counter
  readonly received: Counter<'name'>
  readonly sent: Counter<'name'>

  constructor(metrics: Metrics) {
    this.discovered = metrics.gauge('prometheus_sd_discovered_targets', 'Targets that discovery found, before relabeling.', ['name', 'config'])
    this.fileErrors = metrics.counter('prometheus_sd_file_read_errors_total', 'Files of targets not understood.')
    this.httpFailures = metrics.counter('prometheus_sd_http_failures_total', 'Lists of targets that servers did not give.')
    this.dnsLookups = metrics.counter('prometheus_sd_dns_lookups_total', 'Names of which records were asked for.')
    this.dnsFailures = metrics.counter('prometheus_sd_dns_lookup_failures_total', 'Names of which servers did not say whether they have records.')
    this.received = metrics.counter('prometheus_sd_received_updates_total', 'Updates that discoverers gave.', ['name'])
    this.sent = metrics.counter('prometheus_sd_updates_total', 'Updates handed on.', ['name'])
  }
}

export interface DiscoveryOptions {
  /** What is discovered for. */
  name: 'scrape' | 'notify'
  clock: Clock
  logger: Logger
  metrics: DiscoveryMetrics
  /** Of Monitor, for servers that are asked for targets. */
  version: string
  /** All groups of a job, whenever they have changed. */
  update: (jobName: string, groups: readonly TargetGroup[]) => void
}

/** One discoverer at work. */
interface Running {
  /** What it was made from: an equal configuration keeps it running over a reload. */
  key: string
  kind: Kind
  stop: AbortController
  /** Until it has found anything those of the one that it replaces, so that a reload interrupts nothing. */
  groups: Map<string, TargetGroup>
  hasFound: boolean
}

type Kind = 'static' | 'file' | 'http' | 'dns'

interface Wanted {
  key: string
  kind: Kind
  make: () => Discoverer
}

interface Job {
  running: Running[]
  lastUpdateMs: number
  timer: Timer | null
  /** Its discoverers are being started: what they find at once makes one update together. */
  isStarting: boolean
}

export class DiscoveryManager {
  readonly #options: DiscoveryOptions
  readonly #jobs = new Map<string, Job>()

  constructor(options: DiscoveryOptions) {
    this.#options = options
  }

  /** Starts what is new, stops what is gone, keeps what is the same. */
  applyConfig(configs: readonly DiscoveredJob[]): void {
    const names = new Set(configs.map((config) => config.jobName))
    for (const [name, job] of this.#jobs) {
      if (names.has(name)) continue
      this.#end(job)
      this.#jobs.delete(name)
      this.#options.metrics.discovered.remove({ name: this.#options.name, config: name })
    }
    for (const config of configs) this.#applyJob(config)
  }

  stop(): void {
    for (const job of this.#jobs.values()) this.#end(job)
    this.#jobs.clear()
  }

  #end(job: Job): void {
    job.timer?.cancel()
    for (const running of job.running) running.stop.abort()
  }

  #applyJob(config: DiscoveredJob): void {
    const known = this.#jobs.get(config.jobName)
    const job: Job = known ?? { running: [], lastUpdateMs: -Infinity, timer: null, isStarting: false }
    this.#jobs.set(config.jobName, job)
    const before = job.running
    const wanted = this.#discoverersOf(config)
    const ending = before.filter((running) => !wanted.some(({ key }) => key === running.key))
    job.running = wanted.map(({ key, kind }): Running => {
      const same = before.find((running) => running.key === key)
      if (same !== undefined) return same
      const at = ending.findIndex((running) => running.kind === kind)
      const groups = at < 0 ? [] : ending.splice(at, 1)[0]!.groups
      return { key, kind, stop: new AbortController(), groups: new Map(groups), hasFound: false }
    })
    for (const running of before) if (!job.running.includes(running)) running.stop.abort()
    job.isStarting = true
    wanted.forEach(({ make }, i) => {
      const running = job.running[i]!
      if (!before.includes(running)) this.#start(config.jobName, job, running, make())
    })
    job.isStarting = false
    this.#changed(config.jobName, job)
  }

  #discoverersOf(config: DiscoveredJob): Wanted[] {
    const { clock, metrics, version } = this.#options
    const logger = this.#options.logger.with('discovery')
    const textOf = (value: unknown): string => JSON.stringify(value, (_, part: unknown) => (part instanceof Map ? [...part] : part))
    const out: Wanted[] = [
      ...config.fileSdConfigs.map((file, i): Wanted => ({
        key: `file ${i} ${textOf(file)}`, kind: 'file', make: () => new FileDiscoverer({ config: file, clock, logger, onError: () => metrics.fileErrors.inc() }),
      })),
      ...config.httpSdConfigs.map((http, i): Wanted => ({
        key: `http ${i} ${textOf(http)}`, kind: 'http', make: () => new HttpDiscoverer({ config: http, clock, logger, version, onError: () => metrics.httpFailures.inc() }),
      })),
      ...config.dnsSdConfigs.map((dns, i): Wanted => ({ key: `dns ${i} ${textOf(dns)}`, kind: 'dns', make: () => this.#dnsDiscoverer(dns, logger) })),
    ]
    if (config.staticConfigs.length > 0 || out.length === 0) out.push({ key: `static ${textOf(config.staticConfigs)}`, kind: 'static', make: () => new StaticDiscoverer(config.staticConfigs) })
    return out
  }

  #dnsDiscoverer(config: DnsSdConfig, logger: Logger): Discoverer {
    const { clock, metrics } = this.#options
    return new DnsDiscoverer({
      config, clock, logger,
      onLookup: (isGood) => {
        metrics.dnsLookups.inc()
        if (!isGood) metrics.dnsFailures.inc()
      },
    })
  }

  #start(name: string, job: Job, running: Running, discoverer: Discoverer): void {
    discoverer.run((groups) => {
      this.#options.metrics.received.inc({ name: this.#options.name })
      if (!running.hasFound) running.groups.clear()
      running.hasFound = true
      for (const group of groups) {
        if (group.targets.length === 0) running.groups.delete(group.source)
        else running.groups.set(group.source, group)
      }
      this.#changed(name, job)
    }, running.stop.signal).catch((error: unknown) => {
      this.#options.logger.error('discovery ended', { job: name, err: error instanceof Error ? error : String(error) })
    })
  }

  #changed(name: string, job: Job): void {
    if (job.timer !== null || job.isStarting) return
    const { clock } = this.#options
    const waitMs = job.lastUpdateMs + UPDATE_MS - clock.monotonic()
    if (waitMs <= 0) this.#update(name, job)
    else job.timer = clock.after(waitMs, () => this.#update(name, job), true)
  }

  #update(name: string, job: Job): void {
    job.timer = null
    job.lastUpdateMs = this.#options.clock.monotonic()
    // Sources are unique within one discoverer; across discoverers of a job they may repeat.
    const groups = job.running.flatMap((running, i) =>
      Array.from(running.groups.values(), (group) => ({ ...group, source: `${i}/${group.source}` })))
    this.#options.metrics.discovered.set({ name: this.#options.name, config: name }, groups.reduce((sum, group) => sum + group.targets.length, 0))
    this.#options.metrics.sent.inc({ name: this.#options.name })
    this.#options.update(name, groups)
  }
}
