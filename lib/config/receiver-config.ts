// The checked form of `receivers:`, one variant for each kind of integration.
import { readEmail, type EmailConfig } from './receivers/email.ts'
import type { ReceiverGlobals } from './receivers/globals.ts'
import type { SectionContext } from './receivers/section.ts'
import { readWebhook, type WebhookConfig } from './receivers/webhook.ts'
import type { MapReader } from './reader.ts'

export type IntegrationConfig = EmailConfig | WebhookConfig
export type IntegrationKind = IntegrationConfig['kind']

export interface ReceiverConfig {
  name: string
  /** Where it stands in its file, 1-based; for what is found out later. */
  labels: ReadonlyMap<string, string>
  /** In Alertmanager's order of kinds, each kind's in the order of the file. */
  integrations: readonly IntegrationConfig[]
}

const READERS: { readonly [kind in IntegrationKind]: (reader: MapReader, context: SectionContext) => IntegrationConfig } = {
  email: readEmail, webhook: readWebhook,
}

/** Reads the list `receivers` of a configuration. Faults are collected in the reader's problems. */
export function readReceivers(reader: MapReader, globals: ReceiverGlobals, folder: string): ReceiverConfig[] {
  const seen = new Set<string>()
  return reader.maps('receivers').map((section) => {
    const name = section.text('name', '')
    if (name === '') section.error('name', 'must be set')
    else if (seen.has(name)) section.error('name', `another receiver is named ${JSON.stringify(name)}`)
    seen.add(name)
    const integrations = Object.entries(READERS).flatMap(([kind, read]) => section.maps(`${kind}_configs`).map((part) => {
      const config = read(part, { globals, folder })
      part.finish()
      return config
    }))
    const labels = new Map(section.textMap('labels').map(({ name: label, text }) => [label, text]))
    section.finish()
    return { name, labels, integrations }
  })
}
