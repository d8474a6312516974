// Alertmanager's metrics of its pipeline, by its names, so that its dashboards and alerts hold here.
import type { Counter, Gauge, Histogram, Metrics } from '../../std/metrics.ts'
import { DeliveryStats } from './delivery-stats.ts'

/** Why a notification was kept back. */
export type SuppressReason = 'silence' | 'inhibition' | 'mute_time_interval' | 'active_time_interval'
export type FailureReason = 'clientError' | 'serverError'

/** What gauges ask when they are scraped. */
export interface DispatchFigures {
  alerts(): { active: number; suppressed: number }
  silences(): { active: number; pending: number; expired: number }
  groups(): number
  receivers(): number
  integrations(): number
  inhibitionRules(): number
}

const LATENCY_BUCKETS = [1, 5, 10, 15, 20]

export class DispatchMetrics {
  readonly deliveries: DeliveryStats
  readonly #received: Counter<'status' | 'version'>
  readonly #invalid: Counter<'version'>
  readonly #notifications: Counter<'integration'>
  readonly #failures: Counter<'integration' | 'reason'>
  readonly #requests: Counter<'integration'>
  readonly #failedRequests: Counter<'integration'>
  readonly #latency: Histogram<'integration'>
  readonly #suppressed: Counter<'reason'>
  readonly #logFailures: Counter
  readonly #stale: Counter

  constructor(metrics: Metrics) {
    this.deliveries = new DeliveryStats(metrics)
    this.#received = metrics.counter('alertmanager_alerts_received_total', 'The total number of received alerts.', ['status', 'version'])
    this.#invalid = metrics.counter('alertmanager_alerts_invalid_total', 'The total number of received alerts that were invalid.', ['version'])
    this.#notifications = metrics.counter('alertmanager_notifications_total', 'The total number of attempted notifications.', ['integration'])
    this.#failures = metrics.counter('alertmanager_notifications_failed_total', 'The total number of failed notifications.', ['integration', 'reason'])
    this.#requests = metrics.counter('alertmanager_notification_requests_total', 'The total number of attempted notification requests.', ['integration'])
    this.#failedRequests = metrics.counter('alertmanager_notification_requests_failed_total', 'The total number of failed notification requests.', ['integration'])
    this.#latency = metrics.histogram('alertmanager_notification_latency_seconds', 'The latency of notifications in seconds.', LATENCY_BUCKETS, ['integration'])
    this.#suppressed = metrics.counter('alertmanager_notifications_suppressed_total', 'The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.', ['reason'])
    this.#logFailures = metrics.counter('monitor_notification_log_failures_total', 'Notifications that were delivered but could not be kept in the log, so that a restart may repeat them.')
    this.#stale = metrics.counter('monitor_alerts_stale_total', 'Posted alerts that came again with a later end, which had passed, too: the clock of their sender is behind and nobody is told.')
    for (const status of ['firing', 'resolved']) this.#received.labels(status, 'v2').inc(0)
    this.#invalid.labels('v2').inc(0)
    for (const reason of ['silence', 'inhibition', 'mute_time_interval', 'active_time_interval']) this.#suppressed.labels(reason).inc(0)
  }

  /** Registers the gauges. */
  watch(metrics: Metrics, figures: DispatchFigures): void {
    const byState = (gauge: Gauge<'state'>, counts: Readonly<Record<string, number>>): void => {
      for (const [state, count] of Object.entries(counts)) gauge.labels(state).set(count)
    }
    metrics.gauge('alertmanager_alerts', 'How many alerts by state.', ['state'], (gauge) => byState(gauge, { ...figures.alerts(), unprocessed: 0 }))
    metrics.gauge('alertmanager_silences', 'How many silences by state.', ['state'], (gauge) => byState(gauge, figures.silences()))
    metrics.gauge('alertmanager_dispatcher_aggregation_groups', 'Number of active aggregation groups.', [], (gauge) => gauge.set(figures.groups()))
    metrics.gauge('alertmanager_receivers', 'Number of configured receivers.', [], (gauge) => gauge.set(figures.receivers()))
    metrics.gauge('alertmanager_integrations', 'Number of configured integrations.', [], (gauge) => gauge.set(figures.integrations()))
    metrics.gauge('alertmanager_inhibition_rules', 'Number of configured inhibition rules.', [], (gauge) => gauge.set(figures.inhibitionRules()))
  }

  /** The integration is configured: its series begin at 0. */
  integration(kind: string): void {
    for (const counter of [this.#notifications, this.#requests, this.#failedRequests]) counter.labels(kind).inc(0)
    for (const reason of ['clientError', 'serverError']) this.#failures.labels(kind, reason).inc(0)
  }

  received(isFiring: boolean): void {
    this.#received.labels(isFiring ? 'firing' : 'resolved', 'v2').inc()
  }

  invalid(): void {
    this.#invalid.labels('v2').inc()
  }

  stale(): void {
    this.#stale.inc()
  }

  notification(kind: string): void {
    this.#notifications.labels(kind).inc()
  }

  tried(kind: string, seconds: number, isGood: boolean): void {
    this.#requests.labels(kind).inc()
    if (!isGood) this.#failedRequests.labels(kind).inc()
    this.#latency.labels(kind).observe(seconds)
  }

  failed(kind: string, reason: FailureReason): void {
    this.#failures.labels(kind, reason).inc()
  }

  suppressed(reason: SuppressReason, count: number): void {
    this.#suppressed.labels(reason).inc(count)
  }

  logFailed(): void {
    this.#logFailures.inc()
  }
}
