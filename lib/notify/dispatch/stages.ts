// What keeps alerts of a group back from all, in Alertmanager's order: inhibition, active times, mute times, silences. After
// alertmanager notify/mute.go.
import type { RouteConfig } from '../../config/alertmanager-config.ts'
import type { NotifiedAlert } from '../../model/notification.ts'
import { containsTime, type TimeInterval } from '../../model/time-interval.ts'
import type { Steps } from '../../std/steps.ts'
import type { AlertOverlay } from '../overlay.ts'
import type { DispatchMetrics } from './dispatch-metrics.ts'
import { notifiedAlert, type FlushedAlert } from './group-message.ts'
import type { Inhibitor } from './inhibitor.ts'
import type { Silences } from './silences.ts'

export interface StageGround {
  inhibitor: Inhibitor
  silences: Silences
  timeIntervals: ReadonlyMap<string, readonly TimeInterval[]>
  overlay: AlertOverlay
  metrics: DispatchMetrics
}

export interface SiftedAlert extends FlushedAlert {
  isSuppressed: boolean
  /** As messages have it, once one is made: integrations share it. */
  shown: NotifiedAlert | null
}

/** Alerts looked at between two glances at the clock. */
const STEP_ALERTS = 64

/** Names of the route's intervals that mute it now; both empty where none does. */
export function mutedBy({ activeTimeIntervals, muteTimeIntervals }: RouteConfig, intervals: StageGround['timeIntervals'], nowMs: number): { active: readonly string[]; mute: readonly string[] } {
  const contains = (name: string): boolean => intervals.get(name)!.some((interval) => containsTime(interval, nowMs))
  return { active: activeTimeIntervals.some(contains) ? [] : activeTimeIntervals, mute: muteTimeIntervals.filter(contains) }
}

/** The alerts of a group, each with the verdict of all stages. */
export function* sift(alerts: readonly FlushedAlert[], route: RouteConfig, ground: StageGround, nowMs: number): Steps<SiftedAlert[]> {
  const { inhibitor, silences, timeIntervals, overlay, metrics } = ground
  const muted = mutedBy(route, timeIntervals, nowMs)
  const isMuted = muted.active.length > 0 || muted.mute.length > 0
  const suppressed = { inhibited: new Suppressed(), muted: new Suppressed(), silenced: new Suppressed() }
  const intervals = [...muted.active, ...muted.mute]
  const sifted: SiftedAlert[] = []
  for (let i = 0; i < alerts.length; i++) {
    const one = alerts[i]!
    const { labels, fingerprint } = one.alert
    const source = inhibitor.inhibitedBy(labels, nowMs)
    const silencedBy = source === null && !isMuted ? silences.silencedBy(fingerprint, labels, nowMs) : []
    if (source !== null) suppressed.inhibited.add(one, [source])
    else if (isMuted) suppressed.muted.add(one, intervals)
    else if (silencedBy.length > 0) suppressed.silenced.add(one, silencedBy)
    sifted.push({ ...one, isSuppressed: source !== null || isMuted || silencedBy.length > 0, shown: null })
    if (i % STEP_ALERTS === STEP_ALERTS - 1) yield
  }
  metrics.suppressed('inhibition', suppressed.inhibited.count)
  metrics.suppressed(muted.active.length > 0 ? 'active_time_interval' : 'mute_time_interval', suppressed.muted.count)
  metrics.suppressed('silence', suppressed.silenced.count)
  for (const kind of ['inhibited', 'muted', 'silenced'] as const) yield* suppressed[kind].tell(kind, overlay)
  return sifted
}

/** Alerts that a stage keeps back, by who does it: each has its own. */
class Suppressed {
  count = 0
  readonly #alerts = new Map<string, { by: readonly string[]; alerts: FlushedAlert[] }>()

  add(alert: FlushedAlert, by: readonly string[]): void {
    const key = by.join('\n')
    const alike = this.#alerts.get(key)
    if (alike === undefined) this.#alerts.set(key, { by, alerts: [alert] })
    else alike.alerts.push(alert)
    this.count++
  }

  *tell(kind: 'inhibited' | 'muted' | 'silenced', overlay: AlertOverlay): Steps<void> {
    let told = 0
    for (const { by, alerts } of this.#alerts.values()) {
      for (let at = 0; at < alerts.length; at += STEP_ALERTS) {
        const part = alerts.slice(at, at + STEP_ALERTS)
        if (told === 0 || told + part.length > STEP_ALERTS) {
          yield
          told = 0
        }
        told += part.length
        overlay.onSuppressed(kind, part.map((one) => notifiedAlert(one, (fingerprint) => overlay.ackUrl(fingerprint))), by)
      }
    }
  }
}
