// Discord's webhooks (discord.com/developers/docs/resources/webhook#execute-webhook).
import type { DiscordConfig } from '../../config/receivers/discord.ts'
import type { Receiver } from '../receiver.ts'
import { secretOf, type ReceiverGround } from './ground.ts'
import { filled, httpReceiver, type Delivery } from './http-receiver.ts'
import { truncateRunes } from './truncate.ts'

const TITLE_RUNES_MAX = 256
const DESCRIPTION_RUNES_MAX = 4096
const CONTENT_RUNES_MAX = 2000
const COLORS = { firing: 0x992d22, resolved: 0x2ecc71 }
/** Thirty a minute and webhook. */
const PACE_MS = 2000

export function discordReceiver(config: DiscordConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ notification, expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const { username, avatar_url, ...templates } = config.fields
    const { title, message, content } = expander.fields(templates)
    const embed = { title: truncateRunes(title, TITLE_RUNES_MAX), description: truncateRunes(message, DESCRIPTION_RUNES_MAX), color: COLORS[notification.status] }
    const body = { content: truncateRunes(content, CONTENT_RUNES_MAX), embeds: [embed], ...filled({ username, avatar_url }) }
    await sender.json(secretOf('webhook_url', config.url), body, signal, { receipt })
  }
  return httpReceiver(config, ground, deliver, PACE_MS)
}
