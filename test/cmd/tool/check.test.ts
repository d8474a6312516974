// `monitor check`; of rules beside promtool: test/golden/rule-files.json has its exit codes for each file, plain and with --lint-fatal.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadWholeConfig } from '../../../cmd/whole-config.ts'
import { runTool } from '../../../cmd/tool/tool.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const [, ...recorded] = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../golden/rule-files.json'), 'utf8')) as [string, ...[string, number, number][]]

/** promtool passes over empty items, which are rules that nobody gets. */
const STRICTER: ReadonlySet<string> = new Set(['groups:\n- null\n', 'groups: [{name: a, rules: [null]}]\n'])

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await runTool(args, { out: (text) => (out += text), err: (text) => (err += text), clock: new FakeClock() })
  return { code, out, err }
}

describe('monitor check config', () => {
  it('looks at monitor.yml and at all that it names', async () => {
    const folder = tempFolder()
    const [config, alerts, rules] = ['monitor.yml', 'am.yml', 'rules.yml'].map((name) => path.join(folder, name)) as [string, string, string]
    writeFileSync(config, 'rule_files: [rules.yml]\nalerting: {config_file: am.yml}\nscrape_configs: [{job_name: a}]\n')
    writeFileSync(rules, 'groups: [{name: a, rules: [{record: r, expr: up}]}]\n')
    writeFileSync(alerts, 'route: {receiver: a}\nreceivers: [{name: a}, {name: b}]\ntemplates: ["*.tmpl"]\ntracing: {}\n')
    expect(await run('check', 'config', config)).toEqual({ code: 0, out: `Checking ${config}\n  SUCCESS: 1 scrape config, 1 rule, 2 receivers found\n\n`, err: '' })
    expect(await run('check', 'alertmanager', alerts)).toEqual({ code: 0, out: `Checking ${alerts}\n  SUCCESS: 2 receivers, 0 inhibit rules, 0 templates found\n\n`, err: '' })
    writeFileSync(path.join(folder, 'bad.tmpl'), '{{ define "x" }}{{ if }}{{ end }}')
    expect(await run('check', 'config', config)).toMatchObject({ code: 1, err: expect.stringContaining(`${folder}/bad.tmpl: template: bad.tmpl:1: missing value for if`) as string })
    writeFileSync(alerts, 'route:\n  receiver: c\nreceivers: [{name: a}]\nroutes: []\n')
    const { code, err } = await run('check', 'config', config)
    expect(code).toBe(1)
    expect(err).toContain(`${alerts}:2:13: route.receiver: undefined receiver "c" used in route\n${alerts}:4:1: unknown key "routes"; did you mean "route"?`)
    expect(await run('check', 'config', path.join(folder, 'none.yml'))).toMatchObject({ code: 1, err: `  FAILED:\ncannot read ${folder}/none.yml: there is no such file\n` })
    writeFileSync(alerts, 'route: {receiver: a\n')
    expect((await run('check', 'alertmanager', alerts)).err).toBe(`  FAILED:\n${alerts}:2:1: what was begun with [ or { is not closed before this line\n`)
    expect(await run('check', 'config')).toMatchObject({ code: 2 })
  })

  it('refuses what names a file that is not there, or is no certificate, unless told to look at the text alone', async () => {
    const folder = tempFolder()
    const config = path.join(folder, 'monitor.yml')
    writeFileSync(path.join(folder, 'text'), 'no certificate')
    writeFileSync(config, `rule_files: [none.yml, 'none/*.yml']
scrape_configs:
  - { job_name: a, basic_auth: { username: u, password_file: none }, tls_config: { ca_file: none.crt } }
  - { job_name: b, authorization: { credentials_file: none }, tls_config: { ca_file: text } }
  - { job_name: c, tls_config: { cert_file: text, key_file: text } }
alerting: { alertmanagers: [{ oauth2: { client_id: a, token_url: 'http://a', client_secret_file: none } }] }
`)
    const { code, err } = await run('check', 'config', config)
    expect([code, ...err.trimEnd().split('\n')]).toEqual([
      1, '  FAILED:', `${config}: rule_files: there is no ${folder}/none.yml; no rules are read from it`,
      `${config}: scrape config "a": basic_auth.password_file: cannot read ${folder}/none: no such file or directory (ENOENT); its targets cannot be scraped until this is mended`,
      `${config}: scrape config "a": tls_config.ca_file: cannot read ${folder}/none.crt: no such file or directory (ENOENT); its targets cannot be scraped until this is mended`,
      `${config}: scrape config "b": authorization.credentials_file: cannot read ${folder}/none: no such file or directory (ENOENT); its targets cannot be scraped until this is mended`,
      `${config}: scrape config "b": tls_config.ca_file: ${folder}/text holds no certificate in PEM form; its targets cannot be scraped until this is mended`,
      expect.stringMatching(/scrape config "c": tls_config: the client certificate .*text and key .*text cannot be used: .*no start line; its targets/) as string,
      `${config}: alerting.alertmanagers[0]: oauth2.client_secret_file: cannot read ${folder}/none: no such file or directory (ENOENT); it gets no alerts until this is mended`,
    ])
    expect(await run('check', 'config', config, '--syntax-only')).toMatchObject({ code: 0, err: '' })
  })

  it('reads the files of targets that are there', async () => {
    const folder = tempFolder()
    const config = path.join(folder, 'monitor.yml')
    writeFileSync(config, 'scrape_configs: [{ job_name: a, file_sd_configs: [{ files: [\'*.json\', none.yml] }] }]\n')
    writeFileSync(path.join(folder, 'a.json'), '[{"targets": ["a:1"]}]')
    expect(await run('check', 'config', config)).toMatchObject({ code: 0, err: '' })
    writeFileSync(path.join(folder, 'b.json'), '[{"targets": ["a:1"]}, {"target": ["a:1"]}]')
    expect(await run('check', 'config', config)).toMatchObject({ code: 1, err: expect.stringMatching(/^ {2}FAILED:\n\S*\/b\.json:1:24: entry 2: unknown key "target"/) as string })
    expect(await run('check', 'config', config, '--syntax-only')).toMatchObject({ code: 0, err: '' })
  })

  it('reads scrape_config_files, whose jobs start from global and whose paths from their own folder', async () => {
    const folder = tempFolder()
    const config = path.join(folder, 'monitor.yml')
    mkdirSync(path.join(folder, 'jobs'))
    const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text)
    write('monitor.yml', "global: {scrape_interval: 5s}\nscrape_config_files: ['jobs/*.yml', none.yml]\nscrape_configs: [{job_name: a}]\n")
    write('jobs/b.yml', 'scrape_configs:\n- job_name: b\n  basic_auth: {username: u, password_file: secret}\n- {job_name: c, scrape_interval: 1m}\n')
    expect((await run('check', 'config', config)).err).toBe(`  FAILED:\n${config}: scrape_config_files: there is no ${folder}/none.yml; no jobs are read from it\n` +
      `${config}: scrape config "b": basic_auth.password_file: cannot read ${folder}/jobs/secret: no such file or directory (ENOENT); its targets cannot be scraped until this is mended\n`)
    write('none.yml', '')
    write('jobs/secret', 'x')
    expect(await run('check', 'config', config)).toEqual({ code: 0, out: `Checking ${config}\n  SUCCESS: 3 scrape configs, 0 rules, no receivers found\n\n`, err: '' })
    const { config: { scrapeConfigs } } = loadWholeConfig(readFileSync(config, 'utf8'), config, { isStrict: true, features: [] })
    expect(scrapeConfigs.map(({ jobName, scrapeIntervalMs }) => [jobName, scrapeIntervalMs])).toEqual([['a', 5000], ['b', 5000], ['c', 60_000]])
    write('jobs/c.yml', 'scrape_config: []\n')
    write('jobs/d.yml', 'scrape_configs: [{job_name: a}, {job_name: c}, {job_name: d}, {job_name: d}]\n')
    expect((await run('check', 'config', config)).err).toBe(`  FAILED:\n${folder}/jobs/c.yml:1:1: unknown key "scrape_config"; did you mean "scrape_configs"?\n` + [
      `29: scrape_configs[0].job_name: another scrape config in ${config} is named "a"`, `44: scrape_configs[1].job_name: another scrape config in ${folder}/jobs/b.yml is named "c"`,
      '74: scrape_configs[3].job_name: another scrape config is named "d"',
    ].map((fault) => `${folder}/jobs/d.yml:1:${fault}\n`).join(''))
    write('monitor.yml', "scrape_config_files: ['jobs/[.yml', 'a/*/b.yml']\n")
    expect((await run('check', 'config', config)).err).toContain('monitor.yml:1:37: scrape_config_files[1]: "a/*/b.yml" is no path of files of scrape configs')
    write('monitor.yml', "scrape_config_files: ['jobs/[.yml']\n")
    expect((await run('check', 'config', config)).err).toContain('scrape_config_files: syntax error in pattern')
  })

  it('says where keys inside monitor.yml are wrong', async () => {
    const config = path.join(tempFolder(), 'monitor.yml')
    const said = async (alerting: string): Promise<string[]> => {
      writeFileSync(config, `alerting:\n${alerting}\n`)
      return (await run('check', 'config', config)).err.split('\n').filter((line) => line.startsWith(config)).map((line) => line.slice(config.length + 1))
    }
    expect(await said('  receivers: [{name: a}]')).toEqual(['2:3: alerting.route: no routes provided: one that names a receiver must be set'])
    expect(await said('  route: {receiver: a, matchers: [a=b], group_interval: 0s}\n  receivers: [{name: a}]')).toEqual([
      '2:34: alerting.route.matchers: root route must not have any matchers', '2:57: alerting.route.group_interval: group_interval cannot be zero',
    ])
    // As programs that write configurations leave them.
    expect(await said('  route: {receiver: a, matchers: [], match: {}, match_re: {}, mute_time_intervals: [], active_time_intervals: []}\n  receivers: [{name: a}]')).toEqual([])
    expect(await said('  config_file: am.yml\n  route: {receiver: a}')).toEqual([expect.stringMatching(/^3:10: alerting\.route: must not be set beside config_file, which says the same; put it into .*am\.yml$/)])
    expect(await said('  route: {receiver: a, group_by: [..., b], routes: [{matchers: ["a=~("], group_by: [c, c]}, {match: {"a b": c}}]}\n  receivers: [{name: a}]')).toEqual([
      "2:34: alerting.route.group_by: cannot have wildcard group_by (`...`) and other labels at the same time",
      '2:65: alerting.route.routes[0].matchers[0]: error parsing regexp: missing closing ): `^(?:()$`', '2:88: alerting.route.routes[0].group_by[1]: duplicated label "c" in group_by',
      '2:102: alerting.route.routes[1].match: invalid label name "a b"',
    ])
    expect(await said('  route: {receiver: a}\n  fallback: {receiver: b}\n  receivers: [{name: a}]\n  escalations: {p: [{receiver: c, after: 5m}], q: [], "": [{receiver: a}]}')).toEqual([
      '3:24: alerting.fallback.receiver: undefined receiver "b" used in fallback', '5:32: alerting.escalations.p[0].receiver: undefined receiver "c" used in an escalation',
      '5:51: alerting.escalations.q: has no steps: nobody would be told', expect.stringMatching(/^5:55: alerting\.escalations\..*: a policy needs a name/),
    ])
    expect(await said('  route: {receiver: a, routes: [{receiver: b}], escalation: x}\n  receivers: [{name: a}, {name: a}]\n  escalations: {y: [{receiver: c}]}\n  inhibit_rules: [{source_matchers: [a], equal: [""]}]')).toHaveLength(6)
  })
})

