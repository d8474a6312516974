// All values of a label, sorted. Pairs are only added: a list stays right until the label has a newer pair.
import { compareText } from '../../lib/model/labels.ts'
import { LruMap } from '../../lib/std/lru-map.ts'
import type { SymbolReader } from './symbols.ts'

const LISTS_MAX = 20
/** Longer lists are made each time. */
const KEPT_VALUES_MAX = 65_536

interface SortedValues {
  newestPair: number
  values: readonly string[]
}

export class LabelValues {
  readonly #symbols: SymbolReader
  readonly #lists = new LruMap<SortedValues>(LISTS_MAX)

  constructor(symbols: SymbolReader) {
    this.#symbols = symbols
  }

  /** Values of the label whose name has this symbol; the list is the caller's own. */
  sorted(name: number): string[] {
    const newestPair = this.#symbols.firstPairOf(name)
    const known = this.#lists.get(String(name))
    if (known?.newestPair === newestPair) return [...known.values]
    const values: string[] = []
    for (let pair = newestPair; pair !== 0; pair = this.#symbols.nextPairOf(pair)) values.push(this.#symbols.text(this.#symbols.valueOf(pair)))
    values.sort(compareText)
    if (values.length <= KEPT_VALUES_MAX) this.#lists.set(String(name), { newestPair, values })
    return [...values]
  }
}
