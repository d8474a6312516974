import path from 'node:path'
import { checkSelector } from '../../../cmd/selector.ts'
import { describe, expect, it } from 'vitest'
import { LIFECYCLE_DEFAULTS } from '../../../lib/config/lifecycle-section.ts'
import { ConfigError, defaultConfigText, loadConfig, type LoadedConfig } from '../../../lib/config/load.ts'
import type { ScrapeConfig } from '../../../lib/config/scrape-config.ts'

const ENV = { HOST: 'db1', EMPTY: '' }

function load(text: string, strict = true): LoadedConfig {
  return loadConfig(text, '/etc/monitor/monitor.yml', { strict, env: ENV })
}

/** The faults of a bad text, as `line:column: message`. */
function faults(text: string, strict = true): string[] {
  try {
    load(text, strict)
  } catch (error) {
    if (error instanceof ConfigError) return error.errors.map(({ line, column, message }) => `${line}:${column}: ${message}`)
    throw error
  }
  return []
}

function job(fields: string, globals = ''): ScrapeConfig {
  return load(`${globals}\nscrape_configs:\n  - job_name: a\n${fields}`).config.scrapeConfigs[0]!
}

const TIERS = { tiers: { minuteRetentionMs: 30 * 86_400_000, hourRetentionMs: 365 * 86_400_000 }, prices: { currency: 'USD', disk: null, bucket: null } }

