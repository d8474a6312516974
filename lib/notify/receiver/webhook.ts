// Webhook: the notification as JSON, version 4 of Alertmanager's body, or the configuration's own.
import type { Json } from '../../config/receivers/section.ts'
import type { WebhookConfig } from '../../config/receivers/webhook.ts'
import { compareText } from '../../model/labels.ts'
import type { Notification, NotifiedAlert } from '../../model/notification.ts'
import { runInTurns, type Steps } from '../../std/steps.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { quoteMeta } from '../template/data.ts'
import { Expander, messageKey, secretOf, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'
import { typedText } from './typed-text.ts'

export function webhookReceiver(config: WebhookConfig, ground: ReceiverGround): Receiver {
  const { maxAlerts, payload } = config
  const deliver = async ({ notification, expander, sender, signal, receipt }: Delivery): Promise<unknown> => {
    const shown = firstAlerts(notification, maxAlerts)
    const own = maxAlerts === 0 ? expander : new Expander(ground.templates, shown)
    const url = own.text('url', secretOf('url', config.url))
    if (url === '') throw new DeliveryError('the URL of the webhook is empty once its template is expanded', { isRetryable: false })
    const headers = { 'idempotency-key': messageKey(notification) }
    if (payload !== null) return sender.json(url, own.json('payload', payload, typedText), signal, { headers, receipt })
    const body = await runInTurns(bodyBytes({ ...shown, routeLabels: own.routeLabels }, notification.alerts.length - shown.alerts.length), ground.clock)
    return sender.send({ url, headers, contentType: 'application/json', body, receipt }, signal)
  }
  return httpReceiver(config, ground, deliver)
}

/** The notification with so many of its alerts, 0 for all; what they have in common is theirs alone. */
export function firstAlerts(notification: Notification, count: number): Notification {
  const alerts = notification.alerts.slice(0, count)
  if (count === 0 || alerts.length === notification.alerts.length) return notification
  const common = (of: (alert: NotifiedAlert) => ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    new Map([...of(alerts[0]!)].filter(([name, value]) => alerts.every((alert) => of(alert).get(name) === value)))
  return { ...notification, alerts, commonLabels: common(({ labels }) => labels), commonAnnotations: common(({ annotations }) => annotations) }
}

/** Alertmanager's body, field by field. */
export function webhookBody(notification: Notification, truncatedAlerts: number): { readonly [key: string]: Json } {
  const { receiver, status, alerts, reason, groupLabels, commonLabels, commonAnnotations, routeLabels, externalUrl, groupKey } = notification
  return {
    receiver: quoteMeta(receiver), status, alerts: alerts.map(alertBody), notification_reason: reason, groupLabels: sorted(groupLabels), commonLabels: sorted(commonLabels),
    commonAnnotations: sorted(commonAnnotations), routeLabels: sorted(routeLabels), externalURL: externalUrl, version: '4', groupKey, truncatedAlerts,
  }
}

/** The body's JSON in UTF-8, some alerts at a time: ten thousand take longer than the event loop may be held. */
function* bodyBytes(notification: Notification, truncatedAlerts: number): Steps<Buffer> {
  const { alerts } = notification
  // In front of it stands no text that could hold this: quotes in texts are escaped.
  const around = JSON.stringify(webhookBody({ ...notification, alerts: [] }, truncatedAlerts))
  const middle = around.indexOf(NO_ALERTS) + NO_ALERTS.length - 1
  // As bytes, not as one text: 50 MB of it would be in the heap twice.
  const pieces = [Buffer.from(around.slice(0, middle))]
  for (let at = 0; at < alerts.length; at += STEP_ALERTS) {
    const part = alerts.slice(at, at + STEP_ALERTS).map((alert) => JSON.stringify(alertBody(alert))).join(',')
    pieces.push(Buffer.from(at === 0 ? part : `,${part}`))
    yield
  }
  return Buffer.concat([...pieces, Buffer.from(around.slice(middle))])
}

const NO_ALERTS = '"alerts":[]'
const STEP_ALERTS = 64

function alertBody(alert: NotifiedAlert): { readonly [key: string]: Json } {
  return {
    status: alert.status, labels: sorted(alert.labels), annotations: sorted(alert.annotations), startsAt: new Date(alert.startsAtMs).toISOString(),
    // Go's zero time says that it has not ended.
    endsAt: alert.endsAtMs === 0 ? '0001-01-01T00:00:00Z' : new Date(alert.endsAtMs).toISOString(),
    generatorURL: alert.generatorUrl, fingerprint: alert.fingerprint, ...(alert.ackUrl !== '' && { ackURL: alert.ackUrl }),
  }
}

function sorted(labels: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries([...labels].toSorted(([a], [b]) => compareText(a, b)))
}
