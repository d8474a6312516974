// Matchers as Alertmanager writes and reads them, in routes, inhibitions, silences and filters: `severity=~"page|call"`.
// There are two notations: the newer one takes any name and value in quotes, the classic one takes values of nearly any
// form without them. What both understand differently, and what only the classic one does, is read in the classic way.
// Source: alertmanager matcher/compat/parse.go, pkg/labels.
import { quote } from '../std/go-format.ts'
import { compileRegex, compileWrapped, RegexError } from '../std/regex.ts'
import { compileMatcher, MatcherError, type Matcher, type MatchOp } from './matcher.ts'
import { parseUtf8Matchers } from './route-matcher-utf8.ts'

const RESERVED = /[\s{}!=~,\\"'`]/u
const CLASSIC = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*([\s\S]*?)\s*$/

/** A comma-separated list, in braces or not. Throws MatcherError. */
export function parseRouteMatchers(text: string): Matcher[] {
  return inEitherNotation(() => parseUtf8Matchers(text), () => parseClassicMatchers(text))
}

/** A single matcher, as filters of the API have it. Throws MatcherError. */
export function parseRouteMatcher(text: string): Matcher {
  if (text.startsWith('{') || text.endsWith('}')) throw new MatcherError(`unexpected open or close brace: ${text}`)
  const newer = (): Matcher[] => {
    const matchers = parseUtf8Matchers(text)
    if (matchers.length === 1) return matchers
    throw new MatcherError(matchers.length === 0 ? 'no matchers' : `expected 1 matcher, found ${matchers.length}`)
  }
  return inEitherNotation(newer, () => [parseClassic(text)])[0]!
}

function inEitherNotation(readNewer: () => Matcher[], readClassic: () => Matcher[]): Matcher[] {
  const newer = attempt(readNewer)
  const classic = attempt(readClassic)
  if (classic instanceof MatcherError) {
    if (newer instanceof MatcherError) throw classic
    return newer
  }
  return newer instanceof MatcherError || !areEqual(newer, classic) ? classic : newer
}

function attempt(read: () => Matcher[]): Matcher[] | MatcherError {
  try {
    const matchers = read()
    for (const { op, value } of matchers) if (op === '=~' || op === '!~') compileRoutePattern(value)
    return matchers
  } catch (error) {
    if (error instanceof MatcherError) return error
    if (error instanceof RegexError) return new MatcherError(error.message, { cause: error })
    throw error
  }
}

/**
 * The test of a whole text, compiled as Alertmanager does, `^(?:pattern)$`: what is well formed only in there, as `a)(b`, passes, and the
 * dot matches no line break. Throws RegexError, whose message shows the pattern so.
 */
export function compileRoutePattern(pattern: string): (text: string) => boolean {
  let plain: (text: string) => boolean
  try {
    plain = compileWrapped(pattern).test
  } catch (error) {
    if (error instanceof RegexError) compileRegex(`^(?:${pattern})$`)
    throw error
  }
  if (!pattern.includes('.')) return plain
  // Only a text with a line break shows the difference, and the plain form has the faster ways.
  let exact: ((text: string) => boolean) | null = null
  return (text) => {
    if (!text.includes('\n')) return plain(text)
    exact ??= compileWrapped(`(?-s:${pattern})`).test
    return exact(text)
  }
}

function areEqual(a: readonly Matcher[], b: readonly Matcher[]): boolean {
  return a.length === b.length && a.every((one, i) => compareMatchers(one, b[i]!) === 0)
}

function parseClassicMatchers(text: string): Matcher[] {
  const body = text.replace(/^\{/, '').replace(/\}$/, '')
  const tokens: string[] = []
  let token = ''
  let isQuoted = false
  let isEscaped = false
  for (const rune of body) {
    if (rune === ',' && !isQuoted) {
      tokens.push(token)
      token = ''
      continue
    }
    if (rune === '"') {
      if (!isEscaped) isQuoted = !isQuoted
      isEscaped = false
    } else isEscaped = rune === '\\' && !isEscaped
    token += rune
  }
  if (token.trim() !== '') tokens.push(token.trim())
  return tokens.map(parseClassic)
}

function parseClassic(text: string): Matcher {
  const m = CLASSIC.exec(text)
  if (m === null) throw new MatcherError(`bad matcher format: ${text}`)
  const [name, op, raw] = [m[1]!, m[2] as MatchOp, m[3]!]
  const isQuoted = raw.startsWith('"')
  const unescapedQuote = (): MatcherError => new MatcherError(`matcher value contains unescaped double quote: ${raw}`)
  const body = isQuoted ? raw.slice(1) : raw
  let value = ''
  let isClosed = !isQuoted
  for (let at = 0; at < body.length; at++) {
    const isLast = at === body.length - 1
    if (body[at] === '\\' && !isLast) {
      const next = body[++at]!
      // A backslash before any other character is just one.
      value += next === 'n' ? '\n' : next === '"' || next === '\\' ? next : `\\${next}`
    } else if (body[at] === '"') {
      if (!isQuoted || !isLast) throw unescapedQuote()
      isClosed = true
    } else value += body[at]
  }
  if (!isClosed) throw unescapedQuote()
  return { name, op, value }
}

/** Alertmanager's order: by name, value, then kind. */
export function compareMatchers(a: Matcher, b: Matcher): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  if (a.value !== b.value) return a.value < b.value ? -1 : 1
  return OPS.indexOf(a.op) - OPS.indexOf(b.op)
}

const OPS: readonly MatchOp[] = ['=', '!=', '=~', '!~']

/** `{a="1",b=~"x|y"}`: as keys of groups have it. */
export function formatRouteMatchers(matchers: readonly Matcher[]): string {
  return `{${matchers.map(formatRouteMatcher).join(',')}}`
}

function formatRouteMatcher({ name, op, value }: Matcher): string {
  if (RESERVED.test(name)) return `${quote(name)}${op}${quote(value)}`
  return `${name}${op}"${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`
}

/** The test of a label's value ('' where it is absent). Throws RegexError. */
function compileRouteMatcher(matcher: Matcher): (value: string) => boolean {
  if (matcher.op === '=' || matcher.op === '!=') return compileMatcher(matcher)
  const test = compileRoutePattern(matcher.value)
  return matcher.op === '=~' ? test : (value) => !test(value)
}

/** Gives a label's value, '' where it is absent. */
export type LabelGetter = (name: string) => string

/** The test that a set of matchers makes of a label set: all must match. Throws RegexError. */
export function compileRouteMatchers(matchers: readonly Matcher[]): (get: LabelGetter) => boolean {
  const tests = matchers.map((matcher) => ({ name: matcher.name, test: compileRouteMatcher(matcher) }))
  return (get) => tests.every(({ name, test }) => test(get(name)))
}
