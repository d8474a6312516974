// `sms_configs`, Monitor's own: text messages by Twilio's API, which others speak, too, or by any HTTP request.
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { isGiven, readSecret, readUrl, type Secret } from './secret.ts'
import { readHttp, readTemplates, standard, type SectionContext } from './section.ts'
import type { ReceiverGlobals } from './globals.ts'

export interface SmsConfig {
  kind: 'sms'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** Numbers in the international form, `+15551234567`. */
  to: readonly string[]
  message: string
  twilio: { url: string; accountSid: string; authToken: Secret; from: string } | null
  /** Templates over the notification and `.To`, `.Text`. */
  request: { url: Secret; method: 'POST' | 'PUT' | 'GET'; contentType: string; headers: ReadonlyMap<string, string>; body: string } | null
}

const NUMBER = /^\+[1-9]\d{5,14}$/

export function readSms(reader: MapReader, context: SectionContext): SmsConfig {
  const { globals: { sms }, folder } = context
  const to = (reader.texts('to') ?? []).map(({ text, at, path }) => {
    if (!isPhoneNumber(text)) reader.problems.error(at, `${path}: want a number such as +15551234567, got ${JSON.stringify(text)}`)
    return text
  })
  if (to.length === 0) reader.error('to', 'must hold a number')
  const request = readRequest(reader.map('request'), folder)
  const own = readSecret(reader, 'auth_token', folder)
  const twilio = {
    url: readUrl(reader, 'api_url', sms.apiUrl), accountSid: reader.text('account_sid', sms.accountSid), authToken: isGiven(own) ? own : sms.authToken, from: reader.text('from', sms.from),
  }
  const config: SmsConfig = {
    kind: 'sms', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context), to, message: reader.text('message', standard('sms', 'message')),
    twilio: request === null ? twilio : null, request,
  }
  if (config.twilio !== null) checkTwilio(reader, config.twilio)
  return config
}

export function isPhoneNumber(text: string): boolean {
  return NUMBER.test(text)
}

/** A message with the globals' sender. */
export function defaultSms(globals: ReceiverGlobals, to: readonly string[]): SmsConfig {
  const { apiUrl, accountSid, authToken, from } = globals.sms
  return { kind: 'sms', isResolvedSent: true, http: globals.http, to, message: standard('sms', 'message'), twilio: { url: apiUrl, accountSid, authToken, from }, request: null }
}

function checkTwilio(reader: MapReader, { accountSid, authToken, from }: NonNullable<SmsConfig['twilio']>): void {
  if (accountSid === '') reader.error('account_sid', 'must be set here, or as sms_account_sid for all; else `request` says how to send')
  if (!isGiven(authToken)) reader.error('auth_token', 'must be set here, or as sms_auth_token for all')
  if (from === '') reader.error('from', 'must be set here, or as sms_from for all')
}

function readRequest(reader: MapReader | null, folder: string): SmsConfig['request'] {
  if (!reader) return null
  const request = {
    url: readSecret(reader, 'url', folder), method: reader.oneOf('method', ['POST', 'PUT', 'GET'], 'POST'),
    contentType: reader.text('content_type', 'application/json'), headers: readTemplates(reader, 'headers'), body: reader.text('body', ''),
  }
  if (!isGiven(request.url)) reader.error('url', 'one of url and url_file must be set')
  reader.finish()
  return request
}
