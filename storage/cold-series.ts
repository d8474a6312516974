// Series that the head has forgotten: blocks name them by refs that mean nothing any more, and by their labels. A thread
// keeps those that its queries have met.
//
//   matchers ─▶ each block's own index ─▶ series that the head does not see ─▶ label set ─┬▶ the head has it again: that ref
//                                                                                         └▶ a ref from COLD_REFS up
//
// One label set is one series, wherever it lies. Texts that the head does not know get symbols from COLD_SYMBOLS up. Should
// it come to know one of them, or forget more series, or have its index built anew, all of this starts afresh and
// `version` says so: whoever remembers ids of queries before must forget them.
import { METRIC_NAME, compareText } from '../lib/model/labels.ts'
import type { Matcher } from '../lib/model/matcher.ts'
import { LruMap } from '../lib/std/lru-map.ts'
import { NO_SERIES, type BlockColumns } from './block/block.ts'
import type { HeadQuerier } from './head/head-querier.ts'
import { REFS_END } from './head/shared-heap.ts'
import type { RefSelector } from './head/select-refs.ts'
import { LabelSets } from './label-sets.ts'

export const COLD_REFS: number = REFS_END
const COLD_SYMBOLS = 0x40000000
/** Past one of these everything is let go before the next query. */
const SETS_MAX = 1 << 20
const TEXT_CHARS_MAX = 64 << 20
/** With more new series or symbols in the head since the last query, starting afresh is cheaper than looking at them. */
const NEW_MAX = 65_536
const SELECTIONS_MAX = 100

/** What is asked of a block, of raw samples or of a tier. */
export type IndexedBlock = Pick<BlockColumns, 'folder' | 'seriesCount' | 'pairCount' | 'select' | 'unknown' | 'pairsOf' | 'pairText'>

/** What tells which series there are. */
export type SeriesBlock = IndexedBlock & Pick<BlockColumns, 'find' | 'labelNames' | 'labelValues'>

/** What is known of a block's series. */
interface ColdBlock {
  /** A bit for each series that the head does not see; null where it sees all. */
  readonly cold: Int32Array | null
  /** Label set + 1 of a series, 0 where it was not looked at. */
  readonly sets: Uint32Array
  /** Symbols of pairs, 0 where they were not looked at: name, value. */
  readonly symbols: Uint32Array
  /** Numbers that matchers selected. */
  readonly selections: LruMap<Uint32Array>
}

/** A series as one block has it. */
export interface ColdPlace {
  /** Position of the block among those asked. */
  readonly b: number
  readonly number: number
  readonly ref: number
}

export class ColdSeries {
  /** Another one: ids given before are void. */
  version = 0
  #head: HeadQuerier | null = null
  #selector: RefSelector | null = null
  #epoch = -1
  #seriesCount = 0
  #symbolCount = 0
  #texts: string[] = []
  #textChars = 0
  #symbols = new Map<string, number>()
  #sets = new LabelSets()
  /** By label set: the ref that the head has for it, 0 if none. */
  #live: Uint32Array = new Uint32Array(64)
  #blocks = new Map<string, ColdBlock>()
  #pairs: Uint32Array = new Uint32Array(64)
  #ids: Uint32Array = new Uint32Array(128)

