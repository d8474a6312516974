// The only door to re2js: regular expressions from users (matchers, relabeling, label_replace), always RE2, always
// anchored and dotall as Prometheus 3 applies them, `^(?s:source)$`, in time linear in the text. Patterns that amount
// to plain string work never reach the automaton (lib/std/regex-shape).
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js'
import { LruMap } from './lru-map.ts'
import { toRe2 } from './regex-dialect.ts'
import { requiredLiteral } from './regex-literal.ts'
import { fitsGlob, literalPrefix, readShape, type Glob } from './regex-shape.ts'
import { expandTemplate, parseTemplate, type TemplatePart } from './regex-template.ts'

/** A pattern RE2 does not accept; the message is Go's (`error parsing regexp: missing closing ): …`). */
export class RegexError extends Error {
  readonly code = 'BAD_REGEX'
}

/** Compiles once, matches many times. */
export class Regex {
  /** As the user wrote it. */
  readonly source: string
  /** The finitely many texts that match, each once; null if there is no such list. For lookups in an index. */
  readonly setMatches: readonly string[] | null
  /** All texts that match begin with this. */
  readonly prefix: string
  /** Whether `text` as a whole matches. */
  readonly test: (text: string) => boolean
  #automaton: Automaton | null
  readonly #parse: (source: string) => Automaton
  #template: string | null = null
  #parts: readonly TemplatePart[] = []

