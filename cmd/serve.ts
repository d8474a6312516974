// Builds Monitor from its parts, in the order in which they need each other, and takes it down in the reverse order.
//
//   front door (folder, web, inbox) ─┬─▶ store ────────────────┬─▶ queries ─▶ receiver ─▶ scraping ─▶ discovery ─▶ rules ─▶ ready
//                                    └─▶ metadata ─▶ notifier ─┘
import { flushCompileCache } from 'node:module'
import path from 'node:path'
import { DiscoveryManager, DiscoveryMetrics } from '../discovery/manager.ts'
import type { QueryJob } from '../lang/job.ts'
import { parseSelector } from '../lang/parse/parse.ts'
import type { ArchiveConfig, Config } from '../lib/config/scrape-config.ts'
import { RemoteWriteReceiver, type PushLimits } from '../lib/ingest/remote-write.ts'
import { formatDuration } from '../lib/model/duration.ts'
import type { ApiRules } from '../lib/rules/json-rule/api-rules.ts'
import type { RuleSettings } from '../lib/rules/manager.ts'
import { ScrapeManager } from '../lib/scrape/manager.ts'
import { kernels } from '../lib/kernels/module.ts'
import type { Clock } from '../lib/std/clock.ts'
import { StallWatch } from '../lib/std/event-loop.ts'
import type { Logger } from '../lib/std/log.ts'
import { Metrics } from '../lib/std/metrics.ts'
import { Random, freshSeed } from '../lib/std/random.ts'
import { Database, type ArchiveOptions, type StorageLimits } from '../storage/database.ts'
import type { FolderLock } from '../storage/folder-lock.ts'
import type { ReplayProgress } from '../storage/load-folder.ts'
import type { SharedHeap } from '../storage/head/shared-heap.ts'
import { ALERTS_REFUSED } from '../web/notifications.ts'
import type { RuleRetriever } from '../web/parts.ts'
import { LifecycleDesk } from './alert-desk.ts'
import { openAlertRules } from './alert-rules.ts'
import { ConfigFile, ownAddress } from './config-file.ts'
import { START_TIME_STORAGE, TYPE_AND_UNIT_LABELS, hasFeature } from './features.ts'
import { servedOn, type Flags } from './flags.ts'
import { FrontDoor } from './front-door.ts'
import { HeadWatch } from './head-watch.ts'
import { Heartbeats, isAnswered } from './heartbeat.ts'
import type { QueryThreads } from './query-threads.ts'
import { KeptMetadata } from './kept-metadata.ts'
import { openMeta, type Meta } from './meta-store.ts'
import { makeQueryRunner } from './query-runner.ts'
import { NotifyRunner } from './notify-runner.ts'
import { RuleTester } from './rule-tester.ts'
import { makeRulesRunner, ruleSettings } from './rules-runner.ts'
import type { RulesRunner, StoppableRunner } from './runners.ts'
import { DatabaseAdmin } from './storage-admin.ts'
import { storageStatus } from './storage-status.ts'
import { registerStorageMetrics } from './storage-metrics.ts'
import { TargetView } from './target-view.ts'
import { VERSION } from './version.ts'
import type { WebFile } from './web-file.ts'

/** What a start has taken in hand before all its modules are there. */
export interface Ground {
  heap: SharedHeap
  threads: QueryThreads
}

interface Parts {
  config: ConfigFile
  db: Database
  queries: StoppableRunner
  scrape: ScrapeManager
  discovery: DiscoveryManager
  metadata: KeptMetadata
  meta: Meta
  rules: RulesRunner
  alertRules: ApiRules
  ruleTest: RuleTester
  notify: NotifyRunner
  door: FrontDoor
  stalls: StallWatch
  headWatch: HeadWatch
  heartbeats: Heartbeats
}

/** What a worker that works can answer at once. */
const PROBE_MS = 10_000
const PROBE_QUERY: QueryJob = { kind: 'instant', query: '1', timeMs: 0, timeoutMs: PROBE_MS, lookbackMs: 0, limit: 0, stats: '' }

export class Monitor {
  /** Where it serves. */
  readonly url: string
  /** How long samples are kept, in words. */
  readonly retention: string
  readonly #parts: Parts
  readonly #logger: Logger

  private constructor(parts: Parts, { url, retention }: { url: string; retention: string }, logger: Logger) {
    this.#parts = parts
    this.url = url
    this.retention = retention
    this.#logger = logger
  }

