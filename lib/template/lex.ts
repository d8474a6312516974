// The lexer of Go templates: text and actions as tokens, in Go's words where something is wrong. After Go's
// text/template/parse/lex.go; places are UTF-16 offsets, errors turn them into bytes (place.ts).
//
//   text ─"{{"─▶ action: words, quotes, numbers, ( ) | := = , ─"}}"─▶ text        "{{- " and " -}}" eat spaces
import { isPrintable, quote } from '../std/go-format.ts'

export type TokenKind =
  | 'error' | 'bool' | 'char' | 'charConstant' | 'assign' | 'declare' | 'EOF' | 'field' | 'identifier' | 'leftDelim'
  | 'leftParen' | 'number' | 'complex' | 'pipe' | 'rawString' | 'rightDelim' | 'rightParen' | 'space' | 'string' | 'text' | 'variable'
  | 'block' | 'break' | 'continue' | 'dot' | 'define' | 'else' | 'end' | 'if' | 'nil' | 'range' | 'template' | 'with'

export interface Token {
  kind: TokenKind
  /** Offset of its first character. */
  pos: number
  /** As written; of an error, what is wrong. */
  text: string
  line: number
}

const KEYWORDS: ReadonlyMap<string, TokenKind> = new Map<string, TokenKind>([
  ['.', 'dot'], ['block', 'block'], ['break', 'break'], ['continue', 'continue'], ['define', 'define'], ['else', 'else'], ['end', 'end'],
  ['if', 'if'], ['range', 'range'], ['nil', 'nil'], ['template', 'template'], ['with', 'with'],
])
const KEYWORD_KINDS: ReadonlySet<TokenKind> = new Set(KEYWORDS.values())

/** As Go prints a token in messages. */
export function describeToken({ kind, text }: Token): string {
  if (kind === 'EOF') return 'EOF'
  if (kind === 'error') return text
  if (KEYWORD_KINDS.has(kind)) return `<${text}>`
  return Buffer.byteLength(text) > 10 ? `${quote(Array.from(text).slice(0, 10).join(''))}...` : quote(text)
}

const isSpace = (rune: string): boolean => rune === ' ' || rune === '\t' || rune === '\r' || rune === '\n'
const isWord = (rune: string): boolean => rune === '_' || /^[\p{L}\p{Nd}]$/u.test(rune)
const trimsLeft = (text: string, at: number): boolean => text[at] === '-' && isSpace(text[at + 1] ?? '')
const trimsRight = (text: string, at: number): boolean => isSpace(text[at] ?? '') && text[at + 1] === '-'

