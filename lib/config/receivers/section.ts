// What the sections of all integrations have in common: whether ends are told, the HTTP client, secrets that may stand in
// files, and values of any shape. Keys and faults as Alertmanager's.
import { readHttpClient, type HttpClientConfig } from '../http-client.ts'
import type { MapReader } from '../reader.ts'
import { isNull, type YamlNode } from '../yaml-node.ts'
import type { ReceiverGlobals } from './globals.ts'

/** What a message waits for the other side, unless the section says otherwise. */
export const SEND_TIMEOUT_MS = 10_000

export interface SectionContext {
  globals: ReceiverGlobals
  /** Relative paths start here. */
  folder: string
}

export function readHttp(reader: MapReader, { globals, folder }: SectionContext): HttpClientConfig {
  const section = reader.map('http_config')
  if (!section) return globals.http
  const http = readHttpClient(section, folder)
  section.finish()
  return http
}

/** Go's notation beside Prometheus': `1.5s`, `1m0.5s`. */
const GO_DURATION = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/
const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A duration that is absent or 0 is the default. */
export function readTimeoutMs(reader: MapReader): number {
  const text = reader.text('timeout', '')
  if (!GO_DURATION.test(text)) return reader.durationMs('timeout', SEND_TIMEOUT_MS) || SEND_TIMEOUT_MS
  const ms = [...text.matchAll(/([\d.]+)(\D+)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_MS[unit!]!, 0)
  // Timers know whole ms.
  return ms === 0 ? SEND_TIMEOUT_MS : Math.max(1, Math.round(ms))
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const NUMBER = /^[-+]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/

/** A value of any shape, its plain scalars typed as YAML does. */
export function readJson(reader: MapReader, key: string): Json | undefined {
  const found = reader.anyNode(key)
  return found === null ? undefined : jsonOf(found)
}

export function jsonOf(node: YamlNode): Json {
  switch (node.kind) {
    case 'list': return node.items.map(jsonOf)
    case 'map': return Object.fromEntries(Array.from(node.entries.values(), ({ key, value }) => [key, jsonOf(value)]))
    case 'scalar':
      if (isNull(node)) return null
      if (!node.isPlain) return node.text
      if (/^(?:true|True|TRUE)$/.test(node.text)) return true
      if (/^(?:false|False|FALSE)$/.test(node.text)) return false
      return NUMBER.test(node.text) ? Number(node.text) : node.text
  }
}

/** Texts by key, most of them templates, with their defaults. */
export type Fields<K extends string> = Readonly<Record<K, string>>

/** Reads the keys of `defaults`. */
export function readFields<K extends string>(reader: MapReader, defaults: Fields<K>): Fields<K> {
  const read = Object.entries<string>(defaults).map(([key, fallback]) => [key, reader.text(key, fallback)])
  return Object.fromEntries(read) as Fields<K>
}

/** The template that is there under the kind's name. */
export function standard(kind: string, part: string): string {
  return `{{ template "${kind}.default.${part}" . }}`
}

/** A path that more is added to. */
export function withSlash(url: string): string {
  return url === '' || url.endsWith('/') ? url : `${url}/`
}

/** A map of templates under keys of the user's choice. */
export function readTemplates(reader: MapReader, key: string): ReadonlyMap<string, string> {
  return new Map(reader.textMap(key).map(({ name, text }) => [name, text]))
}
