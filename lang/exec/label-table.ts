// Label sets of one query, as integers. A set is an id; equal sets have equal ids, so grouping and joining are
// integer work. Symbols of the store keep their ids; texts that only the query makes (label_replace) get ids from
// LOCAL_SYMBOLS up.
import { compareText, type Labels } from '../../lib/model/labels.ts'
import type { LabelSource } from '../../storage/interface.ts'

const LOCAL_SYMBOLS = 0x80000000

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

/** A label set is a run of (name, value) symbol ids, sorted by name text. Id 0 is the empty set. */
export class LabelTable {
  readonly #source: LabelSource
  readonly #texts: string[] = []
  readonly #symbols = new Map<string, number>()
  readonly #sets: Uint32Array[] = [new Uint32Array(0)]
  #slots: Uint32Array = new Uint32Array(1024)
  readonly #scratch: Uint32Array = new Uint32Array(512)

  constructor(source: LabelSource) {
    this.#source = source
  }

  /** The symbol id of a text; '' has none and gives 0. */
  intern(text: string): number {
    if (text === '') return 0
    let id = this.#symbols.get(text)
    if (id !== undefined) return id
    id = this.#source.symbolOf(text)
    if (id === 0) {
      this.#texts.push(text)
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
    const n = this.#source.labelsOf(ref, this.#scratch)
    return this.#internSet(this.#scratch, n)
  }

  /** The set of sorted labels. */
  ofLabels(labels: Labels): number {
    const ids = new Uint32Array(labels.length)
    for (let i = 0; i < labels.length; i++) ids[i] = this.intern(labels[i]!)
    return this.#internSet(ids, ids.length)
  }

  labels(set: number): Labels {
    return Array.from(this.pairs(set), (symbol) => this.textOf(symbol))
  }

  /** The (name, value) symbol ids of a set; do not write to it. */
  pairs(set: number): Uint32Array {
    return this.#sets[unmarked(set)]!
  }

  /** The value symbol of a label, 0 where the set lacks it. */
  get(set: number, name: number): number {
    const pairs = this.pairs(set)
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1]!
    return 0
  }

  /** Whether the set has any of the labels in `names`. */
  hasAny(set: number, names: ReadonlySet<number>): boolean {
    const pairs = this.pairs(set)
    for (let i = 0; i < pairs.length; i += 2) if (names.has(pairs[i]!)) return true
    return false
  }

  /** The set with only the labels in `names`. */
  keep(set: number, names: ReadonlySet<number>): number {
    return this.#filter(set, names, true)
  }

  /** The set without the labels in `names`. */
  drop(set: number, names: ReadonlySet<number>): number {
    return this.#filter(set, names, false)
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
    return this.#internSet(out, n)
  }

  /** Prometheus' labels.Compare. */
  compare(a: number, b: number): number {
    const x = this.pairs(a)
    const y = this.pairs(b)
    if (x === y) return 0
    const n = Math.min(x.length, y.length)
    for (let i = 0; i < n; i++) if (x[i] !== y[i]) return compareText(this.textOf(x[i]!), this.textOf(y[i]!))
    return x.length - y.length
  }

  #filter(set: number, names: ReadonlySet<number>, isKept: boolean): number {
    const pairs = this.pairs(set)
    const out = this.#scratch
    let n = 0
    for (let i = 0; i < pairs.length; i += 2) {
      if (names.has(pairs[i]!) !== isKept) continue
      out[n++] = pairs[i]!
      out[n++] = pairs[i + 1]!
    }
    return n === pairs.length ? unmarked(set) : this.#internSet(out, n)
  }

  #internSet(ids: Uint32Array, n: number): number {
    if (n === 0) return 0
    let mask = this.#slots.length - 1
    let at = hashIds(ids, n) & mask
    for (let set = this.#slots[at]!; set !== 0; set = this.#slots[at]!) {
      if (isSame(this.#sets[set]!, ids, n)) return set
      at = (at + 1) & mask
    }
    const made = this.#sets.push(ids.slice(0, n)) - 1
    this.#slots[at] = made
    if (this.#sets.length * 2 > this.#slots.length) {
      this.#slots = new Uint32Array(this.#slots.length * 2)
      mask = this.#slots.length - 1
      for (let set = 1; set < this.#sets.length; set++) {
        const pairs = this.#sets[set]!
        at = hashIds(pairs, pairs.length) & mask
        while (this.#slots[at] !== 0) at = (at + 1) & mask
        this.#slots[at] = set
      }
    }
    return made
  }
}

function hashIds(ids: Uint32Array, n: number): number {
  let h = 0x811c9dc5
  for (let i = 0; i < n; i++) h = Math.imul(h ^ ids[i]!, 0x9e3779b1) ^ (h >>> 15)
  return (h ^ (h >>> 16)) >>> 0
}

function isSame(a: Uint32Array, b: Uint32Array, n: number): boolean {
  if (a.length !== n) return false
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return false
  return true
}
