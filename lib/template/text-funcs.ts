// Functions on texts that the templates of rules and of notifications share.
import { matchesAnywhere, replaceAll } from '../std/regex-search.ts'
import { RegexError } from '../std/regex.ts'
import { canBackquote } from './format.ts'
import { sprintf } from './printf.ts'
import { CallError, type Value } from './value.ts'

/** As Go's regexp package quotes a pattern. */
function backquoted(text: string): string {
  return canBackquote(text) ? `\`${text}\`` : sprintf('%q', [text])
}

/** `reReplaceAll`: arguments pattern, replacement, text. */
export function replaced(pattern: Value, replacement: Value, text: Value): string {
  try {
    return replaceAll(pattern as string, replacement as string, text as string)
  } catch (error) {
    if (error instanceof RegexError) throw new CallError(`regexp: Compile(${backquoted(pattern as string)}): ${error.message}`, { cause: error })
    throw error
  }
}

/** `match`: arguments pattern, text. */
export function matched(pattern: Value, text: Value): boolean {
  try {
    return matchesAnywhere(pattern as string, text as string)
  } catch (error) {
    if (error instanceof RegexError) throw new CallError(error.message, { cause: error })
    throw error
  }
}

/** Go changes letters one for one: what would become several stays, but for the one letter whose first part Go takes. */
export function mapRunes(given: string, change: (rune: string) => string): string {
  return Array.from(given, (rune) => {
    const changed = Array.from(change(rune))
    return changed.length === 1 || rune === 'İ' ? changed[0] : rune
  }).join('')
}
