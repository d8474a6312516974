// The alert pipeline as the web server asks for it, also before there is one.
import type { SentAlert } from '../lib/model/alert.ts'
import type { Silence } from '../lib/model/silence.ts'
import type { AlertPipeline } from '../lib/notify/dispatch/alert-pipeline.ts'
import { AlertView, type AlertsWanted, type RouteLabelsFunc, type ShownAlert, type ShownGroup } from '../lib/notify/dispatch/alert-view.ts'
import type { SilenceDraft } from '../lib/notify/dispatch/silences.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { AlertmanagerSide } from '../web/parts.ts'

/** Where alerts go that are posted. */
export interface AlertEntry {
  pipeline: AlertPipeline
  /** Resolves when they are grouped. */
  post(alerts: readonly SentAlert[]): Promise<void>
  routeLabels: RouteLabelsFunc
}

/** Alertmanager's own, where no configuration says more. */
const RESOLVE_TIMEOUT_MS = 300_000

export class AlertmanagerView implements AlertmanagerSide {
  readonly startedMs: number
  readonly yaml: () => string
  readonly #clock: Clock
  readonly #entry: () => AlertEntry

  constructor(clock: Clock, yaml: () => string, entry: () => AlertEntry) {
    this.startedMs = clock.now()
    this.yaml = yaml
    this.#clock = clock
    this.#entry = entry
  }

  resolveTimeoutMs(): number {
    return this.#entry().pipeline.config?.resolveTimeoutMs ?? RESOLVE_TIMEOUT_MS
  }

  receivers(): readonly { name: string; labels: ReadonlyMap<string, string> }[] {
    return this.#entry().pipeline.config?.receivers ?? []
  }

  alerts(wanted: AlertsWanted): Promise<ShownAlert[]> {
    return this.#view().alerts(wanted)
  }

  groups(wanted: AlertsWanted): Promise<ShownGroup[]> {
    return this.#view().groups(wanted)
  }

  async post(alerts: readonly SentAlert[], refusedCount: number): Promise<void> {
    const { pipeline } = this.#entry()
    for (let i = 0; i < refusedCount; i++) pipeline.metrics.invalid()
    await this.#entry().post(alerts)
  }

  silences(): readonly Silence[] {
    return this.#entry().pipeline.silences.all()
  }

  silence(id: string): Silence | undefined {
    return this.#entry().pipeline.silences.get(id)
  }

  setSilence(draft: SilenceDraft): Promise<string> {
    return this.#entry().pipeline.silences.set(draft)
  }

  expireSilence(id: string): Promise<void> {
    return this.#entry().pipeline.silences.expire(id)
  }

  #view(): AlertView {
    return new AlertView(this.#entry().pipeline, this.#clock, this.#entry().routeLabels)
  }
}
