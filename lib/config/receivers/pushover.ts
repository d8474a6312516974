// `pushover_configs` (alertmanager notify/pushover/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededSecret, readUrl, type Secret } from './secret.ts'
import { readFields, readHttp, standard, type Fields, type SectionContext } from './section.ts'

type Field = 'title' | 'message' | 'url' | 'url_title' | 'device' | 'sound' | 'priority'

export interface PushoverConfig {
  kind: 'pushover'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** Monitor's own key `api_url`. */
  url: string
  userKey: Secret
  token: Secret
  fields: Fields<Field>
  /** Of emergencies: how often, and how long, they are repeated. */
  retryMs: number
  expireMs: number
  /** 0: for ever. */
  ttlMs: number
  format: '' | 'html' | 'monospace'
}

const FIELDS: Fields<Field> = {
  title: standard('pushover', 'title'), message: standard('pushover', 'message'), url: standard('pushover', 'url'), url_title: '', device: '', sound: '',
  priority: '{{ if eq .Status "firing" }}2{{ else }}0{{ end }}',
}

export function readPushover(reader: MapReader, context: SectionContext): PushoverConfig {
  const isHtml = reader.bool('html', false)
  const isMonospace = reader.bool('monospace', false)
  if (isHtml && isMonospace) reader.error('monospace', 'at most one of html and monospace may be set')
  return {
    kind: 'pushover', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context),
    url: readUrl(reader, 'api_url', 'https://api.pushover.net/1/messages.json'),
    userKey: readNeededSecret(reader, 'user_key', context.folder), token: readNeededSecret(reader, 'token', context.folder), fields: readFields(reader, FIELDS),
    retryMs: reader.durationMs('retry', 60_000), expireMs: reader.durationMs('expire', 3_600_000), ttlMs: reader.durationMs('ttl', 0),
    format: isHtml ? 'html' : isMonospace ? 'monospace' : '',
  }
}
