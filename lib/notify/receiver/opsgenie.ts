// Opsgenie: an alert a group, under an alias, opened and closed (docs.opsgenie.com/docs/alert-api).
import type { OpsgenieConfig } from '../../config/receivers/opsgenie.ts'
import type { Receiver } from '../receiver.ts'
import { groupHash, secretOf, type Expander, type ReceiverGround } from './ground.ts'
import { filled, httpReceiver, type Delivery } from './http-receiver.ts'
import { truncateRunes } from './truncate.ts'

const MESSAGE_RUNES_MAX = 130

export function opsgenieReceiver(config: OpsgenieConfig, ground: ReceiverGround): Receiver {
  const deliver = async ({ notification, expander, sender, signal, receipt }: Delivery): Promise<void> => {
    const headers = { authorization: `GenieKey ${expander.text('api_key', secretOf('api_key', config.key)).trim()}` }
    const alias = groupHash(notification.groupKey)
    const alertUrl = (action: string): string => `${config.url}v2/alerts/${alias}/${action}?identifierType=alias`
    const texts = expander.fields(config.fields)
    if (notification.status === 'resolved') {
      await sender.json(alertUrl('close'), { source: texts.source }, signal, { headers, receipt })
      return
    }
    const { tags, actions, description, ...plain } = texts
    const message = truncateRunes(texts.message, MESSAGE_RUNES_MAX)
    const details = Object.fromEntries([...notification.commonLabels, ...Array.from(config.details, ([key, value]) => [key, expander.text(`details.${key}`, value)] as const)])
    const more = filled({ ...plain, description, tags: listOf(tags), actions: listOf(actions), responders: respondersOf(config, expander) })
    await sender.json(`${config.url}v2/alerts`, { ...more, alias, message, details, source: texts.source }, signal, { headers, ...(!config.isUpdated && { receipt }) })
    if (!config.isUpdated) return
    for (const [part, text] of [['message', message], ['description', description]] as const) {
      await sender.send({ method: 'PUT', url: alertUrl(part), headers, contentType: 'application/json', body: JSON.stringify(filled({ [part]: text })), ...(part === 'description' && { receipt }) }, signal)
    }
  }
  return httpReceiver(config, ground, deliver)
}

function listOf(text: string): string[] {
  return text.trim().split(',').filter((item) => item !== '')
}

/** Those that are empty once expanded are left out: they may come from labels that not every group has. */
function respondersOf(config: OpsgenieConfig, expander: Expander): Record<string, unknown>[] {
  return config.responders.map((responder) => expander.fields(responder)).flatMap((responder) => {
    if (Object.values(responder).every((text) => text === '')) return []
    if (responder.type !== 'teams') return [{ ...filled(responder), type: responder.type }]
    return listOf(responder.name).map((name) => ({ name, type: 'team' }))
  })
}
