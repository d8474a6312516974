// Cuts a query text into tokens for the grammar. By hand, because what a character means depends on braces and
// brackets around it, and because its errors are part of the language (promql/parser/lex.go).
//
//   statements ──{──▶ inside braces ──}──▶ statements
//        └──────[──▶ duration (until the first number) ──▶ statements with isInBracket ──]──▶ statements
//
// It does not throw: where it cannot go on it ends the list with a Wrong token, so that an error of the grammar
// further left is the one reported.
import type { IToken, TokenType } from 'chevrotain'
import {
  Aggregator, AggregatorName, Arithmetic, At, BEFORE_PAREN, Colon, Comma, Comparison, DurationText, End, Equal, Fill, Grouping, Identifier, KEYWORDS, LeftBrace,
  LeftBracket, LeftParen, MetricIdentifier, NotEqual, NumberText, PlusMinus, RegexOperator, RightBrace,
  RightBracket, RightParen, StringText, Wrong,
} from './tokens.ts'
import { isAlpha, isAlphaNumeric, isDigit, quoteRune, scanNumber, scanString } from './scan.ts'

/** A token as Chevrotain wants it; its type may yet change by what follows. */
class Token implements IToken {
  readonly image: string
  readonly startOffset: number
  tokenType: TokenType
  tokenTypeIdx: number
  /** Text of the error, on a Wrong token. */
  readonly payload: string | undefined

  constructor(tokenType: TokenType, image: string, startOffset: number, payload?: string) {
    this.image = image
    this.startOffset = startOffset
    this.tokenType = tokenType
    this.tokenTypeIdx = tokenType.tokenTypeIdx!
    this.payload = payload
  }

  retype(tokenType: TokenType): void {
    this.tokenType = tokenType
    this.tokenTypeIdx = tokenType.tokenTypeIdx!
  }
}

/** The tokens of a query, comments and spaces left out; the last one is End or Wrong. */
export function lex(text: string): IToken[] {
  return new Lexer(text).run()
}

const PUNCTUATION: ReadonlyMap<string, TokenType> = new Map([
  [',', Comma], ['@', At], ['*', Arithmetic], ['/', Arithmetic], ['%', Arithmetic], ['^', Arithmetic],
  ['+', PlusMinus], ['-', PlusMinus],
])
const BEFORE_GROUPING: ReadonlyMap<TokenType, TokenType> = new Map([[AggregatorName, Aggregator]])
const DURATION_WORDS: ReadonlySet<string> = new Set(['step', 'range', 'min_of', 'max_of'])

const isSpace = (ch: string | undefined): boolean => ch === ' ' || ch === '\t' || ch === '\n' || ch === '\r'

class Lexer {
  readonly #text: string
  readonly #tokens: Token[] = []
  /** Where the next token begins. */
  #at = 0
  #parenDepth = 0
  #isInBraces = false
  #isInBracket = false
  /** In a bracket before its first number, where spaces and signs may stand but no comment, string or name. */
  #isDurationStart = false
  #hasColon = false
  /** A number has stood in a bracket of this query: from then on a colon may come without one before it. So Prometheus has it. */
  #hasDuration = false
  #isDone = false

  constructor(text: string) {
    this.#text = text
  }

  run(): IToken[] {
    while (!this.#isDone) {
      if (this.#isInBraces) this.#insideBraces()
      else if (this.#isDurationStart) this.#durationStart()
      else this.#statement()
    }
    return this.#tokens
  }

  #emit(type: TokenType, length: number): void {
    const start = this.#at
    this.#at = start + length
    this.#tokens.push(new Token(type, this.#text.slice(start, this.#at), start))
  }

  #fail(error: string): void {
    this.#isDone = true
    this.#tokens.push(new Token(Wrong, '', this.#at, error))
  }

