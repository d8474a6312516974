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

/** Runs the cases of a JSON file; prints `FILE: N passed, M failed` and under it each failure with got and want. */
export function runParserCases(file: string, print: (line: string) => void): { passed: number; failed: number } {
  const cases = JSON.parse(readFileSync(file, 'utf8')) as ParserCase[]
  const failures = cases.flatMap(({ input, fail, error }) => {
    const got = errorOf(input)
    const isRight = fail ? got !== null && (error === undefined || got === error) : got === null
    return isRight ? [] : [{ input, got: got ?? 'accepted', want: fail ? (error ?? 'an error') : 'accepted' }]
  })
  const passed = cases.length - failures.length
  const name = path.basename(file)
  print(`${name}: ${passed} passed, ${failures.length} failed`)
  for (const { input, got, want } of failures) print(`  ${name}: ${JSON.stringify(input)}\n    got  ${got}\n    want ${want}`)
  return { passed, failed: failures.length }
}

function errorOf(input: string): string | null {
  try {
    parseExpr(input, ALL_FEATURES)
    return null
  } catch (error) {
    return error instanceof ParseError ? error.detail : `not a parse error: ${String(error)}`
  }
}
