// `victorops_configs` (alertmanager notify/victorops/config.go): Splunk On-Call.
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededSecret, readUrl, type Secret } from './secret.ts'
import { readFields, readHttp, readTemplates, standard, withSlash, type Fields, type SectionContext } from './section.ts'

type Field = 'routing_key' | 'message_type' | 'state_message' | 'entity_display_name' | 'monitoring_tool'

export interface VictoropsConfig {
  kind: 'victorops'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** Ends with a slash. */
  url: string
  key: Secret
  fields: Fields<Field>
  customFields: ReadonlyMap<string, string>
}

const FIELDS: Fields<Field> = {
  routing_key: '', message_type: 'CRITICAL', state_message: standard('victorops', 'state_message'),
  entity_display_name: standard('victorops', 'entity_display_name'), monitoring_tool: standard('victorops', 'monitoring_tool'),
}

export function readVictorops(reader: MapReader, context: SectionContext): VictoropsConfig {
  const { globals: { victorops }, folder } = context
  const config: VictoropsConfig = {
    kind: 'victorops', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context), url: withSlash(readUrl(reader, 'api_url', victorops.apiUrl)),
    key: readNeededSecret(reader, 'api_key', folder, victorops.apiKey), fields: readFields(reader, FIELDS), customFields: readTemplates(reader, 'custom_fields'),
  }
  if (config.fields.routing_key === '') reader.error('routing_key', 'must be set')
  for (const name of [...Object.keys(FIELDS), 'entity_id', 'entity_state']) if (config.customFields.has(name)) reader.error('custom_fields', `${name} is one of the message's own fields`)
  return config
}
