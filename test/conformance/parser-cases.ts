// Runs parser cases of the form `[{ input, fail, error? }]`: expression, whether it must be refused, and the first
// error's text without its place. The upstream table these come from is parsed with every experimental switch on.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ParseError } from '../../lang/parse/parse-error.ts'
import { ALL_FEATURES, parseExpr } from '../../lang/parse/parse.ts'

/** One case of the file. */
interface ParserCase {
  input: string
  fail: boolean
  error?: string
}

/** Runs the cases of a JSON file; prints each failure and a last line `FILE: N passed, M failed`. */
export function runParserCases(file: string, print: (line: string) => void): { passed: number; failed: number } {
  const cases = JSON.parse(readFileSync(file, 'utf8')) as ParserCase[]
  let failed = 0
  for (const { input, fail, error } of cases) {
    const got = errorOf(input)
    const isRight = fail ? got !== null && (error === undefined || got === error) : got === null
    if (isRight) continue
    failed++
    print(`FAIL ${JSON.stringify(input)}`)
    print(`  got  ${got ?? 'accepted'}`)
    print(`  want ${fail ? (error ?? 'an error') : 'accepted'}`)
  }
  const passed = cases.length - failed
  print(`${path.basename(file)}: ${passed} passed, ${failed} failed`)
  return { passed, failed }
}

function errorOf(input: string): string | null {
  try {
    parseExpr(input, ALL_FEATURES)
    return null
  } catch (error) {
    return error instanceof ParseError ? error.detail : `not a parse error: ${String(error)}`
  }
}