  /** As #fail, at the place behind `length` characters that Prometheus has taken for a token. */
  #failBehind(length: number, error: string): void {
    this.#at += length
    this.#fail(error)
  }

  #skipBlank(): boolean {
    const text = this.#text
    const from = this.#at
    while (isSpace(text[this.#at])) this.#at++
    if (text[this.#at] === '#') while (this.#at < text.length && text[this.#at] !== '\n' && text[this.#at] !== '\r') this.#at++
    return this.#at > from
  }

  #statement(): void {
    if (this.#skipBlank()) return
    const text = this.#text
    const ch = text[this.#at]
    if (ch === undefined) return this.#end()
    if (isAlpha(ch) || ch === ':') return this.#isInBracket ? this.#wordInBracket(ch) : this.#word()
    const plain = PUNCTUATION.get(ch)
    if (plain !== undefined) return this.#emit(plain, 1)
    if (isDigit(ch) || (ch === '.' && isDigit(text[this.#at + 1]))) return this.#number()
    if (ch === '"' || ch === '\'' || ch === '`') return this.#string()
    if (ch === '=' || ch === '!' || ch === '<' || ch === '>') return this.#comparison(ch, text[this.#at + 1])
    this.#bracket(ch)
  }

  #end(): void {
    if (this.#parenDepth !== 0) this.#fail('unclosed left parenthesis')
    else if (this.#isInBracket) this.#fail('unclosed left bracket')
    else {
      this.#emit(End, 0)
      this.#isDone = true
    }
  }

  #comparison(ch: string, next: string | undefined): void {
    if (ch === '=') {
      if (next === '~') this.#fail(`unexpected character after '=': ${quoteRune(this.#text, this.#at + 1)}`)
      else if (next === '=') this.#emit(Comparison, 2)
      else this.#emit(Equal, 1)
    } else if (ch === '!') {
      if (next === '=') this.#emit(NotEqual, 2)
      else this.#fail(`unexpected character after '!': ${quoteRune(this.#text, this.#at + 1)}`)
    } else {
      this.#emit(Comparison, next === '=' || next === '/' ? 2 : 1)
    }
  }

  #bracket(ch: string): void {
    if (ch === '(') {
      this.#settleLast(BEFORE_PAREN)
      this.#emit(LeftParen, 1)
      this.#parenDepth++
    } else if (ch === ')') {
      if (--this.#parenDepth < 0) return this.#failBehind(1, `unexpected right parenthesis ')'`)
      this.#emit(RightParen, 1)
    } else if (ch === '{') {
      this.#emit(LeftBrace, 1)
      this.#isInBraces = true
    } else if (ch === '[') {
      if (this.#isInBracket) return this.#fail(`unexpected left bracket '['`)
      this.#emit(LeftBracket, 1)
      this.#isInBracket = true
      this.#isDurationStart = true
      this.#hasColon = false
    } else if (ch === ']') {
      if (!this.#isInBracket) return this.#fail(`unexpected right bracket ']'`)
      this.#emit(RightBracket, 1)
      this.#isInBracket = false
    } else {
      this.#fail(`unexpected character: ${quoteRune(this.#text, this.#at)}`)
    }
  }

  #wordEnd(): number {
    let end = this.#at
    while (isAlphaNumeric(this.#text[end])) end++
    return end
  }

  #word(): void {
    const text = this.#text
    let end = this.#at
    let hasColon = false
    for (;; end++) {
      if (text[end] === ':') hasColon = true
      else if (!isAlphaNumeric(text[end])) break
    }
    let type = KEYWORDS.get(text.slice(this.#at, end).toLowerCase()) ?? (hasColon ? MetricIdentifier : Identifier)
    if (type === Fill) {
      let next = end
      while (isSpace(text[next])) next++
      if (text[next] !== '(') type = Identifier
    }
    if (type.CATEGORIES?.includes(Grouping)) this.#settleLast(BEFORE_GROUPING)
    this.#emit(type, end - this.#at)
  }

  /** What the last word is may hang on what follows it. */
  #settleLast(meanings: ReadonlyMap<TokenType, TokenType>): void {
    const last = this.#tokens[this.#tokens.length - 1]
    const type = last && meanings.get(last.tokenType)
    if (type !== undefined) last!.retype(type)
  }

  #wordInBracket(ch: string): void {
    if (ch === ':') {
      if (this.#hasColon) return this.#fail(`unexpected colon ':'`)
      this.#emit(Colon, 1)
      this.#hasColon = true
    } else if (!this.#durationWord()) {
      this.#fail(`unexpected character: '${ch}', expected ':'`)
    }
  }

  /** `step`, `range`, `min_of`, `max_of`; digits behind them are a number. */
  #durationWord(): boolean {
    let end = this.#at
    while (isAlpha(this.#text[end])) end++
    const word = this.#text.slice(this.#at, end).toLowerCase()
    if (!DURATION_WORDS.has(word)) return false
    this.#emit(KEYWORDS.get(word)!, end - this.#at)
    return true
  }

  #durationStart(): void {
    const text = this.#text
    while (isSpace(text[this.#at])) this.#at++
    const ch = text[this.#at]
    if (ch === undefined) return this.#fail('unexpected end of input in duration expression')
    const plain = PUNCTUATION.get(ch)
    if (plain !== undefined && ch !== '@') return this.#emit(plain, 1)
    if (ch === '(' || ch === ')') return this.#bracket(ch)
    if (ch === ']') {
      this.#isDurationStart = false
      return this.#bracket(ch)
    }
    if (ch === ':') return this.#colonBeforeNumber()
    if (isDigit(ch) || (ch === '.' && isDigit(text[this.#at + 1]))) {
      this.#isDurationStart = false
      this.#hasDuration = true
      return this.#number()
    }
    if (isAlpha(ch) && this.#durationWord()) return
    this.#fail(`unexpected character in duration expression: ${quoteRune(text, this.#at)}`)
  }

  /** Also behind step() and range(), which Prometheus does not take for a duration here: [step():1m] is refused. */
  #colonBeforeNumber(): void {
    if (!this.#hasDuration) return this.#failBehind(1, 'unexpected colon before duration in duration expression')
    if (this.#hasColon) return this.#failBehind(1, 'unexpected repeated colon in duration expression')
    this.#emit(Colon, 1)
    this.#hasColon = true
  }

  #number(): void {
    const scanned = scanNumber(this.#text, this.#at)
    if ('error' in scanned) this.#fail(scanned.error)
    else this.#emit(scanned.isDuration ? DurationText : NumberText, scanned.end - this.#at)
  }

  #string(): void {
    const end = scanString(this.#text, this.#at)
    if (typeof end === 'string') this.#fail(end)
    else this.#emit(StringText, end - this.#at)
  }

  #insideBraces(): void {
    if (this.#skipBlank()) return
    const text = this.#text
    const ch = text[this.#at]
    const next = text[this.#at + 1]
    if (ch === undefined) this.#fail('unexpected end of input inside braces')
    else if (isAlpha(ch)) this.#emit(Identifier, this.#wordEnd() - this.#at)
    else if (ch === '"' || ch === '\'' || ch === '`') this.#string()
    else if (ch === ',') this.#emit(Comma, 1)
    else if (ch === '=') {
      if (next === '~') this.#emit(RegexOperator, 2)
      else this.#emit(Equal, 1)
    } else if (ch === '!') {
      if (next === '~') this.#emit(RegexOperator, 2)
      else if (next === '=') this.#emit(NotEqual, 2)
      else this.#fail(`unexpected character after '!' inside braces: ${quoteRune(text, this.#at + 1)}`)
    } else if (ch === '{') this.#failBehind(0, `unexpected left brace '{'`)
    else if (ch === '}') {
      this.#emit(RightBrace, 1)
      this.#isInBraces = false
    } else this.#fail(`unexpected character inside braces: ${quoteRune(text, this.#at)}`)
  }
}
