// From what discovery found to what is scraped: labels before and after relabeling, URL, identity, place in the
// interval. After prometheus scrape/target.go.
import { hostname } from 'node:os'
import type { ScrapeConfig } from '../config/scrape-config.ts'
import type { HistogramReading } from '../format/exposition-entry.ts'
import { formatDuration, parseDuration } from '../model/duration.ts'
import { formatLabels, labelsFromMap, type Labels } from '../model/labels.ts'
import { relabel } from '../model/relabel.ts'
import type { TargetGroup } from '../model/target-group.ts'
import { hashBytes } from '../std/bytes.ts'

const CONVERTS_LABEL = '__convert_classic_histograms_to_nhcb__'
const KEEPS_LABEL = '__always_scrape_classic_histograms__'
const NATIVE_LABEL = '__scrape_native_histograms__'
const TRUE_WORDS: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE_WORDS: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

/** A target that cannot be scraped as configured; the others of its group are unharmed. */
class TargetError extends Error {
  readonly code = 'TARGET'
}

export interface Target {
  /** Equal for targets that would be scraped alike: they are merged. */
  readonly key: string
  readonly url: URL
  /** Labels stored with each sample: those without leading `__`. */
  readonly labels: Labels
  readonly discoveredLabels: Labels
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly histograms: HistogramReading
}

export interface GroupTargets {
  targets: Target[]
  /** Labels before relabeling of those that relabeling dropped. */
  dropped: Labels[]
  errors: TargetError[]
}

/** All targets of a group, in its order. */
export function targetsOf(group: TargetGroup, config: ScrapeConfig): GroupTargets {
  const result: GroupTargets = { targets: [], dropped: [], errors: [] }
  for (const own of group.targets) {
    const discovered = discoveredLabels(own, group.labels, config)
    const discoveredSet = labelsFromMap(discovered)
    const labels = new Map(discovered)
    if (!relabel(labels, config.relabelConfigs, config.metricNameValidationScheme) || labels.size === 0) {
      result.dropped.push(discoveredSet)
      continue
    }
    try {
      result.targets.push(toTarget(labels, discoveredSet, config))
    } catch (error) {
      if (!(error instanceof TargetError)) throw error
      result.errors.push(error)
    }
  }
  return result
}

function discoveredLabels(own: ReadonlyMap<string, string>, shared: ReadonlyMap<string, string>, config: ScrapeConfig): Map<string, string> {
  const labels = new Map([...shared, ...own])
  const setMissing = (name: string, value: string): void => {
    if ((labels.get(name) ?? '') === '') labels.set(name, value)
  }
  setMissing('job', config.jobName)
  setMissing('__scrape_interval__', formatDuration(config.scrapeIntervalMs))
  setMissing('__scrape_timeout__', formatDuration(config.scrapeTimeoutMs))
  setMissing('__metrics_path__', config.metricsPath)
  setMissing('__scheme__', config.scheme)
  setMissing(CONVERTS_LABEL, String(config.convertClassicHistogramsToNhcb))
  setMissing(KEEPS_LABEL, String(config.alwaysScrapeClassicHistograms))
  setMissing(NATIVE_LABEL, String(config.scrapeNativeHistograms))
  for (const [name, values] of config.params) if (values.length > 0) setMissing(`__param_${name}`, values[0]!)
  for (const [name, value] of labels) if (value === '') labels.delete(name)
  return labels
}

