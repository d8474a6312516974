// The newer notation of Alertmanager's matchers: names and values of any runes, in double quotes where they hold blanks or
// one of {}!=~,\"'`. Messages are Alertmanager's. Source: alertmanager matcher/parse.
//
//   { name op value , … }      braces and a last comma may be left out
import { LiteralError, unquote } from '../std/go-unquote.ts'
import { MatcherError, type Matcher, type MatchOp } from './matcher.ts'

interface Token {
  kind: 'open' | 'close' | 'comma' | 'operator' | 'quoted' | 'unquoted' | 'end'
  text: string
  /** Columns in runes. */
  start: number
  end: number
}

const RESERVED = new Set('{}!=~,\\"\'`')
const isReserved = (rune: string): boolean => RESERVED.has(rune) || /^\s$/u.test(rune)

/** Throws MatcherError; patterns of regexes are not looked at. */
export function parseUtf8Matchers(text: string): Matcher[] {
  return new MatchersParser(text).parse()
}

class MatchersParser {
  readonly #runes: readonly string[]
  #at = 0
  #token: Token

  constructor(text: string) {
    this.#runes = Array.from(text)
    this.#token = this.#scan()
  }

  parse(): Matcher[] {
    const matchers: Matcher[] = []
    if (this.#is('end')) return matchers
    const isBraced = this.#is('open')
    if (isBraced) this.#next()
    while (!this.#is('close', 'end')) {
      matchers.push(this.#matcher())
      if (this.#is('comma')) {
        this.#next()
        if (!this.#is('close', 'quoted', 'unquoted', 'end')) throw this.#unexpected('expected a matcher or close brace after comma')
      } else if (!this.#is('close', 'end')) throw this.#unexpected('expected a comma or close brace')
    }
    this.#finish(isBraced)
    return matchers
  }

  #finish(isBraced: boolean): void {
    const isClosed = this.#is('close')
    const column = this.#token.end
    if (isBraced && !isClosed) throw new MatcherError(`0:${column}: end of input: expected close brace`)
    if (!isBraced && isClosed) throw new MatcherError(`0:${column}: }: expected opening brace`)
    if (isClosed) this.#next()
    if (!this.#is('end')) throw new MatcherError(`${this.#token.start}:${this.#token.end}: ${this.#token.text}: expected end of input`)
  }

  #matcher(): Matcher {
    const name = this.#text('expected label name')
    if (this.#token.kind !== 'operator') throw this.#unexpected("expected an operator such as '=', '!=', '=~' or '!~'")
    const op = this.#token.text as MatchOp
    this.#next()
    return { name, op, value: this.#text('expected label value') }
  }

  #text(wanted: string): string {
    const { kind, text, start, end } = this.#token
    if (kind !== 'quoted' && kind !== 'unquoted') throw this.#unexpected(wanted)
    this.#next()
    if (kind === 'unquoted') return text
    try {
      if (!text.includes('\n')) return unquote(text)
    } catch (error) {
      if (!(error instanceof LiteralError)) throw error
    }
    throw new MatcherError(`${start}:${end}: ${text}: invalid input`)
  }

  #unexpected(wanted: string): MatcherError {
    const { kind, text, start, end } = this.#token
    return new MatcherError(kind === 'end' ? `end of input: ${wanted}` : `${start}:${end}: unexpected ${text}: ${wanted}`)
  }

  #is(...kinds: readonly Token['kind'][]): boolean {
    return kinds.includes(this.#token.kind)
  }

  #next(): void {
    this.#token = this.#scan()
  }

  #scan(): Token {
    while (this.#at < this.#runes.length && /^\s$/u.test(this.#runes[this.#at]!)) this.#at++
    const start = this.#at
    const rune = this.#runes[start]
    const emit = (kind: Token['kind'], end: number): Token => {
      this.#at = end
      return { kind, text: this.#runes.slice(start, end).join(''), start, end }
    }
    switch (rune) {
      case undefined: return emit('end', start)
      case '{': return emit('open', start + 1)
      case '}': return emit('close', start + 1)
      case ',': return emit('comma', start + 1)
      case '=': return emit('operator', start + (this.#runes[start + 1] === '~' ? 2 : 1))
      case '!': return this.#negation(start, emit)
      case '"': return emit('quoted', this.#endOfQuoted(start))
      default: {
        if (isReserved(rune)) throw new MatcherError(`${start}:${start + 1}: ${rune}: invalid input`)
        let end = start + 1
        while (end < this.#runes.length && !isReserved(this.#runes[end]!)) end++
        return emit('unquoted', end)
      }
    }
  }

  #negation(start: number, emit: (kind: Token['kind'], end: number) => Token): Token {
    const next = this.#runes[start + 1]
    if (next === '=' || next === '~') return emit('operator', start + 2)
    const where = `${start}:${start + 1}`
    throw new MatcherError(next === undefined ? `${where}: unexpected end of input, expected one of '=~'` : `${where}: !: expected one of '=~'`)
  }

  #endOfQuoted(start: number): number {
    for (let at = start + 1; at < this.#runes.length; at++) {
      if (this.#runes[at] === '\\') at++
      else if (this.#runes[at] === '"') return at + 1
    }
    throw new MatcherError(`${start}:${this.#runes.length}: ${this.#runes.slice(start).join('')}: missing end "`)
  }
}
