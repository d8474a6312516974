// Rocket.Chat's chat.postMessage (developer.rocket.chat/apidocs/post-message).
import type { RocketchatConfig } from '../../config/receivers/rocketchat.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { secretOf, type ReceiverGround } from './ground.ts'
import { filled, httpReceiver, type Delivery } from './http-receiver.ts'
import { answerObject, fieldOf } from './slack.ts'
import { truncateRunes } from './truncate.ts'

const TITLE_RUNES_MAX = 1024

export function rocketchatReceiver(config: RocketchatConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const { channel, emoji, icon_url, message_text, title, ...parts } = expander.fields(config.fields)
    const actions = config.actions.map((action) => ({ ...filled({ type: 'button', ...expander.fields(action) }), is_webview: false, msg_in_chat_window: false }))
    const fields = config.attachmentFields.map((field) => fieldOf(field, config.isShort, expander))
    const body = filled({
      channel, emoji, avatar: icon_url, text: message_text, attachments: [filled({ title: truncateRunes(title, TITLE_RUNES_MAX), ...parts, fields, actions })],
    })
    const headers = { 'x-auth-token': secretOf('token', config.token), 'x-user-id': secretOf('token_id', config.tokenId) }
    const answer = await sender.json(`${config.url}api/v1/chat.postMessage`, body, signal, { headers, receipt, word: { field: 'success', value: true } })
    // Failures, too, come with 200.
    const { success, error } = answerObject(answer.text, 'Rocket.Chat')
    if (success !== true) throw new DeliveryError(`channel ${JSON.stringify(channel)}: Rocket.Chat says: ${String(error)}`, { isRetryable: false })
  }
  return httpReceiver(config, ground, deliver)
}
