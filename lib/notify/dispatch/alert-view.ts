// The pipeline as Alertmanager's API shows it: alerts and groups, with what keeps each back as of now. Read in turns of the event
// loop; ten thousand alerts take longer than one may.
import { getLabel, type Labels } from '../../model/labels.ts'
import type { Notification } from '../../model/notification.ts'
import type { LabelGetter } from '../../model/route-matcher.ts'
import type { Clock } from '../../std/clock.ts'
import { runInTurns, runThrough, type Steps } from '../../std/steps.ts'
import { compareLabelSets, isResolved, type PipelineAlert } from './alert.ts'
import type { AlertPipeline } from './alert-pipeline.ts'
import { groupMessage, notifiedAlert } from './group-message.ts'
import type { AlertGroup } from './group.ts'

export interface ShownAlert {
  alert: PipelineAlert
  receivers: readonly string[]
  silencedBy: readonly string[]
  inhibitedBy: readonly string[]
  mutedBy: readonly string[]
}

export interface ShownGroup {
  receiver: string
  labels: Labels
  /** Of the route; templates are executed. */
  routeLabels: ReadonlyMap<string, string>
  alerts: ShownAlert[]
}

export interface AlertsWanted {
  matches: (get: LabelGetter) => boolean
  isReceiver: (name: string) => boolean
  /** Whether alerts are wanted that nothing keeps back, that are silenced, inhibited, muted (groups only). */
  active: boolean
  silenced: boolean
  inhibited: boolean
  muted: boolean
}

const STEP_ALERTS = 32

/** A route's labels, of a message with what its group has now. */
export type RouteLabelsFunc = (notification: Notification) => ReadonlyMap<string, string>

export class AlertView {
  readonly #pipeline: AlertPipeline
  readonly #clock: Clock
  readonly #expand: RouteLabelsFunc

  constructor(pipeline: AlertPipeline, clock: Clock, expand: RouteLabelsFunc) {
    this.#pipeline = pipeline
    this.#clock = clock
    this.#expand = expand
  }

  /** By fingerprint. */
  alerts(wanted: AlertsWanted): Promise<ShownAlert[]> {
    return runInTurns(this.#alerts(wanted), this.#clock)
  }

  /** By labels, then by receiver. */
  groups(wanted: AlertsWanted): Promise<ShownGroup[]> {
    return runInTurns(this.#groups(wanted), this.#clock)
  }

  *#alerts(wanted: AlertsWanted): Steps<ShownAlert[]> {
    const nowMs = this.#clock.now()
    const shown: ShownAlert[] = []
    let seen = 0
    for (const alert of this.#pipeline.alerts()) {
      if (++seen % STEP_ALERTS === 0) yield
      const one = this.#shown(alert, wanted, nowMs)
      if (one === null) continue
      const receivers = this.#pipeline.routesOf(alert.labels).map(({ config }) => config.receiver)
      if (receivers.some(wanted.isReceiver) || receivers.length === 0) shown.push({ ...one, receivers })
    }
    return shown.toSorted((a, b) => (a.alert.fingerprint < b.alert.fingerprint ? -1 : 1))
  }

  *#groups(wanted: AlertsWanted): Steps<ShownGroup[]> {
    const nowMs = this.#clock.now()
    const receivers = new Map<string, string[]>()
    const groups: ShownGroup[] = []
    let seen = 0
    for (const group of this.#pipeline.groups()) {
      const { receiver } = group.route.config
      if (!wanted.isReceiver(receiver)) continue
      const mutedBy = this.#pipeline.mutedBy(group.route, nowMs)
      const all = yield* group.alerts()
      const alerts: ShownAlert[] = []
      for (const alert of all) {
        if (++seen % STEP_ALERTS === 0) yield
        const one = this.#shown(alert, wanted, nowMs)
        if (one === null) continue
        const names = receivers.get(alert.fingerprint) ?? []
        receivers.set(alert.fingerprint, names)
        names.push(receiver)
        alerts.push({ ...one, mutedBy, receivers: names })
      }
      if (alerts.length > 0 && (wanted.muted || mutedBy.length === 0)) groups.push({ receiver, labels: group.labels, routeLabels: this.#routeLabels(group, all, nowMs), alerts })
    }
    for (const names of receivers.values()) names.sort()
    return groups.toSorted((a, b) => compareLabelSets(a.labels, b.labels) || (a.receiver < b.receiver ? -1 : 1))
  }

  #routeLabels(group: AlertGroup, all: readonly PipelineAlert[], nowMs: number): ReadonlyMap<string, string> {
    const { receiver, labels } = group.route.config
    if (![...labels.values()].some((text) => text.includes('{{'))) return labels
    const alerts = all.map((alert) => notifiedAlert({ alert, isResolved: isResolved(alert, nowMs) }, () => ''))
    const head = { receiver, groupKey: group.key, groupLabels: group.labels, routeLabels: labels, externalUrl: this.#pipeline.externalUrl, timeMs: nowMs }
    return this.#expand(runThrough(groupMessage({ ...head, reason: 'unknown', previousMs: 0, memory: '' }, alerts)))
  }

  /** null: not wanted. */
  #shown(alert: PipelineAlert, { matches, active, silenced, inhibited }: AlertsWanted, nowMs: number): ShownAlert | null {
    if (isResolved(alert, nowMs) || !matches((name) => getLabel(alert.labels, name))) return null
    const { silencedBy, inhibitedBy } = this.#pipeline.statusOf(alert.fingerprint, alert.labels, nowMs)
    const isActive = silencedBy.length === 0 && inhibitedBy.length === 0
    if ((!active && isActive) || (!silenced && silencedBy.length > 0) || (!inhibited && inhibitedBy.length > 0)) return null
    return { alert, receivers: [], silencedBy, inhibitedBy, mutedBy: [] }
  }
}
