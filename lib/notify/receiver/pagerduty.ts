// PagerDuty: Events API v2, and v1 where only a service's key is given (developer.pagerduty.com/docs/events-api-v2-overview).
import type { PagerdutyConfig } from '../../config/receivers/pagerduty.ts'
import { isGiven } from '../../config/receivers/secret.ts'
import type { Json } from '../../config/receivers/section.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { groupHash, secretOf, type Expander, type ReceiverGround } from './ground.ts'
import { filled, httpReceiver, type Delivery } from './http-receiver.ts'
import { truncateRunes } from './truncate.ts'
import { typedText } from './typed-text.ts'

const SUMMARY_RUNES_MAX = 1024
/** An event may have 512 KB. */
const EVENT_BYTES_MAX = 512_000
const TOO_LARGE = { error: 'Custom details have been removed because the original event exceeds the maximum size of 512KB' }
const V1_URL = 'https://events.pagerduty.com/generic/2010-04-15/create_event.json'
const DEFAULT_V2_URL = 'https://events.pagerduty.com/v2/enqueue'

export function pagerdutyReceiver(config: PagerdutyConfig, ground: ReceiverGround): Receiver {
  const isV1 = isGiven(config.serviceKey)
  const deliver = async ({ notification, expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const action = notification.status === 'resolved' ? 'resolve' : 'trigger'
    const details = expander.json('details', config.details, typedText)
    const key = keyOf(config, expander)
    const group = groupHash(notification.groupKey)
    const eventOf = (shown: Json): Record<string, unknown> => (isV1 ? eventV1(config, expander, { action, key, group }, shown) : eventV2(config, expander, { action, key, group }, shown))
    let body = JSON.stringify(eventOf(details))
    if (Buffer.byteLength(body) > EVENT_BYTES_MAX) body = JSON.stringify(eventOf(TOO_LARGE))
    // A proxy of the API has one address for both.
    const url = isV1 && config.url === DEFAULT_V2_URL ? V1_URL : config.url
    // v1 says 403 where it is asked too often.
    await sender.send({ url, contentType: 'application/json', body, receipt }, signal, isV1 ? [403, 429] : [429])
  }
  return httpReceiver(config, ground, deliver)
}

function keyOf(config: PagerdutyConfig, expander: Expander): string {
  const isV1 = isGiven(config.serviceKey)
  const name = isV1 ? 'service_key' : 'routing_key'
  const key = expander.text(name, secretOf(name, isV1 ? config.serviceKey : config.routingKey))
  if (key === '') throw new DeliveryError(`${name} is empty once its template is expanded`, { isRetryable: false })
  return key
}

interface EventHead {
  action: 'trigger' | 'resolve'
  key: string
  group: string
}

function eventV2(config: PagerdutyConfig, expander: Expander, { action, key, group }: EventHead, details: Json): Record<string, unknown> {
  const { client, client_url, description, source, severity, class: kind, component, group: part } = expander.fields(config.fields)
  const images = config.images.map((image) => expander.fields(image)).filter(({ src }) => src !== '')
  const links = config.links.map((link) => expander.fields(link)).filter(({ href }) => href !== '')
  return {
    ...filled({ client, client_url, images, links }), routing_key: key, event_action: action, dedup_key: group,
    payload: {
      summary: truncateRunes(description, SUMMARY_RUNES_MAX), source, severity: severity === '' ? 'error' : severity, custom_details: details,
      ...filled({ class: kind, component, group: part }),
    },
  }
}

function eventV1(config: PagerdutyConfig, expander: Expander, { action, key, group }: EventHead, details: Json): Record<string, unknown> {
  const { client, client_url, description } = expander.fields(config.fields)
  return {
    service_key: key, event_type: action, incident_key: group, description: truncateRunes(description, SUMMARY_RUNES_MAX), details,
    ...(action === 'trigger' && filled({ client, client_url })),
  }
}
