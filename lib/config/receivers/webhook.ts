// `webhook_configs` (alertmanager notify/webhook/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import type { ReceiverGlobals } from './globals.ts'
import { readNeededUrl, type Secret } from './secret.ts'
import { SEND_TIMEOUT_MS, readHttp, readJson, readTimeoutMs, type Json, type SectionContext } from './section.ts'

export interface WebhookConfig {
  kind: 'webhook'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** A template. */
  url: Secret
  /** Alerts in a message; 0: all. */
  maxAlerts: number
  timeoutMs: number
  /** Templates in any structure, in place of Alertmanager's body; null for that. */
  payload: Json | null
}

export function readWebhook(reader: MapReader, context: SectionContext): WebhookConfig {
  return {
    kind: 'webhook',
    isResolvedSent: reader.bool('send_resolved', true),
    http: readHttp(reader, context),
    url: readNeededUrl(reader, 'url', context.folder),
    maxAlerts: reader.count('max_alerts', 0),
    timeoutMs: readTimeoutMs(reader),
    payload: readJson(reader, 'payload') ?? null,
  }
}

/** All alerts, in Alertmanager's JSON. */
export function defaultWebhook(globals: ReceiverGlobals, url: string): WebhookConfig {
  return { kind: 'webhook', isResolvedSent: true, http: globals.http, url: { text: url, file: '' }, maxAlerts: 0, timeoutMs: SEND_TIMEOUT_MS, payload: null }
}
