// `telegram_configs` (alertmanager notify/telegram/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededSecret, readUrl, type Secret } from './secret.ts'
import { readHttp, readTimeoutMs, standard, type SectionContext } from './section.ts'

export interface TelegramConfig {
  kind: 'telegram'
  isResolvedSent: boolean
  http: HttpClientConfig
  timeoutMs: number
  url: string
  token: Secret
  /** A whole number, as text. */
  chatId: Secret
  /** 0: none. */
  threadId: number
  message: string
  isSilent: boolean
  parseMode: '' | 'HTML' | 'Markdown' | 'MarkdownV2'
}

export function readTelegram(reader: MapReader, context: SectionContext): TelegramConfig {
  const { globals: { telegram }, folder } = context
  const config: TelegramConfig = {
    kind: 'telegram', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context), timeoutMs: readTimeoutMs(reader),
    url: readUrl(reader, 'api_url', telegram.apiUrl), token: readNeededSecret(reader, 'bot_token', folder, telegram.botToken),
    chatId: readNeededSecret(reader, 'chat_id', folder), threadId: reader.integer('message_thread_id', 0),
    message: reader.text('message', standard('telegram', 'message')), isSilent: reader.bool('disable_notifications', false),
    parseMode: reader.has('parse_mode') ? reader.oneOf('parse_mode', ['', 'HTML', 'Markdown', 'MarkdownV2'], 'HTML') : 'HTML',
  }
  if (config.chatId.text !== '' && !/^-?\d+$/.test(config.chatId.text)) reader.error('chat_id', 'want a whole number')
  else if (Number(config.chatId.text) === 0 && config.chatId.text !== '') reader.error('chat_id', 'is 0, which is no chat')
  return config
}
