// Label sets as integers. A set is an id; equal sets have equal ids, so grouping and joining are integer work. Symbols
// of the store keep their ids; texts that only queries make (label_replace) get ids from LOCAL_SYMBOLS up.
//
// A table outlives its query: the next one over the same store finds the sets of its series, and what operators made
// of them, by one look. `open` starts a query; between queries nobody holds ids.
import { compareText, type Labels } from '../../lib/model/labels.ts'
import { SparseU32 } from '../../lib/std/sparse-u32.ts'
import type { LabelSource } from '../../storage/interface.ts'
import { grown, SetPool } from './set-pool.ts'

export const LOCAL_SYMBOLS = 0x80000000
/** The store gives refs from here up to series that only its blocks know, as it meets them. */
const HIGH_REFS = 0x80000000

/**
 * The bit of a set's id that marks its metric name for removal at the end of the query (delayed name removal). All
 * methods here read a marked id as the set without the mark, and what they make is not marked: whoever changes labels
 * carries the mark over (`withMarkOf`), whoever groups by id compares `unmarked` ones.
 */
const NAME_MARK = 0x80000000

/** The set with its name marked for removal. */
export function marked(set: number): number {
  return (set | NAME_MARK) >>> 0
}

/** The set without the mark. */
export function unmarked(set: number): number {
  return set & ~NAME_MARK
}

export function isMarked(set: number): boolean {
  return (set & NAME_MARK) !== 0
}

/** `made`, marked if `from` is: for labels that were changed one by one. */
export function withMarkOf(from: number, made: number): number {
  return (made | (from & NAME_MARK)) >>> 0
}

/** A table that has grown past one of these is emptied before the next query. */
const KEPT_IDS_MAX = 4 << 20
const KEPT_TEXTS_MAX = 10_000
const KEPT_TEXT_CHARS_MAX = 8 << 20
/** Groupings remembered, each with a number per set. */
const KEPT_MAPPERS_MAX = 50

/** A label set is a run of (name, value) symbol ids, sorted by name text. Id 0 is the empty set. */
export class LabelTable {
  #source: LabelSource
  #texts: string[] = []
  /** Characters of all `#texts`. */
  #textChars = 0
  #symbols = new Map<string, number>()
  /** Symbols of the store that are known to be none of `#texts`. */
  #symbolCount: number | undefined
  #pool = new SetPool()
  /** Set of a stored series by its ref, of which most may be of series that have ended; 0 where it is not known yet, or empty. */
  readonly #ofRef = new SparseU32()
  /** As #ofRef, by what refs from HIGH_REFS up are more. */
  #ofHighRef: Uint32Array = new Uint32Array(0)
  #idsVersion: number
  /** What `dropping` and `keeping` gave out, by the names and which. */
  #mappers = new Map<string, (set: number) => number>()
  #scratch: Uint32Array = new Uint32Array(512)
  /** Grows whenever all ids end: who keeps something by id has to forget it. */
  generation = 0

  constructor(source: LabelSource) {
    this.#source = source
    this.#idsVersion = source.idsVersion ?? 0
    this.#symbolCount = source.symbolCount
  }

  /** Of the store's symbols that sets are made of. */
  get idsVersion(): number {
    return this.#idsVersion
  }

