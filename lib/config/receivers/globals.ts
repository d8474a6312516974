// The keys of `global:` that integrations fall back on (alertmanager config/config.go, GlobalConfig), and Monitor's own for
// SMS and web push.
import { readHttpClient, readTls, type HttpClientConfig } from '../http-client.ts'
import { MapReader } from '../reader.ts'
import type { TlsOptions } from '../../std/http.ts'
import { readHostPort, type HostPort } from './host-port.ts'
import { isGiven, readSecret, readSecretUrl, readUrl, type Secret } from './secret.ts'

export interface ReceiverGlobals {
  http: HttpClientConfig
  smtp: {
    from: string
    hello: string
    smarthost: HostPort | null
    username: string
    password: Secret
    secret: Secret
    identity: string
    isTlsRequired: boolean
    tls: TlsOptions | null
    /** null: port 465 decides. */
    isTlsImplicit: boolean | null
  }
  slack: { apiUrl: Secret; appToken: Secret; appUrl: string }
  pagerdutyUrl: string
  opsgenie: { apiUrl: string; apiKey: Secret }
  wechat: { apiUrl: string; apiSecret: Secret; corpId: string }
  victorops: { apiUrl: string; apiKey: Secret }
  telegram: { apiUrl: string; botToken: Secret }
  webexUrl: string
  rocketchat: { apiUrl: string; token: Secret; tokenId: Secret }
  mattermostUrl: Secret
  jiraUrl: string
  /** Monitor's own, `sms_*`: Twilio or whoever speaks its API. */
  sms: { apiUrl: string; accountSid: string; authToken: Secret; from: string }
  /** Monitor's own, `webhook_allow_private` (true by default): whether messages may go to addresses of private networks. */
  isPrivateAllowed: boolean
  /** Monitor's own, `webpush_subject`: whom push services may write to, a mailto: or https: URL. */
  pushSubject: string
}

/** Reads the integrations' keys of the section; its other keys, and `finish`, are the caller's. */
export function readReceiverGlobals(reader: MapReader, folder: string): ReceiverGlobals {
  const http = reader.map('http_config') ?? new MapReader(reader.problems, null, 'http_config')
  const globals: ReceiverGlobals = {
    http: readHttpClient(http, folder),
    smtp: readSmtp(reader, folder),
    slack: {
      apiUrl: readSecretUrl(reader, 'slack_api_url', folder), appToken: readSecret(reader, 'slack_app_token', folder),
      appUrl: readUrl(reader, 'slack_app_url', 'https://slack.com/api/chat.postMessage'),
    },
    pagerdutyUrl: readUrl(reader, 'pagerduty_url', 'https://events.pagerduty.com/v2/enqueue'),
    opsgenie: { apiUrl: readUrl(reader, 'opsgenie_api_url', 'https://api.opsgenie.com/'), apiKey: readSecret(reader, 'opsgenie_api_key', folder) },
    wechat: {
      apiUrl: readUrl(reader, 'wechat_api_url', 'https://qyapi.weixin.qq.com/cgi-bin/'),
      apiSecret: readSecret(reader, 'wechat_api_secret', folder), corpId: reader.text('wechat_api_corp_id', ''),
    },
    victorops: {
      apiUrl: readUrl(reader, 'victorops_api_url', 'https://alert.victorops.com/integrations/generic/20131114/alert/'),
      apiKey: readSecret(reader, 'victorops_api_key', folder),
    },
    telegram: { apiUrl: readUrl(reader, 'telegram_api_url', 'https://api.telegram.org'), botToken: readSecret(reader, 'telegram_bot_token', folder) },
    webexUrl: readUrl(reader, 'webex_api_url', 'https://webexapis.com/v1/messages'),
    rocketchat: {
      apiUrl: readUrl(reader, 'rocketchat_api_url', 'https://open.rocket.chat/'),
      token: readSecret(reader, 'rocketchat_token', folder), tokenId: readSecret(reader, 'rocketchat_token_id', folder),
    },
    mattermostUrl: readSecretUrl(reader, 'mattermost_webhook_url', folder),
    jiraUrl: readUrl(reader, 'jira_api_url', ''),
    sms: {
      apiUrl: readUrl(reader, 'sms_api_url', 'https://api.twilio.com'), accountSid: reader.text('sms_account_sid', ''),
      authToken: readSecret(reader, 'sms_auth_token', folder), from: reader.text('sms_from', ''),
    },
    isPrivateAllowed: reader.bool('webhook_allow_private', true),
    pushSubject: reader.text('webpush_subject', ''),
  }
  const { slack } = globals
  // The bot's own URL may stand there, for those who gave its token in http_config before there was app_token.
  if (isGiven(slack.appToken) && isGiven(slack.apiUrl) && slack.apiUrl.text !== slack.appUrl) reader.error('slack_api_url', 'at most one of slack_app_token and slack_api_url may be set')
  http.finish()
  return globals
}

function readSmtp(reader: MapReader, folder: string): ReceiverGlobals['smtp'] {
  return {
    from: reader.text('smtp_from', ''),
    hello: reader.text('smtp_hello', 'localhost'),
    smarthost: readHostPort(reader, 'smtp_smarthost'),
    username: reader.text('smtp_auth_username', ''),
    password: readSecret(reader, 'smtp_auth_password', folder),
    secret: readSecret(reader, 'smtp_auth_secret', folder),
    identity: reader.text('smtp_auth_identity', ''),
    isTlsRequired: reader.bool('smtp_require_tls', true),
    tls: readTls(reader.map('smtp_tls_config'), folder),
    isTlsImplicit: reader.has('smtp_force_implicit_tls') ? reader.bool('smtp_force_implicit_tls', false) : null,
  }
}
