// Alerts out: to other Alertmanagers, with the discovery of whom to tell, and through the pipeline here.
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { DiscoveryManager, type DiscoveryMetrics } from '../discovery/manager.ts'
import type { PipelineConfig } from '../lib/config/alertmanager-config.ts'
import type { AlertingConfig, Config } from '../lib/config/scrape-config.ts'
import type { MetaStore } from '../lib/meta/interface.ts'
import type { PendingSink, SentAlert } from '../lib/model/alert.ts'
import type { RuleRoute } from '../lib/model/rule-route.ts'
import { CarriedLogs } from '../lib/notify/courier/carried-log.ts'
import { AlertPipeline } from '../lib/notify/dispatch/alert-pipeline.ts'
import type { AlertBatch } from '../lib/notify/overlay.ts'
import { AlertLifecycle } from '../lib/notify/lifecycle/lifecycle.ts'
import type { RuleSettings } from '../lib/rules/manager.ts'
import { PendingEpisodes } from '../lib/notify/lifecycle/pending-episodes.ts'
import { Notifier } from '../lib/notify/notifier.ts'
import type { Clock, Timer } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import { freshKey, freshOrderedUuid, freshSeed, Random } from '../lib/std/random.ts'
import type { AlertmanagerRetriever } from '../web/parts.ts'
import type { AlertEntry } from './alertmanager-view.ts'
import type { Flags } from './flags.ts'
import type { RouteLabelsFunc } from '../lib/notify/dispatch/alert-view.ts'
import { ReceiverRunner } from './receiver-runner.ts'
import { targetsOfRules, withRuleRoutes } from './rule-routes.ts'
import { RuleTargets } from './rule-targets.ts'
import { VERSION } from './version.ts'

interface Ground {
  clock: Clock
  logger: Logger
  metrics: Metrics
  discoveryMetrics: DiscoveryMetrics
  store: MetaStore
  /** Where a configuration of alerts could not come into force, and when it has. */
  onRefused: (isRefused: boolean) => void
}

/** As Prometheus names the entries of `alerting.alertmanagers`. */
const NAME_PREFIX = 'config-'
/** How long a stop waits for messages that are on their way. */
const DRAIN_MS = 3000
/** After the first time that a configuration could not come into force; then twice as long each time. */
const RETRY_MS = 1000
const RETRY_MS_MAX = 60_000

export class NotifyRunner implements AlertmanagerRetriever, AlertEntry {
  readonly pipeline: AlertPipeline
  readonly lifecycle: AlertLifecycle
  /** Pending alerts of the rules, for their history alone: no Alertmanager and nobody is told of them. */
  readonly pending: PendingSink
  readonly #ground: Ground
  readonly receivers: ReceiverRunner
  readonly routeLabels: RouteLabelsFunc
  readonly #notifier: Notifier
  readonly #discovery: DiscoveryManager
  /** Configurations come into force one after the other; never rejects. */
  #applying: Promise<void> = Promise.resolve()
  /** Those that could not, one after the other. */
  #refusedCount = 0
  #retry: Timer | null = null
  /** Of the evaluation whose alerts are coming in. */
  #batch: AlertBatch | null = null
  #telling: Promise<void> = Promise.resolve()
  #isStarted = false
  #isStopped = false
  #alerting: AlertingConfig | null = null
  /** Other Alertmanagers are told. */
  #hasOthers = false
  readonly #ruleTargets: RuleTargets
  /** Rules that say whom to tell. */
  #naming: readonly RuleRoute[] = []
  /** Rules made by API that are evaluated. */
  #evaluated: ReadonlySet<string> = new Set()

