// What a regex amounts to when no automaton is needed: a finite list of globs, each literal text with gaps of "any".
// Nearly every regex people write in matchers and relabeling is one of these (`a|b|c`, `node_.*`, `.*err.*`, `x?`), and
// string operations answer it many times faster than re2js. Reads a subset of RE2's syntax only; for all else it
// gives up (null) and lib/std/regex asks re2js. Whatever it accepts is valid RE2: test/lib/std/regex.test.ts holds both
// against each other.
//
//   alternation := concat ('|' concat)*          concat := (atom '?'?)*
//   atom := literals | '.*' | '.+' | '(' alternation ')' | '(?:' alternation ')' | '[' chars and ranges ']'

/** Literals with gaps between them: literal[0] gap[0] literal[1] gap[1] … Gaps hold 0 or 1 as their least length. */
export interface Glob {
  readonly literals: readonly string[]
  readonly gaps: readonly number[]
}

/** Globs made while reading one pattern; `(a|b)(a|b)…` grows by multiplication. */
const WORK_MAX = 20_000
/** Characters a class may hold to be spelled out. */
const CLASS_MAX = 64
/** Go gives up on deeper nesting than 1,000; what people write stays far below this. */
const DEPTH_MAX = 50
const SPECIAL = '\\.+*?()|[]{}^$'
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'], ['t', '\t'], ['r', '\r'], ['f', '\f'], ['v', '\v'], ['a', '\x07'],
])
const EMPTY: readonly Glob[] = [{ literals: [''], gaps: [] }]

class OutsideSubset extends Error {}

/** The globs that `source`, anchored and dotall, stands for; null where it needs an automaton. */
export function readShape(source: string): readonly Glob[] | null {
  // Gaps are counted in UTF-16 units, which is right only where every surrogate has its pair.
  if (!source.isWellFormed()) return null
  try {
    return new ShapeReader(source).read()
  } catch (error) {
    if (error instanceof OutsideSubset) return null
    throw error
  }
}

class ShapeReader {
  readonly #source: string
  #at = 0
  #work = 0

  constructor(source: string) {
    this.#source = source
  }