function toTarget(labels: Map<string, string>, discovered: Labels, config: ScrapeConfig): Target {
  const address = labels.get('__address__') ?? ''
  if (address === '') throw new TargetError(`no address in target ${formatLabels(discovered)}`)
  if (address.includes('/')) throw new TargetError(`${JSON.stringify(address)} is not a valid hostname`)
  const intervalMs = durationLabel(labels, '__scrape_interval__', 'scrape interval')
  const timeoutMs = durationLabel(labels, '__scrape_timeout__', 'scrape timeout')
  if (timeoutMs > intervalMs) {
    const [timeout, interval] = [labels.get('__scrape_timeout__'), labels.get('__scrape_interval__')]
    throw new TargetError(`scrape timeout cannot be greater than scrape interval ("${timeout}" > "${interval}")`)
  }
  const histograms = {
    schemaMax: config.nativeHistogramSchemaMax,
    convertsClassic: boolLabel(labels, CONVERTS_LABEL, 'convert classic histograms to nhcb', config.convertClassicHistogramsToNhcb),
    keepsClassic: boolLabel(labels, KEEPS_LABEL, 'always scrape classic histograms', config.alwaysScrapeClassicHistograms),
    readsNative: boolLabel(labels, NATIVE_LABEL, 'scrape native histograms', config.scrapeNativeHistograms),
  }
  for (const name of labels.keys()) if (name.startsWith('__meta_')) labels.delete(name)
  if ((labels.get('instance') ?? '') === '') labels.set('instance', address)
  for (const [name, value] of labels) {
    if (!value.isWellFormed()) throw new TargetError(`invalid label value for ${JSON.stringify(name)}: ${JSON.stringify(value)}`)
  }
  const url = scrapeUrl(labels, config)
  const all = labelsFromMap(labels)
  const stored = labelsFromMap(new Map([...labels].filter(([name]) => !name.startsWith('__'))))
  return { key: JSON.stringify([all, url.href]), url, labels: stored, discoveredLabels: discovered, intervalMs, timeoutMs, histograms }
}

function durationLabel(labels: ReadonlyMap<string, string>, name: string, what: string): number {
  let ms: number
  try {
    ms = parseDuration(labels.get(name) ?? '')
  } catch (error) {
    throw new TargetError(`error parsing ${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (ms === 0) throw new TargetError(`${what} cannot be 0`)
  return ms
}

/** What relabeling made of a setting, in the words that Go's ParseBool knows. */
function boolLabel(labels: ReadonlyMap<string, string>, name: string, what: string, fallback: boolean): boolean {
  const text = labels.get(name) ?? ''
  if (text === '') return fallback
  if (TRUE_WORDS.has(text)) return true
  if (FALSE_WORDS.has(text)) return false
  throw new TargetError(`error parsing ${what}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

/** Parameters: those configured, of which `__param_*` labels replace the first values, sorted by name. */
function scrapeUrl(labels: ReadonlyMap<string, string>, config: ScrapeConfig): URL {
  const params = new Map([...config.params].map(([name, values]) => [name, [...values]]))
  for (const [name, value] of labels) {
    if (!name.startsWith('__param_')) continue
    const key = name.slice('__param_'.length)
    params.set(key, [value, ...(params.get(key) ?? []).slice(1)])
  }
  const scheme = labels.get('__scheme__') ?? ''
  if (scheme !== 'http' && scheme !== 'https') throw new TargetError(`unsupported protocol scheme "${scheme}"`)
  const base = `${scheme}://${labels.get('__address__')}`
  if (!URL.canParse(base)) throw new TargetError(`${JSON.stringify(labels.get('__address__'))} is not a valid hostname`)
  const url = new URL(base)
  // The setter escapes ? and #, as Go does for a URL's path.
  url.pathname = labels.get('__metrics_path__') ?? ''
  const query = new URLSearchParams()
  for (const name of [...params.keys()].toSorted()) for (const value of params.get(name)!) query.append(name, value)
  url.search = query.toString()
  return url
}

/** What moves the schedules of two servers with equal targets apart: host name and external labels. */
export function offsetSeed(externalLabels: ReadonlyMap<string, string>): number {
  return hashText(JSON.stringify([hostname(), labelsFromMap(new Map(externalLabels))]), 0)
}

/**
 * Ms from now until the target's next turn: its place in the interval depends on nothing but stored labels, URL and
 * seed, so it survives restarts and changed timeouts, and spreads targets evenly.
 */
export function offsetMs(target: Target, seed: number, nowMs: number): number {
  const identity = JSON.stringify([target.labels, target.url.href])
  const hash = ((hashText(identity, 1) ^ seed) >>> 0) * 65_536 + (hashText(identity, 2) & 0xffff)
  const next = target.intervalMs - (nowMs % target.intervalMs) + (hash % target.intervalMs)
  return next > target.intervalMs ? next - target.intervalMs : next
}

function hashText(text: string, seed: number): number {
  const bytes = Buffer.from(text)
  return hashBytes(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, seed)
}
