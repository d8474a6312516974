import path from 'node:path'
import { checkSelector } from '../../../cmd/selector.ts'
import { describe, expect, it } from 'vitest'
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
      scrapeConfigs: [], rules: { files: [], groups: [] }, alerting: { alertRelabelConfigs: [], alertmanagers: [] },
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
      fileSdConfigs: [],
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
      scrapeProtocols: ['PrometheusText0.0.4'],
      fallbackScrapeProtocol: 'PrometheusText0.0.4',
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
    const { config, warnings } = load(defaultConfigText('127.0.0.1:9090'))
    expect(warnings).toEqual([])
    expect(config.scrapeConfigs).toMatchObject([{ jobName: 'monitor', scrapeIntervalMs: 10_000, staticConfigs: [{ targets: [new Map([['__address__', '127.0.0.1:9090']])] }] }])
  })

  it('resolves paths against the folder of a relative file name', () => {
    const { config } = loadConfig('scrape_configs: [{job_name: a, scrape_failure_log_file: f.log}]', 'conf/m.yml', { strict: true, env: {} })
    expect(config.scrapeConfigs[0]!.scrapeFailureLogFile).toBe(path.resolve('conf/f.log'))
  })
})

describe('a setting that is not built yet', () => {
  it('is refused by name, also where it would only be left without effect', () => {
    const f = (text: string, want: string): void => {
      expect(() => load(text), text).toThrow(new RegExp(`${want} is valid in Prometheus but not built into Monitor yet`))
      expect(load(text, false).warnings.join(), text).toContain(`${want} is not built into Monitor yet and is ignored`)
    }
    f('global: {query_log_file: q.log}', 'global.query_log_file')
  })
})

