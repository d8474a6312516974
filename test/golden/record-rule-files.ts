// Records promtool's exit codes for every file in rule-file-cases.ts into rule-files.json, without and with --lint-fatal:
//
//   node test/golden/record-rule-files.ts PROMTOOL
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { RULE_FILES } from './rule-file-cases.ts'

const promtool = process.argv[2] ?? 'promtool'
const file = path.join(mkdtempSync(path.join(tmpdir(), 'rules-')), 'rules.yml')

const exitCode = (args: readonly string[]): number | null => spawnSync(promtool, ['check', 'rules', ...args, file]).status
const lines = RULE_FILES.map((text) => {
  writeFileSync(file, text)
  return JSON.stringify([text, exitCode([]), exitCode(['--lint-fatal'])])
})
const version = execFileSync(promtool, ['--version'], { encoding: 'utf8' }).split('\n')[0]!
writeFileSync(path.join(import.meta.dirname, 'rule-files.json'), `[${JSON.stringify(version)},\n${lines.join(',\n')}\n]\n`)