  private constructor(flags: Flags, pipeline: AlertPipeline, ground: Ground) {
    const { clock, logger, metrics, discoveryMetrics, store } = ground
    const notifier = new Notifier({ limits: flags.notifyLimits, isDrained: flags.isNotifyDrained, version: VERSION, clock, logger, metrics })
    this.pipeline = pipeline
    const newId = (): string => freshOrderedUuid(clock.now())
    const pending = new PendingEpisodes({ store, clock, logger, metrics, newId })
    this.lifecycle = new AlertLifecycle({ store, dispatch: pipeline, pending, externalUrl: flags.externalUrl, clock, logger, metrics, newId, newKey: freshKey })
    this.pending = {
      receive: (alerts, lostCount) => this.#tell(() => this.lifecycle.receivePending(notifier.relabel(alerts), lostCount), alerts.length),
      doubt: () => this.#tell(() => pending.doubt(), 0),
    }
    pipeline.setOverlay(this.lifecycle)
    this.#ruleTargets = new RuleTargets({ store, clock, logger, owing: () => pipeline.owing() })
    this.#ground = ground
    this.receivers = new ReceiverRunner({ ...ground, courierFolder: flags.threads === 0 ? null : folderOf(flags), externalUrl: flags.externalUrl, health: () => pipeline.metrics.deliveries.all() })
    this.routeLabels = (notification) => this.receivers.routeLabels(notification)
    this.#notifier = notifier
    metrics.gauge('monitor_notification_config_in_force', 'Whether people are told as the configuration says; while they are not, the one before it holds.', [], (gauge) => gauge.set(this.#refusedCount === 0 ? 1 : 0))
    this.#discovery = new DiscoveryManager({
      name: 'notify', version: VERSION, clock, logger, metrics: discoveryMetrics, update: (name, groups) => notifier.update(Number(name.slice(NAME_PREFIX.length)), groups),
    })
  }

  static async open(flags: Flags, ground: Ground): Promise<NotifyRunner> {
    const { clock, logger, metrics, store } = ground
    const pipeline = await AlertPipeline.open({ store, clock, logger, metrics, random: new Random(freshSeed()), carried: new CarriedLogs(folderOf(flags), clock), externalUrl: flags.externalUrl })
    return new NotifyRunner(flags, pipeline, ground)
  }

  applyConfig({ alerting, global }: Config): void {
    this.#notifier.applyConfig(alerting, global.externalLabels)
    this.#discovery.applyConfig(alerting.alertmanagers.map((config, i) => ({ ...config, jobName: `${NAME_PREFIX}${i}` })))
    this.#alerting = alerting
    this.#hasOthers = alerting.alertmanagers.length > 0
    this.#apply()
  }

  /** Alerts of the rules: to other Alertmanagers, recorded, then on their way to people; `hasMore`: others of the same evaluation follow. */
  readonly send = (alerts: readonly SentAlert[], hasMore = false): void => {
    const told = this.#notifier.relabel(alerts)
    this.#notifier.send(told)
    const batch = this.#batch ?? { isOpen: true }
    this.#batch = hasMore ? batch : null
    this.#tell(() => this.lifecycle.receive(told, batch, !hasMore), told.length)
  }

