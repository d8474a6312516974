// `webpush_configs`, Monitor's own: notifications of browsers that have subscribed on the alerts page.
import type { MapReader } from '../reader.ts'
import { SEND_TIMEOUT_MS, readFields, readHttp, standard, type Fields, type SectionContext } from './section.ts'
import type { HttpClientConfig } from '../http-client.ts'
import type { ReceiverGlobals } from './globals.ts'

export interface WebpushConfig {
  kind: 'webpush'
  isResolvedSent: boolean
  http: HttpClientConfig
  timeoutMs: number
  /** Names that subscriptions were made under; none: every subscription. */
  users: readonly string[]
  fields: Fields<'title' | 'message'>
  /** How long a push service keeps what it cannot deliver yet. */
  ttlMs: number
  /** Whom push services may write to, `mailto:…` or `https:…`; '' for none. */
  subject: string
}

const DAY_MS = 86_400_000

export function readWebpush(reader: MapReader, context: SectionContext): WebpushConfig {
  const config: WebpushConfig = {
    ...defaultWebpush(context.globals, []), isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context),
    users: (reader.texts('users') ?? []).map(({ text }) => text), ttlMs: reader.durationMs('ttl', DAY_MS), subject: reader.text('subject', context.globals.pushSubject),
    fields: readFields(reader, { title: standard('webpush', 'title'), message: standard('webpush', 'message') }),
  }
  if (config.subject !== '' && !/^(?:mailto:|https:)/.test(config.subject)) reader.error('subject', 'want mailto:… or https:…')
  return config
}

/** To the subscriptions of these users, with the default templates. */
export function defaultWebpush(globals: ReceiverGlobals, users: readonly string[]): WebpushConfig {
  return {
    kind: 'webpush', isResolvedSent: true, http: globals.http, timeoutMs: SEND_TIMEOUT_MS, users, ttlMs: DAY_MS, subject: globals.pushSubject,
    fields: { title: standard('webpush', 'title'), message: standard('webpush', 'message') },
  }
}
