// Configurations and a ready manager for tests of scraping.
import type { HttpClientConfig } from '../../lib/config/http-client.ts'
import type { Config, ScrapeConfig, ScrapeLimits } from '../../lib/config/scrape-config.ts'
import { LIFECYCLE_DEFAULTS } from '../../lib/config/lifecycle-section.ts'
import { formatLabels, labelsFromRecord } from '../../lib/model/labels.ts'
import type { RelabelConfig } from '../../lib/model/relabel-config.ts'
import type { HistogramReading } from '../../lib/format/exposition-entry.ts'
import type { TargetGroup } from '../../lib/model/target-group.ts'
import type { MemoryStorage } from './memory-storage.ts'

/** Neither reads native histograms nor makes any. */
export const CLASSIC_ONLY: HistogramReading = { readsNative: false, keepsClassic: false, convertsClassic: false, schemaMax: 8 }

export const NO_LIMITS: ScrapeLimits = {
  bodySizeBytes: 0, samples: 0, labels: 0, labelNameLength: 0, labelValueLength: 0, targets: 0, keepDroppedTargets: 0, newSeries: 0,
}

export const PLAIN_HTTP: HttpClientConfig = {
  basicAuth: null, authorization: null, oauth2: null, tls: null, followRedirects: true, enableHttp2: true, proxyUrl: '',
  noProxy: '', proxyFromEnvironment: false, proxyConnectHeader: new Map(), httpHeaders: new Map(),
}

export function scrapeConfig(changes: Partial<ScrapeConfig> = {}): ScrapeConfig {
  return {
    jobName: 'test', scrapeIntervalMs: 10_000, scrapeTimeoutMs: 10_000, metricsPath: '/metrics', scheme: 'http', params: new Map(),
    scrapeProtocols: ['OpenMetricsText1.0.0', 'OpenMetricsText0.0.1', 'PrometheusText1.0.0', 'PrometheusText0.0.4'],
    scrapeNativeHistograms: false, alwaysScrapeClassicHistograms: false, convertClassicHistogramsToNhcb: false, nativeHistogramBucketLimit: 0, nativeHistogramSchemaMax: 8,
    fallbackScrapeProtocol: null, honorLabels: false, honorTimestamps: true, trackTimestampsStaleness: false, enableCompression: true,
    extraScrapeMetrics: false, metricNameValidationScheme: 'utf8', metricNameEscapingScheme: 'allow-utf-8', scrapeFailureLogFile: '',
    limits: NO_LIMITS, http: PLAIN_HTTP, staticConfigs: [], fileSdConfigs: [], httpSdConfigs: [], dnsSdConfigs: [], relabelConfigs: [], metricRelabelConfigs: [], ...changes,
  }
}

export function config(...scrapeConfigs: ScrapeConfig[]): Config {
  return {
    global: { scrapeIntervalMs: 10_000, scrapeTimeoutMs: 10_000, ruleQueryOffsetMs: 0, evaluationIntervalMs: 10_000, externalLabels: new Map(), pushLimits: { labels: 0, labelNameLength: 0, labelValueLength: 0, newSeries: 0 } },
    scrapeConfigs, features: [], archive: null,
    storage: {
      exemplarsMax: 0, outOfOrderTimeWindowMs: 600_000, retentionMs: null, retentionBytes: null, seriesLimit: 0, retentionShare: 1, keepFreeBytes: 0, retentionRules: [],
      tiers: { minuteRetentionMs: 0, hourRetentionMs: 0 }, prices: { currency: 'USD', disk: null, bucket: null },
    },
    rules: { files: [], groups: [] }, alerting: { alertRelabelConfigs: [], alertmanagers: [], lifecycle: LIFECYCLE_DEFAULTS, configFile: '', pipeline: null },
  }
}

export function relabelConfig(changes: Partial<RelabelConfig>): RelabelConfig {
  return { sourceLabels: [], separator: ';', regex: '(.*)', modulus: 0, targetLabel: '', replacement: '$1', action: 'replace', ...changes }
}

export function group(targets: Record<string, string>[], labels: Record<string, string> = {}, source = 'test'): TargetGroup {
  return { source, targets: targets.map((one) => new Map(Object.entries(one))), labels: new Map(Object.entries(labels)) }
}

/** Series → `t:value` or `t:stale` of all its samples, `instance` and `job` left out; scrape_duration_seconds left out. */
export function stored(storage: MemoryStorage): Record<string, string[]> {
  const all: Record<string, string[]> = {}
  for (const { labels, samples } of storage.dump()) {
    const record: Record<string, string> = {}
    for (let i = 0; i < labels.length; i += 2) if (labels[i] !== 'instance' && labels[i] !== 'job') record[labels[i]!] = labels[i + 1]!
    if (record['__name__'] === 'scrape_duration_seconds') continue
    const texts = samples.map((sample) => `${sample.t}:${sample.isStale ? 'stale' : sample.v}`)
    if (texts.length > 0) all[formatLabels(labelsFromRecord(record))] = texts
  }
  return all
}
