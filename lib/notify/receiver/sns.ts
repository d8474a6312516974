// Amazon SNS: Publish of its query API (docs.aws.amazon.com/sns/latest/api/API_Publish.html), signed.
import type { SnsConfig } from '../../config/receivers/sns.ts'
import type { Notification } from '../../model/notification.ts'
import { signedHeaders } from '../../std/sigv4.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { AwsCredentials, type Environment } from './aws-credentials.ts'
import { groupHash, messageKey, type Expander, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'

const MESSAGE_BYTES_MAX = 256 * 1024
const SMS_BYTES_MAX = 1600
const SUBJECT_CHARS_MAX = 100
const FORM = 'application/x-www-form-urlencoded; charset=utf-8'

export function snsReceiver(config: SnsConfig, ground: ReceiverGround, environment: Environment = process.env): Receiver {
  const credentials = new AwsCredentials(config, environment, ground.clock)
  const deliver = async ({ notification, expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const { region } = credentials
    const url = new URL(expander.text('api_url', config.fields.api_url) || `https://sns.${region}.amazonaws.com/`)
    const body = formOf(config, expander, notification).toString()
    const toSign = { method: 'POST', url, headers: { 'content-type': FORM }, body: Buffer.from(body) }
    const { host: _, 'content-type': __, ...headers } = signedHeaders(toSign, await credentials.keys(sender, signal), { region, service: 'sns' }, ground.clock.now())
    // Throttling comes as 400 or 403 with a word of its own.
    const answer = await sender.exchange({ url: url.href, headers, contentType: FORM, body, receipt }, signal)
    if (answer.status >= 200 && answer.status <= 299) return
    const isRetryable = answer.status >= 500 || answer.status === 429 || answer.text.includes('<Code>Throttl')
    const said = /<Message>([^<]*)<\/Message>/.exec(answer.text)?.[1] ?? answer.text.slice(0, 300)
    throw new DeliveryError(`unexpected status code ${answer.status}: ${said}`, { isRetryable, retryAfterMs: answer.retryAfterMs })
  }
  return httpReceiver(config, ground, deliver)
}

function formOf(config: SnsConfig, expander: Expander, notification: Notification): URLSearchParams {
  const { topic_arn, phone_number, target_arn, subject, message } = expander.fields(config.fields)
  const form = new URLSearchParams({ Action: 'Publish', Version: '2010-03-31' })
  if (topic_arn !== '') form.set('TopicArn', topic_arn)
  if (phone_number !== '') form.set('PhoneNumber', phone_number)
  if (target_arn !== '') form.set('TargetArn', target_arn)
  if (topic_arn.endsWith('.fifo')) {
    // Alertmanager gives both the group's: of what it tells within five minutes a topic then passes on the first alone, and no end.
    form.set('MessageDeduplicationId', messageKey(notification))
    form.set('MessageGroupId', groupHash(notification.groupKey))
  }
  const cut = cutBytes(message, phone_number === '' ? MESSAGE_BYTES_MAX : SMS_BYTES_MAX)
  form.set('Message', cut)
  // A subject of more than a line, or of more than 100 characters, is refused.
  if (subject !== '') form.set('Subject', subject.replace(/[^\x20-\x7e]+/g, ' ').trim().slice(0, SUBJECT_CHARS_MAX))
  const attributes = Array.from(config.attributes, ([key, value]) => [expander.text('attributes', key), expander.text(`attributes.${key}`, value)] as const)
  if (cut !== message) attributes.push(['truncated', 'true'])
  attributes.forEach(([name, value], i) => {
    const entry = `MessageAttributes.entry.${i + 1}`
    form.set(`${entry}.Name`, name)
    form.set(`${entry}.Value.DataType`, 'String')
    form.set(`${entry}.Value.StringValue`, value)
  })
  return form
}

/** Whole runes within so many bytes, without a mark. */
function cutBytes(text: string, max: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= max) return text
  let end = max
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end).toString('utf8')
}
