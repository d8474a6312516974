// What re2js reads otherwise than Go's regexp, put in words that both read alike:
//
//   \Q at the end of a pattern, without \E    literal up to the end           ─▶  \E is added
//   (?P<n>a)|(?P<n>b)                         a name may be given twice       ─▶  (?P<n>a)|(?P<n_2>b)
//
// Source: Go regexp/syntax/parse.go (parse, parsePerlFlags, parseClass).

/** A pattern as re2js takes it. */
export interface Re2Source {
  readonly text: string
  /** Of each group, as the user wrote it, '' where it has none; [0] is the whole match. */
  readonly groupNames: readonly string[]
}

/** What lacks its `>` reaches to the end and is refused. */
const NAMED_GROUP = /\(\?P?<([^>]*)(>|$)/y
const POSIX_CLASS = /\[:[^]*?:\]/y

/** `source` in re2js' words; what is invalid stays so. */
export function toRe2(source: string): Re2Source {
  const groupNames = ['']
  let text = ''
  let at = 0
  while (at < source.length) {
    const from = at
    at = behindToken(source, from)
    let token = source.slice(from, at)
    if (token === '(' && source[at] === '?') {
      NAMED_GROUP.lastIndex = from
      const named = NAMED_GROUP.exec(source)
      if (named) {
        const name = named[1]!
        at = from + named[0].length
        token = named[2] === '>' && groupNames.includes(name) ? `(?P<${uniqueName(name, groupNames.length, source)}>` : named[0]
        groupNames.push(name)
      }
    } else if (token === '(') groupNames.push('')
    else if (token.startsWith('\\Q') && !token.endsWith('\\E')) token += '\\E'
    text += token
  }
  return { text, groupNames }
}

/** Where the character, escape, quotation or class that begins at `from` ends. */
function behindToken(source: string, from: number): number {
  if (source[from] === '[') return behindClass(source, from)
  if (source[from] !== '\\') return from + 1
  if (source[from + 1] !== 'Q') return Math.min(from + 2, source.length)
  const close = source.indexOf('\\E', from + 2)
  return close < 0 ? source.length : close + 2
}

function uniqueName(name: string, group: number, source: string): string {
  let unique = `${name}_${group}`
  while (source.includes(unique)) unique += '_'
  return unique
}

/** Where the class that begins at `from` ends: a `]` that stands first is one of its characters. */
function behindClass(source: string, from: number): number {
  let at = from + (source[from + 1] === '^' ? 2 : 1)
  if (source[at] === ']') at++
  while (at < source.length && source[at] !== ']') {
    POSIX_CLASS.lastIndex = at
    if (source[at] === '\\') at += 2
    else at += POSIX_CLASS.exec(source)?.[0].length ?? 1
  }
  return Math.min(at + 1, source.length)
}
