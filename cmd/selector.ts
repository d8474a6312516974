// A selector's text as a test of label sets, for the parts of the API that filter targets.
import { parseSelector } from '../lang/parse/parse.ts'
import { compileMatcher } from '../lib/model/matcher.ts'

/** Throws ParseError, whose message is for people. */
export function compileSelector(selector: string): (labels: ReadonlyMap<string, string>) => boolean {
  const tests = parseSelector(selector).map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }))
  return (labels) => tests.every(({ name, test }) => test(labels.get(name) ?? ''))
}
