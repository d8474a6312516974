// One entry of scrape_configs, and the settings it shares with `global`: what it leaves out it takes from there, what
// that leaves out from Prometheus' defaults, and the limits from Monitor's own safe ones. Source: prometheus
// config/config.go, ScrapeConfig.Validate.
import path from 'node:path'
import { formatDuration } from '../model/duration.ts'
import { EXPONENTIAL_SCHEMA_MAX, EXPONENTIAL_SCHEMA_MIN } from '../model/histogram.ts'
import type { NameScheme } from '../model/relabel.ts'
import { readDnsSdConfigs, readFileSdConfigs, readHttpSdConfigs, readStaticConfigs, refuseOtherKinds } from './discovery-section.ts'
import { fileOf, readHttpClient } from './http-client.ts'
import type { MapReader } from './reader.ts'
import { readRelabelConfigs } from './relabel-section.ts'
import type { ScrapeConfig, ScrapeLimits, ScrapeProtocol } from './scrape-config.ts'

/** Offered when the configuration names none and asks for no native histograms. */
const DEFAULT_PROTOCOLS: readonly ScrapeProtocol[] = [
  'OpenMetricsText1.0.0', 'OpenMetricsText0.0.1', 'PrometheusText1.0.0', 'PrometheusText0.0.4',
]

/** Generous for honest targets, and the end of a runaway one before it takes the machine with it. */
export const DEFAULT_LIMITS: ScrapeLimits = {
  bodySizeBytes: 64 << 20,
  samples: 500_000,
  labels: 64,
  labelNameLength: 256,
  labelValueLength: 64 << 10,
  targets: 20_000,
  keepDroppedTargets: 0,
  newSeries: 10_000,
}

/** Settings that stand in `global` and may be overridden by job. */
export interface ScrapeDefaults {
  readonly intervalMs: number
  readonly timeoutMs: number
  /** null: none named. */
  readonly protocols: readonly ScrapeProtocol[] | null
  readonly scrapeNativeHistograms: boolean
  readonly alwaysScrapeClassicHistograms: boolean
  readonly convertClassicHistogramsToNhcb: boolean
  readonly limits: ScrapeLimits
  readonly nameScheme: NameScheme
  /** null: by the name scheme. */
  readonly escapingScheme: ScrapeConfig['metricNameEscapingScheme'] | null
  readonly extraScrapeMetrics: boolean
  readonly failureLogFile: string
}

/** All there are, and those that are offered where protobuf brings more than text: native histograms, start times. */
export const PROTOCOLS: readonly ScrapeProtocol[] = ['PrometheusProto', ...DEFAULT_PROTOCOLS]
/** Just below 2^(2^-8), the factor of schema 8. */
const FINEST_FACTOR = 1.00271
const NAME_SCHEMES: readonly NameScheme[] = ['utf8', 'legacy']
const ESCAPING_SCHEMES = ['allow-utf-8', 'underscores', 'dots', 'values'] as const

/** Reads the jobs of a file, whose folder paths start from; `taken` has the files of jobs before, by name, and gets these. */
export function readScrapeConfigs(reader: MapReader, defaults: ScrapeDefaults, file: string, taken: Map<string, string>): ScrapeConfig[] {
  return reader.maps('scrape_configs').map((job) => {
    const config = readScrapeConfig(job, defaults, path.dirname(file))
    const other = taken.get(config.jobName)
    if (other !== undefined) job.error('job_name', `another scrape config${other === file ? '' : ` in ${other}`} is named ${JSON.stringify(config.jobName)}`)
    else if (config.jobName !== '') taken.set(config.jobName, file)
    return config
  })
}

function readScrapeConfig(reader: MapReader, defaults: ScrapeDefaults, folder: string): ScrapeConfig {
  const jobName = reader.text('job_name', '')
  if (jobName === '') reader.error('job_name', 'must be set')
  const shared = readShared(reader, defaults, folder)
  const config: ScrapeConfig = {
    jobName,
    ...readTimes(reader, defaults),
    metricsPath: reader.text('metrics_path', '') || '/metrics',
    scheme: reader.oneOf('scheme', ['http', 'https'], 'http'),
    params: reader.textsMap('params'),
    scrapeProtocols: shared.protocols ?? (shared.scrapeNativeHistograms ? PROTOCOLS : DEFAULT_PROTOCOLS),
    fallbackScrapeProtocol: reader.has('fallback_scrape_protocol') ? reader.oneOf('fallback_scrape_protocol', PROTOCOLS, 'PrometheusText0.0.4') : null,
    scrapeNativeHistograms: shared.scrapeNativeHistograms,
    alwaysScrapeClassicHistograms: shared.alwaysScrapeClassicHistograms,
    convertClassicHistogramsToNhcb: shared.convertClassicHistogramsToNhcb,
    nativeHistogramBucketLimit: reader.count('native_histogram_bucket_limit', 0),
    nativeHistogramSchemaMax: schemaOf(reader.float('native_histogram_min_bucket_factor', 0)),
    honorLabels: reader.bool('honor_labels', false),
    honorTimestamps: reader.bool('honor_timestamps', true),
    trackTimestampsStaleness: reader.bool('track_timestamps_staleness', false),
    enableCompression: reader.bool('enable_compression', true),
    extraScrapeMetrics: shared.extraScrapeMetrics,
    metricNameValidationScheme: shared.nameScheme,
    metricNameEscapingScheme: shared.escapingScheme ?? (shared.nameScheme === 'legacy' ? 'underscores' : 'allow-utf-8'),
    scrapeFailureLogFile: shared.failureLogFile,
    limits: shared.limits,
    http: readHttpClient(reader, folder),
    staticConfigs: readStaticConfigs(reader),
    fileSdConfigs: readFileSdConfigs(reader, folder),
    httpSdConfigs: readHttpSdConfigs(reader, folder),
    dnsSdConfigs: readDnsSdConfigs(reader),
    relabelConfigs: readRelabelConfigs(reader, 'relabel_configs', shared.nameScheme),
    metricRelabelConfigs: readRelabelConfigs(reader, 'metric_relabel_configs', shared.nameScheme),
  }
  refuseOtherKinds(reader)
  reader.finish()
  return config
}

