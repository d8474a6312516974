// Mattermost's incoming webhooks, which took over Slack's attachments (developers.mattermost.com/integrate/webhooks/incoming).
import type { MattermostAttachment, MattermostConfig } from '../../config/receivers/mattermost.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { secretOf, type Expander, type ReceiverGround } from './ground.ts'
import { filled, httpReceiver, type Delivery } from './http-receiver.ts'
import { fieldOf } from './slack.ts'
import { truncateRunes } from './truncate.ts'

const TEXT_RUNES_MAX = 16_383
const PRIORITIES = ['urgent', 'important', 'standard']

export function mattermostReceiver(config: MattermostConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const url = secretOf('webhook_url', config.url)
    if (url === '') throw new DeliveryError('webhook_url is empty', { isRetryable: false })
    await sender.json(url, requestOf(config, expander), signal, { receipt })
  }
  return httpReceiver(config, ground, deliver)
}

function requestOf(config: MattermostConfig, expander: Expander): Record<string, unknown> {
  const hasOwn = config.attachments.length > 0
  const parts = hasOwn ? config.attachments : [config.attachment]
  const text = hasOwn ? truncateRunes(expander.text('text', config.attachment.texts.text), TEXT_RUNES_MAX) : ''
  const card = config.card === '' ? '' : expander.text('props.card', config.card)
  return filled({
    ...expander.fields(config.fields), text, attachments: parts.map((part) => attachmentOf(part, expander)),
    props: card === '' ? null : { card }, priority: priorityOf(config, expander),
  })
}

function attachmentOf({ texts, fields }: MattermostAttachment, expander: Expander): Record<string, unknown> {
  const expanded = expander.fields(texts)
  return filled({ ...expanded, text: truncateRunes(expanded.text, TEXT_RUNES_MAX), fields: fields.map((field) => fieldOf(field, false, expander)) })
}

/** What a lower priority has no use for is left out, or the message would be refused. */
function priorityOf({ priority }: MattermostConfig, expander: Expander): Record<string, unknown> | null {
  if (priority === null) return null
  const given = expander.text('priority', priority.priority).toLowerCase()
  const level = PRIORITIES.includes(given) ? given : 'standard'
  return filled({ priority: level, requested_ack: priority.isAckRequested && level !== 'standard', persistent_notifications: priority.isPersistent && level === 'urgent' })
}
