// Text messages: Twilio's API, which many speak (twilio.com/docs/messaging/api/message-resource), or any HTTP request that the
// configuration describes. Each number has its own request; a repeated try leaves out those that have got the message.
import type { SmsConfig } from '../../config/receivers/sms.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { secretOf, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'
import type { Outgoing } from './http-sender.ts'
import { PartlyTold } from './partly-told.ts'
import { truncateRunes } from './truncate.ts'

/** What Twilio joins of parts at most. */
const MESSAGE_RUNES_MAX = 1600
/** A long code sends one a second. */
const PACE_MS = 1000

export function smsReceiver(config: SmsConfig, ground: ReceiverGround): Receiver {
  const partlyTold = new PartlyTold(ground.clock)
  const deliver = async (delivery: Delivery): Promise<void> => {
    const { notification, expander } = delivery
    // Control characters are no text; line breaks are.
    const text = truncateRunes(expander.text('message', config.message).replace(/[^\P{Cc}\n]/gu, ' ').trim(), MESSAGE_RUNES_MAX)
    const done = new Set(partlyTold.of(notification))
    const failures: DeliveryError[] = []
    const open = config.to.filter((to) => !done.has(to))
    for (const to of open) {
      // The last one's word is that all have got it.
      const receipt = to === open.at(-1) && failures.length === 0 ? { receipt: delivery.receipt } : {}
      try {
        await delivery.sender.send({ ...(config.request === null ? twilioRequest(config, delivery, to, text) : requestTo(config.request, delivery, to, text)), ...receipt }, delivery.signal)
        done.add(to)
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error
        failures.push(new DeliveryError(`${to}: ${error.message}`, { isRetryable: error.isRetryable, retryAfterMs: error.retryAfterMs, cause: error }))
      }
    }
    if (failures.length > 0) throw partlyTold.failure(notification, done, failures.map(({ message }) => message).join('; '), failures)
  }
  return httpReceiver(config, ground, deliver, PACE_MS)
}

function twilioRequest({ twilio }: SmsConfig, { expander }: Delivery, to: string, text: string): Outgoing {
  const { url, accountSid, authToken, from } = twilio!
  const credentials = Buffer.from(`${accountSid}:${secretOf('auth_token', authToken)}`).toString('base64')
  const sentFrom = expander.text('from', from)
  // A messaging service stands in the sender's place.
  const form = new URLSearchParams({ To: to, Body: text, [sentFrom.startsWith('MG') ? 'MessagingServiceSid' : 'From']: sentFrom })
  return {
    url: `${url.replace(/\/$/, '')}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`, body: form.toString(),
    contentType: 'application/x-www-form-urlencoded', headers: { authorization: `Basic ${credentials}` },
  }
}

function requestTo(request: NonNullable<SmsConfig['request']>, { expander }: Delivery, to: string, text: string): Outgoing {
  const own = expander.withFields(new Map([['To', to], ['Text', text]]))
  const headers = Object.fromEntries(Array.from(request.headers, ([name, value]) => [name.toLowerCase(), own.text(`request.headers.${name}`, value)]))
  const body = request.method === 'GET' ? null : own.text('request.body', request.body)
  return { method: request.method, url: own.text('request.url', secretOf('request.url', request.url)), headers, contentType: request.contentType, body }
}