  /** Throws WebConfigError, ConfigError, RuleFilesError, AlertConfigError, FolderError, DiskError, ListenError: what an operator can mend. */
  static async start(given: Flags, ground: Ground, logger: Logger, clock: Clock): Promise<Monitor> {
    const webFile = await openWebFile(given, clock, logger.with('web'))
    const asked = servedOn(given, given.listenPort, webFile?.makeServer ? 'https' : 'http')
    const metrics = new Metrics().withProcessMetrics()
    const config = new ConfigFile(asked, clock, metrics, logger.with('config'))
    const checked = config.load()
    let retention = limitsOf(asked, checked)
    let { prices } = checked.storage
    const door = new FrontDoor({ flags: asked, config, webFile, clock, logger, metrics, retention: () => retention.text })
    const flags = await door.listen()
    const first = config.servedBy(flags, checked)
    // What is reloaded before the store is open is in force from then on.
    let newest = first
    config.onChange = (next) => (newest = next)
    const discoveryMetrics = new DiscoveryMetrics(metrics)
    const { db, meta, notify } = await openStores(flags, first, { door, heap: ground.heap, clock, logger, metrics, discoveryMetrics })
    const alertRules = await openAlertRules(flags, first, { meta: meta.store, notify, clock, logger: logger.with('rules') })
    metrics.gauge('monitor_kernels_info', 'What the hot loops are in: wasm or ts.', ['kernels'], (gauge) => gauge.set({ kernels: kernels() === null ? 'ts' : 'wasm' }, 1))
    const queries = await makeQueryRunner(flags, first, { clock, logger: logger.with('query'), metrics, db, threads: ground.threads })
    const receiver = new RemoteWriteReceiver(db, metrics, freshSeed(), clock)
    receiver.setLimits(pushLimitsOf(first))
    const scrape = new ScrapeManager({
      appender: db, clock, logger: logger.with('scrape'), metrics, version: VERSION, globalUrl: (target) => globalUrl(target, flags),
      readsStartTimes: hasFeature(flags, first, START_TIME_STORAGE), labelsFamilies: hasFeature(flags, first, TYPE_AND_UNIT_LABELS),
    })
    const discovery = new DiscoveryManager({ name: 'scrape', version: VERSION, clock, logger, metrics: discoveryMetrics, update: (job, groups) => scrape.updateTargets(job, groups) })
    const rules = await makeRulesRunner(flags, first, { clock, logger: logger.with('rules'), metrics, db, onAlerts: notify.send, pending: notify.pending })
    const settings = (): RuleSettings => ruleSettings(newest, flags, alertRules.groups())
    const ruleTest = new RuleTester(flags, first, { rules: alertRules, settings, db, clock })
    const applyRules = (): void => {
      notify.setRules(settings(), alertRules.routes())
      rules.apply(settings())
    }
    alertRules.onChange = applyRules
    config.onChange = (next) => {
      newest = next
      scrape.applyConfig(next)
      receiver.setLimits(pushLimitsOf(next))
      discovery.applyConfig(next.scrapeConfigs)
      notify.applyConfig(next)
      meta.retention.retentionMs = next.alerting.lifecycle.historyRetentionMs
      applyRules()
      retention = limitsOf(flags, next)
      db.setLimits(retention)
      prices = next.storage.prices
    }
    const metadata = new KeptMetadata({ folder: path.resolve(flags.dataFolder), scrape, pushed: receiver.metadata, clock, logger: logger.with('storage') })
    const headWatch = new HeadWatch(() => db.headFill, clock, logger.with('storage'))
    const heartbeats = startHeartbeats({ scrape, db, queries, rules, notify }, { clock, logger: logger.with('heartbeat'), metrics })
    const monitor = new Monitor({ heartbeats, config, db, queries, scrape, discovery, metadata, meta, rules, alertRules, ruleTest, notify, door, headWatch, stalls: new StallWatch(clock, metrics) }, { url: `${flags.scheme}://${ownAddress(flags)}${flags.routePrefix}`, retention: retention.text }, logger)
    try {
      await door.furnish({
        queries, targets: new TargetView(scrape), metadata, rules: withChanges(rules, alertRules), alertRules, ruleTest, alertmanagers: notify,
        alerts: new LifecycleDesk({ store: meta.store, lifecycle: notify.lifecycle, rules: alertRules, clock, logger: logger.with('alerts') }),
        alertEntry: notify, receivers: notify.receivers, admin: new DatabaseAdmin({ db, meta: meta.store }, clock, new Random(freshSeed())),
        status: () => storageStatus(db, prices), corruptionCount: db.recovery.corruptRecords,
      }, receiver)
      await awaitQueries(queries, logger)
    } catch (error) {
      await monitor.stop()
      throw error
    }
    // What was compiled is kept for the next start, also if this process is killed.
    flushCompileCache()
    door.server.ready()
    config.onChange(newest)
    return monitor
  }

