// Pushover's messages (pushover.net/api). Parameters go in the body, not in the address as Alertmanager's do: addresses get into logs.
import type { PushoverConfig } from '../../config/receivers/pushover.ts'
import type { Receiver } from '../receiver.ts'
import { secretOf, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'
import { truncateRunes } from './truncate.ts'

const TITLE_RUNES_MAX = 250
const MESSAGE_RUNES_MAX = 1024
const URL_RUNES_MAX = 512

export function pushoverReceiver(config: PushoverConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const { title, url, message: template, ...plain } = { ...config.fields, ...expander.fields({ ...config.fields, message: '' }), message: config.fields.message }
    const message = truncateRunes(config.format === 'html' ? expander.html('message', template) : expander.text('message', template), MESSAGE_RUNES_MAX).trim()
    const form = new URLSearchParams({
      token: expander.text('token', secretOf('token', config.token)), user: expander.text('user_key', secretOf('user_key', config.userKey)),
      title: truncateRunes(title, TITLE_RUNES_MAX),
      // An empty message is refused.
      message: message === '' ? '(no details)' : message,
      url: truncateRunes(url, URL_RUNES_MAX), ...plain, retry: String(Math.trunc(config.retryMs / 1000)), expire: String(Math.trunc(config.expireMs / 1000)),
      ...(config.ttlMs >= 1000 && { ttl: String(Math.trunc(config.ttlMs / 1000)) }), ...(config.format !== '' && { [config.format]: '1' }),
    })
    await sender.send({ url: config.url, contentType: 'application/x-www-form-urlencoded', body: form.toString(), receipt }, signal)
  }
  return httpReceiver(config, ground, deliver)
}
