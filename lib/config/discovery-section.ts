// Where a scrape config's targets come from: static_configs, file_sd_configs, http_sd_configs, dns_sd_configs, and the kinds that are
// not built yet.
import path from 'node:path'
import type { TargetGroup } from '../model/target-group.ts'
import { isValidLabelName } from '../model/relabel.ts'
import type { DnsType } from '../std/dns.ts'
import { nearestWord } from '../std/nearest-word.ts'
import { isUrl, readHttpClient } from './http-client.ts'
import type { MapReader } from './reader.ts'
import type { DnsSdConfig, FileSdConfig, HttpSdConfig } from './scrape-config.ts'

const FILE_REFRESH_MS = 300_000
const HTTP_REFRESH_MS = 60_000
const DNS_REFRESH_MS = 30_000
const DNS_TYPES: readonly DnsType[] = ['SRV', 'A', 'AAAA', 'MX', 'NS']
const PORT_MAX = 65_535
const FILE_NAME = /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/
/** Prometheus 3.14's kinds of discovery. */
const OTHER_KINDS: readonly string[] = [
  'aws', 'azure', 'consul', 'digitalocean', 'docker', 'dockerswarm', 'ec2', 'eureka', 'gce', 'hetzner',
  'ionos', 'kubernetes', 'kuma', 'lightsail', 'linode', 'marathon', 'nerve', 'nomad', 'oci', 'openstack', 'outscale',
  'ovhcloud', 'puppetdb', 'scaleway', 'serverset', 'stackit', 'triton', 'uyuni', 'vultr',
]

/** Names the discovery kinds in use that Monitor does not have. */
export function refuseOtherKinds(reader: MapReader): void {
  reader.notBuilt(...OTHER_KINDS.map((kind) => `${kind}_sd_configs`))
}

/** static_configs as target groups; `isChecked`: no relabeling excuses a URL. Sources are `static/0`, `static/1` … */
export function readStaticConfigs(reader: MapReader, isChecked = false): TargetGroup[] {
  // A URL is a mistake, unless relabeling makes an address of it, as with probes.
  const isRelabeled = (reader.list('relabel_configs') ?? []).length > 0
  return reader.maps('static_configs').map((section, i) => {
    if (isChecked || !isRelabeled) checkAddresses(section)
    return readTargetGroup(section, `static/${i}`)
  })
}

/** A map of targets and labels, as static_configs and target files have them. */
export function readTargetGroup(section: MapReader, source: string): TargetGroup {
  const targets = (section.texts('targets') ?? []).map(({ text }) => new Map([['__address__', text]]))
  const labels = new Map<string, string>()
  for (const { name, text, keyAt } of section.textMap('labels')) {
    if (!isValidLabelName(name, 'utf8')) {
      section.problems.error(keyAt, `${section.pathOf('labels')}: ${JSON.stringify(name)} is not a valid label name`)
    }
    labels.set(name, text)
  }
  section.finish()
  return { source, targets, labels }
}

function checkAddresses(section: MapReader): void {
  for (const { text, at, path: where } of section.texts('targets') ?? []) {
    if (text === '') section.problems.error(at, `${where}: is empty`)
    if (!text.includes('/')) continue
    const message = `${JSON.stringify(text)} is not host:port; set scheme and metrics_path for the rest of a URL`
    section.problems.error(at, `${where}: ${message}`)
  }
}

/** file_sd_configs; paths are made absolute, from the folder of the configuration. */
export function readFileSdConfigs(reader: MapReader, folder: string): FileSdConfig[] {
  return reader.maps('file_sd_configs').map((section) => {
    const files = section.texts('files') ?? []
    if (files.length === 0) section.error('files', 'want at least one path')
    for (const { text, at, path: where } of files) {
      const isUnbuilt = /\[|\?.*\//.test(text)
      if (isUnbuilt) section.problems.error(at, `${where}: ${JSON.stringify(text)}: [] and, in the name of a folder, ? are not built into Monitor yet`)
      if (isUnbuilt || FILE_NAME.test(text)) continue
      const wanted = 'want .json, .yml or .yaml, and * only in the last element'
      section.problems.error(at, `${where}: ${JSON.stringify(text)} is no path for file discovery: ${wanted}`)
    }
    const refreshIntervalMs = section.durationMs('refresh_interval', FILE_REFRESH_MS)
    section.finish()
    return {
      files: files.map(({ text }) => path.resolve(folder, text)),
      refreshIntervalMs: refreshIntervalMs === 0 ? FILE_REFRESH_MS : refreshIntervalMs,
    }
  })
}

/** http_sd_configs, each with the client that asks. */
export function readHttpSdConfigs(reader: MapReader, folder: string): HttpSdConfig[] {
  return reader.maps('http_sd_configs').map((section) => {
    const url = section.text('url', '')
    if (url === '') section.error('url', 'must be set')
    else if (!isUrl(url)) section.error('url', 'want a URL that begins with http:// or https://')
    else if (/^\w+:\/\/[^/?#]*@/.test(url)) section.error('url', 'must not hold a user or password; give them as basic_auth')
    const refreshIntervalMs = section.durationMs('refresh_interval', HTTP_REFRESH_MS) || HTTP_REFRESH_MS
    const http = readHttpClient(section, folder)
    section.finish()
    return { url, refreshIntervalMs, http }
  })
}

/** dns_sd_configs; types in any case, as Prometheus takes them. */
export function readDnsSdConfigs(reader: MapReader): DnsSdConfig[] {
  return reader.maps('dns_sd_configs').map((section) => {
    const names = section.texts('names') ?? []
    if (names.length === 0) section.error('names', 'want at least one name, such as _node._tcp.example.com')
    for (const { text, at, path: where } of names) {
      if (!/^[^\s:/.]([^\s:/]*)$/.test(text)) section.problems.error(at, `${where}: ${JSON.stringify(text)} is no name; want one such as _node._tcp.example.com, without scheme and port`)
    }
    const given = section.text('type', 'SRV').toUpperCase() || 'SRV'
    const type = DNS_TYPES.find((one) => one === given)
    const nearest = nearestWord(given, DNS_TYPES)
    if (type === undefined) section.error('type', `want one of ${DNS_TYPES.join(', ')}, got ${JSON.stringify(given)}${nearest === null ? '' : `; did you mean ${nearest}?`}`)
    const port = section.count('port', 0)
    if (port > PORT_MAX) section.error('port', `want 1 to ${PORT_MAX}, got ${port}`)
    if (port === 0 && type !== undefined && type !== 'SRV') section.error('port', `must be set for ${type} records, which have none`)
    const refreshIntervalMs = section.durationMs('refresh_interval', DNS_REFRESH_MS) || DNS_REFRESH_MS
    section.finish()
    return { names: names.map(({ text }) => text), type: type ?? 'SRV', port, refreshIntervalMs }
  })
}
