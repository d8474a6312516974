// What an integration is told of a group: the alerts of a flush as templates and webhooks see them.
import { labelsToMap, type Labels } from '../../model/labels.ts'
import type { Notification, NotifiedAlert } from '../../model/notification.ts'
import type { Steps } from '../../std/steps.ts'
import type { PipelineAlert } from './alert.ts'

/** An alert and whether it had ended when its group was flushed. */
export interface FlushedAlert {
  alert: PipelineAlert
  isResolved: boolean
}

export interface GroupHead {
  receiver: string
  groupKey: string
  groupLabels: Labels
  routeLabels: ReadonlyMap<string, string>
  externalUrl: string
  /** Of the flush, Unix ms. */
  timeMs: number
}

/** Alerts looked at between two glances at the clock. */
const STEP_ALERTS = 1024

/** `ackUrl` gives '' where no page acknowledges the alert. */
export function notifiedAlert({ alert, isResolved }: FlushedAlert, ackUrl: (fingerprint: string) => string): NotifiedAlert {
  return {
    status: isResolved ? 'resolved' : 'firing', labels: labelsToMap(alert.labels), annotations: alert.annotations,
    startsAtMs: alert.startsAtMs, endsAtMs: isResolved ? alert.endsAtMs : 0, generatorUrl: alert.generatorUrl,
    fingerprint: alert.fingerprint, ackUrl: isResolved ? '' : ackUrl(alert.fingerprint),
  }
}

/** `alerts` in the order of messages, at least one. */
export function* groupMessage(head: GroupHead & Pick<Notification, 'reason' | 'previousMs' | 'memory'>, alerts: readonly NotifiedAlert[]): Steps<Notification> {
  return {
    ...head, alerts, groupLabels: labelsToMap(head.groupLabels),
    status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    commonLabels: yield* common(alerts, 'labels'), commonAnnotations: yield* common(alerts, 'annotations'),
  }
}

/** The pairs that all alerts have. */
function* common(alerts: readonly NotifiedAlert[], field: 'labels' | 'annotations'): Steps<Map<string, string>> {
  const shared = new Map(alerts[0]![field])
  for (let i = 1; i < alerts.length && shared.size > 0; i++) {
    const map = alerts[i]![field]
    for (const [name, value] of shared) if (map.get(name) !== value) shared.delete(name)
    if (i % STEP_ALERTS === 0) yield
  }
  return shared
}
