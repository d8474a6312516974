// `opsgenie_configs` (alertmanager notify/opsgenie/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededSecret, readUrl, type Secret } from './secret.ts'
import { readFields, readHttp, readTemplates, standard, withSlash, type Fields, type SectionContext } from './section.ts'

type Field = 'message' | 'description' | 'source' | 'entity' | 'actions' | 'tags' | 'note' | 'priority'

export interface OpsgenieConfig {
  kind: 'opsgenie'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** Ends with a slash. */
  url: string
  key: Secret
  fields: Fields<Field>
  details: ReadonlyMap<string, string>
  responders: readonly Fields<'id' | 'name' | 'username' | 'type'>[]
  /** Message and description of an open alert follow the group. */
  isUpdated: boolean
}

const FIELDS: Fields<Field> = {
  message: standard('opsgenie', 'message'), description: standard('opsgenie', 'description'), source: standard('opsgenie', 'source'),
  entity: '', actions: '', tags: '', note: '', priority: '',
}
const TYPES = ['team', 'teams', 'user', 'escalation', 'schedule']

export function readOpsgenie(reader: MapReader, context: SectionContext): OpsgenieConfig {
  const { opsgenie } = context.globals
  return {
    kind: 'opsgenie', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context),
    url: withSlash(readUrl(reader, 'api_url', opsgenie.apiUrl)), key: readNeededSecret(reader, 'api_key', context.folder, opsgenie.apiKey),
    fields: readFields(reader, FIELDS), details: readTemplates(reader, 'details'), responders: reader.maps('responders').map(readResponder),
    isUpdated: reader.bool('update_alerts', false),
  }
}

function readResponder(reader: MapReader): Fields<'id' | 'name' | 'username' | 'type'> {
  const responder = readFields(reader, { id: '', name: '', username: '', type: '' })
  if (responder.id === '' && responder.name === '' && responder.username === '') reader.error('name', 'one of id, name and username must be set')
  if (!responder.type.includes('{{') && !TYPES.includes(responder.type.toLowerCase())) reader.error('type', `want one of ${TYPES.join(', ')}, or a template`)
  reader.finish()
  return responder
}
