// The sections beside scrape_configs: `global` and `storage`. Source: prometheus config/config.go.
import type { MapReader } from './reader.ts'
import type { Config, RetentionRuleConfig } from './scrape-config.ts'
import { checkTimeout, DEFAULT_LIMITS, readShared, type ScrapeDefaults } from './scrape-section.ts'

const INTERVAL_MS = 60_000
const TIMEOUT_MS = 10_000
/** Prometheus' default is none; agents that resend after a lost connection make some lateness normal. */
const OUT_OF_ORDER_MS = 10 * 60_000
/** New series of a pushing source (job and instance) an hour. */
const PUSH_NEW_SERIES = 100_000
/** Prometheus' default. */
const EXEMPLARS_DEFAULT = 100_000
/** 1.6 GB of them. */
const EXEMPLARS_MAX = 10_000_000
const VARIABLE = /\$(?:\{([^}]*)\}|(\{)|([*#$@!?0-9-]|[A-Za-z_][A-Za-z0-9_]*))/g

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface GlobalSection {
  readonly global: Config['global']
  /** What jobs start from. */
  readonly defaults: ScrapeDefaults
}

/** Reads `global`; `protocols`: what it offers where it names none, null for what jobs need. */
export function readGlobal(reader: MapReader, folder: string, env: Environment, protocols: ScrapeDefaults['protocols']): GlobalSection {
  const scrapeIntervalMs = reader.durationMs('scrape_interval', 0) || INTERVAL_MS
  const timeoutMs = reader.durationMs('scrape_timeout', 0)
  checkTimeout(reader, timeoutMs, scrapeIntervalMs)
  const global = {
    scrapeIntervalMs,
    scrapeTimeoutMs: timeoutMs || Math.min(TIMEOUT_MS, scrapeIntervalMs),
    evaluationIntervalMs: reader.durationMs('evaluation_interval', 0) || INTERVAL_MS,
    ruleQueryOffsetMs: reader.durationMs('rule_query_offset', 0),
    externalLabels: readExternalLabels(reader, env),
    pushNewSeries: reader.count('push_new_series_limit', PUSH_NEW_SERIES),
  }
  const defaults = readShared(reader, {
    intervalMs: global.scrapeIntervalMs,
    timeoutMs: global.scrapeTimeoutMs,
    protocols,
    scrapeNativeHistograms: false,
    alwaysScrapeClassicHistograms: false,
    convertClassicHistogramsToNhcb: false,
    limits: DEFAULT_LIMITS,
    nameScheme: 'utf8',
    escapingScheme: null,
    extraScrapeMetrics: false,
    failureLogFile: '',
  }, folder)
  reader.notBuilt('query_log_file')
  reader.finish()
  const { pushNewSeries, ...settings } = global
  const { labels, labelNameLength, labelValueLength } = defaults.limits
  return { global: { ...settings, pushLimits: { labels, labelNameLength, labelValueLength, newSeries: pushNewSeries } }, defaults }
}

const DAY_MS = 86_400_000
const MINUTES_KEPT_MS = 30 * DAY_MS
const HOURS_KEPT_MS = 365 * DAY_MS

/** What is wrong with a selector, in words; null if nothing is. */
export type SelectorCheck = (text: string) => string | null

/** Reads `storage`. */
export function readStorage(reader: MapReader, checkSelector: SelectorCheck): Config['storage'] {
  const tsdb = reader.map('tsdb')
  const retention = tsdb?.map('retention') ?? null
  const exemplars = reader.map('exemplars')
  const storage = {
    exemplarsMax: exemplars?.count('max_exemplars', EXEMPLARS_DEFAULT) ?? EXEMPLARS_DEFAULT,
    outOfOrderTimeWindowMs: tsdb?.durationMs('out_of_order_time_window', OUT_OF_ORDER_MS) ?? OUT_OF_ORDER_MS,
    // 0 is Prometheus' word for "not set".
    retentionMs: (retention?.has('time') ? retention.durationMs('time', 0) : 0) || null,
    retentionBytes: (retention?.has('size') ? retention.sizeBytes('size', 0) : 0) || null,
    tiers: readTiers(reader.map('tiers')),
    prices: readPrices(reader.map('prices')),
    seriesLimit: readSeriesLimit(reader.map('limits')),
    retentionShare: retention === null ? 1 : readShare(retention),
    keepFreeBytes: retention?.sizeBytes('keep_free', 0) ?? 0,
    retentionRules: reader.maps('retention').map((rule) => readRetentionRule(rule, checkSelector)),
  }
  retention?.finish()
  tsdb?.notBuilt('stale_series_compaction_threshold')
  tsdb?.finish()
  if (storage.exemplarsMax > EXEMPLARS_MAX) exemplars?.error('max_exemplars', `want at most ${EXEMPLARS_MAX}, got ${storage.exemplarsMax}`)
  exemplars?.finish()
  reader.finish()
  return storage
}

function readTiers(reader: MapReader | null): Config['storage']['tiers'] {
  const retentionMs = (name: string, fallbackMs: number): number => {
    const tier = reader?.map(name)
    const value = tier?.durationMs('retention', fallbackMs) ?? fallbackMs
    tier?.finish()
    return value
  }
  const tiers = { minuteRetentionMs: retentionMs('1m', MINUTES_KEPT_MS), hourRetentionMs: retentionMs('1h', HOURS_KEPT_MS) }
  reader?.finish()
  return tiers
}

function readPrices(reader: MapReader | null): Config['storage']['prices'] {
  const price = (key: string): number | null => {
    if (reader === null || !reader.has(key)) return null
    const text = reader.text(key, '')
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
    reader.error(key, `want a price of a GB for a month such as 0.08, got ${JSON.stringify(text)}`)
    return null
  }
  const prices = { currency: reader?.text('currency', 'USD') ?? 'USD', disk: price('disk'), bucket: price('bucket') }
  reader?.finish()
  return prices
}

function readSeriesLimit(reader: MapReader | null): number {
  const limit = reader?.count('active_series', 0) ?? 0
  reader?.finish()
  return limit
}

/** 0 is Prometheus' word for "not set". */
function readShare(retention: MapReader): number {
  const text = retention.text('percentage', '0')
  const percentage = /^\d+(\.\d*)?$/.test(text) ? Number(text) : NaN
  if (percentage >= 0 && percentage <= 100) return percentage === 0 ? 1 : percentage / 100
  retention.error('percentage', `want a number from 0 to 100, got ${JSON.stringify(text)}`)
  return 1
}

function readRetentionRule(rule: MapReader, checkSelector: SelectorCheck): RetentionRuleConfig {
  const match = rule.text('match', '')
  const wrong = match === '' ? 'a rule must have one, such as \'{job="ci"}\'' : checkSelector(match)
  if (wrong !== null) rule.error('match', wrong)
  const ageMs = (tier: string): number | null => {
    if (!rule.has(tier)) return null
    const age = rule.durationMs(tier, 1)
    if (age <= 0) rule.error(tier, 'want more than 0')
    return age
  }
  const [rawMs, minuteMs, hourMs] = [ageMs('raw'), ageMs('1m'), ageMs('1h')]
  if (rawMs === null && minuteMs === null && hourMs === null) rule.problems.error(rule.at, `${rule.path}: want a duration under raw, 1m or 1h`)
  rule.finish()
  return { match, rawMs, minuteMs, hourMs }
}

function readExternalLabels(reader: MapReader, env: Environment): Map<string, string> {
  const labels = new Map<string, string>()
  for (const { name, text, keyAt, at } of reader.textMap('external_labels')) {
    if (name === '') reader.problems.error(keyAt, `${reader.pathOf('external_labels')}: "" is not a valid label name`)
    labels.set(name, expandEnvironment(text, env, (variable) => {
      reader.problems.warn(at, `${reader.pathOf('external_labels')}.${name}: environment variable ${variable} is empty`)
    }))
  }
  return labels
}

/**
 * Go's os.Expand: `$NAME` and `${NAME}` become the variable's value, `$$` a dollar; `${` without an end and `${}`
 * vanish; a dollar before anything else stays.
 */
function expandEnvironment(text: string, env: Environment, onEmpty: (variable: string) => void): string {
  return text.replace(VARIABLE, (_, braced?: string, open?: string, bare?: string) => {
    if (open !== undefined || braced === '') return ''
    const name = (braced ?? bare)!
    if (name === '$') return '$'
    const value = Object.hasOwn(env, name) ? (env[name] ?? '') : ''
    if (value === '') onEmpty(name)
    return value
  })
}
