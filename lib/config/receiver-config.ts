// The checked form of `receivers:`, one variant for each kind of integration; and short forms, which need no receiver.
import type { MapReader } from './reader.ts'
import { readDiscord, type DiscordConfig } from './receivers/discord.ts'
import { defaultEmail, readEmail, type EmailConfig } from './receivers/email.ts'
import type { ReceiverGlobals } from './receivers/globals.ts'
import { readIncidentio, type IncidentioConfig } from './receivers/incidentio.ts'
import { readJira, type JiraConfig } from './receivers/jira.ts'
import { readMattermost, type MattermostConfig } from './receivers/mattermost.ts'
import { readMsteams, readMsteamsV2, type MsteamsConfig } from './receivers/msteams.ts'
import { readOpsgenie, type OpsgenieConfig } from './receivers/opsgenie.ts'
import { readPagerduty, type PagerdutyConfig } from './receivers/pagerduty.ts'
import { readPushover, type PushoverConfig } from './receivers/pushover.ts'
import { readRocketchat, type RocketchatConfig } from './receivers/rocketchat.ts'
import { isGiven } from './receivers/secret.ts'
import type { SectionContext } from './receivers/section.ts'
import { readSlack, type SlackConfig } from './receivers/slack.ts'
import { defaultSms, isPhoneNumber, readSms, type SmsConfig } from './receivers/sms.ts'
import { readSns, type SnsConfig } from './receivers/sns.ts'
import { readTelegram, type TelegramConfig } from './receivers/telegram.ts'
import { readVictorops, type VictoropsConfig } from './receivers/victorops.ts'
import { readWebex, type WebexConfig } from './receivers/webex.ts'
import { defaultWebhook, readWebhook, type WebhookConfig } from './receivers/webhook.ts'
import { defaultWebpush, readWebpush, type WebpushConfig } from './receivers/webpush.ts'
import { readWechat, type WechatConfig } from './receivers/wechat.ts'

export type IntegrationConfig =
  | DiscordConfig | EmailConfig | IncidentioConfig | JiraConfig | MattermostConfig | MsteamsConfig | OpsgenieConfig | PagerdutyConfig | PushoverConfig | RocketchatConfig
  | SlackConfig | SmsConfig | SnsConfig | TelegramConfig | VictoropsConfig | WebexConfig | WebhookConfig | WebpushConfig | WechatConfig
export type IntegrationKind = IntegrationConfig['kind']

export interface ReceiverConfig {
  name: string
  labels: ReadonlyMap<string, string>
  /** By kind, each kind's in the order of the file. */
  integrations: readonly IntegrationConfig[]
  /** Of what a rule made by API names, integration by integration; absent: all are told, and counted by kind. */
  places?: readonly IntegrationPlace[]
}

export interface IntegrationPlace {
  /** What its name ends with. */
  index: number
  /** The rule names it no more: it is told the ends of what it was told before. */
  isFormer: boolean
}

const READERS: { readonly [kind in IntegrationKind]: (reader: MapReader, context: SectionContext) => IntegrationConfig } = {
  discord: readDiscord, email: readEmail, incidentio: readIncidentio, pagerduty: readPagerduty, slack: readSlack, webhook: readWebhook, opsgenie: readOpsgenie,
  wechat: readWechat, pushover: readPushover, victorops: readVictorops, sns: readSns, telegram: readTelegram, webex: readWebex, msteams: readMsteams,
  msteamsv2: readMsteamsV2, jira: readJira, rocketchat: readRocketchat, mattermost: readMattermost, sms: readSms, webpush: readWebpush,
}

/** Reads the list `receivers` of a configuration. Faults are collected in the reader's problems. */
export function readReceivers(reader: MapReader, globals: ReceiverGlobals, folder: string): ReceiverConfig[] {
  const seen = new Set<string>()
  return reader.maps('receivers').map((section) => {
    const name = section.text('name', '')
    if (name === '') section.error('name', 'must be set')
    else if (seen.has(name)) section.error('name', `another receiver is named ${JSON.stringify(name)}`)
    seen.add(name)
    const integrations = Object.entries(READERS).flatMap(([kind, read]) => section.maps(`${kind}_configs`).map((part) => {
      const config = read(part, { globals, folder })
      part.finish()
      return config
    }))
    const labels = new Map(section.textMap('labels').map(({ name: label, text }) => [label, text]))
    section.finish()
    return { name, labels, integrations }
  })
}

/** The kinds of short forms, with what follows the colon. */
const SHORT_FORMS = 'email:someone@example.com, sms:+15551234567, push:someone (push:all), webhook:https://…'

/** The integration of a short form such as `email:ops@example.com`, with the globals' sender; else what is wrong with it. */
export function readShortForm(text: string, globals: ReceiverGlobals): { config: IntegrationConfig } | { error: string } {
  const [, kind = '', target = ''] = /^(email|sms|push|webhook):(.*)$/s.exec(text) ?? []
  switch (kind) {
    case 'email':
      if (!/^[^\s@,;<>"]+@[^\s@,;<>"]+$/.test(target)) return { error: `${JSON.stringify(target)} is no mail address` }
      if (globals.smtp.smarthost === null || globals.smtp.from === '') return { error: 'email: wants smtp_smarthost and smtp_from in the global section of alerting' }
      return { config: { ...defaultEmail(globals.smtp), to: target } }
    case 'sms':
      if (!isPhoneNumber(target)) return { error: `${JSON.stringify(target)} is no number such as +15551234567` }
      if (globals.sms.accountSid === '' || globals.sms.from === '' || !isGiven(globals.sms.authToken)) return { error: 'sms: wants sms_account_sid, sms_auth_token and sms_from in the global section of alerting' }
      return { config: defaultSms(globals, [target]) }
    case 'push': return { config: defaultWebpush(globals, target === 'all' || target === '' ? [] : [target]) }
    case 'webhook':
      if (!/^https?:\/\/[^\s/]/.test(target)) return { error: `${JSON.stringify(target)} is no URL that begins with http:// or https://` }
      return { config: defaultWebhook(globals, target) }
    default: return { error: `${JSON.stringify(text)} is no short form; there are ${SHORT_FORMS}` }
  }
}
