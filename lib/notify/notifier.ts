// Sends alerts to Alertmanagers, as Prometheus does: external labels and relabeling, then every set's own relabeling, then
// a queue for each Alertmanager. After prometheus notifier/manager.go.
import { isDeepStrictEqual } from 'node:util'
import type { AlertingConfig } from '../config/scrape-config.ts'
import type { PendingAlert, SentAlert } from '../model/alert.ts'
import type { TargetGroup } from '../model/target-group.ts'
import type { Clock } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import type { Metrics } from '../std/metrics.ts'
import { AlertmanagerSet, relabelAlerts } from './alertmanager-set.ts'
import { NotifyMetrics } from './notify-metrics.ts'
import type { QueueLimits } from './send-loop.ts'

/** How long a stop waits for what is still to be sent. */
const DRAIN_MS = 3000

export interface NotifierOptions {
  limits: QueueLimits
  /** What waits is sent before the end. */
  isDrained: boolean
  version: string
  clock: Clock
  logger: Logger
  metrics: Metrics
}

type AlertmanagerSets = Pick<AlertingConfig, 'alertRelabelConfigs' | 'alertmanagers'>

export class Notifier {
  readonly #options: NotifierOptions
  readonly #metrics: NotifyMetrics
  #sets: AlertmanagerSet[] = []
  #alerting: AlertmanagerSets = { alertRelabelConfigs: [], alertmanagers: [] }
  #externalLabels: ReadonlyMap<string, string> = new Map()

  constructor(options: NotifierOptions) {
    this.#options = options
    this.#metrics = new NotifyMetrics(options.metrics, options.limits.capacity, () => this.active().length)
  }

  /** Sets that did not change keep their queues, wherever they stand now. */
  applyConfig(alerting: AlertmanagerSets, externalLabels: ReadonlyMap<string, string>): void {
    this.#alerting = alerting
    this.#externalLabels = externalLabels
    const left = new Set(this.#sets)
    this.#sets = alerting.alertmanagers.map((config) => {
      const same = [...left].find((set) => isDeepStrictEqual(set.config, config))
      if (same === undefined) return new AlertmanagerSet(config, { ...this.#options, metrics: this.#metrics })
      left.delete(same)
      return same
    })
    for (const set of left) void set.stop(0)
  }

  /** What discovery found for entry `i` of the Alertmanagers. */
  update(i: number, groups: readonly TargetGroup[]): void {
    this.#sets[i]?.update(groups)
  }

  /** Alerts as whoever is told of them sees them: with external labels, relabeled. */
  relabel<T extends SentAlert | PendingAlert>(alerts: readonly T[]): T[] {
    return relabelAlerts(alerts, this.#alerting.alertRelabelConfigs, this.#externalLabels)
  }

  /** Takes alerts that are relabeled. */
  send(alerts: readonly SentAlert[]): void {
    if (alerts.length > 0) for (const set of this.#sets) set.send(alerts)
  }

  /** URLs of the Alertmanagers that are sent to. */
  active(): string[] {
    return this.#sets.flatMap((set) => set.active())
  }

  dropped(): string[] {
    return this.#sets.flatMap((set) => set.dropped())
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sets.map((set) => set.stop(this.#options.isDrained ? DRAIN_MS : 0)))
  }
}
