// `mattermost_configs` (alertmanager notify/mattermost/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededUrl, type Secret } from './secret.ts'
import { readFields, readHttp, standard, type Fields, type SectionContext } from './section.ts'
import { readAttachmentFields, type SlackField } from './slack.ts'

type Field = 'channel' | 'username' | 'icon_url' | 'icon_emoji' | 'type'

type AttachmentText =
  | 'text' | 'fallback' | 'color' | 'pretext' | 'author_name' | 'author_link'
  | 'author_icon' | 'title' | 'title_link' | 'thumb_url' | 'footer' | 'footer_icon' | 'image_url'

export interface MattermostAttachment {
  texts: Fields<AttachmentText>
  fields: readonly SlackField[]
}

export interface MattermostConfig {
  kind: 'mattermost'
  isResolvedSent: boolean
  http: HttpClientConfig
  url: Secret
  fields: Fields<Field>
  /** What is said without `attachments`. */
  attachment: MattermostAttachment
  attachments: readonly MattermostAttachment[]
  /** '' for none. */
  card: string
  priority: { priority: string; isAckRequested: boolean; isPersistent: boolean } | null
}

const FIELDS: Fields<Field> = { channel: '', username: standard('mattermost', 'username'), icon_url: '', icon_emoji: '', type: '' }
const ATTACHMENT: Fields<AttachmentText> = {
  text: '', fallback: '', color: '', pretext: '', author_name: '', author_link: '', author_icon: '', title: '', title_link: '', thumb_url: '', footer: '', footer_icon: '', image_url: '',
}
const STANDARD: Fields<AttachmentText> = {
  ...ATTACHMENT, text: standard('mattermost', 'text'), fallback: standard('mattermost', 'fallback'), color: standard('mattermost', 'color'),
  title: standard('mattermost', 'title'), title_link: standard('mattermost', 'titlelink'),
}

export function readMattermost(reader: MapReader, context: SectionContext): MattermostConfig {
  const props = reader.map('props')
  const card = props?.text('card', '') ?? ''
  props?.finish()
  return {
    kind: 'mattermost', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context),
    url: readNeededUrl(reader, 'webhook_url', context.folder, context.globals.mattermostUrl), fields: readFields(reader, FIELDS),
    attachment: readAttachment(reader, STANDARD),
    attachments: reader.maps('attachments').map((part) => {
      const attachment = readAttachment(part, ATTACHMENT)
      part.finish()
      return attachment
    }),
    card, priority: readPriority(reader.map('priority')),
  }
}

function readAttachment(reader: MapReader, defaults: Fields<AttachmentText>): MattermostAttachment {
  return { texts: readFields(reader, defaults), fields: readAttachmentFields(reader) }
}

function readPriority(reader: MapReader | null): MattermostConfig['priority'] {
  if (!reader) return null
  const priority = reader.text('priority', '')
  const isAckRequested = reader.bool('requested_ack', false)
  const isPersistent = reader.bool('persistent_notifications', false)
  reader.finish()
  return priority === '' ? null : { priority, isAckRequested, isPersistent }
}
