// Re-records alertmanager.json:
//
//   go build -o RECORDER record-alertmanager.go      in a module that requires github.com/prometheus/alertmanager v0.35.0
//   node test/golden/record-alertmanager.ts RECORDER
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { alertmanagerCases } from './alertmanager-cases.ts'

const [recorder] = process.argv.slice(2)
if (recorder === undefined) throw new Error('usage: node test/golden/record-alertmanager.ts RECORDER')

const cases = alertmanagerCases()
const output = execFileSync(recorder, { input: cases.map((one) => `${JSON.stringify(one)}\n`).join(''), maxBuffer: 1 << 28 }).toString()
const answers = output.trimEnd().split('\n')
if (answers.length !== cases.length) throw new Error(`${cases.length} cases, ${answers.length} answers`)
writeFileSync(path.join(import.meta.dirname, 'alertmanager.json'), `[\n${cases.map((one, i) => `[${JSON.stringify(one)},${answers[i]!}]`).join(',\n')}\n]\n`)
console.log(`${cases.length} cases`)
