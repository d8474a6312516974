// `npm run conformance -- DIR`: every `.test` file in DIR against the real parser and engine over the memory store, and
// every `.json` of parser cases. Prints `FILE: N passed, M failed`, each failing case with got and want, what the
// failing ones lack, and a total; exits 1 on any failure.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { engineSubject } from './engine-subject.ts'
import { runParserCases } from './parser-cases.ts'
import { runTestFile } from './run-file.ts'

const folder = process.argv[2]
if (folder === undefined) {
  console.error('usage: npm run conformance -- DIR')
  process.exit(2)
}

const totals = { passed: 0, failed: 0 }
const reasons = new Map<string, number>()

for (const file of readdirSync(folder).toSorted()) {
  if (file.endsWith('.test')) {
    const results = runTestFile(readFileSync(path.join(folder, file), 'utf8'), engineSubject())
    const failures = results.filter(({ mismatch }) => mismatch !== null)
    totals.passed += results.length - failures.length
    totals.failed += failures.length
    console.log(`${file}: ${results.length - failures.length} passed, ${failures.length} failed`)
    for (const { line, expr, mismatch, reason } of failures) {
      reasons.set(reason!, (reasons.get(reason!) ?? 0) + 1)
      console.log(`  ${file}:${line} [${reason}] ${expr}\n    got  ${mismatch!.got}\n    want ${mismatch!.want}`)
    }
  } else if (file.endsWith('.json')) {
    const { passed, failed } = runParserCases(path.join(folder, file), console.log)
    totals.passed += passed
    totals.failed += failed
  }
}
for (const [reason, count] of [...reasons].toSorted((a, b) => b[1] - a[1])) console.log(`failed for ${reason}: ${count}`)
console.log(`total: ${totals.passed} passed, ${totals.failed} failed`)
process.exit(totals.failed > 0 ? 1 : 0)
