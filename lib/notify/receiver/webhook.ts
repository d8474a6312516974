// Webhook: the notification as JSON, version 4 of Alertmanager's body, or the configuration's own.
import type { Json } from '../../config/receivers/section.ts'
import type { WebhookConfig } from '../../config/receivers/webhook.ts'
import type { Notification, NotifiedAlert } from '../../model/notification.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { quoteMeta } from '../template/data.ts'
import { Expander, secretOf, type ReceiverGround } from './ground.ts'
import { HttpSender } from './http-sender.ts'
import { typedText } from './typed-text.ts'

export class WebhookReceiver implements Receiver {
  readonly kind = 'webhook'
  readonly isResolvedSent: boolean
  readonly #config: WebhookConfig
  readonly #ground: ReceiverGround
  readonly #sender: HttpSender

  constructor(config: WebhookConfig, ground: ReceiverGround) {
    this.isResolvedSent = config.isResolvedSent
    this.#config = config
    this.#ground = ground
    this.#sender = new HttpSender(config.http, ground, config.timeoutMs)
  }

  async notify(notification: Notification, signal: AbortSignal): Promise<void> {
    const { maxAlerts, payload } = this.#config
    const shown = maxAlerts === 0 ? notification : { ...notification, alerts: notification.alerts.slice(0, maxAlerts) }
    const expander = new Expander(this.#ground.templates, shown)
    const url = expander.text('url', secretOf('url', this.#config.url))
    if (url === '') throw new DeliveryError('the URL of the webhook is empty once its template is expanded', { isRetryable: false })
    const body: unknown = payload === null ? webhookBody(shown, notification.alerts.length - shown.alerts.length) : expander.json('payload', payload, typedText)
    await this.#sender.json(url, body, signal)
  }

  close(): Promise<void> {
    return this.#sender.close()
  }
}

/** Alertmanager's body, field by field. */
export function webhookBody(notification: Notification, truncatedAlerts: number): { readonly [key: string]: Json } {
  const { receiver, status, alerts, groupLabels, commonLabels, commonAnnotations, externalUrl, groupKey } = notification
  return {
    receiver: quoteMeta(receiver), status, alerts: alerts.map(alertBody), groupLabels: sorted(groupLabels), commonLabels: sorted(commonLabels),
    commonAnnotations: sorted(commonAnnotations), externalURL: externalUrl, version: '4', groupKey, truncatedAlerts,
  }
}

function alertBody(alert: NotifiedAlert): { readonly [key: string]: Json } {
  return {
    status: alert.status, labels: sorted(alert.labels), annotations: sorted(alert.annotations), startsAt: new Date(alert.startsAtMs).toISOString(),
    // Go's zero time says that it has not ended.
    endsAt: alert.endsAtMs === 0 ? '0001-01-01T00:00:00Z' : new Date(alert.endsAtMs).toISOString(),
    generatorURL: alert.generatorUrl, fingerprint: alert.fingerprint, ...(alert.ackUrl !== '' && { ackURL: alert.ackUrl }),
  }
}

function sorted(labels: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries([...labels].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
}
