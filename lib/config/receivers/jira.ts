// `jira_configs` (alertmanager notify/jira/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readUrl } from './secret.ts'
import { readFields, readHttp, readJson, standard, withSlash, type Fields, type Json, type SectionContext } from './section.ts'

type Field = 'project' | 'priority' | 'issue_type' | 'reopen_transition' | 'resolve_transition' | 'wont_fix_resolution'

/** A text of an issue, and whether it follows the group once the issue is there. */
export interface JiraText {
  template: string
  isUpdated: boolean
}

export interface JiraConfig {
  kind: 'jira'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** Ends with a slash. */
  url: string
  apiType: 'auto' | 'cloud' | 'datacenter'
  summary: JiraText
  description: JiraText
  /** Those of transitions and the resolution are no templates. */
  fields: Fields<Field>
  labels: readonly string[]
  /** An issue that was closed within it is opened again. */
  reopenMs: number
  customFields: { readonly [key: string]: Json }
}

const FIELDS: Fields<Field> = { project: '', priority: standard('jira', 'priority'), issue_type: '', reopen_transition: '', resolve_transition: '', wont_fix_resolution: '' }

export function readJira(reader: MapReader, context: SectionContext): JiraConfig {
  const custom = readJson(reader, 'fields') ?? {}
  if (typeof custom !== 'object' || custom === null || Array.isArray(custom)) reader.error('fields', 'want a map')
  const config: JiraConfig = {
    kind: 'jira', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context),
    url: withSlash(readUrl(reader, 'api_url', context.globals.jiraUrl)), apiType: reader.oneOf('api_type', ['auto', 'cloud', 'datacenter'], 'auto'),
    summary: readText(reader, 'summary'), description: readText(reader, 'description'), fields: readFields(reader, FIELDS),
    labels: (reader.texts('labels') ?? []).map(({ text }) => text), reopenMs: reader.durationMs('reopen_duration', 0),
    customFields: custom as { readonly [key: string]: Json },
  }
  if (config.url === '') reader.error('api_url', 'must be set here, or as jira_api_url for all')
  for (const key of ['project', 'issue_type'] as const) if (config.fields[key] === '') reader.error(key, 'must be set')
  return config
}

/** A template, or a map with it and `enable_update`. */
function readText(reader: MapReader, key: 'summary' | 'description'): JiraText {
  if (reader.anyNode(key)?.kind !== 'map') return { template: reader.text(key, standard('jira', key)), isUpdated: true }
  const section = reader.map(key)!
  const text = { template: section.text('template', standard('jira', key)), isUpdated: section.bool('enable_update', true) }
  section.finish()
  return text
}
