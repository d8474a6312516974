// The selectors of `match[]`, as the API's endpoints take them (prometheus web/api/v1: parseMatchersParam).
import type { Matcher } from '../lib/model/matcher.ts'
import { QueryError } from './exec/query-error.ts'
import { ParseError } from './parse/parse-error.ts'
import { parseAnySelector, parseSelector } from './parse/parse.ts'

/** Throws QueryError bad_data. All are parsed before one is refused that could match anything. */
export function matcherSets(texts: readonly string[]): Matcher[][] {
  for (const text of texts) matchersOf(text, parseAnySelector)
  return texts.map((text) => matchersOf(text, parseSelector))
}

/** The texts are Prometheus', which tells the place of parse errors alone. */
function matchersOf(text: string, parse: (text: string) => Matcher[]): Matcher[] {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const message = text === '' ? 'unknown position: parse error: unexpected end of input'
      : error.detail.startsWith('match[]') ? error.detail : error.message
    throw new QueryError('bad_data', message)
  }
}
