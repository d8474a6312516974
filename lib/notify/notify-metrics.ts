// Prometheus' metrics of notifications, by Alertmanager.
import type { Counter, Metrics } from '../std/metrics.ts'

const LABEL = 'alertmanager'

export class NotifyMetrics {
  readonly #queues = new Map<string, () => number>()
  readonly #sent: Counter<'alertmanager'>
  readonly #errors: Counter<'alertmanager'>
  readonly #dropped: Counter<'alertmanager'>
  readonly #latency: ReturnType<Metrics['summary']>

  /** `discovered`: how many Alertmanagers there are. */
  constructor(metrics: Metrics, capacity: number, discovered: () => number) {
    this.#sent = metrics.counter('prometheus_notifications_sent_total', 'Total number of alerts sent.', [LABEL])
    this.#errors = metrics.counter('prometheus_notifications_errors_total', 'Total number of sent alerts affected by errors.', [LABEL])
    this.#dropped = metrics.counter('prometheus_notifications_dropped_total', 'Total number of alerts dropped due to errors when sending to Alertmanager.', [LABEL])
    this.#latency = metrics.summary('prometheus_notifications_latency_seconds', 'Latency quantiles for sending alert notifications.', [0.5, 0.9, 0.99], LABEL)
    metrics.gauge('prometheus_notifications_queue_length', 'The number of alert notifications in the queue.', [LABEL], (gauge) => {
      gauge.reset()
      for (const [url, length] of this.#queues) gauge.labels(url).set(length())
    })
    metrics.gauge('prometheus_notifications_queue_capacity', 'The capacity of the alert notifications queue.', []).set(capacity)
    metrics.gauge('prometheus_notifications_alertmanagers_discovered', 'The number of alertmanagers discovered and active.', [], (gauge) => gauge.set(discovered()))
  }

  add(url: string, queueLength: () => number): void {
    this.#queues.set(url, queueLength)
    for (const counter of [this.#sent, this.#errors, this.#dropped]) counter.labels(url).inc(0)
  }

  remove(url: string): void {
    this.#queues.delete(url)
    for (const counter of [this.#sent, this.#errors, this.#dropped]) counter.remove(url)
  }

  sent(url: string, count: number, seconds: number): void {
    this.#sent.labels(url).inc(count)
    this.#latency.observe(url, seconds, Math.trunc(seconds))
  }

  failed(url: string, count: number): void {
    this.#errors.labels(url).inc(count)
  }

  dropped(url: string, count: number): void {
    this.#dropped.labels(url).inc(count)
  }
}
