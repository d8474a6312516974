// `wechat_configs` (alertmanager notify/wechat/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededSecret, readUrl, type Secret } from './secret.ts'
import { readFields, readHttp, standard, withSlash, type Fields, type SectionContext } from './section.ts'

type Field = 'message' | 'to_user' | 'to_party' | 'to_tag' | 'agent_id'

export interface WechatConfig {
  kind: 'wechat'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** Ends with a slash. */
  url: string
  secret: Secret
  corpId: string
  fields: Fields<Field>
  messageType: 'text' | 'markdown'
}

const FIELDS: Fields<Field> = {
  message: standard('wechat', 'message'), to_user: standard('wechat', 'to_user'), to_party: standard('wechat', 'to_party'), to_tag: standard('wechat', 'to_tag'), agent_id: standard('wechat', 'agent_id'),
}

export function readWechat(reader: MapReader, context: SectionContext): WechatConfig {
  const { globals: { wechat }, folder } = context
  const corpId = reader.text('corp_id', '') || wechat.corpId
  if (corpId === '') reader.error('corp_id', 'must be set here, or as wechat_api_corp_id for all')
  return {
    kind: 'wechat', isResolvedSent: reader.bool('send_resolved', false), http: readHttp(reader, context), url: withSlash(readUrl(reader, 'api_url', wechat.apiUrl)),
    secret: readNeededSecret(reader, 'api_secret', folder, wechat.apiSecret), corpId, fields: readFields(reader, FIELDS),
    messageType: reader.oneOf('message_type', ['text', 'markdown'], 'text'),
  }
}