describe('a good configuration', () => {
  it('has the defaults of Prometheus and our limits', () => {
    expect(load('').config).toEqual({
      global: { scrapeIntervalMs: 60_000, scrapeTimeoutMs: 10_000, evaluationIntervalMs: 60_000, ruleQueryOffsetMs: 0, externalLabels: new Map(), pushLimits: { labels: 64, labelNameLength: 256, labelValueLength: 65_536, newSeries: 100_000 } },
      scrapeConfigs: [], rules: { files: [], groups: [] }, alerting: { alertRelabelConfigs: [], alertmanagers: [], lifecycle: LIFECYCLE_DEFAULTS, configFile: '', pipeline: null },
      features: [],
      storage: { exemplarsMax: 100_000, outOfOrderTimeWindowMs: 600_000, retentionMs: null, retentionBytes: null, seriesLimit: 0, retentionShare: 1, keepFreeBytes: 0, retentionRules: [], ...TIERS }, archive: null,
    })
    expect(job('')).toEqual({
      jobName: 'a',
      scrapeIntervalMs: 60_000,
      scrapeTimeoutMs: 10_000,
      metricsPath: '/metrics',
      scheme: 'http',
      params: new Map(),
      scrapeProtocols: ['OpenMetricsText1.0.0', 'OpenMetricsText0.0.1', 'PrometheusText1.0.0', 'PrometheusText0.0.4'],
      fallbackScrapeProtocol: null,
      scrapeNativeHistograms: false, alwaysScrapeClassicHistograms: false, convertClassicHistogramsToNhcb: false,
      nativeHistogramBucketLimit: 0, nativeHistogramSchemaMax: 8,
      honorLabels: false,
      honorTimestamps: true,
      trackTimestampsStaleness: false,
      enableCompression: true,
      extraScrapeMetrics: false,
      metricNameValidationScheme: 'utf8',
      metricNameEscapingScheme: 'allow-utf-8',
      scrapeFailureLogFile: '',
      limits: { bodySizeBytes: 67_108_864, samples: 500_000, labels: 64, labelNameLength: 256, labelValueLength: 65_536, targets: 20_000, keepDroppedTargets: 0, newSeries: 10_000 },
      http: {
        basicAuth: null, authorization: null, oauth2: null, tls: null, followRedirects: true, enableHttp2: true,
        proxyUrl: '', noProxy: '', proxyFromEnvironment: false, proxyConnectHeader: new Map(), httpHeaders: new Map(),
      },
      staticConfigs: [],
      fileSdConfigs: [], httpSdConfigs: [], dnsSdConfigs: [],
      relabelConfigs: [],
      metricRelabelConfigs: [],
    })
  })

  it('gives every field its value', () => {
    const config = job(`
    scrape_interval: 15s
    scrape_timeout: 5s
    metrics_path: /m
    scheme: https
    params: {module: [http_2xx, 2], empty: []}
    scrape_protocols: [PrometheusText0.0.4, PrometheusProto]
    fallback_scrape_protocol: PrometheusText0.0.4
    scrape_native_histograms: true
    always_scrape_classic_histograms: true
    convert_classic_histograms_to_nhcb: true
    native_histogram_bucket_limit: 160
    native_histogram_min_bucket_factor: 1.09
    honor_labels: yes
    honor_timestamps: off
    track_timestamps_staleness: true
    enable_compression: false
    extra_scrape_metrics: true
    metric_name_validation_scheme: legacy
    scrape_failure_log_file: fail.log
    body_size_limit: 1.5MB
    sample_limit: 1_000
    label_limit: 0x10
    label_name_length_limit: 010
    label_value_length_limit: 0
    target_limit: 7
    keep_dropped_targets: 8
    basic_auth: {username: u, password_file: secrets/p}
    tls_config: {ca_file: ca.pem, cert: CERT, key_file: /abs/key.pem, server_name: s, insecure_skip_verify: true, min_version: TLS12}
    follow_redirects: false
    enable_http2: false
    proxy_url: http://proxy:3128
    no_proxy: localhost
    proxy_connect_header: {X-P: [a, b]}
    http_headers: {X-Scope: {values: [t1], secrets: [t2]}}
    static_configs:
      - targets: [h1:9100, "[::1]:9100"]
        labels: {env: prod, __proto__: p}
      - targets: [h2:9100]
    file_sd_configs:
      - files: [targets/*.json, /abs/x.yml]
        refresh_interval: 30s
      - files: [y.yaml]
    relabel_configs:
      - {source_labels: [a, b], separator: '-', regex: x(.*), target_label: t, replacement: $1, action: Replace}
    metric_relabel_configs:
      - {action: hashmod, source_labels: [a], modulus: 8, target_label: shard}
`)
    expect(config).toEqual({
      jobName: 'a',
      scrapeIntervalMs: 15_000,
      scrapeTimeoutMs: 5000,
      metricsPath: '/m',
      scheme: 'https',
      params: new Map([['module', ['http_2xx', '2']], ['empty', []]]),
      scrapeProtocols: ['PrometheusText0.0.4', 'PrometheusProto'],
      fallbackScrapeProtocol: 'PrometheusText0.0.4',
      scrapeNativeHistograms: true, alwaysScrapeClassicHistograms: true, convertClassicHistogramsToNhcb: true,
      nativeHistogramBucketLimit: 160, nativeHistogramSchemaMax: 3,
      honorLabels: true,
      honorTimestamps: false,
      trackTimestampsStaleness: true,
      enableCompression: false,
      extraScrapeMetrics: true,
      metricNameValidationScheme: 'legacy',
      metricNameEscapingScheme: 'underscores',
      scrapeFailureLogFile: '/etc/monitor/fail.log',
      limits: { bodySizeBytes: 1_572_864, samples: 1000, labels: 16, labelNameLength: 8, labelValueLength: 0, targets: 7, keepDroppedTargets: 8, newSeries: 10_000 },
      http: {
        basicAuth: { username: 'u', password: '', usernameFile: '', passwordFile: '/etc/monitor/secrets/p' },
        authorization: null,
        oauth2: null,
        tls: {
          ca: '', caFile: '/etc/monitor/ca.pem', cert: 'CERT', certFile: '', key: '', keyFile: '/abs/key.pem',
          serverName: 's', insecureSkipVerify: true, minVersion: 'TLS12', maxVersion: '',
        },
        followRedirects: false,
        enableHttp2: false,
        proxyUrl: 'http://proxy:3128',
        noProxy: 'localhost',
        proxyFromEnvironment: false,
        proxyConnectHeader: new Map([['X-P', ['a', 'b']]]),
        httpHeaders: new Map([['X-Scope', ['t1', 't2']]]),
      },
      staticConfigs: [
        { source: 'static/0', targets: [new Map([['__address__', 'h1:9100']]), new Map([['__address__', '[::1]:9100']])], labels: new Map([['env', 'prod'], ['__proto__', 'p']]) },
        { source: 'static/1', targets: [new Map([['__address__', 'h2:9100']])], labels: new Map() },
      ],
      httpSdConfigs: [], dnsSdConfigs: [],
      fileSdConfigs: [
        { files: ['/etc/monitor/targets/*.json', '/abs/x.yml'], refreshIntervalMs: 30_000 },
        { files: ['/etc/monitor/y.yaml'], refreshIntervalMs: 300_000 },
      ],
      relabelConfigs: [{ action: 'replace', sourceLabels: ['a', 'b'], separator: '-', regex: 'x(.*)', modulus: 0, targetLabel: 't', replacement: '$1' }],
      metricRelabelConfigs: [{ action: 'hashmod', sourceLabels: ['a'], separator: ';', regex: '(.*)', modulus: 8, targetLabel: 'shard', replacement: '$1' }],
    })
  })

  it('takes from global what a job leaves out', () => {
    const globals = 'global: {scrape_interval: 20s, scrape_timeout: 15s, sample_limit: 9, label_limit: 0, metric_name_validation_scheme: legacy, scrape_protocols: [OpenMetricsText1.0.0], scrape_failure_log_file: g.log}'
    const inherited = job('', globals)
    expect([inherited.scrapeIntervalMs, inherited.scrapeTimeoutMs]).toEqual([20_000, 15_000])
    expect(inherited.limits).toMatchObject({ samples: 9, labels: 0, targets: 20_000 })
    expect(inherited).toMatchObject({ metricNameValidationScheme: 'legacy', metricNameEscapingScheme: 'underscores', scrapeProtocols: ['OpenMetricsText1.0.0'], scrapeFailureLogFile: '/etc/monitor/g.log' })
    const own = job('    scrape_interval: 5s\n    sample_limit: 0\n    target_limit: 0\n    label_limit: 3\n    metric_name_validation_scheme: utf8\n', globals)
    expect([own.scrapeIntervalMs, own.scrapeTimeoutMs]).toEqual([5000, 5000])
    expect(own.limits).toMatchObject({ samples: 9, labels: 3, targets: 0 })
    expect(own.metricNameEscapingScheme).toBe('allow-utf-8')
    expect(load('global: {scrape_interval: 3s}').config.global.scrapeTimeoutMs).toBe(3000)
  })

  it('asks for protobuf where it brings more than text', () => {
    const protocols = (own: string, globals = ''): string => job(own, globals).scrapeProtocols.join(' ')
    const texts = 'OpenMetricsText1.0.0 OpenMetricsText0.0.1 PrometheusText1.0.0 PrometheusText0.0.4'
    expect(protocols('')).toBe(texts)
    expect(protocols('    scrape_native_histograms: true\n')).toBe(`PrometheusProto ${texts}`)
    expect(protocols('', 'global: {scrape_native_histograms: true}')).toBe(`PrometheusProto ${texts}`)
    expect(protocols('    scrape_native_histograms: false\n', 'global: {scrape_native_histograms: true}')).toBe(texts)
    expect(protocols('    scrape_native_histograms: true\n', 'global: {scrape_protocols: [PrometheusText0.0.4]}')).toBe('PrometheusText0.0.4')
    expect(protocols('    scrape_protocols: [PrometheusText0.0.4, PrometheusProto]\n')).toBe('PrometheusText0.0.4 PrometheusProto')
    const { config } = loadConfig('scrape_configs: [{job_name: a}]\nfeatures: [x]', 'a.yml', { strict: true, env: {}, prefersProtobuf: (own) => own.includes('x') })
    expect(config.scrapeConfigs[0]!.scrapeProtocols).toHaveLength(5)
    expect(job('', 'global: {always_scrape_classic_histograms: true, convert_classic_histograms_to_nhcb: true}')).toMatchObject({ alwaysScrapeClassicHistograms: true, convertClassicHistogramsToNhcb: true })
  })

  it('finds the finest schema of a bucket factor', () => {
    const schema = (factor: string): number => job(`    native_histogram_min_bucket_factor: ${factor}\n`).nativeHistogramSchemaMax
    expect(['0', '1', '1.001', '1.1', '2', '3', '4', '1e300', '.inf', '.nan'].map(schema)).toEqual([8, 8, 8, 2, 0, -1, -1, -4, -4, 8])
  })

  it('reads authorization in its several spellings', () => {
    expect(job('    authorization: {credentials: x}\n').http.authorization).toEqual({ type: 'Bearer', credentials: 'x', credentialsFile: '' })
    expect(job('    authorization: {type: Token, credentials_file: t}\n').http.authorization).toEqual({ type: 'Token', credentials: '', credentialsFile: '/etc/monitor/t' })
    expect(job('    bearer_token: x\n').http.authorization).toEqual({ type: 'Bearer', credentials: 'x', credentialsFile: '' })
    expect(job('    bearer_token_file: t\n').http.authorization).toEqual({ type: 'Bearer', credentials: '', credentialsFile: '/etc/monitor/t' })
    expect(job('    oauth2: {client_id: i, client_secret: s, token_url: "https://t/o", scopes: [r, w], endpoint_params: {aud: m}}\n').http.oauth2).toEqual({
      clientId: 'i', clientSecret: 's', clientSecretFile: '', scopes: ['r', 'w'], tokenUrl: 'https://t/o', endpointParams: new Map([['aud', 'm']]),
    })
  })

  it('expands the environment in external_labels, and only there', () => {
    const f = (value: string, want: string): void => {
      expect(load(`global: {external_labels: {a: '${value}'}}`).config.global.externalLabels.get('a')).toBe(want)
    }
    f('${HOST}-x', 'db1-x')
    f('$HOST.x', 'db1.x')
    f('$$HOST', '$HOST')
    f('a${NOPE}b', 'ab')
    f('${constructor}', '')
    f('${}x', 'x')
    f('${HOST', 'HOST')
    f('5$', '5$')
    f('$.', '$.')
    expect(load("global: {external_labels: {a: '${EMPTY}'}}").warnings).toEqual(['/etc/monitor/monitor.yml:1:31: global.external_labels.a: environment variable EMPTY is empty'])
    expect(job("    static_configs: [{targets: ['x:1'], labels: {a: '${HOST}'}}]\n").staticConfigs[0]!.labels.get('a')).toBe('${HOST}')
  })

  it('knows anchors, aliases and merge keys', () => {
    const { config } = load(`scrape_configs:
  - &base
    job_name: a
    scrape_interval: 7s
    scheme: https
    relabel_configs: &drop
      - {action: drop, source_labels: [x]}
  - <<: *base
    job_name: b
    scheme: http
  - <<: [{job_name: c, metrics_path: /c}, *base]
    metric_relabel_configs: *drop
`)
    const view = config.scrapeConfigs.map((one) => [one.jobName, one.scrapeIntervalMs, one.scheme, one.metricsPath, one.relabelConfigs.length, one.metricRelabelConfigs.length])
    expect(view).toEqual([['a', 7000, 'https', '/metrics', 1, 0], ['b', 7000, 'http', '/metrics', 1, 0], ['c', 7000, 'https', '/c', 1, 1]])
  })

  it('reads storage', () => {
    expect(load('storage: {tsdb: {out_of_order_time_window: 30m, retention: {time: 30d, size: 5GB}}}').config.storage).toEqual({
      exemplarsMax: 100_000, outOfOrderTimeWindowMs: 1_800_000, retentionMs: 2_592_000_000, retentionBytes: 5 * 2 ** 30, seriesLimit: 0, retentionShare: 1, keepFreeBytes: 0, retentionRules: [], ...TIERS,
    })
    const { tiers, prices } = load('storage: {tiers: {1m: {retention: 90d}, 1h: {retention: 0}}, prices: {currency: EUR, disk: 0.08}}').config.storage
    expect(tiers).toEqual({ minuteRetentionMs: 90 * 86_400_000, hourRetentionMs: 0 })
    expect(prices).toEqual({ currency: 'EUR', disk: 0.08, bucket: null })
    expect(faults('storage: {prices: {disk: cheap}}')).toEqual(['1:26: storage.prices.disk: want a price of a GB for a month such as 0.08, got "cheap"'])
    const f = (text: string, want: number): void => expect(load(`storage: {exemplars: ${text}}`).config.storage.exemplarsMax).toBe(want)
    f('{max_exemplars: 0}', 0)
    f('{max_exemplars: 500}', 500)
    f('{}', 100_000)
    f('', 100_000)
    expect(() => load('storage: {exemplars: {max_exemplars: 10000001}}')).toThrow('storage.exemplars.max_exemplars: want at most 10000000, got 10000001')
    expect(() => load('storage: {exemplars: {max_exemplars: -1}}')).toThrow('storage.exemplars.max_exemplars: want a whole number from 0 on, got "-1"')
  })

  it('reads retention rules, by disk too, with every fault in its place', () => {
    const { storage } = load(`
storage:
  tsdb: {retention: {percentage: 62.5, keep_free: 20GB}}
  retention:
    - {match: '{job="ci"}', raw: 1d, 1m: 7d, 1h: 90d}
    - {match: up, 1h: 5y}
`).config
    expect(storage).toMatchObject({ retentionShare: 0.625, keepFreeBytes: 20 * 2 ** 30 })
    expect(storage.retentionRules).toEqual([
      { match: '{job="ci"}', rawMs: 86_400_000, minuteMs: 7 * 86_400_000, hourMs: 90 * 86_400_000 },
      { match: 'up', rawMs: null, minuteMs: null, hourMs: 5 * 365 * 86_400_000 },
    ])
    const failure = (text: string): string => {
      try {
        loadConfig(text, 'm.yml', { strict: true, checkSelector })
        return ''
      } catch (error) {
        return String(error)
      }
    }
    const f = (text: string, want: string): void => expect(failure(text)).toContain(want)
    f('storage: {retention: [{match: "{job=", raw: 1d}]}', 'm.yml:1:31: storage.retention[0].match: ')
    f('storage: {retention: [{raw: 1d}]}', 'storage.retention[0].match: a rule must have one')
    f('storage: {retention: [{match: up}]}', 'm.yml:1:23: storage.retention[0]: want a duration under raw, 1m or 1h')
    f('storage: {retention: [{match: up, raw: 0s}]}', 'storage.retention[0].raw: want more than 0')
    f('storage: {retention: [{match: up, rwa: 1d}]}', 'raw')
    f('storage: {tsdb: {retention: {percentage: 101}}}', 'storage.tsdb.retention.percentage: want a number from 0 to 100, got "101"')
    f('storage: {tsdb: {retention: {percentage: -1}}}', 'storage.tsdb.retention.percentage: want a number from 0 to 100, got "-1"')
  })

  it('is what Monitor starts with when there is none', () => {
    const { config, warnings } = load(defaultConfigText('127.0.0.1:9090', '/metrics'))
    expect(warnings).toEqual([])
    expect(config.scrapeConfigs).toMatchObject([{ jobName: 'monitor', scrapeIntervalMs: 10_000, staticConfigs: [{ targets: [new Map([['__address__', '127.0.0.1:9090']])] }] }])
  })

  it('resolves paths against the folder of a relative file name', () => {
    const { config } = loadConfig('scrape_configs: [{job_name: a, scrape_failure_log_file: f.log}]', 'conf/m.yml', { strict: true, env: {} })
    expect(config.scrapeConfigs[0]!.scrapeFailureLogFile).toBe(path.resolve('conf/f.log'))
  })
})