  /** Begins a query that reads `source`, of the same store as the one before; ids of earlier queries end here. */
  open(source: LabelSource): void {
    this.#source = source
    const { idsVersion = 0 } = source
    if (idsVersion !== this.#idsVersion) this.#empty()
    this.#idsVersion = idsVersion
    const isLarge = this.#pool.size > KEPT_IDS_MAX || this.#symbols.size > KEPT_TEXTS_MAX || this.#textChars > KEPT_TEXT_CHARS_MAX
    if (isLarge || this.#isOvertaken(source)) this.#empty()
    this.#symbolCount = source.symbolCount
    if (this.#mappers.size > KEPT_MAPPERS_MAX) this.#mappers = new Map()
  }

  /** Whether the store has met a text of our own since, which would have two ids. */
  #isOvertaken(source: LabelSource): boolean {
    const known = this.#symbolCount
    const { symbolCount } = source
    if (known === undefined || symbolCount === undefined || symbolCount - known > this.#texts.length) {
      return this.#texts.some((text) => source.symbolOf(text) !== 0)
    }
    for (let id = known + 1; id <= symbolCount; id++) if ((this.#symbols.get(source.textOf(id)) ?? 0) >= LOCAL_SYMBOLS) return true
    return false
  }

  #empty(): void {
    this.generation++
    this.#texts = []
    this.#textChars = 0
    this.#symbols = new Map()
    this.#pool = new SetPool()
    this.#ofRef.clear()
    this.#ofHighRef = new Uint32Array(0)
    this.#mappers = new Map()
  }

  /** The symbol id of a text; '' has none and gives 0. */
  intern(text: string): number {
    if (text === '') return 0
    let id = this.#symbols.get(text)
    if (id !== undefined) return id
    id = this.#source.symbolOf(text)
    if (id === 0) {
      this.#texts.push(text)
      this.#textChars += text.length
      id = LOCAL_SYMBOLS + this.#texts.length - 1
    }
    this.#symbols.set(text, id)
    return id
  }

  textOf(symbol: number): string {
    if (symbol === 0) return ''
    return symbol >= LOCAL_SYMBOLS ? this.#texts[symbol - LOCAL_SYMBOLS]! : this.#source.textOf(symbol)
  }

  /** The set of a stored series. */
  ofSeries(ref: number): number {
    const known = ref < HIGH_REFS ? this.#ofRef.get(ref) : this.#ofHighRef[ref - HIGH_REFS] ?? 0
    if (known !== 0) return known
    let n = this.#source.labelsOf(ref, this.#scratch)
    // What did not fit was not written.
    if (n > this.#scratch.length) n = this.#source.labelsOf(ref, this.#scratchOf(n))
    const set = this.#pool.intern(this.#scratch, n)
    if (ref < HIGH_REFS) this.#ofRef.set(ref, set)
    else {
      const at = ref - HIGH_REFS
      if (at >= this.#ofHighRef.length) this.#ofHighRef = grown(this.#ofHighRef, at + 1)
      this.#ofHighRef[at] = set
    }
    return set
  }

  /** The set of sorted labels. */
  ofLabels(labels: Labels): number {
    const ids = new Uint32Array(labels.length)
    for (let i = 0; i < labels.length; i++) ids[i] = this.intern(labels[i]!)
    return this.#pool.intern(ids, ids.length)
  }

  /** The set of (name, value) symbols, sorted by name. */
  ofSymbols(symbols: Uint32Array): number {
    return this.#pool.intern(symbols, symbols.length)
  }

  labels(set: number): Labels {
    return Array.from(this.pairs(set), (symbol) => this.textOf(symbol))
  }

  /** The (name, value) symbol ids of a set, a copy. */
  pairs(set: number): Uint32Array {
    const plain = unmarked(set)
    return this.#pool.ids.slice(this.#pool.start(plain), this.#pool.end(plain))
  }

  /** How many ids `pairs` gives. */
  length(set: number): number {
    return this.#pool.end(unmarked(set)) - this.#pool.start(unmarked(set))
  }

  /** `pairs`, written to `into` at `at`. */
  copyPairs(set: number, into: Uint32Array, at: number): void {
    const { ids } = this.#pool
    const start = this.#pool.start(unmarked(set))
    const n = this.length(set)
    for (let i = 0; i < n; i++) into[at + i] = ids[start + i]!
  }

  /** The value symbol of a label, 0 where the set lacks it. */
  get(set: number, name: number): number {
    const { ids } = this.#pool
    const end = this.#pool.end(unmarked(set))
    for (let i = this.#pool.start(unmarked(set)); i < end; i += 2) if (ids[i] === name) return ids[i + 1]!
    return 0
  }

  /** Whether the set has any of the labels in `names`. */
  hasAny(set: number, names: ReadonlySet<number>): boolean {
    const { ids } = this.#pool
    const end = this.#pool.end(unmarked(set))
    for (let i = this.#pool.start(unmarked(set)); i < end; i += 2) if (names.has(ids[i]!)) return true
    return false
  }

  /** The set with only the labels in `names`. */
  keep(set: number, names: ReadonlySet<number>): number {
    return this.#filter(unmarked(set), names, true)
  }

  /** The set without the labels in `names`. */
  drop(set: number, names: ReadonlySet<number>): number {
    return this.#filter(unmarked(set), names, false)
  }

  /** `keep` as a function that remembers: for what is asked of every series of a query. */
  keeping(names: ReadonlySet<number>): (set: number) => number {
    return this.#mapper(names, true)
  }

  /** `drop` as a function that remembers. */
  dropping(names: ReadonlySet<number>): (set: number) => number {
    return this.#mapper(names, false)
  }

  /** The set with name = value; value 0 removes the label. */
  with(set: number, name: number, value: number): number {
    const pairs = this.pairs(set)
    const out = new Uint32Array(pairs.length + 2)
    const nameText = this.textOf(name)
    let n = 0
    let isPlaced = value === 0
    for (let i = 0; i < pairs.length; i += 2) {
      const other = pairs[i]!
      if (other === name) continue
      if (!isPlaced && compareText(nameText, this.textOf(other)) < 0) {
        out[n++] = name
        out[n++] = value
        isPlaced = true
      }
      out[n++] = other
      out[n++] = pairs[i + 1]!
    }
    if (!isPlaced) {
      out[n++] = name
      out[n++] = value
    }
    return this.#pool.intern(out, n)
  }

  /** Prometheus' labels.Compare. */
  compare(a: number, b: number): number {
    if (unmarked(a) === unmarked(b)) return 0
    const { ids } = this.#pool
    const x = this.#pool.start(unmarked(a))
    const y = this.#pool.start(unmarked(b))
    const xLength = this.#pool.end(unmarked(a)) - x
    const yLength = this.#pool.end(unmarked(b)) - y
    const n = Math.min(xLength, yLength)
    for (let i = 0; i < n; i++) if (ids[x + i] !== ids[y + i]) return compareText(this.textOf(ids[x + i]!), this.textOf(ids[y + i]!))
    return xLength - yLength
  }

  #mapper(names: ReadonlySet<number>, isKept: boolean): (set: number) => number {
    const key = `${isKept ? 'keep' : 'drop'} ${[...names].toSorted((a, b) => a - b).join()}`
    let mapper = this.#mappers.get(key)
    if (mapper === undefined) {
      const own = new Set(names)
      /** One more than the result, by set; 0: not asked yet. */
      let known: Uint32Array = new Uint32Array(1024)
      mapper = (marked) => {
        const set = unmarked(marked)
        if (set < known.length && known[set] !== 0) return known[set]! - 1
        const result = this.#filter(set, own, isKept)
        if (set >= known.length) known = grown(known, set + 1)
        known[set] = result + 1
        return result
      }
      this.#mappers.set(key, mapper)
    }
    return mapper
  }

  /** Room for n ids. */
  #scratchOf(n: number): Uint32Array {
    if (n > this.#scratch.length) this.#scratch = new Uint32Array(2 * n)
    return this.#scratch
  }

  #filter(set: number, names: ReadonlySet<number>, isKept: boolean): number {
    const { ids } = this.#pool
    const start = this.#pool.start(set)
    const end = this.#pool.end(set)
    const out = this.#scratchOf(end - start)
    let n = 0
    for (let i = start; i < end; i += 2) {
      if (names.has(ids[i]!) !== isKept) continue
      out[n++] = ids[i]!
      out[n++] = ids[i + 1]!
    }
    return n === end - start ? set : this.#pool.intern(out, n)
  }
}
