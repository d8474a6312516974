// `npm run conformance -- DIR [--strict]`: every `.test` file in DIR against the real parser and engine over the memory
// store, every `.json` of parser cases against the parser. Prints `FILE: N passed, M failed`, under it each failing
// line with got and want, at last a total; exits 1 on any failure. With --strict instant cases also run pinned to
// their time and as range queries.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { engineSubject } from './engine-subject.ts'
import { runParserCases } from './parser-cases.ts'
import { runTestFile } from './run-file.ts'

const args = process.argv.slice(2)
const isStrict = args.includes('--strict')
const [folder, ...rest] = args.filter((arg) => arg !== '--strict')
if (folder === undefined || rest.length > 0) {
  console.error('usage: npm run conformance -- DIR [--strict]')
  process.exit(2)
}

const total = { passed: 0, failed: 0, runs: 0 }
const files = (existsSync(folder) ? readdirSync(folder) : []).filter((file) => /\.(test|json)$/.test(file)).toSorted()
if (files.length === 0) {
  console.error(`no .test and no .json file in ${folder}`)
  process.exit(2)
}
for (const file of files) {
  const { passed, failed } = file.endsWith('.test') ? runOneFile(file) : runParserCases(path.join(folder, file), console.log)
  total.passed += passed
  total.failed += failed
}
console.log(`total: ${total.passed} passed, ${total.failed} failed${isStrict ? ` (${total.runs} queries)` : ''}`)
process.exitCode = total.failed > 0 ? 1 : 0

function runOneFile(file: string): { passed: number; failed: number } {
  const results = runTestFile(readFileSync(path.join(folder!, file), 'utf8'), engineSubject(), { isStrict })
  const failures = results.filter(({ mismatch }) => mismatch !== null)
  const passed = results.length - failures.length
  for (const { runs } of results) total.runs += runs
  console.log(`${file}: ${passed} passed, ${failures.length} failed`)
  for (const { line, expr, mismatch, rerun } of failures) {
    console.log(`  ${file}:${line} ${expr}${rerun === null ? '' : `\n    as   ${rerun}`}\n    got  ${mismatch!.got}\n    want ${mismatch!.want}`)
  }
  return { passed, failed: failures.length }
}