/** Reads what `global` and a job both may say. A limit of 0 is none, but in a job whose `global` sets one. */
export function readShared(reader: MapReader, above: ScrapeDefaults, folder: string): ScrapeDefaults {
  const nameScheme = reader.oneOf('metric_name_validation_scheme', NAME_SCHEMES, above.nameScheme)
  const escapingScheme = reader.has('metric_name_escaping_scheme')
    ? reader.oneOf('metric_name_escaping_scheme', ESCAPING_SCHEMES, 'underscores')
    : above.escapingScheme
  if (nameScheme === 'legacy' && escapingScheme === 'allow-utf-8') {
    const why = 'allow-utf-8 asks for names that metric_name_validation_scheme legacy refuses'
    reader.error('metric_name_escaping_scheme', why)
  }
  return {
    intervalMs: above.intervalMs,
    timeoutMs: above.timeoutMs,
    protocols: readProtocols(reader) ?? above.protocols,
    scrapeNativeHistograms: reader.bool('scrape_native_histograms', above.scrapeNativeHistograms),
    alwaysScrapeClassicHistograms: reader.bool('always_scrape_classic_histograms', above.alwaysScrapeClassicHistograms),
    convertClassicHistogramsToNhcb: reader.bool('convert_classic_histograms_to_nhcb', above.convertClassicHistogramsToNhcb),
    limits: readLimits(reader, above.limits),
    nameScheme,
    escapingScheme,
    extraScrapeMetrics: reader.bool('extra_scrape_metrics', above.extraScrapeMetrics),
    failureLogFile: fileOf(reader, 'scrape_failure_log_file', folder) || above.failureLogFile,
  }
}

/** A target must have answered before it is asked again. */
export function checkTimeout(reader: MapReader, timeoutMs: number, intervalMs: number): void {
  if (timeoutMs <= intervalMs) return
  reader.error('scrape_timeout', `is greater than scrape_interval (${formatDuration(intervalMs)})`)
}

function readTimes(reader: MapReader, defaults: ScrapeDefaults): { scrapeIntervalMs: number; scrapeTimeoutMs: number } {
  const scrapeIntervalMs = reader.durationMs('scrape_interval', 0) || defaults.intervalMs
  const timeoutMs = reader.durationMs('scrape_timeout', 0)
  checkTimeout(reader, timeoutMs, scrapeIntervalMs)
  return { scrapeIntervalMs, scrapeTimeoutMs: timeoutMs || Math.min(defaults.timeoutMs, scrapeIntervalMs) }
}

function readLimits(reader: MapReader, above: ScrapeLimits): ScrapeLimits {
  const limit = (read: (key: string, fallback: number) => number, key: string, name: keyof ScrapeLimits): number => {
    const value = read(key, above[name])
    // A limit that `global` set outlasts a job's 0, as in Prometheus; our own default does not.
    return value === 0 && above[name] !== DEFAULT_LIMITS[name] ? above[name] : value
  }
  const count = (key: string, name: keyof ScrapeLimits): number =>
    limit((k, fallback) => reader.count(k, fallback), key, name)
  return {
    bodySizeBytes: limit((k, fallback) => reader.sizeBytes(k, fallback), 'body_size_limit', 'bodySizeBytes'),
    samples: count('sample_limit', 'samples'),
    labels: count('label_limit', 'labels'),
    labelNameLength: count('label_name_length_limit', 'labelNameLength'),
    labelValueLength: count('label_value_length_limit', 'labelValueLength'),
    targets: count('target_limit', 'targets'),
    keepDroppedTargets: count('keep_dropped_targets', 'keepDroppedTargets'),
    newSeries: count('new_series_limit', 'newSeries'),
  }
}

/** null: none named. */
function readProtocols(reader: MapReader): readonly ScrapeProtocol[] | null {
  const listed = reader.texts('scrape_protocols')
  if (!listed) return null
  const chosen = new Set<ScrapeProtocol>()
  for (const { text, at, path } of listed) {
    const protocol = PROTOCOLS.find((one) => one === text)
    const known = PROTOCOLS.join(', ')
    if (!protocol) reader.problems.error(at, `${path}: unknown protocol ${JSON.stringify(text)}; want one of ${known}`)
    else if (chosen.has(protocol)) reader.problems.error(at, `${path}: ${text} is named twice`)
    else chosen.add(protocol)
  }
  if (listed.length === 0) reader.error('scrape_protocols', 'must not be empty')
  return [...chosen]
}

/** The finest schema whose buckets grow by a factor of at least this. After prometheus scrape.go, pickSchema. */
function schemaOf(bucketFactor: number): number {
  const factor = bucketFactor > 1 ? bucketFactor : FINEST_FACTOR
  // `+ 0`: no -0.
  return Math.min(EXPONENTIAL_SCHEMA_MAX, Math.max(EXPONENTIAL_SCHEMA_MIN, Math.floor(-Math.log2(Math.log2(factor))))) + 0
}