  /** What is scraped, in words. */
  scraped(): string {
    const { active } = this.#parts.scrape.targets()
    const shown = active.slice(0, 3).map((target) => target.scrapeUrl).join(', ')
    const count = `${active.length} target${active.length === 1 ? '' : 's'}`
    return active.length === 0 ? 'nothing yet' : `${count} (${shown}${active.length > 3 ? ', …' : ''})`
  }

  reload(): Promise<void> {
    return this.#parts.config.reload()
  }

  /** Tells load balancers that it will stop, and serves on. */
  leave(): void {
    this.#parts.door.server.leave()
  }

  /** Drains: new requests are refused, running ones answered, everything accepted is on disk. */
  async stop(): Promise<void> {
    const { door, discovery, metadata, meta, scrape, rules, alertRules, ruleTest, notify, queries, db, stalls, headWatch, heartbeats } = this.#parts
    heartbeats.stop()
    headWatch.stop()
    discovery.stop()
    await door.server.drain()
    await metadata.close()
    await scrape.stop()
    await ruleTest.stop()
    alertRules.stop()
    await rules.stop()
    await notify.stop()
    await meta.stop()
    await queries.stop()
    // Until here who comes is told to come again. The next process finds the port free with the folder.
    await door.server.stop()
    door.close()
    await db.close()
    stalls.stop()
    this.#logger.info('stopped')
  }
}

/** null where no file is asked for: then nothing of TLS is loaded. Throws WebConfigError. */
async function openWebFile(flags: Flags, clock: Clock, logger: Logger): Promise<WebFile | null> {
  if (flags.webConfigFile === '') return null
  const { WebFile } = await import('./web-file.ts')
  const file = new WebFile(flags.webConfigFile, { clock, logger, hasThreads: flags.threads !== 0 })
  if (flags.configFile === '' && file.config().users.size > 0) logger.warn('Monitor cannot scrape itself: without a configuration it knows no password; give --config.file with a job that has basic_auth')
  return file
}

/** The rules as the API shows them: with all changes that were answered. */
function withChanges(rules: RulesRunner, alertRules: ApiRules): RuleRetriever {
  return {
    ask: (request) => {
      alertRules.flush()
      return rules.ask(request)
    },
  }
}

/** Ready means that a query is answered at once: the first worker has loaded and warmed up. What else there is does not wait for long where none does. */
async function awaitQueries(queries: StoppableRunner, logger: Logger): Promise<void> {
  try {
    await isAnswered(queries.run(PROBE_QUERY, AbortSignal.timeout(PROBE_MS)))
  } catch (error) {
    logger.error('queries are not answered yet; all else begins without them', { err: error instanceof Error ? error : String(error) })
  }
}

/** What shows that each part works. */
function startHeartbeats({ scrape, db, queries, rules, notify }: Pick<Parts, 'scrape' | 'db' | 'queries' | 'rules' | 'notify'>, ground: ConstructorParameters<typeof Heartbeats>[1]): Heartbeats {
  return new Heartbeats({
    scrape: () => scrape.isAlive(ground.clock.now()), ingest: () => db.log.refusal === null, log: () => db.commit().then(() => true), head: () => db.headFill.usedBytes < db.headFill.sizeBytes,
    query: () => isAnswered(queries.run(PROBE_QUERY, AbortSignal.timeout(PROBE_MS))), rules: () => isAnswered(rules.ask({ kind: 'alerts' })),
    notify: () => notify.pipeline.settled().then(() => true), maintenance: () => db.isMaintained,
  }, ground)
}

