// `pagerduty_configs` (alertmanager notify/pagerduty/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { isGiven, readSecret, readUrl, type Secret } from './secret.ts'
import { readFields, readHttp, readJson, readTimeoutMs, standard, type Fields, type Json, type SectionContext } from './section.ts'

type Field = 'client' | 'client_url' | 'description' | 'source' | 'severity' | 'class' | 'component' | 'group'

export interface PagerdutyConfig {
  kind: 'pagerduty'
  isResolvedSent: boolean
  http: HttpClientConfig
  timeoutMs: number
  url: string
  /** Of Events v2; where only the service's key is given, v1 is spoken. */
  routingKey: Secret
  serviceKey: Secret
  fields: Fields<Field>
  details: { readonly [key: string]: Json }
  images: readonly Fields<'src' | 'alt' | 'href'>[]
  links: readonly Fields<'href' | 'text'>[]
}

const FIELDS: Fields<Field> = {
  client: standard('pagerduty', 'client'), client_url: standard('pagerduty', 'clientURL'), description: standard('pagerduty', 'description'),
  source: '', severity: '', class: '', component: '', group: '',
}
const DETAILS: { readonly [key: string]: Json } = {
  firing: '{{ .Alerts.Firing | toJson }}', resolved: '{{ .Alerts.Resolved | toJson }}', num_firing: '{{ .Alerts.Firing | len }}', num_resolved: '{{ .Alerts.Resolved | len }}',
}

export function readPagerduty(reader: MapReader, context: SectionContext): PagerdutyConfig {
  const { globals, folder } = context
  const fields = readFields(reader, FIELDS)
  const own = readJson(reader, 'details') ?? {}
  if (typeof own !== 'object' || own === null || Array.isArray(own)) reader.error('details', 'want a map')
  const config: PagerdutyConfig = {
    kind: 'pagerduty', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context), timeoutMs: readTimeoutMs(reader),
    url: readUrl(reader, 'url', globals.pagerdutyUrl), routingKey: readSecret(reader, 'routing_key', folder), serviceKey: readSecret(reader, 'service_key', folder),
    fields: { ...fields, source: fields.source || fields.client }, details: { ...DETAILS, ...(own as { readonly [key: string]: Json }) },
    images: readParts(reader, 'images', { src: '', alt: '', href: '' }), links: readParts(reader, 'links', { href: '', text: '' }),
  }
  if (!isGiven(config.routingKey) && !isGiven(config.serviceKey)) reader.error('routing_key', 'one of routing_key, routing_key_file, service_key and service_key_file must be set')
  return config
}

function readParts<K extends string>(reader: MapReader, key: string, defaults: Fields<K>): Fields<K>[] {
  return reader.maps(key).map((part) => {
    const fields = readFields(part, defaults)
    part.finish()
    return fields
  })
}
