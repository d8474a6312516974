// How each integration fares: its tries and what became of them, for metrics and for people.
import type { Counter, Metrics } from '../../std/metrics.ts'

export interface IntegrationHealth {
  /** `receiver/kind/index`. */
  name: string
  receiver: string
  kind: string
  /** Tries since the start. */
  deliveredCount: number
  failedCount: number
  /** Of the last hundred tries, the share that was accepted; null before the first. */
  successRatio: number | null
  /** Unix ms, 0: never. */
  deliveredAtMs: number
  /** Unix ms of the first failure since the last success; 0 where the last try was one. */
  failingSinceMs: number
  /** Why it fails; '' where it does not. */
  error: string
}

const RECENT_TRIES = 100

interface Kept extends Omit<IntegrationHealth, 'successRatio'> {
  /** Whether each of the last tries was accepted. */
  recent: boolean[]
}

export class DeliveryStats {
  readonly #byName = new Map<string, Kept>()
  readonly #tries: Counter<'receiver' | 'integration' | 'outcome'>

  constructor(metrics: Metrics) {
    this.#tries = metrics.counter('monitor_notification_tries_total', 'Tries to deliver a message, by receiver, integration and what became of them.', ['receiver', 'integration', 'outcome'])
    metrics.gauge('monitor_notification_success_ratio', 'Share of the last hundred tries to deliver a message that was accepted, by receiver and integration.', ['receiver', 'integration'], (gauge) => {
      gauge.reset()
      for (const { receiver, name, successRatio } of this.all()) if (successRatio !== null) gauge.labels(receiver, name).set(successRatio)
    })
  }

  /** The integrations of a configuration: what is known of them goes on, others are forgotten. */
  configured(integrations: readonly { name: string; receiver: string; kind: string }[]): void {
    const names = new Set(integrations.map(({ name }) => name))
    for (const { name, receiver } of this.#byName.values()) {
      if (names.has(name)) continue
      this.#byName.delete(name)
      for (const outcome of ['delivered', 'failed']) this.#tries.remove(receiver, name, outcome)
    }
    for (const { name, receiver, kind } of integrations) {
      if (this.#byName.has(name)) continue
      this.#byName.set(name, { name, receiver, kind, deliveredCount: 0, failedCount: 0, deliveredAtMs: 0, failingSinceMs: 0, error: '', recent: [] })
      for (const outcome of ['delivered', 'failed']) this.#tries.labels(receiver, name, outcome).inc(0)
    }
  }

  /** `error` null: accepted. `nowMs`: Unix ms. */
  tried(name: string, error: string | null, nowMs: number): void {
    const kept = this.#byName.get(name)
    // The last message of an integration that is configured no more.
    if (kept === undefined) return
    this.#tries.labels(kept.receiver, name, error === null ? 'delivered' : 'failed').inc()
    if (kept.recent.push(error === null) > RECENT_TRIES) kept.recent.shift()
    if (error === null) Object.assign(kept, { deliveredCount: kept.deliveredCount + 1, deliveredAtMs: nowMs, failingSinceMs: 0, error: '' })
    else Object.assign(kept, { failedCount: kept.failedCount + 1, failingSinceMs: kept.failingSinceMs || nowMs, error })
  }

  /** In the order of the configuration. */
  all(): IntegrationHealth[] {
    return Array.from(this.#byName.values(), ({ recent, ...health }) => ({ ...health, successRatio: recent.length === 0 ? null : recent.filter(Boolean).length / recent.length }))
  }
}
