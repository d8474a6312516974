// Matchers to series: the smallest posting list that a matcher names, then the rest as filters over label symbols.
import { compileMatcher, type Matcher } from '../../lib/model/matcher.ts'
import { ROOT_SERIES_COUNT, type PagedU32, type SharedHeap } from './shared-heap.ts'
import type { SymbolReader } from './symbols.ts'

interface Filter {
  matcher: Matcher
  test: (value: string) => boolean
  name: number
  matchesEmpty: boolean
  /** Verdict by value symbol. */
  memo: Map<number, boolean>
}

interface PairPostings {
  pair: number
  count: number
}

export class RefSelector {
  readonly #heap: SharedHeap
  readonly #symbols: SymbolReader
  readonly #labels: PagedU32

  constructor(heap: SharedHeap, symbols: SymbolReader) {
    this.#heap = heap
    this.#symbols = symbols
    this.#labels = heap.paged('seriesLabels')
  }

  get seriesCount(): number {
    return Atomics.load(this.#heap.u32, ROOT_SERIES_COUNT)
  }

  /** Refs, ascending, of the series that satisfy all matchers. */
  select(matchers: readonly Matcher[]): Uint32Array {
    const filters = matchers.map((matcher): Filter => {
      const test = compileMatcher(matcher)
      return { matcher, test, name: this.#symbols.find(matcher.name), matchesEmpty: test(''), memo: new Map() }
    })
    // A label that no series has makes a matcher true for all or for none.
    if (filters.some((filter) => filter.name === 0 && !filter.matchesEmpty)) return new Uint32Array(0)
    const live = filters.filter((filter) => filter.name !== 0)
    const { seed, refs } = this.#seed(live)
    const rest = live.filter((filter) => filter !== seed)
    if (rest.length === 0) return refs
    let n = 0
    for (const ref of refs) if (rest.every((filter) => this.#holds(filter, ref))) refs[n++] = ref
    return refs.subarray(0, n)
  }

  /** The filter with the fewest postings, applied; all series if none narrows. */
  #seed(filters: readonly Filter[]): { seed: Filter | null; refs: Uint32Array } {
    let best: Filter | null = null
    let bestPairs: PairPostings[] = []
    let bestCount = Infinity
    for (const filter of filters) {
      if (filter.matchesEmpty) continue
      const pairs = this.#pairsOf(filter)
      const count = pairs.reduce((sum, pair) => sum + pair.count, 0)
      if (count < bestCount) {
        best = filter
        bestPairs = pairs
        bestCount = count
      }
      if (count === 0) break
    }
    if (best === null) return { seed: null, refs: Uint32Array.from({ length: this.seriesCount }, (_, i) => i + 1) }
    return { seed: best, refs: this.#union(bestPairs, bestCount) }
  }

  /** Counts are taken once: lists grow under a reader, and what it takes must fit what it counted. */
  #pairsOf(filter: Filter): PairPostings[] {
    if (filter.matcher.op === '=') {
      const pair = this.#symbols.findPair(filter.name, this.#symbols.find(filter.matcher.value))
      return pair === 0 ? [] : [{ pair, count: this.#symbols.postingsCount(pair) }]
    }
    const pairs: PairPostings[] = []
    for (let pair = this.#symbols.firstPairOf(filter.name); pair !== 0; pair = this.#symbols.nextPairOf(pair)) {
      if (filter.test(this.#symbols.text(this.#symbols.valueOf(pair)))) pairs.push({ pair, count: this.#symbols.postingsCount(pair) })
    }
    return pairs
  }

  #union(pairs: readonly PairPostings[], total: number): Uint32Array {
    const out = new Uint32Array(total)
    let at = 0
    for (const { pair, count } of pairs) at = this.#symbols.postings(pair, count, out, at)
    const refs = out.subarray(0, at)
    // Series of the same name have one value each: lists of different pairs are disjoint.
    return pairs.length > 1 ? refs.sort() : refs
  }

  #holds(filter: Filter, ref: number): boolean {
    const value = this.valueOf(ref, filter.name)
    if (value === 0) return filter.matchesEmpty
    let verdict = filter.memo.get(value)
    if (verdict === undefined) {
      verdict = filter.test(this.#symbols.text(value))
      filter.memo.set(value, verdict)
    }
    return verdict
  }

  /** Symbol of the value that a series has for a label name, 0 if none. */
  valueOf(ref: number, name: number): number {
    const { u32 } = this.#heap
    const run = this.#labels.get(ref) * 2
    const end = run + 1 + u32[run]!
    for (let i = run + 1; i < end; i++) {
      if (this.#symbols.nameOf(u32[i]!) === name) return this.#symbols.valueOf(u32[i]!)
    }
    return 0
  }

  /** Pair ids of a series, in label order: calls `visit` for each. */
  labelsOf(ref: number, out: Uint32Array): number {
    const { u32 } = this.#heap
    const run = this.#labels.get(ref) * 2
    const n = u32[run]!
    for (let i = 0; i < n; i++) {
      const pair = u32[run + 1 + i]!
      out[2 * i] = this.#symbols.nameOf(pair)
      out[2 * i + 1] = this.#symbols.valueOf(pair)
    }
    return 2 * n
  }
}
