// Go's Sprintf: a format with directives, `%[2]*.[1]*f` the longest of them (fmt/print.go, doPrintf).
//
//   % flags [index] width . [index] precision [index] verb       a width or precision of * is an argument
import { PLAIN, type Format } from './format.ts'
import { printed } from './print.ts'
import { typeName, GoObject, type Value } from './value.ts'

/** Go's own bound of widths and precisions in arguments; of those in a format Go's is a digit later. */
const SIZE_MAX = 1_000_000

/** `fmt.Sprintf`. */
export function sprintf(format: string, args: readonly Value[]): string {
  return new Printer(format, args).print()
}

class Printer {
  readonly #format: string
  readonly #args: readonly Value[]
  #at = 0
  #argIndex = 0
  #isReordered = false
  /** An index came directly before. */
  #isAfterIndex = false
  #isGoodIndex = true
  #out = ''

  constructor(format: string, args: readonly Value[]) {
    this.#format = format
    this.#args = args
  }

  print(): string {
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf('%', this.#at)
      this.#out += this.#format.slice(this.#at, percent < 0 ? undefined : percent)
      if (percent < 0) break
      this.#at = percent + 1
      this.#directive()
    }
    if (!this.#isReordered && this.#argIndex < this.#args.length) this.#out += this.#extra()
    return this.#out
  }

  #extra(): string {
    return `%!(EXTRA ${this.#args.slice(this.#argIndex).map((arg) => (arg === undefined ? '<nil>' : `${typeName(arg)}=${printed(arg, 'v', PLAIN)}`)).join(', ')})`
  }

  #directive(): void {
    this.#isGoodIndex = true
    const f: Format = { ...PLAIN, ...this.#flags() }
    this.#index()
    this.#width(f)
    this.#precision(f)
    if (!this.#isAfterIndex) this.#index()
    if (this.#at >= this.#format.length) {
      this.#out += '%!(NOVERB)'
      return
    }
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at)!)
    this.#at += verb.length
    if (verb === '%') this.#out += '%'
    else if (!this.#isGoodIndex) this.#out += `%!${verb}(BADINDEX)`
    else if (this.#argIndex >= this.#args.length) this.#out += `%!${verb}(MISSING)`
    else {
      const isV = verb === 'v' || verb === 'w'
      this.#out += printed(this.#args[this.#argIndex++], verb, isV ? { ...f, sharpV: f.sharp, sharp: false, plusV: f.plus, plus: false } : f)
    }
  }

  #flags(): Partial<Format> {
    const from = this.#at
    while ('#0+- '.includes(this.#format[this.#at] ?? 'x')) this.#at++
    const flags = this.#format.slice(from, this.#at)
    const has = (flag: string): boolean => flags.includes(flag)
    return { sharp: has('#'), zero: has('0'), plus: has('+'), minus: has('-'), space: has(' ') }
  }

  #width(f: Format): void {
    if (this.#format[this.#at] === '*') {
      this.#at++
      f.width = this.#sizeArg()
      if (f.width === null) this.#out += '%!(BADWIDTH)'
      else if (f.width < 0) {
        f.width = -f.width
        f.minus = true
        f.zero = false
      }
      this.#isAfterIndex = false
      return
    }
    f.width = this.#number()
    if (this.#isAfterIndex && f.width !== null) this.#isGoodIndex = false
  }

  #precision(f: Format): void {
    if (this.#format[this.#at] !== '.' || this.#at + 1 >= this.#format.length) return
    this.#at++
    if (this.#isAfterIndex) this.#isGoodIndex = false
    this.#index()
    if (this.#format[this.#at] !== '*') {
      f.precision = this.#number() ?? 0
      return
    }
    this.#at++
    const given = this.#sizeArg()
    f.precision = given !== null && given < 0 ? null : given
    if (f.precision === null) this.#out += '%!(BADPREC)'
    this.#isAfterIndex = false
  }

  /** The argument for a star; null: it is no number for that. */
  #sizeArg(): number | null {
    if (this.#argIndex >= this.#args.length) return null
    const given = this.#args[this.#argIndex++]
    const size = given instanceof GoObject && given.isInteger ? given.int : given
    return typeof size === 'bigint' && size <= SIZE_MAX && size >= -SIZE_MAX ? Number(size) : null
  }

  /** Digits from here on; of too many of them Go reads no further. */
  #number(): number | null {
    const digits = /^\d*/.exec(this.#format.slice(this.#at))![0]
    this.#at += digits.length
    if (digits === '') return null
    if (Number(digits) <= SIZE_MAX) return Number(digits)
    this.#at = this.#format.length
    return null
  }

  /** `[3]`, if one is here. */
  #index(): void {
    this.#isAfterIndex = false
    if (this.#format[this.#at] !== '[') return
    this.#isReordered = true
    const rest = this.#format.slice(this.#at)
    const end = rest.indexOf(']')
    if (end < 0 || rest.length < 3) {
      this.#at++
      this.#isGoodIndex = false
      return
    }
    this.#at += end + 1
    const text = rest.slice(1, end)
    const isNumber = /^\d+$/.test(text) && Number(text) <= SIZE_MAX
    const index = Number(text) - 1
    this.#isAfterIndex = isNumber
    if (isNumber && index >= 0 && index < this.#args.length) this.#argIndex = index
    else this.#isGoodIndex = false
  }
}
