// Microsoft Teams: message cards for connectors of old, adaptive cards for workflows.
import type { MsteamsConfig } from '../../config/receivers/msteams.ts'
import type { Receiver } from '../receiver.ts'
import { secretOf, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'

const CARD_COLORS = { firing: '8C1A1A', resolved: '2DC72D' }
const TEXT_COLORS = { firing: 'Attention', resolved: 'Good' }
/** Four a second and webhook. */
const PACE_MS = 250

export function msteamsReceiver(config: MsteamsConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ notification: { status }, expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const { title, text, summary } = expander.fields(config.fields)
    const body = config.kind === 'msteamsv2' ? adaptiveCard(title, text, TEXT_COLORS[status]) : {
      '@context': 'http://schema.org/extensions', type: 'MessageCard', title, summary, text, themeColor: CARD_COLORS[status],
    }
    await sender.json(secretOf('webhook_url', config.url), body, signal, { receipt })
  }
  return httpReceiver(config, ground, deliver, PACE_MS)
}

function adaptiveCard(title: string, text: string, color: string): unknown {
  const body = [
    { type: 'TextBlock', text: title, weight: 'Bolder', size: 'Medium', wrap: true, style: 'heading', color },
    { type: 'TextBlock', text, wrap: true },
  ]
  const content = { $schema: 'http://adaptivecards.io/schemas/adaptive-card.json', type: 'AdaptiveCard', version: '1.2', body, msteams: { width: 'full' } }
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }] }
}
