// Records promtool's exit code and texts for every case in rule-test-cases.ts into rule-tests.json:
//
//   node test/golden/record-rule-tests.ts PROMTOOL
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { RULE_TESTS } from './rule-test-cases.ts'

const promtool = process.argv[2] ?? 'promtool'
const folder = mkdtempSync(path.join(tmpdir(), 'rule-tests-'))

const lines = RULE_TESTS.map(({ name, rules, tests }) => {
  writeFileSync(path.join(folder, 'rules.yml'), rules)
  writeFileSync(path.join(folder, 'tests.yml'), tests)
  const { status, stderr } = spawnSync(promtool, ['test', 'rules', path.join(folder, 'tests.yml')], { encoding: 'utf8' })
  return JSON.stringify([name, status, stderr.replaceAll(folder, 'FOLDER')])
})
const version = execFileSync(promtool, ['--version'], { encoding: 'utf8' }).split('\n')[0]!
writeFileSync(path.join(import.meta.dirname, 'rule-tests.json'), `[${JSON.stringify(version)},\n${lines.join(',\n')}\n]\n`)
