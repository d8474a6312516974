// Web push: each subscribed browser is told through its push service. Subscriptions that are over (404, 410) are forgotten.
import type { WebpushConfig } from '../../config/receivers/webpush.ts'
import type { Notification } from '../../model/notification.ts'
import { MetaError } from '../../meta/errors.ts'
import { isDoneWithin } from '../../std/clock.ts'
import { encryptPush, PUSH_BYTES_MAX } from '../../std/web-push.ts'
import type { PushSubscription, PushSubscriptions } from '../push-subscriptions.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { groupHash, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'
import type { Outgoing } from './http-sender.ts'
import { PartlyTold } from './partly-told.ts'
import { truncateBytes } from './truncate.ts'

const TITLE_BYTES_MAX = 200
const MESSAGE_BYTES_MAX = 2000
/** Beyond it the page is opened without a search. */
const SEARCH_CHARS_MAX = 500
const GONE = [404, 410]
const STORE_MS_MAX = 5000
const NOBODY = 'nobody has subscribed: allow notifications on the alerts page'

export function webpushReceiver(config: WebpushConfig, ground: ReceiverGround): Receiver {
  const partlyTold = new PartlyTold(ground.clock)
  const deliver = async (delivery: Delivery): Promise<void> => {
    const push = await subscriptionsOf(ground)
    const { notification, sender, signal } = delivery
    const subscriptions = push.of(config.users)
    if (subscriptions.length === 0) throw new DeliveryError(NOBODY, { isRetryable: true })
    const done = new Set(partlyTold.of(notification))
    const payload = payloadOf(config, delivery)
    const open = subscriptions.filter(({ endpoint }) => !done.has(endpoint))
    const last = open.length === 1 ? { receipt: delivery.receipt } : {}
    const send = async (subscription: PushSubscription): Promise<DeliveryError | null> => {
      try {
        const request = requestOf(subscription, payload, { config, ground, push, topic: groupHash(notification.groupKey).slice(0, 32), isUrgent: notification.status === 'firing' })
        await sender.send({ ...request, ...last }, signal)
        done.add(subscription.endpoint)
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error
        if (!GONE.some((status) => error.message.startsWith(`unexpected status code ${status}`))) return error
        // Nobody else's message waits for that, or is lost by it: a store that refuses is asked again with the next one.
        push.remove(subscription.endpoint).catch((refusal: unknown) => {
          if (!(refusal instanceof MetaError)) throw refusal
        })
      }
      return null
    }
    const failures = (await Promise.all(open.map(send))).filter((failure) => failure !== null)
    if (failures.length > 0) throw partlyTold.failure(notification, done, `${failures.length} of ${subscriptions.length} browsers: ${failures[0]!.message}`, failures)
    // Each one's subscription was over.
    if (done.size === 0) throw new DeliveryError(NOBODY, { isRetryable: true })
  }
  return httpReceiver(config, ground, deliver)
}

/** A store whose disk hangs must not hold the receiver's queue for as long. */
async function subscriptionsOf({ push, clock }: ReceiverGround): Promise<PushSubscriptions> {
  try {
    const asked = push()
    if (await isDoneWithin(asked, STORE_MS_MAX, clock)) return await asked
  } catch (error) {
    if (!(error instanceof MetaError)) throw error
    throw new DeliveryError(`the subscriptions of browsers cannot be read: ${error.message}`, { isRetryable: true, cause: error })
  }
  throw new DeliveryError('the subscriptions of browsers cannot be read: the relational store does not answer, its disk may hang', { isRetryable: true })
}

/** What the service worker shows, as JSON that one message holds. */
function payloadOf(config: WebpushConfig, { notification, expander }: Delivery): Buffer {
  const { title, message } = expander.fields(config.fields)
  const { status, alerts, externalUrl, groupKey } = notification
  const ackUrl = alerts.length === 1 && status === 'firing' ? alerts[0]!.ackUrl : ''
  const fields = {
    title: truncateBytes(title, TITLE_BYTES_MAX), status,
    // A later message of the group takes the place of this one.
    tag: groupHash(groupKey).slice(0, 32), url: placeOf(notification),
    ...(ackUrl.startsWith(`${externalUrl}/`) && { ack: ackUrl.slice(externalUrl.length + 1) }),
  }
  // JSON writes some characters with six: what it takes is known when it is written.
  for (let bytes = MESSAGE_BYTES_MAX; ; bytes = bytes >> 1) {
    const payload = Buffer.from(JSON.stringify({ ...fields, body: truncateBytes(message.trim(), bytes) }))
    if (payload.length <= PUSH_BYTES_MAX || bytes === 0) return payload
  }
}

/** Address of the alerts page with what it is about, relative: browsers may reach Monitor under another name. */
function placeOf({ status, alerts, groupLabels }: Notification): string {
  const labels = alerts.length === 1 ? alerts[0]!.labels : groupLabels
  const search = [...labels].map(([name, value]) => `${name}="${value}"`).join(' ')
  const params = new URLSearchParams({ ...(status === 'resolved' && { view: 'resolved' }), ...(search !== '' && search.length <= SEARCH_CHARS_MAX && { search }) })
  return `alerts${params.size === 0 ? '' : `?${params}`}`
}

function requestOf(
  { endpoint, keys }: PushSubscription, payload: Buffer,
  { config, ground, push, topic, isUrgent }: { config: WebpushConfig; ground: ReceiverGround; push: PushSubscriptions; topic: string; isUrgent: boolean },
): Outgoing {
  return {
    url: endpoint, contentType: 'application/octet-stream', body: encryptPush(payload, keys),
    headers: {
      'content-encoding': 'aes128gcm', ttl: String(Math.trunc(config.ttlMs / 1000)), urgency: isUrgent ? 'high' : 'normal', topic,
      authorization: push.key.authorization(new URL(endpoint), config.subject, ground.clock.now()),
    },
  }
}