/** `%#U`: `U+0041 'A'`; the end of the text is -1. */
function runeName(rune: string): string {
  if (rune === '') return 'U+FFFFFFFFFFFFFFFF'
  const code = `U+${rune.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
  return isPrintable(rune) ? `${code} '${rune}'` : code
}

/** What only this lexer's own states throw, to end in an error token. */
class LexFault extends Error {
  readonly code = 'LEX_FAULT'
}

/** Gives one token a call; after an error or the end, always that. */
export class Lexer {
  readonly #text: string
  #pos = 0
  #start = 0
  #line = 1
  #startLine = 1
  #parenDepth = 0
  #isInAction = false
  #ended: Token | null = null

  constructor(text: string) {
    this.#text = text
  }

  next(): Token {
    if (this.#ended !== null) return this.#ended
    try {
      const token = this.#isInAction ? this.#action() : this.#outside()
      if (token.kind === 'EOF') this.#ended = token
      return token
    } catch (error) {
      if (!(error instanceof LexFault)) throw error
      return (this.#ended = { kind: 'error', pos: this.#start, text: error.message, line: this.#startLine })
    }
  }

  #outside(): Token {
    for (;;) {
      const at = this.#text.indexOf('{{', this.#pos)
      if (at < 0) {
        this.#advance(this.#text.length)
        return this.#token(this.#pos > this.#start ? 'text' : 'EOF')
      }
      const isTrimmed = trimsLeft(this.#text, at + 2)
      let end = at
      if (isTrimmed) while (end > this.#start && isSpace(this.#text[end - 1]!)) end--
      this.#advance(end)
      const text = this.#token('text')
      this.#advance(at)
      this.#ignore()
      if (text.text !== '') return text
      const marker = isTrimmed ? 2 : 0
      if (!this.#text.startsWith('/*', at + 2 + marker)) {
        this.#advance(at + 2)
        const delim = this.#token('leftDelim')
        this.#isInAction = true
        this.#advance(this.#pos + marker)
        this.#ignore()
        this.#parenDepth = 0
        return delim
      }
      this.#comment(at + 2 + marker)
    }
  }

  #comment(at: number): void {
    this.#advance(at)
    this.#ignore()
    const end = this.#text.indexOf('*/', at + 2)
    if (end < 0) throw new LexFault('unclosed comment')
    const isTrimmed = trimsRight(this.#text, end + 2) && this.#text.startsWith('}}', end + 4)
    if (!isTrimmed && !this.#text.startsWith('}}', end + 2)) throw new LexFault('comment ends before closing delimiter')
    this.#advance(end + (isTrimmed ? 6 : 4))
    if (isTrimmed) this.#skipSpaces()
    this.#ignore()
  }

  #action(): Token {
    if (this.#atRightDelim()) {
      if (this.#parenDepth === 0) return this.#rightDelim()
      throw new LexFault('unclosed left paren')
    }
    const rune = this.#peek()
    if (rune === '') throw new LexFault('unclosed action')
    if (isSpace(rune)) return this.#spaces()
    this.#advance(this.#pos + rune.length)
    switch (rune) {
      case '=': return this.#token('assign')
      case ':':
        if (this.#peek() !== '=') throw new LexFault('expected :=')
        this.#advance(this.#pos + 1)
        return this.#token('declare')
      case '|': return this.#token('pipe')
      case '"': return this.#quoted('"', 'string', 'unterminated quoted string')
      case "'": return this.#quoted("'", 'charConstant', 'unterminated character constant')
      case '`': return this.#raw()
      case '$': return this.#fieldOrVariable('variable')
      case '(':
        this.#parenDepth++
        return this.#token('leftParen')
      case ')':
        if (--this.#parenDepth < 0) throw new LexFault('unexpected right paren')
        return this.#token('rightParen')
    }
    if (rune === '.' && !/^[0-9]$/.test(this.#text[this.#pos] ?? '')) {
      if (this.#pos < this.#text.length) return this.#fieldOrVariable('field')
    }
    if (/^[.+\-0-9]$/.test(rune)) {
      this.#pos = this.#start
      return this.#number()
    }
    if (isWord(rune)) return this.#identifier()
    if (rune > ' ' && rune <= '~') return this.#token('char')
    throw new LexFault(`unrecognized character in action: ${runeName(rune)}`)
  }

  #rightDelim(): Token {
    const isTrimmed = trimsRight(this.#text, this.#pos)
    if (isTrimmed) {
      this.#advance(this.#pos + 2)
      this.#ignore()
    }
    this.#advance(this.#pos + 2)
    const token = this.#token('rightDelim')
    if (isTrimmed) {
      this.#skipSpaces()
      this.#ignore()
    }
    this.#isInAction = false
    return token
  }

  #spaces(): Token {
    this.#skipSpaces()
    // The last space may belong to a trim marker.
    if (trimsRight(this.#text, this.#pos - 1) && this.#text.startsWith('}}', this.#pos + 1)) {
      if (this.#text[this.#pos - 1] === '\n') this.#line--
      this.#pos--
      if (this.#pos === this.#start) return this.#rightDelim()
    }
    return this.#token('space')
  }

  #identifier(): Token {
    this.#words()
    const word = this.#text.slice(this.#start, this.#pos)
    this.#wantTerminator()
    const keyword = KEYWORDS.get(word)
    if (keyword !== undefined) return this.#token(keyword)
    return this.#token(word === 'true' || word === 'false' ? 'bool' : 'identifier')
  }

  #fieldOrVariable(kind: 'field' | 'variable'): Token {
    if (this.#atTerminator()) return this.#token(kind === 'variable' ? 'variable' : 'dot')
    this.#words()
    this.#wantTerminator()
    return this.#token(kind)
  }

  #words(): void {
    for (let rune = this.#peek(); rune !== '' && isWord(rune); rune = this.#peek()) this.#advance(this.#pos + rune.length)
  }

  #wantTerminator(): void {
    if (!this.#atTerminator()) throw new LexFault(`bad character ${runeName(this.#peek())}`)
  }

  #atTerminator(): boolean {
    const rune = this.#peek()
    return rune === '' || isSpace(rune) || '.,|:)('.includes(rune) || this.#text.startsWith('}}', this.#pos)
  }

  #quoted(mark: string, kind: TokenKind, fault: string): Token {
    for (;;) {
      const rune = this.#peek()
      this.#advance(this.#pos + rune.length)
      if (rune === mark) return this.#token(kind)
      const escaped = rune === '\\' ? this.#peek() : 'x'
      if (rune === '' || rune === '\n' || escaped === '' || escaped === '\n') throw new LexFault(fault)
      if (rune === '\\') this.#advance(this.#pos + escaped.length)
    }
  }

  #raw(): Token {
    const end = this.#text.indexOf('`', this.#pos)
    if (end < 0) throw new LexFault('unterminated raw quoted string')
    this.#advance(end + 1)
    return this.#token('rawString')
  }

  #number(): Token {
    this.#scanNumber()
    if (this.#peek() !== '+' && this.#peek() !== '-') return this.#token('number')
    this.#scanNumber()
    if (this.#text[this.#pos - 1] !== 'i') throw this.#badNumber()
    return this.#token('complex')
  }

  #scanNumber(): void {
    const rest = /^[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/
    this.#advance(this.#pos + rest.exec(this.#text.slice(this.#pos))![0].length)
    const next = this.#peek()
    if (next === '' || !isWord(next)) return
    this.#advance(this.#pos + next.length)
    throw this.#badNumber()
  }

  #badNumber(): LexFault {
    return new LexFault(`bad number syntax: ${quote(this.#text.slice(this.#start, this.#pos))}`)
  }

  #atRightDelim(): boolean {
    const { length } = '}}'
    if (trimsRight(this.#text, this.#pos) && this.#text.startsWith('}}', this.#pos + length)) return true
    return this.#text.startsWith('}}', this.#pos)
  }

  #skipSpaces(): void {
    while (isSpace(this.#text[this.#pos] ?? '')) this.#advance(this.#pos + 1)
  }

  #peek(): string {
    const code = this.#text.codePointAt(this.#pos)
    return code === undefined ? '' : String.fromCodePoint(code)
  }

  #advance(to: number): void {
    for (let at = this.#text.indexOf('\n', this.#pos); at >= 0 && at < to; at = this.#text.indexOf('\n', at + 1)) this.#line++
    this.#pos = to
  }

  #ignore(): void {
    this.#start = this.#pos
    this.#startLine = this.#line
  }

  #token(kind: TokenKind): Token {
    const token = { kind, pos: this.#start, text: this.#text.slice(this.#start, this.#pos), line: this.#startLine }
    this.#ignore()
    return token
  }
}
