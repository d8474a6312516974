// Where in a JSON text something is: JSON.parse is fast, but tells no place of a fault, and none of what it has read.
// Goes over the text once more, by the grammar of RFC 8259, only when there is something to complain about.

/** The first fault of a text that JSON.parse refuses; `at` is an offset. */
export interface JsonFault {
  at: number
  message: string
}

const LITERAL = /(?:true|false|null)(?![A-Za-z0-9_])/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![A-Za-z0-9_.])/y
// One way to read each text: with `+` inside, one without its closing quote would be cut up in all of 2^length ways.
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y
const BLANKS = /[ \t\n\r]*/y
/** JSON.parse has no such limit; nothing that is wanted here is nested deeper. */
const DEPTH_MAX = 200

/** null where the text is good JSON. */
export function jsonFault(text: string): JsonFault | null {
  return new Walker(text).fault
}

/** Offsets of the items of the list that a good text is; empty for other texts. */
export function jsonItemPlaces(text: string): number[] {
  return new Walker(text).items
}

class Walker {
  readonly items: number[] = []
  readonly fault: JsonFault | null
  readonly #text: string
  #pos = 0

  constructor(text: string) {
    this.#text = text
    this.fault = this.#document()
  }

  #document(): JsonFault | null {
    this.#skip(BLANKS)
    const fault = this.#value(0)
    if (fault !== null) return fault
    this.#skip(BLANKS)
    return this.#pos === this.#text.length ? null : this.#want('the end')
  }

  #value(depth: number): JsonFault | null {
    if (depth > DEPTH_MAX) return { at: this.#pos, message: 'nested too deeply' }
    const c = this.#text[this.#pos]
    if (c === '{') return this.#members('}', () => this.#member(depth))
    if (c === '[') return this.#members(']', () => {
      if (depth === 0) this.items.push(this.#pos)
      return this.#value(depth + 1)
    })
    if (c === '"') return this.#string()
    return this.#skip(LITERAL) || this.#skip(NUMBER) ? null : this.#want('a value')
  }

  /** What stands between brackets, with commas. */
  #members(close: string, member: () => JsonFault | null): JsonFault | null {
    this.#pos++
    this.#skip(BLANKS)
    if (this.#take(close)) return null
    for (;;) {
      const fault = member()
      if (fault !== null) return fault
      this.#skip(BLANKS)
      if (this.#take(close)) return null
      if (!this.#take(',')) return this.#want(`"," or "${close}"`)
      this.#skip(BLANKS)
    }
  }

  #member(depth: number): JsonFault | null {
    if (this.#text[this.#pos] !== '"') return this.#want('a key in double quotes')
    const fault = this.#string()
    if (fault !== null) return fault
    this.#skip(BLANKS)
    if (!this.#take(':')) return this.#want('":"')
    this.#skip(BLANKS)
    return this.#value(depth + 1)
  }

  #string(): JsonFault | null {
    return this.#skip(STRING) ? null : { at: this.#pos, message: 'text with a bad escape, a control character, or no closing quote' }
  }

  #take(c: string): boolean {
    if (this.#text[this.#pos] !== c) return false
    this.#pos++
    return true
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#pos
    if (!pattern.test(this.#text)) return false
    this.#pos = pattern.lastIndex
    return true
  }

  #want(what: string): JsonFault {
    const c = this.#text.codePointAt(this.#pos)
    return { at: this.#pos, message: `want ${what}, got ${c === undefined ? 'the end' : JSON.stringify(String.fromCodePoint(c))}` }
  }
}
