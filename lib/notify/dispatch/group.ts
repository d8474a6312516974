// A group of alerts that are told together: those that one route takes and that agree in its labels.
import type { Labels } from '../../model/labels.ts'
import { sortedInSteps, type Steps } from '../../std/steps.ts'
import type { AlertBatch } from '../overlay.ts'
import { compareAlerts, isResolved, type PipelineAlert } from './alert.ts'
import type { FlushedAlert } from './group-message.ts'
import type { Route } from './route.ts'

const STEP_ALERTS = 512

export class AlertGroup {
  readonly route: Route
  readonly labels: Labels
  readonly key: string
  /** No route brings its alerts here any more: they wait for their ends. */
  readonly isFarewell: boolean
  readonly #alerts = new Map<string, PipelineAlert>()
  /** Fingerprints in the order of messages; null where alerts came or went since. */
  #order: readonly string[] | null = []
  #version = 0
  /** What its alerts came with and that still comes in, as of when it fell due. */
  #batches: AlertBatch[] = []
  /** Monotonic ms since when it has waited for alerts that come with its own; null where it does not. */
  #waitsSinceMs: number | null = null
  /** Monotonic ms of the last look before which some had come, and whether some have since. */
  #newsMs = 0
  #hasNews = false
  /** Receivers are being told. */
  isFlushing = false
  /** It fell due meanwhile. */
  isLate = false

  constructor(route: Route, labels: Labels, isFarewell = false) {
    this.route = route
    this.labels = labels
    this.isFarewell = isFarewell
    this.key = route.groupKey(labels)
  }

  get isEmpty(): boolean {
    return this.#alerts.size === 0
  }

  put(alert: PipelineAlert, batch: AlertBatch | null): void {
    // What begins to come while it waits is not waited for: some always does where many post.
    if (batch?.isOpen === true && !this.#batches.includes(batch) && this.#waitsSinceMs === null) this.#batches.push(batch)
    this.#hasNews ||= this.#waitsSinceMs !== null && batch !== null && this.#batches.includes(batch)
    if (!this.#alerts.has(alert.fingerprint)) this.#changed()
    this.#alerts.set(alert.fingerprint, alert)
  }

  /**
   * Whether alerts that come with its own are still to come. Where none has come to it for `quietMsMax`, and after `waitMsMax`, it gives them up: no
   * later flush waits for them, too.
   */
  waitsForBatch(nowMs: number, { quietMsMax, waitMsMax }: { quietMsMax: number; waitMsMax: number }): boolean {
    const sinceMs = this.#waitsSinceMs ?? nowMs
    if (this.#hasNews || this.#waitsSinceMs === null) this.#newsMs = nowMs
    this.#hasNews = false
    const isPatient = nowMs - this.#newsMs < quietMsMax && nowMs - sinceMs < waitMsMax
    this.#batches = isPatient ? this.#batches.filter(({ isOpen }) => isOpen) : []
    const waits = this.#batches.length > 0
    this.#waitsSinceMs = waits ? sinceMs : null
    return waits
  }

  /** In the order of messages. */
  *alerts(): Steps<PipelineAlert[]> {
    const order = yield* this.#sorted()
    // Some may have gone while they were sorted.
    return order.map((fingerprint) => this.#alerts.get(fingerprint)).filter((alert) => alert !== undefined)
  }

  /** The alerts as they are now; what has ended stays so for this flush, whatever time it takes. */
  *snapshot(nowMs: number): Steps<FlushedAlert[]> {
    const flushed: FlushedAlert[] = []
    for (const alert of yield* this.alerts()) {
      flushed.push({ alert, isResolved: isResolved(alert, nowMs) })
      if (flushed.length % STEP_ALERTS === 0) yield
    }
    return flushed
  }

  /** Fingerprints in the order of messages. */
  *#sorted(): Steps<readonly string[]> {
    if (this.#order !== null) return this.#order
    const version = this.#version
    const order = (yield* sortedInSteps([...this.#alerts.values()], compareAlerts)).map(({ fingerprint }) => fingerprint)
    if (version === this.#version) this.#order = order
    return order
  }

  /** All were told: those that had ended go, but for those that came again meanwhile. */
  forgetResolved(flushed: readonly FlushedAlert[]): void {
    for (const { alert, isResolved: hasEnded } of flushed) {
      if (!hasEnded || this.#alerts.get(alert.fingerprint) !== alert) continue
      this.#alerts.delete(alert.fingerprint)
      this.#changed()
    }
  }

  #changed(): void {
    this.#order = null
    this.#version++
  }
}
