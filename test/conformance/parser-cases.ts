// Runs parser cases of the form `[{ input, fail, error? }]`: expression, whether it must be refused, and the first
// error's text without its place. The upstream table these come from is parsed with every experimental switch on; a
// case whose error says that something is not enabled is one of the parser as it starts.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import { ParseError } from '../../lang/parse/parse-error.ts'
import { NO_FEATURES } from '../../lang/parse/features.ts'
import { ALL_FEATURES, parseExpr } from '../../lang/parse/parse.ts'

/** One case of the file. */
interface ParserCase {
  input: string
  fail: boolean
  error?: string
}

/** Runs the cases of a JSON file; prints `FILE: N passed, M failed` and under it each failure with got and want. */
export function runParserCases(file: string, print: (line: string) => void): { passed: number; failed: number } {
  const name = path.basename(file)
  const cases = readCases(file)
  if (typeof cases === 'string') {
    print(`${name}: 0 passed, 1 failed\n  ${name}: ${cases}`)
    return { passed: 0, failed: 1 }
  }
  const failures = cases.flatMap(({ input, fail, error }) => {
    const got = errorOf(input, error !== undefined && IS_SWITCHED_OFF.test(error) ? NO_FEATURES : ALL_FEATURES)
    const isRight = fail ? got !== null && (error === undefined || got === error) : got === null
    return isRight ? [] : [{ input, got: got ?? 'accepted', want: fail ? (error ?? 'an error') : 'accepted' }]
  })
  const passed = cases.length - failures.length
  print(`${name}: ${passed} passed, ${failures.length} failed`)
  for (const { input, got, want } of failures) print(`  ${name}: ${JSON.stringify(input)}\n    got  ${got}\n    want ${want}`)
  return { passed, failed: failures.length }
}

const IS_SWITCHED_OFF = /not enabled|must be enabled/

/** The cases of a file, or why it has none. */
function readCases(file: string): ParserCase[] | string {
  let cases: unknown
  try {
    cases = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return `no JSON: ${(error as SyntaxError).message}`
  }
  return Array.isArray(cases) && cases.every(isCase) ? cases : 'no parser cases: an array of { input, fail, error? } is expected'
}

function isCase(value: unknown): value is ParserCase {
  if (typeof value !== 'object' || value === null) return false
  const { input, fail, error } = value as Partial<Record<keyof ParserCase, unknown>>
  return typeof input === 'string' && typeof fail === 'boolean' && (error === undefined || typeof error === 'string')
}

function errorOf(input: string, features: ParserFeatures): string | null {
  try {
    parseExpr(input, features)
    return null
  } catch (error) {
    return error instanceof ParseError ? error.detail : `not a parse error: ${String(error)}`
  }
}
