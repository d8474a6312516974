// `webex_configs` (alertmanager notify/webex/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readUrl } from './secret.ts'
import { readFields, readHttp, standard, type Fields, type SectionContext } from './section.ts'

export interface WebexConfig {
  kind: 'webex'
  isResolvedSent: boolean
  /** Its authorization holds the bot's token. */
  http: HttpClientConfig
  url: string
  fields: Fields<'message' | 'room_id'>
}

export function readWebex(reader: MapReader, context: SectionContext): WebexConfig {
  const config: WebexConfig = {
    kind: 'webex', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context), url: readUrl(reader, 'api_url', context.globals.webexUrl),
    fields: readFields(reader, { message: standard('webex', 'message'), room_id: '' }),
  }
  if (config.fields.room_id === '') reader.error('room_id', 'must be set')
  if (!reader.has('http_config') || config.http.authorization === null) reader.error('http_config', 'authorization must be set: it holds the token of the bot')
  return config
}
