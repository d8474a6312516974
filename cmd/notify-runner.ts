// Alerts out: the notifier, and the discovery of whom it tells.
import { DiscoveryManager, type DiscoveryMetrics } from '../discovery/manager.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import type { SentAlert } from '../lib/model/alert.ts'
import { Notifier } from '../lib/notify/notifier.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { AlertmanagerRetriever } from '../web/parts.ts'
import type { Flags } from './flags.ts'
import { VERSION } from './version.ts'

interface Ground {
  clock: Clock
  logger: Logger
  metrics: Metrics
  discoveryMetrics: DiscoveryMetrics
}

/** As Prometheus names the entries of `alerting.alertmanagers`. */
const NAME_PREFIX = 'config-'

export class NotifyRunner implements AlertmanagerRetriever {
  readonly #notifier: Notifier
  readonly #discovery: DiscoveryManager

  constructor(flags: Flags, { clock, logger, metrics, discoveryMetrics }: Ground) {
    const notifier = new Notifier({ limits: flags.notifyLimits, isDrained: flags.isNotifyDrained, version: VERSION, clock, logger, metrics })
    this.#notifier = notifier
    this.#discovery = new DiscoveryManager({
      name: 'notify', clock, logger, metrics: discoveryMetrics, update: (name, groups) => notifier.update(Number(name.slice(NAME_PREFIX.length)), groups),
    })
  }

  applyConfig({ alerting, global }: Config): void {
    this.#notifier.applyConfig(alerting, global.externalLabels)
    this.#discovery.applyConfig(alerting.alertmanagers.map((config, i) => ({ ...config, jobName: `${NAME_PREFIX}${i}` })))
  }

  readonly send = (alerts: readonly SentAlert[]): void => this.#notifier.send(alerts)

  alertmanagers(): { active: readonly string[]; dropped: readonly string[] } {
    return { active: this.#notifier.active(), dropped: this.#notifier.dropped() }
  }

  async stop(): Promise<void> {
    this.#discovery.stop()
    await this.#notifier.stop()
  }
}
