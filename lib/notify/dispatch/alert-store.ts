// All alerts that were told of and whose end, once it came, is not long past. After alertmanager provider/mem.
import { isResolved, mergeAlert, type PipelineAlert } from './alert.ts'

export class AlertStore {
  readonly #alerts = new Map<string, PipelineAlert>()

  get size(): number {
    return this.#alerts.size
  }

  /** What holds of the alert now. */
  put(told: PipelineAlert, nowMs: number): PipelineAlert {
    const before = this.#alerts.get(told.fingerprint)
    const merged = before === undefined ? told : mergeAlert(before, told, nowMs)
    this.#alerts.set(merged.fingerprint, merged)
    return merged
  }

  get(fingerprint: string): PipelineAlert | undefined {
    return this.#alerts.get(fingerprint)
  }

  /** In order of their first word. */
  all(): IterableIterator<PipelineAlert> {
    return this.#alerts.values()
  }

  /** The wall clock has jumped by so much: all hold as long as they would have. Groups have the same alerts. */
  moveInTime(ms: number): void {
    for (const alert of this.#alerts.values()) {
      alert.startsAtMs += ms
      alert.endsAtMs += ms
    }
  }

  /** Forgets what has ended, and gives it. Groups keep an alert for as long as its end is to be told. */
  forgetResolved(nowMs: number): PipelineAlert[] {
    const gone = Array.from(this.#alerts.values()).filter((alert) => isResolved(alert, nowMs))
    for (const { fingerprint } of gone) this.#alerts.delete(fingerprint)
    return gone
  }
}
