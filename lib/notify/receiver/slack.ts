// Slack: incoming webhooks and bots (api.slack.com/messaging/webhooks, methods/chat.postMessage). A bot's later messages of a group
// may edit the first one, or stand in its thread: where that is is remembered with what the group was told.
import type { SlackAction, SlackConfig, SlackField } from '../../config/receivers/slack.ts'
import { isGiven } from '../../config/receivers/secret.ts'
import type { Word } from '../courier/courier.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { secretOf, type Expander, type ReceiverGround } from './ground.ts'
import { filled, httpReceiver, type Delivery } from './http-receiver.ts'
import type { Answer } from './http-sender.ts'
import { truncateRunes } from './truncate.ts'

const TITLE_RUNES_MAX = 1024
/** Slack takes one message a second and channel. */
const PACE_MS = 1000
/** What a method of the API says, and a webhook. */
const TAKEN: Word = { field: 'ok', value: true, text: 'ok' }

/** What it says of a message that cannot be changed or answered any more. */
const GONE: readonly string[] = ['message_not_found', 'thread_not_found', 'cant_update_message', 'edit_window_closed', 'channel_not_found', 'is_archived']
const PASSING: readonly string[] = ['ratelimited', 'rate_limited', 'internal_error', 'fatal_error', 'service_unavailable', 'request_timeout']

interface Posted {
  channel: string
  ts: string
}

export function slackReceiver(config: SlackConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ notification, expander, sender, signal, receipt, remember }: Delivery): Promise<void> => {
    const url = secretOf('api_url', config.url)
    const authorized = isGiven(config.token) ? { headers: { authorization: `Bearer ${secretOf('app_token', config.token)}` } } : {}
    const message = messageOf(config, expander)
    const channel = expander.text('channel', config.fields.channel)
    const post = async (to: string, more: Record<string, string>, isLast = true): Promise<Posted | null> => {
      try {
        return postedIn(await sender.json(to, { ...message, ...filled(more) }, signal, { ...authorized, ...(isLast && { receipt, word: TAKEN }) }))
      } catch (error) {
        if (!(error instanceof DeliveryError) || channel === '') throw error
        throw new DeliveryError(`channel ${JSON.stringify(channel)}: ${error.message}`, { isRetryable: error.isRetryable, retryAfterMs: error.retryAfterMs, cause: error })
      }
    }
    const followUp = async ({ channel: of, ts }: Posted): Promise<boolean> => {
      try {
        if (config.isUpdated) await post(url.replace(/chat\.postMessage$/, 'chat.update'), { channel: of, ts }, !config.isThreaded)
        if (config.isThreaded) await post(url, { channel: of, thread_ts: ts })
        return true
      } catch (error) {
        // Whoever removed the first message must hear of what comes all the same.
        if (isGone(error)) return false
        throw error
      }
    }
    const first = config.isUpdated || config.isThreaded ? postedOf(notification.memory) : null
    if (first !== null && await followUp(first)) return
    const made = await post(url, { channel })
    remember(made === null ? '' : JSON.stringify(made))
  }
  return httpReceiver(config, ground, deliver, PACE_MS)
}

/** What Slack says instead of taking a message. */
class SlackRefusal extends DeliveryError {
  readonly word: string

  constructor(word: string) {
    super(`Slack says: ${word}`, { isRetryable: PASSING.includes(word) })
    this.word = word
  }
}

function isGone(error: unknown): boolean {
  const refusal = error instanceof DeliveryError && !(error instanceof SlackRefusal) ? error.cause : error
  return refusal instanceof SlackRefusal && GONE.includes(refusal.word)
}

/** The group's first message, as it was remembered. */
function postedOf(memory: string): Posted | null {
  return memory === '' ? null : JSON.parse(memory) as Posted
}

function messageOf(config: SlackConfig, expander: Expander): Record<string, unknown> {
  const { username, icon_emoji, icon_url, message_text, channel: _, ...attachment } = expander.fields(config.fields)
  const { title, title_link, pretext, text, fallback, callback_id, image_url, thumb_url, footer, color } = attachment
  const fields = config.attachmentFields.map((field) => fieldOf(field, config.isShort, expander))
  const actions = config.actions.map((action) => actionOf(action, expander))
  const markdown = config.markdownIn.length === 0 ? ['fallback', 'pretext', 'text'] : config.markdownIn
  return {
    ...filled({ username, icon_emoji, icon_url, link_names: config.areNamesLinked, text: message_text }),
    attachments: [{
      ...filled({ title: truncateRunes(title, TITLE_RUNES_MAX), title_link, pretext, fields, actions, image_url, thumb_url, color }),
      text, fallback, callback_id, footer, mrkdwn_in: markdown,
    }],
  }
}

/** A field of an attachment, also for services that took over Slack's form. */
export function fieldOf({ title, value, isShort }: SlackField, isShortByDefault: boolean, expander: Expander): { title: string; value: string; short: boolean } {
  return { title: expander.text('fields.title', title), value: expander.text('fields.value', value), short: isShort ?? isShortByDefault }
}

function actionOf({ fields, confirm }: SlackAction, expander: Expander): Record<string, unknown> {
  return filled({ ...expander.fields(fields), confirm: confirm === null ? null : filled(expander.fields(confirm)) })
}

/** A webhook says `ok`, a method of the API JSON whose status is 200 even where it failed. */
function postedIn({ contentType, text }: Answer): Posted | null {
  if (!contentType.startsWith('application/json')) {
    if (text === 'ok') return null
    throw new DeliveryError(`Slack says: ${text.slice(0, 300)}`, { isRetryable: false })
  }
  const { ok, error, channel, ts } = answerObject(text, 'Slack')
  if (ok !== true) throw new SlackRefusal(String(error))
  return typeof channel === 'string' && typeof ts === 'string' ? { channel, ts } : null
}

/** What a service answered, as an object; something else may be better at the next try. */
export function answerObject(text: string, service: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return { ...parsed }
  } catch {
    // Told below, as other JSON is.
  }
  throw new DeliveryError(`${service} answered no JSON object: ${JSON.stringify(text.slice(0, 300))}`, { isRetryable: true })
}
