// Telegram's Bot API, sendMessage (core.telegram.org/bots/api#sendmessage).
import type { TelegramConfig } from '../../config/receivers/telegram.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { secretOf, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'
import { answerObject } from './slack.ts'
import { truncateRunes } from './truncate.ts'

/** Of what is seen, tags left out. */
const MESSAGE_RUNES_MAX = 4096
const HTML_BYTES_MAX = 1 << 15
/** A bot may write to a group 20 times a minute. */
const PACE_MS = 3000
const TOO_LONG = 'The notification is longer than Telegram takes. Please shorten the template of its message.'
/** Statuses besides 5xx that pass: a token that is renewed in its file, a chat the bot has not been let into yet. */
const RETRIED = [401, 403, 429]

export function telegramReceiver(config: TelegramConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const isHtml = config.parseMode === 'HTML'
    const text = isHtml ? htmlWithin(expander.html('message', config.message)) : truncateRunes(expander.text('message', config.message), MESSAGE_RUNES_MAX)
    const chat = secretOf('chat_id', config.chatId)
    if (!/^-?\d+$/.test(chat)) throw new DeliveryError('chat_id_file holds no whole number', { isRetryable: true })
    const body = {
      chat_id: chat, text, disable_web_page_preview: true, disable_notification: config.isSilent,
      ...(config.parseMode !== '' && { parse_mode: config.parseMode }), ...(config.threadId !== 0 && { message_thread_id: config.threadId }),
    }
    const url = `${config.url.replace(/\/$/, '')}/bot${secretOf('bot_token', config.token)}/sendMessage`
    const answer = await sender.exchange({ url, contentType: 'application/json', body: JSON.stringify(body), receipt, word: { field: 'ok', value: true } }, signal)
    const { ok, description, parameters } = answerObject(answer.text, 'Telegram')
    if (ok === true) return
    const waitS = typeof parameters === 'object' && parameters !== null && 'retry_after' in parameters ? Number(parameters.retry_after) : 0
    throw new DeliveryError(`Telegram says: ${String(description)}`, {
      isRetryable: answer.status >= 500 || RETRIED.includes(answer.status), retryAfterMs: waitS > 0 ? waitS * 1000 : answer.retryAfterMs,
    })
  }
  return httpReceiver(config, ground, deliver, PACE_MS)
}

/** Cut markup is refused, so a text that is too long is replaced as a whole. */
function htmlWithin(html: string): string {
  const seen = html.replace(/<[^>]*>/g, '').replace(/&(?:lt|gt|amp|quot|#\d{1,7}|#x[\da-f]{1,6});?/g, '_')
  return Buffer.byteLength(html) > HTML_BYTES_MAX || Array.from(seen).length > MESSAGE_RUNES_MAX ? TOO_LONG : html
}