  /** Use compileRegex or compileWrapped. */
  constructor(source: string, parse: (source: string) => Automaton = parseAlone) {
    this.source = source
    this.#parse = parse
    const shape = readShape(source)
    this.#automaton = shape ? null : parse(source)
    this.setMatches = shape && finiteTexts(shape)
    const isOpen = shape === null && parse === parseWrapped && !standsAlone(source)
    this.prefix = shape ? commonPrefix(shape.map((glob) => glob.literals[0]!)) : isOpen ? '' : literalPrefix(source)
    this.test = shape ? shapeTest(shape, this.setMatches) : automatonTest(this.#automaton!.re2, this.prefix, isOpen ? '' : requiredLiteral(source))
  }

  /**
   * The template with the match's groups filled in, or null if `text` does not match as a whole. A group that is
   * missing or took no part is empty.
   */
  replaceAnchored(text: string, template: string): string | null {
    if (!this.test(text)) return null
    if (template !== this.#template) {
      this.#parts = parseTemplate(template)
      this.#template = template
    }
    // Fast path: the defaults of relabeling, and fixed text.
    if (this.source === '(.*)' && template === '$1') return text
    if (this.#parts.every((part) => typeof part === 'string')) return this.#parts.join('')
    this.#automaton ??= this.#parse(this.source)
    const matcher = this.#automaton.re2.matcher(text)
    if (!matcher.find()) return null
    return expandTemplate(this.#parts, this.#automaton.groupNames, (group) => matcher.group(group))
  }
}

/** A matcher's pattern. Throws RegexError. */
export function compileRegex(source: string): Regex {
  return new Regex(source)
}

/**
 * As relabeling and label_replace compile it: what is well formed only within `^(?s:…)$`, as `a)(b` is, passes, and
 * what is only by itself, as `\\Qa` is, does not. Throws RegexError.
 */
export function compileWrapped(source: string): Regex {
  return new Regex(source, parseWrapped)
}

/** Patterns of matchers kept compiled, and how long one may be. */
const MATCHERS_MAX = 200
const MATCHER_LENGTH_MAX = 1024
const ofMatchers = new LruMap<Regex>(MATCHERS_MAX)

/**
 * As compileRegex, but the same one for the same pattern: those of a query are asked for by its parser, its checks and
 * each index, and compiling takes longer than matching a hundred values.
 */
export function matcherRegex(source: string): Regex {
  let regex = ofMatchers.get(source)
  if (regex === undefined) {
    regex = compileRegex(source)
    if (source.length <= MATCHER_LENGTH_MAX) ofMatchers.set(source, regex)
  }
  return regex
}

function parseAlone(source: string): Automaton {
  refuseBadBytes(source)
  // The source must stand by itself: `a)(b` would be well formed only inside our wrapping.
  compileRe2(source)
  const { text, groupNames } = toRe2(source)
  return { re2: RE2JS.compile(wrap(text)), groupNames }
}

function parseWrapped(source: string): Automaton {
  refuseBadBytes(source)
  try {
    return compileRe2(wrap(source))
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    // What is wrong with the user's own text is clearer.
    compileRe2(source)
    throw error
  }
}

function wrap(source: string): string {
  return `^(?s:${source})$`
}

function standsAlone(source: string): boolean {
  try {
    compileRe2(source)
    return true
  } catch (error) {
    if (error instanceof RegexError) return false
    throw error
  }
}

/** What makes a pattern more than texts beside one another. */
const META = /[\\.+*?()[\]{}^$]/
/** Errors of patterns that end too early. */
const UNFINISHED = /missing closing|trailing backslash|invalid named capture|invalid character class range/

/** Throws RegexError for bytes that are no UTF-8 ("\xff" in a string, a lone surrogate here), unless another error stands before them. */
function refuseBadBytes(source: string): void {
  if (source.isWellFormed() || !META.test(source)) return
  const at = source.search(/\p{Surrogate}/u)
  try {
    compileRe2(source.slice(0, at))
  } catch (error) {
    if (!(error instanceof RegexError) || !UNFINISHED.test(error.message)) throw error
  }
  throw new RegexError(`error parsing regexp: invalid UTF-8: \`${source.slice(at)}\``)
}

/** A compiled pattern, and of each of its groups the name, '' where it has none. */
export interface Automaton {
  readonly re2: RE2JS
  readonly groupNames: readonly string[]
}

/** The automaton of a pattern as it stands, neither anchored nor dotall. Throws RegexError. */
export function compileRe2(source: string): Automaton {
  const { text, groupNames } = toRe2(source)
  try {
    return { re2: RE2JS.compile(text), groupNames }
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) {
      const [what, where] = [error.getDescription(), error.getPattern() ?? '']
      if (where === '(?P<') throw new RegexError('error parsing regexp: invalid or unsupported Perl syntax: `(?P`', { cause: error })
      throw new RegexError(`error parsing regexp: ${what}: \`${where === text ? source : where}\``, { cause: error })
    }
    if (error instanceof RE2JSException) throw new RegexError(error.message, { cause: error })
    throw error
  }
}

/** Texts that lack what all matches have never reach the automaton. */
function automatonTest(re2: RE2JS, prefix: string, literal: string): (text: string) => boolean {
  // The prefix may be all that is required.
  const isNarrower = !prefix.includes(literal)
  if (prefix === '') return isNarrower ? (text) => text.includes(literal) && re2.test(text) : (text) => re2.test(text)
  if (isNarrower) return (text) => text.startsWith(prefix) && text.includes(literal) && re2.test(text)
  return (text) => text.startsWith(prefix) && re2.test(text)
}

function finiteTexts(shape: readonly Glob[]): readonly string[] | null {
  if (!shape.every((glob) => glob.gaps.length === 0)) return null
  return [...new Set(shape.map((glob) => glob.literals[0]!))]
}

function shapeTest(shape: readonly Glob[], texts: readonly string[] | null): (text: string) => boolean {
  if (texts) {
    if (texts.length === 1) {
      const only = texts[0]!
      return (text) => text === only
    }
    const set = new Set(texts)
    return (text) => set.has(text)
  }
  if (shape.length === 1) return globTest(shape[0]!)
  const prefix = commonPrefix(shape.map((glob) => glob.literals[0]!))
  const byHead = headsTest(shape)
  return prefix === '' ? byHead : (text) => text.startsWith(prefix) && byHead(text)
}

/**
 * Many globs that differ in how they begin (`host-0[0-9][0-9].*` is a hundred): those whose beginning the text has are
 * looked up, one look per length of beginnings, instead of asking each.
 */
function headsTest(shape: readonly Glob[]): (text: string) => boolean {
  const whole = new Set(shape.filter((glob) => glob.gaps.length === 0).map((glob) => glob.literals[0]!))
  const open = shape.filter((glob) => glob.gaps.length > 0)
  const byHead = Map.groupBy(open, (glob) => glob.literals[0]!)
  const tests = new Map(Array.from(byHead, ([head, globs]) => [head, globs.map(globTest)]))
  const lengths = [...new Set(Array.from(byHead.keys(), (head) => head.length))]
  return (text) => whole.has(text) || lengths.some((length) => tests.get(text.slice(0, length))?.some((test) => test(text)) ?? false)
}

function globTest(glob: Glob): (text: string) => boolean {
  const [head, tail] = [glob.literals[0]!, glob.literals.at(-1)!]
  if (glob.gaps.length === 1) {
    const lengthMin = head.length + tail.length + glob.gaps[0]!
    if (lengthMin === 0) return () => true
    if (tail === '') return (text) => text.length >= lengthMin && text.startsWith(head)
    return (text) => text.length >= lengthMin && text.startsWith(head) && text.endsWith(tail)
  }
  if (glob.gaps.length === 2 && head === '' && tail === '' && glob.gaps[0] === 0 && glob.gaps[1] === 0) {
    const inside = glob.literals[1]!
    return (text) => text.includes(inside)
  }
  return (text) => fitsGlob(glob, text)
}

function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0]!
  for (const text of texts) {
    let n = 0
    while (n < prefix.length && prefix[n] === text[n]) n++
    prefix = prefix.slice(0, n)
  }
  // Half a surrogate pair is not text.
  return prefix.isWellFormed() ? prefix : prefix.slice(0, -1)
}