  /** A querier begins. `folders`: of the blocks it is shown. */
  begin(head: HeadQuerier, folders: ReadonlySet<string>): void {
    const { selector, symbols } = head
    const { seriesCount, epoch } = selector.seen
    this.#head = head
    // After the series, so that each symbol of a series it sees is below.
    const { symbolCount } = symbols
    const isNew = selector !== this.#selector || epoch !== this.#epoch
    const isLarge = this.#sets.count > SETS_MAX || this.#textChars > TEXT_CHARS_MAX
    if (isNew || isLarge || !this.#catchUp(head, seriesCount, symbolCount)) this.#reset()
    this.#selector = selector
    this.#epoch = epoch
    this.#seriesCount = seriesCount
    this.#symbolCount = symbolCount
    for (const folder of this.#blocks.keys()) if (!folders.has(folder)) this.#blocks.delete(folder)
  }

  /** False where the head has had a text since that has an id here. */
  #catchUp({ selector, symbols }: HeadQuerier, seriesCount: number, symbolCount: number): boolean {
    if (this.#sets.count === 0 && this.#texts.length === 0) return true
    if (seriesCount - this.#seriesCount > NEW_MAX || symbolCount - this.#symbolCount > NEW_MAX) return false
    for (let id = this.#symbolCount + 1; id <= symbolCount; id++) if (this.#symbols.has(symbols.text(id))) return false
    for (let ref = this.#seriesCount + 1; ref <= seriesCount; ref++) {
      const n = selector.labelsOf(ref, this.#idsOf(ref, selector))
      const set = this.#sets.find(this.#ids, n)
      if (set >= 0) this.#live[set] = ref
    }
    return true
  }

  #idsOf(ref: number, selector: RefSelector): Uint32Array {
    const n = selector.labelsOf(ref, this.#ids)
    if (n > this.#ids.length) this.#ids = new Uint32Array(2 * n)
    return this.#ids
  }

  #reset(): void {
    this.version++
    this.#texts = []
    this.#textChars = 0
    this.#symbols = new Map()
    this.#sets = new LabelSets()
    this.#live = new Uint32Array(64)
    this.#blocks = new Map()
  }

  /** True if no series was ever forgotten: then blocks hold none that the head does not see. */
  get isIdle(): boolean {
    return this.#selector!.seen.forgotten === 0
  }

  /** Where series lie that match and are in a block under a ref that the head does not see. */
  select(matchers: readonly Matcher[], blocks: readonly IndexedBlock[]): ColdPlace[] {
    const places: ColdPlace[] = []
    if (this.isIdle) return places
    const key = matchers.map(({ op, name, value }) => `${op}${name.length}:${name}${value.length}:${value}`).join('')
    for (const [b, block] of blocks.entries()) {
      const known = this.#blockOf(block)
      const numbers = known === null ? null : selected(known, block, matchers, key)
      if (known === null || numbers === null) continue
      for (const number of numbers) {
        const ref = this.#refOf(known, block, number)
        if (ref !== 0) places.push({ b, number, ref })
      }
    }
    return places
  }

  /** True if the block holds series that the head does not see. */
  isIn(block: IndexedBlock): boolean {
    return !this.isIdle && (this.#blockOf(block)?.cold ?? null) !== null
  }

  /** null where it cannot be read now; it is asked again, and says so again. */
  #blockOf(block: IndexedBlock): ColdBlock | null {
    let known = this.#blocks.get(block.folder)
    if (known === undefined) {
      const cold = block.unknown((ref) => this.#selector!.isSeen(ref))
      if (cold === undefined) return null
      const size = cold === null ? 0 : block.seriesCount
      known = {
        cold, sets: new Uint32Array(size), symbols: new Uint32Array(cold === null ? 0 : 2 * block.pairCount), selections: new LruMap(SELECTIONS_MAX),
      }
      this.#blocks.set(block.folder, known)
    }
    return known
  }

  /** 0 where the block's page of it is damaged. */
  #refOf(known: ColdBlock, block: IndexedBlock, number: number): number {
    if (known.sets[number] === 0) {
      const n = this.#readLabels(known, block, number)
      if (n === 0) return 0
      known.sets[number] = this.#intern(n) + 1
    }
    const set = known.sets[number]! - 1
    return this.#live[set] || COLD_REFS + set
  }

  /** Puts the symbols of a series' labels into `#ids`; returns how many, 0 where they cannot be read. */
  #readLabels({ symbols }: ColdBlock, block: IndexedBlock, number: number): number {
    const pairs = block.pairsOf(number)
    if (pairs === null) return 0
    if (2 * pairs.length > this.#ids.length) this.#ids = new Uint32Array(4 * pairs.length)
    const ids = this.#ids
    let at = 0
    for (const pair of pairs) {
      if (symbols[2 * pair] === 0) {
        const text = block.pairText(pair)
        if (text === null) return 0
        symbols[2 * pair] = this.symbolOf(text.name)
        symbols[2 * pair + 1] = this.symbolOf(text.value)
      }
      // In a block the metric's name comes first; in a label set names that sort before it do.
      let place = at
      if (at > 0 && this.#isMetricName(ids[at - 2]!) && compareText(this.textOf(symbols[2 * pair]!), METRIC_NAME) < 0) {
        ids[at] = ids[at - 2]!
        ids[at + 1] = ids[at - 1]!
        place = at - 2
      }
      ids[place] = symbols[2 * pair]!
      ids[place + 1] = symbols[2 * pair + 1]!
      at += 2
    }
    return at
  }

  /** The number of the label set in `#ids`. */
  #intern(length: number): number {
    const { count } = this.#sets
    const set = this.#sets.intern(this.#ids, length)
    if (set >= this.#live.length) {
      const larger = new Uint32Array(2 * this.#live.length)
      larger.set(this.#live)
      this.#live = larger
    }
    if (this.#sets.count > count) this.#live[set] = this.#liveRef(length)
    return set
  }

  #isMetricName(symbol: number): boolean {
    return this.textOf(symbol) === METRIC_NAME
  }

  /** The ref that the head has for the label set in `#ids`. */
  #liveRef(length: number): number {
    const { symbols, selector } = this.#head!
    if (length / 2 > this.#pairs.length) this.#pairs = new Uint32Array(length)
    for (let i = 0; i < length; i += 2) {
      if (this.#ids[i]! >= COLD_SYMBOLS || this.#ids[i + 1]! >= COLD_SYMBOLS) return 0
      const pair = symbols.findPair(this.#ids[i]!, this.#ids[i + 1]!)
      if (pair === 0) return 0
      this.#pairs[i / 2] = pair
    }
    return selector.withPairs(this.#pairs, length / 2)
  }

  /** As LabelSource: those of the head, as long as this table makes none of its own. */
  get symbolCount(): number | undefined {
    return this.isIdle ? this.#symbolCount : undefined
  }

  /** As LabelSource: the head's symbol, or one of this table's where it has none. */
  symbolOf(text: string): number {
    // This table first: the head may have learned the text since the querier began.
    let id = this.#symbols.get(text)
    if (id !== undefined) return id
    id = this.#head!.symbols.find(text)
    if (this.isIdle || (id !== 0 && id <= this.#symbolCount)) return id
    this.#texts.push(text)
    this.#textChars += text.length
    id = COLD_SYMBOLS + this.#texts.length - 1
    this.#symbols.set(text, id)
    return id
  }

  textOf(symbol: number): string {
    return symbol >= COLD_SYMBOLS ? this.#texts[symbol - COLD_SYMBOLS]! : this.#head!.symbols.text(symbol)
  }

  labelsOf(ref: number, out: Uint32Array): number {
    return ref >= COLD_REFS ? this.#sets.read(ref - COLD_REFS, out) : this.#head!.labelsOf(ref, out)
  }
}

/** Numbers of series that match and that the head does not see; null where the block's index cannot be read now. */
function selected({ cold, selections }: ColdBlock, block: IndexedBlock, matchers: readonly Matcher[], key: string): Uint32Array | null {
  if (cold === null) return null
  const known = selections.get(key)
  if (known !== undefined) return known
  const numbers = block.select(matchers)?.filter((number) => (cold[number >>> 5]! & (1 << (number & 31))) !== 0) ?? null
  if (numbers !== null) selections.set(key, numbers)
  return numbers
}

/** Those of some refs, ascending, that any of the blocks has. */
export function inBlocks(refs: Uint32Array, blocks: readonly SeriesBlock[]): Uint32Array {
  const isFound = new Uint8Array(refs.length)
  const numbers = new Uint32Array(refs.length)
  for (const block of blocks) {
    block.find(refs, numbers)
    for (let i = 0; i < refs.length; i++) if (numbers[i] !== NO_SERIES) isFound[i] = 1
  }
  return refs.filter((_, i) => isFound[i] === 1)
}
