// Whom an integration reaches, whatever its place in the configuration and the form of its messages: by this the log of notifications
// knows who was told of an alert, also when a receiver's list changes.
import { createHash } from 'node:crypto'
import type { IntegrationConfig } from './receiver-config.ts'

const DIGITS = 16

/** A digest; another one where messages reach other people, or other incidents. A key that is only a password is no part of it. */
export function integrationTarget(config: IntegrationConfig): string {
  return createHash('sha256').update(JSON.stringify([config.kind, addressOf(config)])).digest('hex').slice(0, DIGITS)
}

function addressOf(config: IntegrationConfig): unknown {
  switch (config.kind) {
    case 'email': return config.to
    case 'sms': return [config.to, config.request?.url ?? '']
    case 'webpush': return config.users
    case 'webhook': case 'discord': case 'msteams': case 'msteamsv2': case 'incidentio': return config.url
    case 'slack': case 'mattermost': case 'rocketchat': return [config.url, config.fields.channel]
    case 'opsgenie': return [config.url, config.key]
    case 'pagerduty': return [config.url, config.routingKey, config.serviceKey]
    case 'pushover': return [config.userKey, config.fields.device]
    case 'sns': return [config.region, config.fields.topic_arn, config.fields.phone_number, config.fields.target_arn]
    case 'telegram': return [config.chatId, config.threadId]
    case 'victorops': return [config.url, config.key, config.fields.routing_key]
    case 'webex': return [config.url, config.fields.room_id]
    case 'wechat': return [config.corpId, config.fields.to_user, config.fields.to_party, config.fields.to_tag, config.fields.agent_id]
    case 'jira': return [config.url, config.fields.project]
  }
}