  /** The rules from now on, and whom those made by API name. */
  setRules({ groups, evaluationIntervalMs }: RuleSettings, routes: readonly RuleRoute[]): void {
    this.lifecycle.setRuleIntervalMax(Math.max(0, ...groups.map(({ intervalMs }) => intervalMs ?? evaluationIntervalMs)))
    this.lifecycle.setRuleCooldowns(new Map(routes.map(({ ruleId, cooldownMs }) => [ruleId, cooldownMs])))
    const evaluated = new Set(groups.flatMap(({ rules }) => rules.map(({ labels }) => labels.get('rule_id') ?? '')))
    const gone = this.#evaluated.difference(evaluated)
    this.#evaluated = evaluated
    if (gone.size > 0) this.#tell(() => this.lifecycle.endWith(gone), gone.size)
    const before = this.#naming
    this.#naming = routes.filter(({ notify }) => notify.length > 0)
    if (this.#alerting !== null && !isDeepStrictEqual(before.map(whoIsTold), this.#naming.map(whoIsTold))) this.#apply()
  }

  /** Who of a rule's `notify` is not told as the configuration is. */
  notifyWarnings(notify: readonly string[]): string[] {
    const config = this.#alerting?.pipeline ?? null
    if (notify.length === 0 && config === null && !this.#hasOthers) return ['nobody is told of this rule: it names nobody in notify, and alerting in monitor.yml has neither a route nor alertmanagers']
    const { faults } = withRuleRoutes(config, targetsOfRules([{ ruleId: '', notify, cooldownMs: 0 }]))
    return faults.map(({ target, why }) => `${target} is not told: ${why}`)
  }

  async post(alerts: readonly SentAlert[]): Promise<void> {
    await this.#applying
    await this.lifecycle.receive(alerts)
    await this.pipeline.settled()
  }

  alertmanagers(): { active: readonly string[]; dropped: readonly string[] } {
    return { active: this.#notifier.active(), dropped: this.#notifier.dropped() }
  }

  async stop(): Promise<void> {
    this.#discovery.stop()
    this.#isStopped = true
    this.#retry?.cancel()
    await this.#applying
    await Promise.all([this.#notifier.stop(), this.pipeline.stop(DRAIN_MS)])
    await this.lifecycle.stop()
    await this.receivers.stop()
  }

  /** What a later evaluation says must not come before the end of an earlier one's. */
  #tell(take: () => void | Promise<void>, count: number): void {
    this.#telling = Promise.all([this.#telling, this.#applying]).then(take)
      .catch((error: unknown) => this.#ground.logger.repeated('error', 'alerts of rules could not be taken', { count, err: error instanceof Error ? error : String(error) }))
  }

  /** Brings what is configured into force. What cannot be is tried again: until then nobody is told by it, and alerts are kept. */
  #apply(): void {
    this.#retry?.cancel()
    this.#applying = this.#applying.then(() => this.#applyNow())
      .then(() => this.#onApplied(null), (error: unknown) => this.#onApplied(error instanceof Error ? error : new Error(String(error))))
  }

  async #applyNow(): Promise<void> {
    const { pipeline, lifecycle } = this.#alerting!
    try {
      await this.#applyPipeline(pipeline)
    } finally {
      this.lifecycle.applyConfig(lifecycle, pipeline?.escalations ?? [])
      // What was open before this start goes on before anything new begins.
      if (!this.#isStarted) {
        await this.lifecycle.start()
        await this.lifecycle.endWith(this.#ruleTargets.deleted)
      }
      this.#isStarted = true
    }
  }

  #onApplied(refused: Error | null): void {
    const { logger, clock, onRefused } = this.#ground
    const isNew = (refused === null) !== (this.#refusedCount === 0)
    this.#refusedCount = refused === null ? 0 : this.#refusedCount + 1
    if (isNew) onRefused(refused !== null)
    if (refused === null) {
      if (isNew) logger.info('the configuration of alerts is in force now')
      return
    }
    logger.repeated('error', 'the configuration of alerts cannot be brought into force; the one before it stays, and it is tried again', { err: refused })
    if (!this.#isStopped) this.#retry = clock.after(Math.min(RETRY_MS * 2 ** (this.#refusedCount - 1), RETRY_MS_MAX), () => this.#apply(), true)
  }

  async #applyPipeline(given: PipelineConfig | null): Promise<void> {
    const { targets, isWhole } = await this.#ruleTargets.read(this.#naming)
    if (!isWhole && !this.#isStopped) this.#retry = this.#ground.clock.after(RETRY_MS_MAX, () => this.#apply(), true)
    const { config, faults } = withRuleRoutes(given, targets)
    for (const { ruleId, target, why } of faults) this.#ground.logger.warn('a rule tells nobody by one of its notify', { rule_id: ruleId, target, err: why })
    if (config === null) {
      this.receivers.clear()
      this.pipeline.applyConfig(null, null)
      return
    }
    this.pipeline.applyConfig(config, await this.receivers.applyConfig(config))
  }
}

function folderOf(flags: Flags): string {
  return path.join(path.resolve(flags.dataFolder), 'meta')
}

function whoIsTold({ ruleId, notify }: RuleRoute): readonly string[] {
  return [ruleId, ...notify]
}
