// `rocketchat_configs` (alertmanager notify/rocketchat/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededSecret, readUrl, type Secret } from './secret.ts'
import { readFields, readHttp, standard, withSlash, type Fields, type SectionContext } from './section.ts'
import type { SlackField } from './slack.ts'

type Field = 'channel' | 'color' | 'title' | 'title_link' | 'text' | 'message_text' | 'emoji' | 'icon_url' | 'image_url' | 'thumb_url'

export interface RocketchatConfig {
  kind: 'rocketchat'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** Ends with a slash. */
  url: string
  token: Secret
  tokenId: Secret
  fields: Fields<Field>
  attachmentFields: readonly SlackField[]
  isShort: boolean
  actions: readonly Fields<'text' | 'url' | 'msg'>[]
}

const FIELDS: Fields<Field> = {
  channel: '', color: '{{ if eq .Status "firing" }}red{{ else }}green{{ end }}', title: standard('rocketchat', 'title'), title_link: standard('rocketchat', 'titlelink'),
  text: standard('rocketchat', 'text'), message_text: '', emoji: standard('rocketchat', 'emoji'), icon_url: standard('rocketchat', 'iconurl'), image_url: '', thumb_url: '',
}

export function readRocketchat(reader: MapReader, context: SectionContext): RocketchatConfig {
  const { globals: { rocketchat }, folder } = context
  reader.bool('link_names', false)
  return {
    kind: 'rocketchat', isResolvedSent: reader.bool('send_resolved', false), http: readHttp(reader, context), url: withSlash(readUrl(reader, 'api_url', rocketchat.apiUrl)),
    token: readNeededSecret(reader, 'token', folder, rocketchat.token), tokenId: readNeededSecret(reader, 'token_id', folder, rocketchat.tokenId),
    fields: readFields(reader, FIELDS), isShort: reader.bool('short_fields', false),
    attachmentFields: reader.maps('fields').map((field) => {
      const read = { ...readFields(field, { title: '', value: '' }), isShort: field.has('short') ? field.bool('short', false) : null }
      field.finish()
      return read
    }),
    actions: reader.maps('actions').map((action) => {
      // Only buttons are shown, whatever else is said of them.
      readFields(action, { type: '', image_url: '', webview_height_ratio: '', msg_processing_type: '' })
      for (const key of ['is_webview', 'msg_in_chat_window']) action.bool(key, false)
      const fields = readFields(action, { text: '', url: '', msg: '' })
      action.finish()
      return fields
    }),
  }
}
