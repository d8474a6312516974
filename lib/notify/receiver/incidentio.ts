// incident.io: the webhook's body, version 1, with a token (api-docs.incident.io, alert sources).
import type { IncidentioConfig } from '../../config/receivers/incidentio.ts'
import { isGiven } from '../../config/receivers/secret.ts'
import type { Receiver } from '../receiver.ts'
import { secretOf, type ReceiverGround } from './ground.ts'
import { filled, httpReceiver, type Delivery } from './http-receiver.ts'
import { firstAlerts, webhookBody } from './webhook.ts'

const BODY_BYTES_MAX = 512 * 1024

export function incidentioReceiver(config: IncidentioConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ notification, expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const metadata = Object.fromEntries(Array.from(config.metadata, ([key, value]) => [key, expander.text(`metadata.${key}`, value)]))
    const bodyOf = (count: number): string => {
      const shown = firstAlerts(notification, count)
      return JSON.stringify({ ...webhookBody({ ...shown, routeLabels: expander.routeLabels }, notification.alerts.length - shown.alerts.length), version: '1', ...filled({ metadata: config.metadata.size === 0 ? null : metadata }) })
    }
    let body = bodyOf(config.maxAlerts)
    // A group is one alert there; what its others say is of less use than the whole.
    if (Buffer.byteLength(body) > BODY_BYTES_MAX) body = bodyOf(1)
    const headers: Record<string, string> = isGiven(config.token) ? { authorization: `Bearer ${secretOf('alert_source_token', config.token)}` } : {}
    await sender.send({ url: secretOf('url', config.url), headers, contentType: 'application/json', body, receipt }, signal)
  }
  return httpReceiver(config, ground, deliver)
}
