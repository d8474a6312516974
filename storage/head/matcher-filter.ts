// A matcher over the head's symbols. It lives longer than a query and only ever learns: symbols and pairs are added and
// never taken away, so what it found out about a value stays true, and of a label's values only those that came since
// need a look.
import { compileMatcher, type Matcher } from '../../lib/model/matcher.ts'
import { matcherRegex } from '../../lib/std/regex.ts'
import type { SymbolReader } from './symbols.ts'

/** Verdicts kept; when they are more, all are asked anew. */
const VERDICTS_MAX = 65_536
/** Lists of pairs up to this long are kept for the next query. */
const KEPT_PAIRS_MAX = 65_536

export class MatcherFilter {
  readonly #matcher: Matcher
  readonly #symbols: SymbolReader
  readonly #test: (value: string) => boolean
  /** What all texts that its regex matches begin with, as UTF-8. */
  readonly #prefix: Uint8Array
  /** All values that satisfy it, where they are few and known: they are looked up. Else null. */
  readonly #values: readonly string[] | null
  /** Series without the label satisfy it. */
  readonly matchesEmpty: boolean
  #name = 0
  /** By value symbol. */
  readonly #verdicts = new Map<number, boolean>()
  /** Pairs that satisfy it, of those up to `#newest`, oldest first. */
  #pairs: number[] = []
  #newest = 0

  /** Throws RegexError. */
  constructor(matcher: Matcher, symbols: SymbolReader) {
    this.#matcher = matcher
    this.#symbols = symbols
    const regex = matcher.op === '=~' || matcher.op === '!~' ? matcherRegex(matcher.value) : null
    this.#test = regex === null ? compileMatcher(matcher) : matcher.op === '=~' ? regex.test : (value) => !regex.test(value)
    this.#prefix = new TextEncoder().encode(regex?.prefix)
    this.#values = matcher.op === '=' ? [matcher.value] : matcher.op === '=~' ? regex!.setMatches : null
    this.matchesEmpty = this.#test('')
  }

  /** Symbol of the label's name, 0 while no series has it. */
  get name(): number {
    if (this.#name === 0) this.#name = this.#symbols.find(this.#matcher.name)
    return this.#name
  }

  /** Whether a series satisfies it whose label has this value, 0 for none. */
  holds(value: number): boolean {
    if (value === 0) return this.matchesEmpty
    let verdict = this.#verdicts.get(value)
    if (verdict === undefined) {
      if (this.#verdicts.size >= VERDICTS_MAX) this.#verdicts.clear()
      verdict = this.#isSatisfied(value)
      this.#verdicts.set(value, verdict)
    }
    return verdict
  }

  /** Fast path: most values of a label begin otherwise than the few that a regex is about, which their bytes tell. */
  #isSatisfied(value: number): boolean {
    if (this.#prefix.length > 0 && !this.#symbols.startsWith(value, this.#prefix)) return this.#matcher.op === '!~'
    return this.#test(this.#symbols.text(value))
  }

  /** The label's pairs that satisfy it. */
  pairs(): readonly number[] {
    if (this.#values !== null) {
      // Those found stay found; what is not there yet may come.
      if (this.#pairs.length < this.#values.length) {
        this.#pairs = this.#values.map((value) => this.#symbols.findPair(this.name, this.#symbols.find(value))).filter((pair) => pair !== 0)
      }
      return this.#pairs
    }
    const newest = this.#symbols.firstPairOf(this.name)
    const found: number[] = []
    for (let pair = newest; pair !== this.#newest; pair = this.#symbols.nextPairOf(pair)) {
      if (this.#isSatisfied(this.#symbols.valueOf(pair))) found.push(pair)
    }
    const pairs = found.length === 0 ? this.#pairs : [...this.#pairs, ...found.toReversed()]
    const isKept = pairs.length <= KEPT_PAIRS_MAX
    this.#pairs = isKept ? pairs : []
    this.#newest = isKept ? newest : 0
    return pairs
  }
}
