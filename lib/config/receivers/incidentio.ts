// `incidentio_configs` (alertmanager notify/incidentio/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { isGiven, readNeededUrl, readSecret, type Secret } from './secret.ts'
import { readHttp, readTemplates, readTimeoutMs, type SectionContext } from './section.ts'

export interface IncidentioConfig {
  kind: 'incidentio'
  isResolvedSent: boolean
  http: HttpClientConfig
  timeoutMs: number
  url: Secret
  /** NO_SECRET where http_config has the authorization. */
  token: Secret
  /** Alerts in a message; 0: all. */
  maxAlerts: number
  metadata: ReadonlyMap<string, string>
}

export function readIncidentio(reader: MapReader, context: SectionContext): IncidentioConfig {
  const config: IncidentioConfig = {
    kind: 'incidentio', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context), timeoutMs: readTimeoutMs(reader),
    url: readNeededUrl(reader, 'url', context.folder), token: readSecret(reader, 'alert_source_token', context.folder), maxAlerts: reader.count('max_alerts', 0),
    metadata: readTemplates(reader, 'metadata'),
  }
  const hasOwn = reader.map('http_config')?.has('authorization') ?? false
  if (hasOwn && isGiven(config.token)) reader.error('alert_source_token', 'must not be set beside http_config.authorization')
  if (!isGiven(config.token) && config.http.authorization === null) reader.error('alert_source_token', 'one of alert_source_token, alert_source_token_file and http_config.authorization must be set')
  return config
}
