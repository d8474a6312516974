// A label matcher, as data: it crosses threads by structured clone. Compile it with compileMatcher of
// lib/std/regex where it is applied. The pattern of a regex matcher is RE2, anchored `^(?s:…)$`.

export type MatchOp = '=' | '!=' | '=~' | '!~'

export interface Matcher {
  readonly name: string
  readonly op: MatchOp
  readonly value: string
}

export function formatMatcher(m: Matcher): string {
  return `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(m.name) ? m.name : JSON.stringify(m.name)}${m.op}${JSON.stringify(m.value)}`
}