/** How long and how much is kept, and how late samples may be: what the file says, else the flags. */
function limitsOf(flags: Flags, { storage }: Config): StorageLimits & { text: string } {
  const retentionMs = storage.retentionMs ?? flags.retentionMs
  return {
    retentionMs, retentionBytes: (storage.retentionBytes ?? flags.retentionBytes) || Infinity, outOfOrderMs: storage.outOfOrderTimeWindowMs,
    minuteRetentionMs: storage.tiers.minuteRetentionMs, hourRetentionMs: storage.tiers.hourRetentionMs,
    seriesLimit: storage.seriesLimit || Infinity, keepFreeBytes: storage.keepFreeBytes, shareMax: storage.retentionShare,
    rules: storage.retentionRules.map(({ match, rawMs, minuteMs, hourMs }) => ({ matchers: parseSelector(match), ages: { raw: rawMs, '1m': minuteMs, '1h': hourMs } })),
    text: storage.retentionMs === null ? flags.all.get('storage.tsdb.retention.time')! : formatDuration(retentionMs),
  }
}

/** 0 stands for no limit. */
function pushLimitsOf({ global: { pushLimits } }: Config): PushLimits {
  const { labels, labelNameLength, labelValueLength, newSeries } = pushLimits
  return { labels: { count: labels || Infinity, nameBytes: labelNameLength || Infinity, valueBytes: labelValueLength || Infinity }, newSeries }
}

function archiveOptions(flags: Flags, archive: ArchiveConfig): ArchiveOptions {
  return {
    place: archive, fetchWorker: new URL('./fetch-worker.ts', import.meta.url).href,
    uploadWorker: flags.threads === 0 ? null : new URL('./upload-worker.ts', import.meta.url),
  }
}

interface StoresGround {
  door: FrontDoor
  heap: SharedHeap
  clock: Clock
  logger: Logger
  metrics: Metrics
  discoveryMetrics: DiscoveryMetrics
}

/** The relational store's thread begins, and is asked what alerts need to know, while this one reads the log. */
async function openStores(flags: Flags, config: Config, { door, heap, clock, logger, metrics, discoveryMetrics }: StoresGround): Promise<{ db: Database; meta: Meta; notify: NotifyRunner }> {
  const meta = await openMeta(flags, { clock, logger: logger.with('meta'), metrics })
  const [db, notify] = await Promise.allSettled([
    openDatabase(flags, config, { lock: door.lock, replay: door.replay, heap, clock, logger }),
    NotifyRunner.open(flags, { clock, logger: logger.with('notifier'), metrics, discoveryMetrics, store: meta.store, onRefused: (isRefused) => door.notifications.say(ALERTS_REFUSED, isRefused) }),
  ])
  if (db.status === 'fulfilled' && notify.status === 'fulfilled') {
    registerStorageMetrics(metrics, db.value)
    return { db: db.value, meta, notify: notify.value }
  }
  // What one of them has opened is closed in order, whichever the other's failure.
  if (notify.status === 'fulfilled') await notify.value.stop()
  await Promise.all([db.status === 'fulfilled' && db.value.close(), meta.stop(), door.server.stop()])
  throw [db, notify].find((one) => one.status === 'rejected')!.reason
}

async function openDatabase(flags: Flags, config: Config, { lock, replay, heap, clock, logger }: { lock: FolderLock; replay: ReplayProgress; heap: SharedHeap; clock: Clock; logger: Logger }): Promise<Database> {
  const db = await Database.open({
    folder: path.resolve(flags.dataFolder), ...limitsOf(flags, config), exemplarsMax: config.storage.exemplarsMax, lock, replay, heap, clock, logger: logger.with('storage'),
    ...(flags.reserveBytes !== null && { reserveBytes: flags.reserveBytes }),
    ...(flags.threads !== 0 && { jobUrl: new URL('./maintenance-worker.ts', import.meta.url) }),
    ...(config.archive !== null && { archive: archiveOptions(flags, config.archive) }),
  })
  db.setLimits(limitsOf(flags, config))
  const { recovery } = db
  logger.with('storage').info('data folder opened', {
    series: recovery.series, blocks: db.blocks.blocks.length, segments: recovery.segments, replayed_samples: recovery.replayedSamples,
    unclean_shutdown: recovery.wasUnclean, ms: Math.round(recovery.durationMs),
  })
  return db
}

/** A target's address as others reach it: loopback becomes the name under which Monitor is reached. */
function globalUrl(url: URL, flags: Flags): string {
  if (!['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) return url.href
  const out = new URL(url)
  out.hostname = new URL(flags.externalUrl).hostname
  return out.href
}
