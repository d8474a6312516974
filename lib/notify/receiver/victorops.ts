// Splunk On-Call, once VictorOps: the generic REST endpoint (help.victorops.com/knowledge-base/rest-endpoint-integration-guide).
import type { VictoropsConfig } from '../../config/receivers/victorops.ts'
import type { Receiver } from '../receiver.ts'
import { groupHash, secretOf, type ReceiverGround } from './ground.ts'
import { httpReceiver, type Delivery } from './http-receiver.ts'
import { truncateRunes } from './truncate.ts'

const MESSAGE_RUNES_MAX = 20_480
const FIRING_TYPES = ['INFO', 'WARNING', 'CRITICAL']

export function victoropsReceiver(config: VictoropsConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ notification, expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const { routing_key, message_type, state_message, entity_display_name, monitoring_tool } = expander.fields(config.fields)
    const type = FIRING_TYPES.includes(message_type) ? message_type : 'CRITICAL'
    const custom = Object.fromEntries(Array.from(config.customFields, ([key, value]) => [key, expander.text(`custom_fields.${key}`, value)]))
    // Keys that are made of labels may hold what would end the address's path.
    const url = `${config.url}${secretOf('api_key', config.key)}/${encodeURIComponent(routing_key)}`
    await sender.json(url, {
      ...custom, message_type: notification.status === 'resolved' ? 'RECOVERY' : type, entity_id: groupHash(notification.groupKey), entity_display_name,
      state_message: truncateRunes(state_message, MESSAGE_RUNES_MAX), monitoring_tool,
    }, signal, { receipt })
  }
  return httpReceiver(config, ground, deliver)
}