describe('a bad configuration', () => {
  it('is refused with every fault, its place and the nearest right name', () => {
    expect(faults(`global:
  scrape_intervall: 15s
  scrape_timeout: 1.5s
scrape_configs:
  - job_name: a
    scrape_interval: 10s
    scrape_timeout: 20s
    honor_labels: "true"
    schema: https
    static_config:
      - targets: [x]
  - job_name: a
    sample_limit: many
    relabel_configs:
      - {action: relplace, target_label: t}
      - {target_label: t, regex: 'a('}
`)).toEqual([
      '2:3: unknown key "scrape_intervall" in global; did you mean "scrape_interval"?',
      '3:19: global.scrape_timeout: unknown unit "." in duration "1.5s"',
      '7:21: scrape_configs[0].scrape_timeout: is greater than scrape_interval (10s)',
      '8:19: scrape_configs[0].honor_labels: want true or false, got "true"',
      '9:5: unknown key "schema" in scrape_configs[0]; did you mean "scheme"?',
      '10:5: unknown key "static_config" in scrape_configs[0]; did you mean "static_configs"?',
      '12:15: scrape_configs[1].job_name: another scrape config is named "a"',
      '13:19: scrape_configs[1].sample_limit: want a whole number from 0 on, got "many"',
      '15:18: scrape_configs[1].relabel_configs[0].action: want one of replace, lowercase, uppercase, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, got "relplace"; did you mean replace?',
      '16:34: scrape_configs[1].relabel_configs[1].regex: error parsing regexp: missing closing ): `a(`',
    ])
  })

  it('is refused for broken YAML at the place where it breaks', () => {
    const f = (text: string, want: RegExp): void => {
      const found = faults(text)
      expect(found, text).toHaveLength(1)
      expect(found[0]).toMatch(want)
    }
    f('global:\n\tscrape_interval: 1s\n', /^2:1: Tabs are not allowed as indentation/)
    f('global: "x\n', /^2:1: Missing closing "quote/)
    f('global: {a: [1, 2\nscrape_configs: []\n', /^\d:\d+: /)
    f('a: b: c\n', /^1:4: /)
    f('global: {}\nglobal: {}\n', /^2:1: key "global" is given twice$/)
    f('global: *x\n', /^1:9: unknown anchor "x"$/)
    f('global: &a {external_labels: *a}\n', /^1:30: anchor "a" contains itself$/)
    f('global: {scrape_failure_log_file: !!binary aGk=}\n', /^1:\d+: the tag .* has no meaning here$/)
    f('a\n---\nb\n', /^2:1: a second document begins here; a file holds one$/)
    f('? [a]\n: b\n', /^1:1: keys must be plain text$/)
    f('- a\n', /^1:1: want keys such as scrape_configs, got a list$/)
    f('['.repeat(3000), /^\d+:\d+: nested too deeply$/)
    expect(faults(`x: ${'['.repeat(100)}${']'.repeat(100)}`)).toEqual(['1:1: unknown key "x"', '1:68: nested too deeply'])
  })

  it('takes Alertmanagers as Prometheus does', () => {
    const { config: { alerting } } = load(`alerting:
  alert_relabel_configs: [{action: labeldrop, regex: replica}]
  alertmanagers:
  - static_configs: [{targets: ['am:9093']}]
  - {scheme: https, path_prefix: /am, timeout: 5s, api_version: v2, basic_auth: {username: a, password: b}, file_sd_configs: [{files: [am.yml]}], relabel_configs: [{action: keep, regex: x}]}
`)
    expect(alerting.alertRelabelConfigs).toMatchObject([{ action: 'labeldrop', regex: 'replica' }])
    expect(alerting.alertmanagers).toMatchObject([
      { scheme: 'http', pathPrefix: '', timeoutMs: 10_000, staticConfigs: [{ targets: [new Map([['__address__', 'am:9093']])] }] },
      { scheme: 'https', pathPrefix: '/am', timeoutMs: 5000, http: { basicAuth: { username: 'a' } }, fileSdConfigs: [{ files: ['/etc/monitor/am.yml'] }], relabelConfigs: [{ action: 'keep' }] },
    ])
    expect(faults('alerting: {alertmanagers: [{api_version: v1, schema: http}], alertmanager: []}')).toEqual([
      '1:42: alerting.alertmanagers[0].api_version: want one of v2, got "v1"; did you mean v2?', '1:46: unknown key "schema" in alerting.alertmanagers[0]; did you mean "scheme"?', '1:62: unknown key "alertmanager" in alerting; did you mean "alertmanagers"?',
    ])
  })

  it('names what is wrong with rules in the file itself, and with paths of rule files', () => {
    const text = `rule_files: ['a/*/b.yml', ok.yml]
rules:
  - name: a
    rules:
      - {record: r, expr: up, for: 1m}
      - {alert: A, expr: up}
  - name: a
`
    expect(faults(text)).toEqual(['1:14: rule_files[0]: "a/*/b.yml" is no path of rule files: * only in the last element', '5:36: rules[0].rules[0].for: is only for alerts', '7:11: rules[1].name: another group of the file is named "a"'])
    const { config } = load("rule_files: ['r/*.yml', /abs.yml]\nrules: [{name: a, rules: [{alert: A, expr: up}]}]\nglobal: {rule_query_offset: 5s}\n")
    expect(config.rules.files).toEqual(['/etc/monitor/r/*.yml', '/abs.yml'])
    expect(config.rules.groups).toMatchObject([{ name: 'a', file: '/etc/monitor/monitor.yml', rules: [{ kind: 'alert', name: 'A' }] }])
    expect(config.global.ruleQueryOffsetMs).toBe(5000)
  })

  it('names valid Prometheus keys that are not built yet together, or warns of them', () => {
    const text = `remote_read: [{url: x}]
otlp: {x: y}
remote_write:
  - url: http://x
scrape_configs:
  - job_name: a
    kubernetes_sd_configs: [{role: pod}]
    scrape_native_histograms: true
    native_histogram_bucket_limit: 160
    scrape_protocols: [PrometheusProto]
    fallback_scrape_protocol: PrometheusProto
    oauth2: {client_id: a, token_url: 'http://x', tls_config: {insecure_skip_verify: true}}
    http_headers: {X-A: {files: [f]}}
`
    const places = ['1:1 remote_read', '2:1 otlp', '3:1 remote_write', '7:5 scrape_configs[0].kubernetes_sd_configs', '8:5 scrape_configs[0].scrape_native_histograms',
      '9:5 scrape_configs[0].native_histogram_bucket_limit', '10:23 scrape_configs[0].scrape_protocols: PrometheusProto alone', '11:5 scrape_configs[0].fallback_scrape_protocol',
      '12:51 scrape_configs[0].oauth2.tls_config', '13:26 scrape_configs[0].http_headers.X-A.files']
    expect(faults(text)).toEqual(places.map((place) => `${place.replace(' ', ': ')} is valid in Prometheus but not built into Monitor yet (--config.strict=false ignores it)`))
    const { config, warnings } = load(text, false)
    expect(warnings).toEqual(places.map((place) => `/etc/monitor/monitor.yml:${place.replace(' ', ': ')} is not built into Monitor yet and is ignored`))
    expect(config.scrapeConfigs[0]).toMatchObject({ fallbackScrapeProtocol: null, http: { oauth2: { clientId: 'a' } } })
    expect(config.scrapeConfigs[0]!.scrapeProtocols).toHaveLength(4)
    expect(faults(`${text}bogus: 1\n`, false)).toEqual(['14:1: unknown key "bogus"'])
    expect(load('rule_files:\nremote_read: []\nscrape_configs: [{job_name: a, http_sd_configs: [], scrape_native_histograms: false, native_histogram_bucket_limit: 0}]').warnings).toEqual([])
  })

  it('names paths of target files that it would never find', () => {
    const f = (file: string): string[] => faults(`scrape_configs: [{job_name: a, file_sd_configs: [{files: ['${file}']}]}]`)
    for (const path of ['t/[a-c]*.yml', 't?/a.yml']) {
      expect(f(path)).toEqual([`1:59: scrape_configs[0].file_sd_configs[0].files[0]: "${path}": [] and, in the name of a folder, ? are not built into Monitor yet`])
    }
    expect(f('t*/a.yml')).toEqual(['1:59: scrape_configs[0].file_sd_configs[0].files[0]: "t*/a.yml" is no path for file discovery: want .json, .yml or .yaml, and * only in the last element'])
    expect(f('t/a?.yml')).toEqual([])
  })

  it('warns that protobuf among others is not offered', () => {
    expect(load('global: {scrape_protocols: [PrometheusProto, PrometheusText0.0.4]}').warnings).toEqual([
      '/etc/monitor/monitor.yml:1:28: global.scrape_protocols: PrometheusProto is not built yet and is not offered to targets',
    ])
  })

  it('never repeats a secret', () => {
    const found = faults(`scrape_configs:
  - job_name: a
    basic_auth: {username: u, password: hunter2, password_file: f}
    authorization: {type: basic, credentials: hunter2}
    oauth2: {client_id: i, client_secret: hunter2, client_secret_file: f, token_url: nope}
    tls_config: {key: hunter2}
    http_headers: {X-A: {secrets: ["hunter2\\n"]}}
`)
    expect(found.length).toBeGreaterThan(5)
    expect(found.join('\n')).not.toContain('hunter2')
  })

  it('is refused when aliases expand without end, in little time', () => {
    const startMs = performance.now()
    const levels = Array.from({ length: 9 }, (_, i) => `  l${i}: &l${i} [${Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*l${i - 1}`)).join(', ')}]`)
    expect(faults(`global:\n${levels.join('\n')}\n`)).toHaveLength(9)
    const group = `&g {targets: [${Array.from({ length: 1000 }, (_, i) => `h${i}:1`).join(', ')}]}`
    const groups = `&s [${group}, ${Array.from({ length: 999 }, () => '*g').join(', ')}]`
    const jobs = Array.from({ length: 10 }, (_, i) => `  - {job_name: j${i}, static_configs: ${i === 0 ? groups : '*s'}}`)
    expect(faults(`scrape_configs:\n${jobs.join('\n')}\n`).at(-1)).toMatch(/aliases expand to more than 2000000 values/)
    const merges = Array.from({ length: 200 }, (_, i) => `  m${i}: {<<: [${Array.from({ length: 200 }, () => '*b').join(', ')}]}`)
    const base = `  b: &b {${Array.from({ length: 100 }, (_, i) => `k${i}: v`).join(', ')}}`
    expect(faults(`global:\n${base}\n${merges.join('\n')}\n`).join('\n')).toMatch(/<< copies more than 100000 keys/)
    expect(performance.now() - startMs).toBeLessThan(10_000)
  })

  it('finds doubled keys in linear time', () => {
    const startMs = performance.now()
    const keys = Array.from({ length: 20_000 }, (_, i) => `    k${i}: v`).join('\n')
    expect(load(`global:\n  external_labels:\n${keys}\n`).config.global.externalLabels.size).toBe(20_000)
    expect(faults(`global:\n  external_labels:\n${keys}\n    k7: w\n`)).toEqual(['20003:5: key "k7" is given twice'])
    expect(performance.now() - startMs).toBeLessThan(8000)
  })
})