  read(): readonly Glob[] {
    const globs = this.#alternation(0)
    if (this.#at < this.#source.length) throw new OutsideSubset()
    return globs
  }

  #alternation(depth: number): readonly Glob[] {
    if (depth > DEPTH_MAX) throw new OutsideSubset()
    const first = this.#concat(depth)
    if (this.#source[this.#at] !== '|') return first
    const all = [...first]
    while (this.#source[this.#at] === '|') {
      this.#at++
      for (const glob of this.#concat(depth)) all.push(glob)
    }
    return all
  }

  #concat(depth: number): readonly Glob[] {
    let globs = EMPTY
    for (;;) {
      const c = this.#source[this.#at]
      if (c === undefined || c === '|' || c === ')') return globs
      globs = this.#join(globs, this.#quantified(this.#atom(c, depth)))
    }
  }

  #quantified(atom: readonly Glob[]): readonly Glob[] {
    if (!'?*+{'.includes(this.#source[this.#at] ?? ' ')) return atom
    if (this.#source[this.#at] !== '?') throw new OutsideSubset()
    this.#at++
    if ('?*+{'.includes(this.#source[this.#at] ?? ' ')) throw new OutsideSubset()
    return [...atom, ...EMPTY]
  }

  #atom(c: string, depth: number): readonly Glob[] {
    if (c === '(') return this.#group(depth)
    if (c === '[') return this.#charClass()
    if (c === '.') return this.#any()
    // `^` first and `$` last say what anchoring says anyway.
    if (c === '^' && this.#at === 0) return this.#anchor()
    if (c === '$' && this.#at === this.#source.length - 1) return this.#anchor()
    return [{ literals: [this.#literalRun()], gaps: [] }]
  }

  #anchor(): readonly Glob[] {
    this.#at++
    if ('?*+{'.includes(this.#source[this.#at] ?? ' ')) throw new OutsideSubset()
    return EMPTY
  }

  #group(depth: number): readonly Glob[] {
    this.#at++
    if (this.#source[this.#at] === '?') {
      if (this.#source[this.#at + 1] !== ':') throw new OutsideSubset()
      this.#at += 2
    }
    const globs = this.#alternation(depth + 1)
    if (this.#source[this.#at] !== ')') throw new OutsideSubset()
    this.#at++
    return globs
  }

  #any(): readonly Glob[] {
    const quantifier = this.#source[this.#at + 1]
    if (quantifier !== '*' && quantifier !== '+') throw new OutsideSubset()
    this.#at += 2
    // Lazy or greedy decides which match is found, not whether there is one.
    if (this.#source[this.#at] === '?') this.#at++
    if ('?*+{'.includes(this.#source[this.#at] ?? ' ')) throw new OutsideSubset()
    return [{ literals: ['', ''], gaps: [quantifier === '+' ? 1 : 0] }]
  }

  /** One or more plain characters; the last is left for the next atom when a quantifier binds to it. */
  #literalRun(): string {
    let run = ''
    while (this.#at < this.#source.length) {
      const from = this.#at
      if (SPECIAL.includes(this.#source[from]!) && this.#source[from] !== '\\') break
      const c = this.#char()
      if (run !== '' && '?*+{'.includes(this.#source[this.#at] ?? ' ')) {
        this.#at = from
        return run
      }
      run += c
    }
    if (run === '') throw new OutsideSubset()
    return run
  }

  #char(): string {
    const c = String.fromCodePoint(this.#source.codePointAt(this.#at)!)
    this.#at += c.length
    if (c !== '\\') return c
    const escaped = this.#source[this.#at]
    if (escaped === undefined) throw new OutsideSubset()
    const control = ESCAPES.get(escaped)
    if (control === undefined && !/[!-/:-@[-^`{-~]/.test(escaped)) throw new OutsideSubset()
    this.#at++
    return control ?? escaped
  }

  #charClass(): readonly Glob[] {
    this.#at++
    const chars = new Set<string>()
    let isFirst = true
    for (; ; isFirst = false) {
      const c = this.#source[this.#at]
      if (c === undefined || c === '[' || (isFirst && (c === '^' || c === ']'))) throw new OutsideSubset()
      if (c === ']') break
      const low = this.#char()
      let high = low
      if (this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']') {
        this.#at++
        if (this.#source[this.#at] === undefined || this.#source[this.#at] === '[') throw new OutsideSubset()
        high = this.#char()
      }
      const from = low.codePointAt(0)!
      const to = high.codePointAt(0)!
      if (to < from || to - from > CLASS_MAX || (from <= 0xdfff && to >= 0xd800)) throw new OutsideSubset()
      for (let code = from; code <= to; code++) chars.add(String.fromCodePoint(code))
      if (chars.size > CLASS_MAX) throw new OutsideSubset()
    }
    this.#at++
    return [...chars].map((c) => ({ literals: [c], gaps: [] }))
  }

  #join(left: readonly Glob[], right: readonly Glob[]): readonly Glob[] {
    if (left === EMPTY) return right
    this.#work += left.length * right.length
    if (this.#work > WORK_MAX) throw new OutsideSubset()
    return left.flatMap((a) => right.map((b) => joinGlobs(a, b)))
  }
}

function joinGlobs(a: Glob, b: Glob): Glob {
  const seam = a.literals.at(-1)! + b.literals[0]!
  if (seam !== '' || a.gaps.length === 0 || b.gaps.length === 0) {
    return { literals: [...a.literals.slice(0, -1), seam, ...b.literals.slice(1)], gaps: [...a.gaps, ...b.gaps] }
  }
  const gap = a.gaps.at(-1)! + b.gaps[0]!
  // Two characters may be one surrogate pair: units cannot count them.
  if (gap > 1) throw new OutsideSubset()
  return {
    literals: [...a.literals.slice(0, -1), ...b.literals.slice(1)],
    gaps: [...a.gaps.slice(0, -1), gap, ...b.gaps.slice(1)],
  }
}

/** Whether `text` as a whole fits the glob. Leftmost placement of each literal is right: the next gap can stretch. */
export function fitsGlob(glob: Glob, text: string): boolean {
  const { literals, gaps } = glob
  const last = gaps.length
  if (last === 0) return text === literals[0]
  if (!text.startsWith(literals[0]!)) return false
  let at = literals[0]!.length
  for (let i = 1; i < last; i++) {
    const found = text.indexOf(literals[i]!, at + gaps[i - 1]!)
    if (found < 0) return false
    at = found + literals[i]!.length
  }
  return text.length - literals[last]!.length >= at + gaps[last - 1]! && text.endsWith(literals[last]!)
}

/**
 * Text that everything matching `source` begins with, for patterns without a shape; '' when in doubt. Plain
 * characters up to the first special one, unless a `|` outside parentheses offers another beginning.
 */
export function literalPrefix(source: string): string {
  let end = 0
  while (end < source.length && !SPECIAL.includes(source[end]!)) end++
  const prefix = Array.from(source.slice(0, end))
  // A quantifier binds across flag groups, to another one too: `a(?m)*` is `(?m)a*`, and so is `a+(?m)*`.
  if (/^(?:[*?{]|(?:\+\??)?\(\?[^:P<])/.test(source.slice(end, end + 5))) prefix.pop()
  if (prefix.length === 0 || !source.isWellFormed()) return ''
  let depth = 0
  for (let i = end; i < source.length; i++) {
    const c = source[i]!
    // A class may hold unbalanced parentheses, and `\Q` starts literal text: reading on would be a guess.
    if (c === '[' && source.slice(i).includes('|')) return ''
    if (c === '\\') {
      if (source[i + 1] === 'Q') return ''
      i++
    } else if (c === '(') depth++
    else if (c === ')') depth--
    else if (c === '|' && depth === 0) return ''
  }
  return prefix.join('')
}
