// The checked form of monitor.yml: defaults filled in, durations in ms, sizes in bytes. Field by field as
// Prometheus' config documentation; camelCase names.
import type { DnsType } from '../std/dns.ts'
import type { TlsOptions } from '../std/http.ts'
import type { RelabelConfig } from '../model/relabel-config.ts'
import type { PipelineConfig } from './alertmanager-config.ts'
import type { HttpClientConfig } from './http-client.ts'
import type { LifecycleConfig } from './lifecycle-section.ts'
import type { RuleGroupConfig } from './rule-config.ts'
import type { TargetGroup } from '../model/target-group.ts'

export type ScrapeProtocol = 'PrometheusProto' | 'PrometheusText0.0.4' | 'PrometheusText1.0.0' | 'OpenMetricsText0.0.1' | 'OpenMetricsText1.0.0'

/** Limits: 0 means none. Defaults are Monitor's own safe ones (peers/reliability.md §3). */
export interface ScrapeLimits {
  bodySizeBytes: number
  samples: number
  labels: number
  labelNameLength: number
  labelValueLength: number
  targets: number
  keepDroppedTargets: number
  /** New series of a target an hour, after its first good scrape. */
  newSeries: number
}

export interface FileSdConfig {
  files: readonly string[]
  refreshIntervalMs: number
}

/** A list of targets that a server gives. */
export interface HttpSdConfig {
  url: string
  refreshIntervalMs: number
  http: HttpClientConfig
}

/** Names whose DNS records are targets. */
export interface DnsSdConfig {
  names: readonly string[]
  type: DnsType
  /** 0 for SRV, whose records have their own. */
  port: number
  refreshIntervalMs: number
}

export interface ScrapeConfig {
  jobName: string
  scrapeIntervalMs: number
  scrapeTimeoutMs: number
  metricsPath: string
  scheme: 'http' | 'https'
  params: ReadonlyMap<string, readonly string[]>
  scrapeProtocols: readonly ScrapeProtocol[]
  fallbackScrapeProtocol: ScrapeProtocol | null
  scrapeNativeHistograms: boolean
  alwaysScrapeClassicHistograms: boolean
  convertClassicHistogramsToNhcb: boolean
  /** 0: any number. */
  nativeHistogramBucketLimit: number
  /** The finest that native_histogram_min_bucket_factor allows. */
  nativeHistogramSchemaMax: number
  honorLabels: boolean
  honorTimestamps: boolean
  trackTimestampsStaleness: boolean
  enableCompression: boolean
  extraScrapeMetrics: boolean
  metricNameValidationScheme: 'utf8' | 'legacy'
  metricNameEscapingScheme: 'allow-utf-8' | 'underscores' | 'dots' | 'values'
  scrapeFailureLogFile: string
  limits: ScrapeLimits
  http: HttpClientConfig
  staticConfigs: readonly TargetGroup[]
  fileSdConfigs: readonly FileSdConfig[]
  httpSdConfigs: readonly HttpSdConfig[]
  dnsSdConfigs: readonly DnsSdConfig[]
  relabelConfigs: readonly RelabelConfig[]
  metricRelabelConfigs: readonly RelabelConfig[]
}

/** `match`: a selector; ages in ms, null where the store's own holds. */
export interface RetentionRuleConfig {
  match: string
  rawMs: number | null
  minuteMs: number | null
  hourMs: number | null
}

/** A bucket of an S3 server. */
export interface S3Config {
  /** `https://host[:port]`; '' for AWS' own of the region. */
  endpoint: string
  bucket: string
  region: string
  /** Without slashes at its ends; '' for none. */
  prefix: string
  isPathStyle: boolean
  /** '' where the environment has the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). */
  accessKey: string
  secretKey: string
  secretKeyFile: string
  tls: TlsOptions | null
}

export type ArchiveConfig = { folder: string } | { s3: S3Config }

/** One entry of `alerting.alertmanagers`. */
export interface AlertmanagerConfig {
  scheme: 'http' | 'https'
  pathPrefix: string
  timeoutMs: number
  http: HttpClientConfig
  staticConfigs: readonly TargetGroup[]
  fileSdConfigs: readonly FileSdConfig[]
  httpSdConfigs: readonly HttpSdConfig[]
  dnsSdConfigs: readonly DnsSdConfig[]
  relabelConfigs: readonly RelabelConfig[]
  alertRelabelConfigs: readonly RelabelConfig[]
}

export interface AlertingConfig {
  alertRelabelConfigs: readonly RelabelConfig[]
  alertmanagers: readonly AlertmanagerConfig[]
  lifecycle: LifecycleConfig
  /** alertmanager.yml, which says what becomes of alerts here; '' where there is none. */
  configFile: string
  /** That of monitor.yml's own keys, or once the file is read (cmd/config-file.ts) the file's; null: no one is told here. */
  pipeline: PipelineConfig | null
}

export interface Config {
  global: {
    scrapeIntervalMs: number
    scrapeTimeoutMs: number
    evaluationIntervalMs: number
    /** How far behind its time a rule's query looks. */
    ruleQueryOffsetMs: number
    externalLabels: ReadonlyMap<string, string>
    /** For what is pushed; 0: any number. */
    pushLimits: Pick<ScrapeLimits, 'labels' | 'labelNameLength' | 'labelValueLength' | 'newSeries'>
  }
  scrapeConfigs: readonly ScrapeConfig[]
  /** Names of features to switch on, as in --enable-feature; read at start. */
  features: readonly string[]
  /** `exemplarsMax`: 0 keeps none. */
  storage: {
    exemplarsMax: number
    outOfOrderTimeWindowMs: number
    retentionMs: number | null
    retentionBytes: number | null
    /** 0: as many as memory holds. */
    seriesLimit: number
    /** The data folder's share of the file system, 0 to 1; 1 sets no limit. */
    retentionShare: number
    /** 0: none. */
    keepFreeBytes: number
    /** Of these the first that matches a series holds for it. */
    retentionRules: readonly RetentionRuleConfig[]
    /** How long rows of the 1-minute and the 1-hour tier are kept; 0: there are none. */
    tiers: { minuteRetentionMs: number; hourRetentionMs: number }
    /** What a GB (10^9 bytes) costs a month; null: not said. */
    prices: { currency: string; disk: number | null; bucket: number | null }
  }
  /** Where files of the 1-hour tier go, read at start; null: they stay in the data folder. */
  archive: ArchiveConfig | null
  alerting: AlertingConfig
  /** `files`: absolute patterns of rule files; `groups`: those in monitor.yml, and once the files are read (cmd/config-file.ts) theirs. */
  rules: { files: readonly string[]; groups: readonly RuleGroupConfig[] }
}
