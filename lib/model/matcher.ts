// A label matcher, as data: it crosses threads by structured clone. Compile it where it is applied. The pattern of a
// regex matcher is RE2, anchored `^(?s:…)$`.
import { matcherRegex } from '../std/regex.ts'
import { isLegacyLabelName } from './labels.ts'

export type MatchOp = '=' | '!=' | '=~' | '!~'

export interface Matcher {
  readonly name: string
  readonly op: MatchOp
  readonly value: string
}

/** A text that is no matcher; the message says what was expected, mostly in Alertmanager's words. */
export class MatcherError extends Error {
  readonly code = 'BAD_MATCHER'
}

export function formatMatcher(m: Matcher): string {
  return `${isLegacyLabelName(m.name) ? m.name : JSON.stringify(m.name)}${m.op}${JSON.stringify(m.value)}`
}

/** The test that a matcher makes of a label's value ('' where the label is absent). Throws RegexError. */
export function compileMatcher(m: Matcher): (value: string) => boolean {
  switch (m.op) {
    case '=': return (value) => value === m.value
    case '!=': return (value) => value !== m.value
    case '=~': return matcherRegex(m.value).test
    case '!~': {
      const { test } = matcherRegex(m.value)
      return (value) => !test(value)
    }
  }
}
