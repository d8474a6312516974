// Selectors in text: as tests of label sets, for the parts of the API that filter targets, and of the configuration.
import { ParseError } from '../lang/parse/parse-error.ts'
import { parseAnySelector, parseSelector } from '../lang/parse/parse.ts'
import { compileMatcher } from '../lib/model/matcher.ts'

/** Throws ParseError, whose message is for people. */
export function compileSelector(selector: string): (labels: ReadonlyMap<string, string>) => boolean {
  const tests = parseAnySelector(selector).map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }))
  return (labels) => tests.every(({ name, test }) => test(labels.get(name) ?? ''))
}

/** What is wrong with a selector, for people; null if nothing is. */
export function checkSelector(selector: string): string | null {
  try {
    parseSelector(selector)
    return null
  } catch (error) {
    if (error instanceof ParseError) return error.message
    throw error
  }
}
