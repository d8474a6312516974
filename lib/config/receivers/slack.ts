// `slack_configs` (alertmanager notify/slack/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { isGiven, NO_SECRET, readSecret, readSecretUrl, readUrl, type Secret } from './secret.ts'
import { readFields, readHttp, readTimeoutMs, standard, type Fields, type SectionContext } from './section.ts'

type Field =
  | 'channel' | 'username' | 'color' | 'title' | 'title_link' | 'pretext' | 'text'
  | 'message_text' | 'footer' | 'fallback' | 'callback_id' | 'icon_emoji' | 'icon_url' | 'image_url' | 'thumb_url'

export interface SlackField {
  title: string
  value: string
  /** null: as `isShort` of the section. */
  isShort: boolean | null
}

export interface SlackAction {
  fields: Fields<'type' | 'text' | 'url' | 'style' | 'name' | 'value'>
  confirm: Fields<'title' | 'text' | 'ok_text' | 'dismiss_text'> | null
}

export interface SlackConfig {
  kind: 'slack'
  isResolvedSent: boolean
  http: HttpClientConfig
  timeoutMs: number
  /** Of an incoming webhook; with a bot's token that of chat.postMessage. */
  url: Secret
  /** A bot's; NO_SECRET with a webhook. */
  token: Secret
  fields: Fields<Field>
  attachmentFields: readonly SlackField[]
  isShort: boolean
  areNamesLinked: boolean
  markdownIn: readonly string[]
  actions: readonly SlackAction[]
  /** Of a group's later messages: the first one is edited, or answered. Want a bot's token. */
  isUpdated: boolean
  isThreaded: boolean
}

const FIELDS: Fields<Field> = {
  channel: '', username: standard('slack', 'username'), color: standard('slack', 'color'), title: standard('slack', 'title'),
  title_link: standard('slack', 'titlelink'), pretext: standard('slack', 'pretext'), text: standard('slack', 'text'), message_text: '',
  footer: standard('slack', 'footer'), fallback: standard('slack', 'fallback'), callback_id: standard('slack', 'callbackid'),
  icon_emoji: standard('slack', 'iconemoji'), icon_url: standard('slack', 'iconurl'), image_url: '', thumb_url: '',
}

export function readSlack(reader: MapReader, context: SectionContext): SlackConfig {
  const config: SlackConfig = {
    kind: 'slack', isResolvedSent: reader.bool('send_resolved', false), http: readHttp(reader, context), timeoutMs: readTimeoutMs(reader),
    ...readDoor(reader, context), fields: readFields(reader, FIELDS), attachmentFields: readAttachmentFields(reader), isShort: reader.bool('short_fields', false),
    areNamesLinked: reader.bool('link_names', false), markdownIn: (reader.texts('mrkdwn_in') ?? []).map(({ text }) => text),
    actions: reader.maps('actions').map(readAction), isUpdated: reader.bool('update_message', false), isThreaded: reader.bool('post_updates_to_thread', false),
  }
  for (const [key, isSet] of [['update_message', config.isUpdated], ['post_updates_to_thread', config.isThreaded]] as const) {
    if (isSet && !isGiven(config.token) && !config.url.text.endsWith('/chat.postMessage')) reader.error(key, 'wants a bot: app_token, or the api_url of chat.postMessage')
  }
  return config
}

function readDoor(reader: MapReader, { globals: { slack }, folder }: SectionContext): { url: Secret; token: Secret } {
  const ownUrl = readSecretUrl(reader, 'api_url', folder)
  const ownToken = readSecret(reader, 'app_token', folder)
  if (isGiven(ownUrl) && isGiven(ownToken)) reader.error('app_token', 'at most one of api_url and app_token may be set')
  const hasOwnAuthorization = reader.map('http_config')?.has('authorization') ?? false
  const token = isGiven(ownToken) ? ownToken : isGiven(ownUrl) || hasOwnAuthorization ? NO_SECRET : slack.appToken
  const appUrl = readUrl(reader, 'app_url', slack.appUrl)
  if (isGiven(token)) {
    if (hasOwnAuthorization) reader.error('http_config', 'authorization must not be set beside a bot\'s token')
    return { token, url: { text: appUrl, file: '' } }
  }
  const url = isGiven(ownUrl) ? ownUrl : slack.apiUrl
  if (!isGiven(url)) reader.error('api_url', 'one of api_url, api_url_file, app_token and app_token_file must be set, here or as slack_… for all')
  return { token, url }
}

/** `fields` of a section whose messages look like Slack's. */
export function readAttachmentFields(reader: MapReader): SlackField[] {
  return reader.maps('fields').map((field) => {
    const { title, value } = readFields(field, { title: '', value: '' })
    for (const [key, text] of [['title', title], ['value', value]] as const) if (text === '') field.error(key, 'must be set')
    const isShort = field.has('short') ? field.bool('short', false) : null
    field.finish()
    return { title, value, isShort }
  })
}

function readAction(action: MapReader): SlackAction {
  const fields = readFields(action, { type: '', text: '', url: '', style: '', name: '', value: '' })
  for (const key of ['type', 'text'] as const) if (fields[key] === '') action.error(key, 'must be set')
  if (fields.url === '' && fields.name === '') action.error('name', 'one of name and url must be set')
  const section = action.map('confirm')
  const confirm = section && readFields(section, { title: '', text: '', ok_text: '', dismiss_text: '' })
  if (confirm?.text === '') section!.error('text', 'must be set')
  section?.finish()
  action.finish()
  // What opens a URL is no button with a value.
  return fields.url === '' ? { fields, confirm } : { fields: { ...fields, name: '', value: '' }, confirm: null }
}
