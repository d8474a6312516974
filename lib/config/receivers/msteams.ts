// `msteams_configs` and `msteamsv2_configs` (alertmanager notify/msteams, msteamsv2): connectors of old, and workflows.
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readNeededUrl, type Secret } from './secret.ts'
import { readFields, readHttp, standard, type Fields, type SectionContext } from './section.ts'

export interface MsteamsConfig<K extends 'msteams' | 'msteamsv2' = 'msteams' | 'msteamsv2'> {
  kind: K
  isResolvedSent: boolean
  http: HttpClientConfig
  url: Secret
  /** `summary` is the old connector's. */
  fields: Fields<'title' | 'text' | 'summary'>
}

export function readMsteams(reader: MapReader, context: SectionContext): MsteamsConfig<'msteams'> {
  const kind = 'msteams'
  const fields = readFields(reader, { title: standard(kind, 'title'), text: standard(kind, 'text'), summary: standard(kind, 'summary') })
  return { kind, ...readShared(reader, context), fields }
}

export function readMsteamsV2(reader: MapReader, context: SectionContext): MsteamsConfig<'msteamsv2'> {
  const kind = 'msteamsv2'
  const fields = readFields(reader, { title: standard(kind, 'title'), text: standard(kind, 'text') })
  return { kind, ...readShared(reader, context), fields: { ...fields, summary: '' } }
}

function readShared(reader: MapReader, context: SectionContext): Pick<MsteamsConfig, 'isResolvedSent' | 'http' | 'url'> {
  return { isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context), url: readNeededUrl(reader, 'webhook_url', context.folder) }
}