describe('monitor check rules', () => {
  it('takes, refuses and lints what promtool does', async () => {
    expect(recorded.length).toBeGreaterThan(150)
    const file = path.join(tempFolder(), 'rules.yml')
    const different: string[] = []
    for (const [text, plain, fatal] of recorded) {
      if (STRICTER.has(text)) continue
      writeFileSync(file, text)
      const [a, b] = [await run('check', 'rules', file), await run('check', 'rules', '--lint-fatal', file)]
      if (a.code !== plain || b.code !== fatal) different.push(`${text}: ${a.code}, ${b.code} for ${plain}, ${fatal}\n${a.err}`)
      if (plain === 1) expect(a.err).toMatch(/^ {2}FAILED:\n(.*rules\.yml:\d+:\d+: .+\n?)+$/)
    }
    expect(different).toEqual([])
  })

  it('says what it found as promtool says it', async () => {
    const folder = tempFolder()
    const good = path.join(folder, 'good.yml')
    writeFileSync(good, 'groups: [{name: a, rules: [{record: r, expr: up}, {record: r, expr: up}, {alert: A, expr: up}, {record: r, expr: up, labels: {job: ""}}]}]\n')
    expect(await run('check', 'rules', '--lint=none', good)).toEqual({ code: 0, out: `Checking ${good}\n  SUCCESS: 4 rules found\n\n`, err: '' })
    const duplicate = '  FAILED:\nlint error 1 duplicate rule(s) found.\nMetric: r\nLabel(s):\nMight cause inconsistency while recording expressions\n'
    expect(await run('check', 'rules', good)).toEqual({ code: 0, out: `Checking ${good}\n\n`, err: duplicate })
    expect(await run('check', 'rules', path.join(folder, 'none.yml'))).toMatchObject({ code: 1, err: expect.stringContaining('there is no such file') as string })
    mkdirSync(path.join(folder, 'dir.yml'))
    expect(await run('check', 'rules', path.join(folder, 'dir.yml'))).toMatchObject({ code: 1 })
  })

  it('passes over unknown keys and takes experimental functions where told so', async () => {
    const file = path.join(tempFolder(), 'rules.yml')
    writeFileSync(file, 'x: 1\ngroups: [{name: a, y: 1, rules: [{record: r, expr: "sort_by_label(up, \'a\')", z: 1}]}]\n')
    expect((await run('check', 'rules', file)).code).toBe(1)
    expect((await run('check', 'rules', '--ignore-unknown-fields', file)).code).toBe(1)
    expect((await run('check', 'rules', '--ignore-unknown-fields', '--enable-feature=promql-experimental-functions', file)).code).toBe(0)
  })

  it('wants to know what to check', async () => {
    expect(await run('check')).toMatchObject({ code: 2 })
    expect(await run('check', 'rulez')).toMatchObject({ code: 2, err: expect.stringContaining('there is no command check rulez') as string })
  })
})
