// Re-records alert-generator.json.gz:
//
//   go build -o GENERATOR record-alert-generator.go      in a module that requires github.com/prometheus/prometheus v0.314.0
//   node test/golden/record-alert-generator.ts GENERATOR
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { parseSelector } from '../../lang/parse/parse.ts'
import { GENERATOR_CASES, GENERATOR_FILE, RESEND_S, STEP_S, valuesOf, ZERO_MS, type GeneratorAnswer } from './alert-generator-cases.ts'

const [generator] = process.argv.slice(2)
if (generator === undefined) throw new Error('usage: node test/golden/record-alert-generator.ts GENERATOR')

const input = GENERATOR_CASES.map(({ rules, series, steps, restart }) => ({
  Rules: `groups:\n- name: g\n  rules:\n${rules.replaceAll(/^/gm, '  ')}\n`, ZeroMs: ZERO_MS, StepS: STEP_S, ResendS: RESEND_S, Steps: steps, RestartAt: restart?.at ?? 0, RestartDown: restart?.down ?? 0,
  Series: Object.entries(series).map(([text, values]) => ({ Labels: Object.fromEntries(parseSelector(text).map(({ name, value }) => [name, value])), Values: valuesOf(values, steps) })),
}))
const output = execFileSync(generator, { input: input.map((line) => `${JSON.stringify(line)}\n`).join(''), maxBuffer: 1 << 28 }).toString()
const answers = output.trimEnd().split('\n').map((line, i) => [GENERATOR_CASES[i]!.name, JSON.parse(line) as GeneratorAnswer] as const)
writeFileSync(GENERATOR_FILE, gzipSync(JSON.stringify(Object.fromEntries(answers)), { level: 9 }))
console.log(`${answers.length} cases, ${answers.reduce((sum, [, { posts }]) => sum + posts.length, 0)} posts`)
