// Pending alerts that are to be told, for their history alone: what is told is how an alert is when its turn comes, so that one that
// begins and ends meanwhile is told once, and one that fires meanwhile, whose firing tells it, not at all. A rule that flaps over ten
// thousand servers makes more than history is worth: beyond a bound those that end are counted instead.
import type { PendingAlert } from '../model/alert.ts'
import type { Alert } from './alerting-rule.ts'

/** So many wait at most, and ends of those that were told: twice the alerts that one rule of ten thousand servers begins at once. */
const WAITING_MAX = 20_000
/** Alerts of a part: 3 ms of main, which takes it in one go. */
const PART_ALERTS = 500

export interface PendingPart {
  alerts: readonly PendingAlert[]
  lostCount: number
}

export class PendingNotes {
  /** With the page of the rule's expression. */
  readonly #waiting = new Map<Alert, string>()
  readonly #told = new WeakSet<Alert>()
  #lostCount = 0

  /** Alerts of one rule that became pending, or ended while they were. */
  changed(alerts: readonly Alert[], generatorUrl: string): void {
    for (const alert of alerts) {
      if (this.#waiting.has(alert)) continue
      // The end of one that was told must not be lost, or it would seem to go on. One that begins beyond the bound is told at its end.
      if (this.#waiting.size < WAITING_MAX || this.#told.has(alert)) this.#waiting.set(alert, generatorUrl)
      else if (alert.state !== 'pending') this.#lostCount++
    }
  }

  /** What is to be told next; null: nothing. */
  next(): PendingPart | null {
    const alerts: PendingAlert[] = []
    for (const [alert, generatorUrl] of this.#waiting) {
      if (alerts.length === PART_ALERTS) break
      this.#waiting.delete(alert)
      if (alert.hasFired) continue
      this.#told.add(alert)
      const { labels, annotations, activeAtMs, resolvedAtMs, value } = alert
      alerts.push({ labels, annotations, activeAtMs, endedAtMs: resolvedAtMs, value, generatorUrl })
    }
    const lostCount = this.#lostCount
    this.#lostCount = 0
    return alerts.length === 0 && lostCount === 0 ? null : { alerts, lostCount }
  }
}
