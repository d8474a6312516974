// The integration that a section of the configuration asks for.
import type { IntegrationConfig } from '../../config/receiver-config.ts'
import type { Receiver } from '../receiver.ts'
import { discordReceiver } from './discord.ts'
import { EmailReceiver } from './email.ts'
import type { ReceiverGround } from './ground.ts'
import { incidentioReceiver } from './incidentio.ts'
import { jiraReceiver } from './jira.ts'
import { mattermostReceiver } from './mattermost.ts'
import { msteamsReceiver } from './msteams.ts'
import { opsgenieReceiver } from './opsgenie.ts'
import { pagerdutyReceiver } from './pagerduty.ts'
import { pushoverReceiver } from './pushover.ts'
import { rocketchatReceiver } from './rocketchat.ts'
import { slackReceiver } from './slack.ts'
import { smsReceiver } from './sms.ts'
import { snsReceiver } from './sns.ts'
import { telegramReceiver } from './telegram.ts'
import { victoropsReceiver } from './victorops.ts'
import { webexReceiver } from './webex.ts'
import { webhookReceiver } from './webhook.ts'
import { webpushReceiver } from './webpush.ts'
import { wechatReceiver } from './wechat.ts'

export function makeReceiver(config: IntegrationConfig, ground: ReceiverGround): Receiver {
  switch (config.kind) {
    case 'discord': return discordReceiver(config, ground)
    case 'email': return new EmailReceiver(config, ground)
    case 'incidentio': return incidentioReceiver(config, ground)
    case 'jira': return jiraReceiver(config, ground)
    case 'mattermost': return mattermostReceiver(config, ground)
    case 'msteams': case 'msteamsv2': return msteamsReceiver(config, ground)
    case 'opsgenie': return opsgenieReceiver(config, ground)
    case 'pagerduty': return pagerdutyReceiver(config, ground)
    case 'pushover': return pushoverReceiver(config, ground)
    case 'rocketchat': return rocketchatReceiver(config, ground)
    case 'slack': return slackReceiver(config, ground)
    case 'sms': return smsReceiver(config, ground)
    case 'sns': return snsReceiver(config, ground)
    case 'telegram': return telegramReceiver(config, ground)
    case 'victorops': return victoropsReceiver(config, ground)
    case 'webex': return webexReceiver(config, ground)
    case 'webhook': return webhookReceiver(config, ground)
    case 'webpush': return webpushReceiver(config, ground)
    case 'wechat': return wechatReceiver(config, ground)
  }
}
