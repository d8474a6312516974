// `monitor test rules` beside promtool: test/golden/rule-tests.json has its exit code and texts for each case (3.14 says the same as
// 3.5.3, but for the order of series in two errors, which is chance).
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { runTool } from '../../../cmd/tool/tool.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { RULE_TESTS, type RuleTestCase } from '../../golden/rule-test-cases.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const [, ...recorded] = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../golden/rule-tests.json'), 'utf8')) as [string, ...[string, number, string][]]

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await runTool(args, { out: (text) => (out += text), err: (text) => (err += text), clock: new FakeClock() })
  return { code, out, err }
}

async function runCase(folder: string, { rules, tests }: RuleTestCase, ...flags: string[]): Promise<Awaited<ReturnType<typeof run>>> {
  writeFileSync(path.join(folder, 'rules.yml'), rules)
  writeFileSync(path.join(folder, 'tests.yml'), tests)
  const result = await run('test', 'rules', ...flags, path.join(folder, 'tests.yml'))
  return { ...result, err: result.err.replaceAll(folder, 'FOLDER') }
}

describe('monitor test rules', () => {
  it('ends as promtool ends, with its words where a test fails', async () => {
    expect(recorded.length).toBeGreaterThan(120)
    const folder = tempFolder()
    const different: string[] = []
    let sameTexts = 0
    for (const [i, one] of RULE_TESTS.entries()) {
      const [name, code, text] = recorded[i]!
      expect(name).toBe(one.name)
      const got = await runCase(folder, one)
      if (got.code !== code) different.push(`${name}: ${got.code} for ${code}\n${got.err}${text}`)
      else if (got.err === text) sameTexts++
      else if (/ exp: | exp:\[| alertname: |^ {4}rule: /m.test(text)) different.push(`${name}:\n${got.err}${text}`)
    }
    expect(different).toEqual([])
    expect(sameTexts).toBeGreaterThan(80)
  }, 120_000)

  const caseNamed = (name: string): RuleTestCase => RULE_TESTS.find((one) => one.name === name)!

  it('says SUCCESS, and leaves an empty line for each fault as promtool does', async () => {
    const folder = tempFolder()
    expect(await runCase(folder, caseNamed('alert fires on time'))).toEqual({ code: 0, out: '  SUCCESS\n\n', err: '' })
    expect(await runCase(folder, caseNamed('alert not expected'))).toMatchObject({ code: 1, out: '\n\n' })
  })

  it('shows what differs in colours, and what the store holds, as promtool does', async () => {
    const folder = tempFolder()
    const one = {
      name: 'flags',
      rules: `groups:
- name: g
  rules:
  - {alert: Two, expr: up, labels: {severity: page}, annotations: {summary: 'it is {{ $value }}'}}
  - {alert: Pair, expr: 'up or label_replace(up, "job", "zz", "", "")'}
`,
      tests: `rule_files: [rules.yml]
tests:
- interval: 1m
  input_series: [{series: 'up{job="a"}', values: '1 2 stale'}, {series: h, values: '{{schema:1 count:3 sum:2 buckets:[1 2]}}x1'}]
  alert_rule_test:
  - {alertname: Two, eval_time: 1m, exp_alerts: [{exp_labels: {job: b, severity: page, gone: y}}]}
  - {alertname: Pair, eval_time: 1m, exp_alerts: [{exp_labels: {job: a}}]}
  - {alertname: None, eval_time: 1m, exp_alerts: [{exp_labels: {job: a}}, {exp_labels: {job: b}}]}
`,
    }
    const { err } = await runCase(folder, one, '--diff')
    const [green, red, yellow, end] = ['\x1b[0;32m', '\x1b[0;31m', '\x1b[0;33m', '\x1b[0m']
    expect(err).toBe(`  FAILED:
    alertname: Two, time: 1m, 
        diff: [
                {
                    "Annotations": {
                        ${green}"summary": "it is 2"${end}
                    },
                    "Labels": {
                        "alertname": "Two",
                        ${red}"gone": "y"${end},
                        "job": ${yellow}"b" => "a"${end},
                        "severity": "page"
                    }
                }
            ]
    alertname: Pair, time: 1m, 
        diff: [
                {
                    "Annotations": {},
                    "Labels": {
                        "alertname": "Pair",
                        "job": "a"
                    }
                },
                ${green}{${end}
                    ${green}"Annotations": {},${end}
                    ${green}"Labels": {${end}
                        ${green}"alertname": "Pair",${end}
                        ${green}"job": "zz"${end}
                    ${green}}${end}
                ${green}}${end}
            ]
    alertname: None, time: 1m, 
        diff: [
                {
                    "Annotations": {},
                    "Labels": {
                        ${red}"alertname": "None"${end},
                        ${red}"job": "a"${end}
                    }
                },
                ${red}{${end}
                    ${red}"Annotations": {},${end}
                    ${red}"Labels": {${end}
                        ${red}"alertname": "None",${end}
                        ${red}"job": "b"${end}
                    ${red}}${end}
                ${red}}${end}
            ]
`)
    const { out } = await runCase(folder, one, '--debug')
    expect(out).toBe(`DEBUG: Starting test unnamed#0
DEBUG: Dump of all data (input_series and rules) at 1m1s:
{__name__="ALERTS", alertname="Pair", alertstate="firing", job="a"} =>
1 @[60000]
{__name__="ALERTS", alertname="Pair", alertstate="firing", job="zz"} =>
1 @[60000]
{__name__="ALERTS", alertname="Two", alertstate="firing", job="a", severity="page"} =>
1 @[60000]
{__name__="ALERTS_FOR_STATE", alertname="Pair", job="a"} =>
0 @[60000]
{__name__="ALERTS_FOR_STATE", alertname="Pair", job="zz"} =>
0 @[60000]
{__name__="ALERTS_FOR_STATE", alertname="Two", job="a", severity="page"} =>
0 @[60000]
{__name__="h"} =>
{count:3, sum:2, (0.7071067811865475,1]:1, (1,1.414213562373095]:2} @[60000]
{__name__="up", job="a"} =>
2 @[60000]
DEBUG: Test unnamed#0 finished, took 0.000ms




`)
  })

  it('runs the groups whose names match', async () => {
    const folder = tempFolder()
    const two = caseNamed('two groups, one fails')
    expect((await runCase(folder, two, '--run=^first$')).code).toBe(0)
    expect((await runCase(folder, two, '--run=x', '--run=sec')).code).toBe(1)
    expect((await runCase(folder, two, '--run=nothing')).code).toBe(0)
    expect(await runCase(folder, two, '--run=(')).toMatchObject({ code: 2, err: expect.stringContaining('flag --run: error parsing regexp') as string })
  })

  it('writes JUnit XML as promtool does', async () => {
    const folder = tempFolder()
    const junit = path.join(folder, 'out.xml')
    await runCase(folder, caseNamed('two groups, one fails'), `--junit=${junit}`)
    const xml = readFileSync(junit, 'utf8').replaceAll(folder, 'FOLDER')
    // Recorded from promtool 3.5.3 for this case, but for the time.
    expect(xml).toBe('<testsuites><testsuite name="FOLDER/tests.yml" tests="2" failures="1" errors="0" skipped="0" timestamp="2023-11-14T22:13:20"><testcase name="first"></testcase>' +
      '<testcase name="second"><failure>    name: second,&#xA;    alertname: Down, time: 4m, &#xA;        exp:[], &#xA;        got:[&#xA;            0:&#xA;              Labels:{alertname=&#34;Down&#34;, instance=&#34;a&#34;, job=&#34;n&#34;, severity=&#34;page&#34;}&#xA;' +
      '              Annotations:{summary=&#34;a is down, 0&#34;}&#xA;            ]</failure></testcase></testsuite></testsuites>')
    await runCase(folder, caseNamed('bad yaml'), `--junit=${junit}`)
    expect(readFileSync(junit, 'utf8')).toMatch(/tests="1" failures="0" errors="1" skipped="0" timestamp=""><testcase name="unknown"><error>.*tests\.yml:\d+:\d+: /)
  })

  it('starts where start_timestamp says', async () => {
    const tests = (start: string): RuleTestCase => ({ name: '', rules: 'groups: []\n', tests: `tests:
- interval: 1m
  start_timestamp: ${start}
  input_series: [{series: x, values: 1 2 3}]
  promql_expr_test:
  - {expr: 'timestamp(x)', eval_time: 1m, exp_samples: [{labels: '{}', value: 1700000060}]}
` })
    const folder = tempFolder()
    expect(await runCase(folder, tests('1700000000'))).toMatchObject({ code: 0, err: '' })
    expect(await runCase(folder, tests('2023-11-14T22:13:20Z'))).toMatchObject({ code: 0, err: '' })
    expect(await runCase(folder, tests('yesterday'))).toMatchObject({ code: 1, err: expect.stringContaining('tests.yml:3:20: tests[0].start_timestamp: cannot parse "yesterday"') as string })
  })

  it('says what to give where it is given rules, and so does monitor check rules where it is given tests', async () => {
    const folder = tempFolder()
    const { rules, tests } = caseNamed('alert fires on time')
    const given = await runCase(folder, { name: '', rules, tests: rules })
    expect(given.code).toBe(1)
    expect(given.err).toMatch(/tests\.yml:2:1: groups: this is a file of rules; give the file of tests that names it in rule_files/)
    writeFileSync(path.join(folder, 'tests.yml'), tests)
    expect(await run('check', 'rules', path.join(folder, 'tests.yml'))).toMatchObject({ code: 1, err: expect.stringMatching(/tests: this is a file of rule tests, not of rules: monitor test rules FILE runs it/) as string })
  })

  it('warns of features that there are not', async () => {
    const { code, err } = await runCase(tempFolder(), caseNamed('alert fires on time'), '--enable-feature=promql-experimental-function,')
    expect([code, err]).toEqual([0, '  WARNING: --enable-feature=promql-experimental-function: there is no such feature; did you mean promql-experimental-functions?\n'])
  })

  it('wants files', async () => {
    expect(await run('test', 'rules')).toMatchObject({ code: 2 })
    expect(await run('test')).toMatchObject({ code: 2 })
    expect(await run('test', 'rules', path.join(tempFolder(), 'none.yml'))).toMatchObject({ code: 1, err: expect.stringContaining('there is no such file') as string })
  })
})
