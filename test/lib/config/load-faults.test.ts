import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig, type LoadedConfig } from '../../../lib/config/load.ts'

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
      '3:19: global.scrape_timeout: unknown unit "." in duration "1.5s" (for example 30s, 5m, 1h30m; units ms, s, m, h, d, w, y)',
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
    f('global:\n\tscrape_interval: 1s\n', /^2:1: a tab at the beginning of a line; indent with spaces/)
    f('global: "x\n', /^2:1: the text before this begins with a quote " that is not closed/)
    f('global:\n  scrape_interval 1s\n  scrape_timeout: 1s\n', /^2:3: a key and its colon must stand in one line; write KEY: VALUE/)
    f('global:\n  scrape_interval: 1s\n scrape_timeout: 1s\n', /^3:1: indented unlike the keys before/)
    f('features: [a\nglobal: {}\n', /^2:1: what was begun with \[ or \{ is not closed before this line/)
    f('global: a: b\n', /^1:9: a second colon in one line/)
    f('global: {a: [1, 2\nscrape_configs: []\n', /^\d:\d+: /)
    f('a: b: c\n', /^1:4: /)
    f('global: {}\nglobal: {}\n', /^2:1: key "global" is given twice$/)
    f('global: *x\n', /^1:9: unknown anchor "x"$/)
    f('global: &a {external_labels: *a}\n', /^1:30: anchor "a" contains itself$/)
    f('global: {scrape_failure_log_file: !!binary aGk=}\n', /^1:\d+: the tag .* has no meaning here$/)
    f('a\n---\nb\n', /^2:1: a second document begins here; a file holds one$/)
    f('a\n---\n# c\nb\n', /^2:1: a second document begins here; a file holds one$/)
    f('? [a]\n: b\n', /^1:1: keys must be plain text$/)
    f('- a\n', /^1:1: want keys such as scrape_configs, got a list$/)
    f('['.repeat(3000), /^\d+:\d+: nested too deeply$/)
    expect(faults(`x: ${'['.repeat(100)}${']'.repeat(100)}`)).toEqual(['1:1: unknown key "x"', '1:68: nested too deeply'])
  })

  it('says what to write instead', () => {
    const f = (text: string, ...want: string[]): void => expect(faults(text)).toEqual(want)
    const duration = 'not a valid duration string: "15" (for example 30s, 5m, 1h30m; units ms, s, m, h, d, w, y)'
    f('global: {scrape_interval: 15}', `1:27: global.scrape_interval: ${duration}`)
    f('rule_files: rules.yml', '1:13: rule_files: want a list, got "rules.yml"; write ["rules.yml"]')
    f('scrape_configs: {job_name: a}', '1:17: scrape_configs: want a list, got a map; each item begins with "- "')
    // That the key is missing is not said beside it, unless something else stands for another.
    f('scrape_configs: [{job_name: a, http_sd_configs: [{ulr: x}]}]', '1:51: unknown key "ulr" in scrape_configs[0].http_sd_configs[0]; did you mean "url"?')
    f('scrape_configs: [{job_name: a, http_sd_configs: [{refresh: x}]}]', '1:50: scrape_configs[0].http_sd_configs[0].url: must be set', '1:51: unknown key "refresh" in scrape_configs[0].http_sd_configs[0]; did you mean "refresh_interval"?')
    f('scrape_configs: [{job: a}]', '1:19: unknown key "job" in scrape_configs[0]; did you mean "job_name"?')
    f('scrape_configs: [{job_name: a, basic_auth: {user: u}, tls: {}, interval: 5s}]', '1:45: unknown key "user" in scrape_configs[0].basic_auth; did you mean "username"?',
      '1:55: unknown key "tls" in scrape_configs[0]; did you mean "tls_config"?', '1:64: unknown key "interval" in scrape_configs[0]; did you mean "scrape_interval"?')
    f('groups: [{name: a}]', '1:9: groups: this is how a file of rules begins: name that file under rule_files, or write the groups under rules')
    f('route: {receiver: a}\nreceivers: [{name: a}]', '1:8: route: this is how an alertmanager.yml begins: name that file as config_file below alerting, or write this key there',
      '2:12: receivers: who is told of alerts stands below alerting: name an alertmanager.yml there as config_file, or write this key there')
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
    expect(faults("alerting: {cooldowns: [{cooldown: x}, {matchers: ['a=b']}, {cooldown: 0s}]}").map((fault) => fault.slice(fault.indexOf('alerting')))).toEqual([
      'alerting.cooldowns[0].cooldown: not a valid duration string: "x" (for example 30s, 5m, 1h30m; units ms, s, m, h, d, w, y)',
      'alerting.cooldowns[1].cooldown: must be set, to how long nobody is told again: 15m', 'alerting.cooldowns[2].cooldown: must be set, to how long nobody is told again: 15m',
    ])
    expect(faults('alerting: {alertmanagers: [{api_version: v1, schema: http}], alertmanager: []}')).toEqual([
      '1:42: alerting.alertmanagers[0].api_version: want one of v2, got "v1"; did you mean v2?', '1:46: unknown key "schema" in alerting.alertmanagers[0]; did you mean "scheme"?', '1:62: unknown key "alertmanager" in alerting; did you mean "alertmanagers"?',
    ])
  })

  it('takes servers that give targets, each with a client of its own', () => {
    const { config } = load(`scrape_configs:
  - job_name: a
    http_sd_configs:
      - url: https://cmdb/targets?x=1
      - {url: 'http://cmdb/', refresh_interval: 5s, basic_auth: {username: u, password_file: p}, tls_config: {insecure_skip_verify: true}}
alerting: {alertmanagers: [{http_sd_configs: [{url: 'http://am'}]}]}
`)
    expect(config.scrapeConfigs[0]!.httpSdConfigs).toMatchObject([
      { url: 'https://cmdb/targets?x=1', refreshIntervalMs: 60_000, http: { basicAuth: null } },
      { url: 'http://cmdb/', refreshIntervalMs: 5000, http: { basicAuth: { username: 'u', passwordFile: '/etc/monitor/p' }, tls: { insecureSkipVerify: true } } },
    ])
    expect(config.alerting.alertmanagers[0]!.httpSdConfigs).toMatchObject([{ url: 'http://am' }])
    expect(faults("scrape_configs: [{job_name: a, http_sd_configs: [{}, {url: cmdb}, {url: 'http://u:p@x'}, {url: 'http://x', refresh_intervall: 5s}]}]")).toEqual([
      '1:50: scrape_configs[0].http_sd_configs[0].url: must be set', '1:60: scrape_configs[0].http_sd_configs[1].url: want a URL that begins with http:// or https://',
      '1:73: scrape_configs[0].http_sd_configs[2].url: must not hold a user or password; give them as basic_auth', '1:108: unknown key "refresh_intervall" in scrape_configs[0].http_sd_configs[3]; did you mean "refresh_interval"?',
    ])
  })

  it('takes names whose DNS records are targets', () => {
    const { config } = load(`scrape_configs: [{job_name: a, dns_sd_configs: [{names: [_n._tcp.x]}, {names: [x, y], type: aaaa, port: 9100, refresh_interval: 5s}]}]
alerting: {alertmanagers: [{dns_sd_configs: [{names: [am], type: A, port: 9093}]}]}
`)
    expect(config.scrapeConfigs[0]!.dnsSdConfigs).toEqual([{ names: ['_n._tcp.x'], type: 'SRV', port: 0, refreshIntervalMs: 30_000 }, { names: ['x', 'y'], type: 'AAAA', port: 9100, refreshIntervalMs: 5000 }])
    expect(config.alerting.alertmanagers[0]!.dnsSdConfigs).toMatchObject([{ names: ['am'], port: 9093 }])
    expect(faults("scrape_configs: [{job_name: a, dns_sd_configs: [{}, {names: ['x:9100']}, {names: [x], type: A}, {names: [x], type: SVR, port: 99999, nam: 1}]}]")).toEqual([
      '1:49: scrape_configs[0].dns_sd_configs[0].names: want at least one name, such as _node._tcp.example.com',
      '1:62: scrape_configs[0].dns_sd_configs[1].names[0]: "x:9100" is no name; want one such as _node._tcp.example.com, without scheme and port',
      '1:74: scrape_configs[0].dns_sd_configs[2].port: must be set for A records, which have none',
      '1:116: scrape_configs[0].dns_sd_configs[3].type: want one of SRV, A, AAAA, MX, NS, got "SVR"; did you mean SRV?',
      '1:127: scrape_configs[0].dns_sd_configs[3].port: want 1 to 65535, got 99999',
      '1:134: unknown key "nam" in scrape_configs[0].dns_sd_configs[3]; did you mean "names"?',
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
    oauth2: {client_id: a, token_url: 'http://x', tls_config: {insecure_skip_verify: true}}
    http_headers: {X-A: {files: [f]}}
`
    const places = ['1:1 remote_read', '2:1 otlp', '3:1 remote_write', '7:5 scrape_configs[0].kubernetes_sd_configs',
      '8:51 scrape_configs[0].oauth2.tls_config', '9:26 scrape_configs[0].http_headers.X-A.files']
    expect(faults(text)).toEqual(places.map((place) => `${place.replace(' ', ': ')} is valid in Prometheus but not built into Monitor yet (--config.strict=false ignores it, --ignore-unbuilt of check config)`))
    const { config, warnings } = load(text, false)
    expect(warnings).toEqual(places.map((place) => `/etc/monitor/monitor.yml:${place.replace(' ', ': ')} is not built into Monitor yet and is ignored`))
    expect(config.scrapeConfigs[0]).toMatchObject({ http: { oauth2: { clientId: 'a' } } })
    expect(faults(`${text}bogus: 1\n`, false)).toEqual(['10:1: unknown key "bogus"'])
    expect(load('rule_files:\nremote_read: []\nscrape_configs: [{job_name: a, http_sd_configs: []}]').warnings).toEqual([])
    expect(load('runtime: {gogc: 75}').warnings).toEqual(['/etc/monitor/monitor.yml:1:1: runtime has no effect: it is for the collector of Go programs'])
  })

  it('names paths of target files that it would never find', () => {
    const f = (file: string): string[] => faults(`scrape_configs: [{job_name: a, file_sd_configs: [{files: ['${file}']}]}]`)
    for (const path of ['t/[a-c]*.yml', 't?/a.yml']) {
      expect(f(path)).toEqual([`1:59: scrape_configs[0].file_sd_configs[0].files[0]: "${path}": [] and, in the name of a folder, ? are not built into Monitor yet`])
    }
    expect(f('t*/a.yml')).toEqual(['1:59: scrape_configs[0].file_sd_configs[0].files[0]: "t*/a.yml" is no path for file discovery: want .json, .yml or .yaml, and * only in the last element'])
    expect(f('t/a?.yml')).toEqual([])
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

  it('is refused when aliases expand without end, in bounded time', () => {
    const before = process.cpuUsage()
    const levels = Array.from({ length: 9 }, (_, i) => `  l${i}: &l${i} [${Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*l${i - 1}`)).join(', ')}]`)
    expect(faults(`global:\n${levels.join('\n')}\n`)).toHaveLength(9)
    const group = `&g {targets: [${Array.from({ length: 1000 }, (_, i) => `h${i}:1`).join(', ')}]}`
    const groups = `&s [${group}, ${Array.from({ length: 999 }, () => '*g').join(', ')}]`
    const jobs = Array.from({ length: 10 }, (_, i) => `  - {job_name: j${i}, static_configs: ${i === 0 ? groups : '*s'}}`)
    expect(faults(`scrape_configs:\n${jobs.join('\n')}\n`).at(-1)).toMatch(/aliases expand to more than 2000000 values/)
    const merges = Array.from({ length: 200 }, (_, i) => `  m${i}: {<<: [${Array.from({ length: 200 }, () => '*b').join(', ')}]}`)
    const base = `  b: &b {${Array.from({ length: 100 }, (_, i) => `k${i}: v`).join(', ')}}`
    expect(faults(`global:\n${base}\n${merges.join('\n')}\n`).join('\n')).toMatch(/<< copies more than 100000 keys/)
    // Some 2 s; 10^9 values, and more groups than memory holds, without the bounds.
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(60)
  })

  it('finds doubled keys in linear time', () => {
    // What it costs, not how long it takes beside others.
    const costOf = (count: number): number => {
      const before = process.cpuUsage()
      const keys = Array.from({ length: count }, (_, i) => `    k${i}: v`).join('\n')
      expect(load(`global:\n  external_labels:\n${keys}\n`).config.global.externalLabels.size).toBe(count)
      expect(faults(`global:\n  external_labels:\n${keys}\n    k7: w\n`)).toEqual([`${count + 3}:5: key "k7" is given twice`])
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    // 8 times as many: 8 times the cost, and less where code gets warm; pairs would cost 64 times as much.
    const small = costOf(2000)
    expect(costOf(16_000) / small).toBeLessThan(32)
  })
})
