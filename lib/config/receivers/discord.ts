// `discord_configs` (alertmanager notify/discord/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededUrl, type Secret } from './secret.ts'
import { readFields, readHttp, standard, type Fields, type SectionContext } from './section.ts'

type Field = 'content' | 'title' | 'message' | 'username' | 'avatar_url'

export interface DiscordConfig {
  kind: 'discord'
  isResolvedSent: boolean
  http: HttpClientConfig
  url: Secret
  /** `username` and `avatar_url` are no templates. */
  fields: Fields<Field>
}

const FIELDS: Fields<Field> = { content: standard('discord', 'content'), title: standard('discord', 'title'), message: standard('discord', 'message'), username: '', avatar_url: '' }

export function readDiscord(reader: MapReader, context: SectionContext): DiscordConfig {
  return {
    kind: 'discord', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context),
    url: readNeededUrl(reader, 'webhook_url', context.folder), fields: readFields(reader, FIELDS),
  }
}
