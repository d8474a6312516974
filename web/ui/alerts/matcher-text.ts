// Matchers as people type them, in the notation of Alertmanager and PromQL: `job="node", instance=~"db.*"`, in braces or not. Regular
// expressions are the server's to judge.
import type { SilenceMatcher } from './alert-api.ts'

/** What cannot be read of it, in words for who typed it. */
export class MatcherTextError extends Error {}

const MATCHER = /^\s*("(?:[^"\\]|\\.)*"|[^\s"=!~,{}]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^\s"=!~,{}][^\s",{}]*|)\s*(?:,|$)/s

/** Throws MatcherTextError. */
export function parseMatchers(text: string): SilenceMatcher[] {
  const matchers: SilenceMatcher[] = []
  let rest = text.trim().replace(/^\{([\s\S]*)\}$/, '$1')
  while (rest.trim() !== '') {
    const found = MATCHER.exec(rest)
    if (found === null) throw new MatcherTextError(`Cannot read ${rest.trim().slice(0, 60)}: want label="value", with =, !=, =~ or !~, and commas between them`)
    const [whole, name, op, value] = found
    matchers.push({ name: unquoted(name!), value: unquoted(value!), isRegex: op!.endsWith('~'), isEqual: op!.startsWith('=') })
    rest = rest.slice(whole.length)
  }
  return matchers
}

export function matcherText({ name, value, isRegex, isEqual }: SilenceMatcher): string {
  return `${name}${isEqual ? (isRegex ? '=~' : '=') : isRegex ? '!~' : '!='}"${value}"`
}

/** A regular expression's backslashes need no doubling. */
function unquoted(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(["\\n])/g, (_, one: string) => (one === 'n' ? '\n' : one)) : text
}
