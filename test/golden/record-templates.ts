// Records what promtool makes of every template in template-cases.ts into test/golden/templates.json.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { unquote } from '../../lib/std/go-unquote.ts'
import { CASES, SERIES } from './template-cases.ts'

const promtool = process.argv[2] ?? 'promtool'
const folder = mkdtempSync(path.join(tmpdir(), 'templates-'))
const rules = path.join(folder, 'rules.yml')
const tests = path.join(folder, 'tests.yml')

function ruleFile(indexes: readonly number[]): string {
  const rule = (i: number): string => `  - alert: C${i}\n    expr: m\n    annotations: {out: ${JSON.stringify(CASES[i]!)}}`
  return `groups:\n- name: g\n  rules:\n${indexes.map(rule).join('\n')}\n`
}

const results = new Map<number, string>()
const all = CASES.map((_, i) => i)
writeFileSync(rules, ruleFile(all))
const check = spawnSync(promtool, ['check', 'rules', rules], { encoding: 'utf8' })
for (const [, index, message] of (check.stderr + check.stdout).matchAll(/"C(\d+)": annotation "out": (.*(?:\n(?!.*"C\d+": |\n|Checking ).*)*)/g)) results.set(Number(index), `!${message!.trim()}`)
const good = all.filter((i) => !results.has(i))
writeFileSync(rules, ruleFile(good))
const series = SERIES.map(([name, values]) => `  - series: ${JSON.stringify(name)}\n    values: ${JSON.stringify(values)}`).join('\n')
const expectations = good.map((i) => `  - {eval_time: 1m, alertname: C${i}, exp_alerts: []}`).join('\n')
writeFileSync(tests, `rule_files: [rules.yml]\ntests:\n- interval: 1m\n  input_series:\n${series}\n  alert_rule_test:\n${expectations}\n`)
const run = spawnSync(promtool, ['test', 'rules', tests], { encoding: 'utf8', maxBuffer: 1 << 26 })
for (const [, index, text] of (run.stderr + run.stdout).matchAll(/Labels:\{alertname="C(\d+)"[^\n]*\n\s*Annotations:(\{(?:out="(?:[^"\\]|\\.)*")?\})/g)) {
  results.set(Number(index), text === '{}' ? '=' : `=${unquote(text!.slice('{out='.length, -1))}`)
}
const missing = all.filter((i) => !results.has(i))
if (missing.length > 0) throw new Error(`no result of ${missing.map((i) => CASES[i]).join('  ')}\n${run.stderr.slice(0, 2000)}`)
const version = execFileSync(promtool, ['--version'], { encoding: 'utf8' }).split('\n')[0]!
const lines = CASES.map((text, i) => `${JSON.stringify([text, results.get(i)])}`)
writeFileSync(path.join(import.meta.dirname, 'templates.json'), `[${JSON.stringify(version)},\n${lines.join(',\n')}\n]\n`)
process.stdout.write(`${lines.length} templates, ${results.size} results\n`)
