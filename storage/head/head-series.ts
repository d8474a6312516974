// The head's series: label sets to refs, refs to labels and to the groups whose columns they are.
import type { Labels } from '../../lib/model/labels.ts'
import { SeriesLimitError } from '../errors.ts'
import type { Arena } from './arena.ts'
import { ROOT_SERIES_COUNT, type PagedU32, type SharedHeap } from './shared-heap.ts'
import type { SymbolWriter } from './symbols.ts'

/** A node of a series' older memberships: 2 units, [group, column, next unit, 0]. */
export const MEMBERSHIP_UNITS = 2

export class HeadSeries {
  readonly #heap: SharedHeap
  readonly #arena: Arena
  readonly #symbols: SymbolWriter
  readonly #labels: PagedU32
  readonly #group: PagedU32
  readonly #column: PagedU32
  readonly #more: PagedU32
  /** Open-addressed refs by hash of their pair ids; main's alone. */
  #table: Uint32Array = new Uint32Array(4096)
  #count = 0
  readonly #pages: readonly PagedU32[]
  readonly #allocate: (units: number) => number
  /** Pair ids of the label set at hand. */
  #scratch: Uint32Array = new Uint32Array(256)
  /** The label set that `find` took last, and the symbols it found for it, 0 where there was none. */
  #found: Labels | null = null
  #foundSymbols: Uint32Array = new Uint32Array(512)
  /** The label set that `add` took last, and its pairs. */
  #added: Labels = []
  #addedPairs: Uint32Array = new Uint32Array(256)
  /** No more series than this. */
  limit: number = Infinity

  constructor(heap: SharedHeap, arena: Arena, symbols: SymbolWriter) {
    this.#heap = heap
    this.#arena = arena
    this.#symbols = symbols
    this.#labels = heap.paged('seriesLabels')
    this.#group = heap.paged('seriesGroup')
    this.#column = heap.paged('seriesColumn')
    this.#more = heap.paged('seriesMore')
    this.#pages = [this.#labels, this.#group, this.#column, this.#more]
    this.#allocate = (units) => arena.allocate(units)
  }

  get count(): number {
    return this.#count
  }

  /** The ref of a label set, or 0 if it is new. Leaves nothing behind. */
  find(labels: Labels): number {
    const n = labels.length / 2
    this.#reserveScratch(n)
    this.#found = labels
    const added = this.#added
    let isKnown = true
    let k = 0
    // To the end even where a pair is new: `add` goes on with what was found.
    for (let i = 0; i < n; i++) {
      // Fast path: new series come one behind the other, and share most labels with the one before.
      if (added[k] !== labels[2 * i] && added[k + 2] === labels[2 * i]) k += 2
      if (added[k] === labels[2 * i]) {
        k += 2
        if (added[k - 1] === labels[2 * i + 1]) {
          this.#scratch[i] = this.#addedPairs[k / 2 - 1]!
          continue
        }
      }
      const name = this.#symbols.find(labels[2 * i]!)
      const value = this.#symbols.find(labels[2 * i + 1]!)
      const pair = this.#symbols.findPair(name, value)
      if (pair === 0) isKnown = false
      this.#foundSymbols[2 * i] = name
      this.#foundSymbols[2 * i + 1] = value
      this.#scratch[i] = pair
    }
    return isKnown ? this.#findPairs(n, hashPairs(this.#scratch, n)) : 0
  }

  /**
   * Makes the next ref. `labels` must not be known yet. Throws SeriesLimitError with nothing left behind, LogError when
   * memory is used up; then the ref is not given, and of its labels no more than their texts and pairs stay.
   */
  add(labels: Labels): number {
    if (this.#count >= this.limit) {
      throw new SeriesLimitError(`cannot store a new series: the limit of ${this.limit} active series is reached`)
    }
    const n = this.#internPairs(labels)
    const ref = this.#make(n)
    this.#added = labels
    this.#addedPairs.set(this.#scratch.subarray(0, n))
    return ref
  }

  /** Makes the next ref with pairs[0, n), as a start found it; without labels where another series has them already. */
  restore(pairs: Uint32Array, n: number): number {
    this.#reserveScratch(n)
    this.#scratch.set(pairs.subarray(0, n))
    this.#found = null
    return this.#make(this.#findPairs(n, hashPairs(this.#scratch, n)) === 0 ? n : 0)
  }

  /** Makes the next ref with the first n pairs of the scratch. */
  #make(n: number): number {
    const ref = this.#count + 1
    for (const paged of this.#pages) paged.reserve(ref, this.#allocate)
    for (let i = 0; i < n; i++) this.#symbols.reservePosting(this.#scratch[i]!)
    const run = this.#arena.allocate((n + 2) >>> 1)
    // Nothing fails from here on.
    this.#count = ref
    this.#heap.u32[run * 2] = n
    this.#heap.u32.set(this.#scratch.subarray(0, n), run * 2 + 1)
    this.#labels.set(ref, run)
    this.#insert(ref, hashPairs(this.#scratch, n))
    for (let i = 0; i < n; i++) this.#symbols.addPosting(this.#scratch[i]!, ref)
    Atomics.store(this.#heap.u32, ROOT_SERIES_COUNT, ref)
    return ref
  }

  groupOf(ref: number): number {
    return this.#group.get(ref)
  }

  columnOf(ref: number): number {
    return this.#column.get(ref)
  }

  /** Makes (group, column) the place where the next in-order sample of an unassigned series goes. */
  assign(ref: number, group: number, column: number): void {
    this.#column.set(ref, column)
    Atomics.store(this.#heap.u32, this.#group.wordOf(ref), group)
  }

  /** Moves the current place to the older ones, where it stays readable. */
  unassign(ref: number): void {
    this.addMembership(ref, this.#group.get(ref), this.#column.get(ref))
    Atomics.store(this.#heap.u32, this.#group.wordOf(ref), 0)
  }

  /** Takes a series out of a group that holds nothing of it. */
  leave(ref: number, group: number): void {
    if (this.#group.get(ref) === group) Atomics.store(this.#heap.u32, this.#group.wordOf(ref), 0)
  }

  /** Drops older places in groups that are gone. */
  forgetPlaces(ref: number, isGone: (group: number) => boolean): void {
    const { u32 } = this.#heap
    let link = this.#more.wordOf(ref)
    for (let node = u32[link]!, next = 0; node !== 0; node = next) {
      next = u32[node * 2 + 2]!
      if (isGone(u32[node * 2]!)) {
        Atomics.store(u32, link, next)
        this.#arena.retire(node, MEMBERSHIP_UNITS)
      } else {
        link = node * 2 + 2
      }
    }
  }

  addMembership(ref: number, group: number, column: number): void {
    const node = this.#arena.allocate(MEMBERSHIP_UNITS)
    const { u32 } = this.#heap
    u32[node * 2] = group
    u32[node * 2 + 1] = column
    u32[node * 2 + 2] = this.#more.get(ref)
    Atomics.store(u32, this.#more.wordOf(ref), node)
  }

  hasOlderPlaces(ref: number): boolean {
    return this.#more.get(ref) !== 0
  }

  /** True if a series has a place in a group, its current one or an older. */
  isIn(ref: number, group: number): boolean {
    let isThere = this.#group.get(ref) === group
    this.olderPlaces(ref, (id) => (isThere ||= id === group))
    return isThere
  }

  /** Visits the places a series had before its current one, and its late place. */
  olderPlaces(ref: number, visit: (group: number, column: number) => void): void {
    const { u32 } = this.#heap
    for (let node = this.#more.get(ref); node !== 0; node = u32[node * 2 + 2]!) visit(u32[node * 2]!, u32[node * 2 + 1]!)
  }

  #reserveScratch(n: number): void {
    if (n <= this.#scratch.length) return
    this.#scratch = new Uint32Array(n * 2)
    this.#foundSymbols = new Uint32Array(n * 4)
    this.#added = []
    this.#addedPairs = new Uint32Array(n * 2)
  }

  #internPairs(labels: Labels): number {
    const n = labels.length / 2
    if (this.#found !== labels) this.find(labels)
    // A text that stands twice in the set may be made by its first place: `intern` looks again.
    const found = this.#foundSymbols
    for (let i = 0; i < n; i++) {
      if (this.#scratch[i] !== 0) continue
      const name = found[2 * i] || this.#symbols.intern(labels[2 * i]!)
      const value = found[2 * i + 1] || this.#symbols.intern(labels[2 * i + 1]!)
      this.#scratch[i] = this.#symbols.internPair(name, value)
    }
    this.#found = null
    return n
  }

  #findPairs(n: number, hash: number): number {
    const mask = this.#table.length - 1
    const { u32 } = this.#heap
    let slot = hash & mask
    for (let ref = this.#table[slot]!; ref !== 0; ref = this.#table[slot]!) {
      const run = this.#labels.get(ref) * 2
      if (u32[run] === n) {
        let i = 0
        while (i < n && u32[run + 1 + i] === this.#scratch[i]) i++
        if (i === n) return ref
      }
      slot = (slot + 1) & mask
    }
    return 0
  }

  #insert(ref: number, hash: number): void {
    if (this.#count * 2 > this.#table.length) this.#grow()
    else place(this.#table, ref, hash)
  }

  #grow(): void {
    const { u32 } = this.#heap
    const table = new Uint32Array(this.#table.length * 2)
    for (let ref = 1; ref <= this.#count; ref++) {
      const run = this.#labels.get(ref) * 2
      place(table, ref, hashPairs(u32.subarray(run + 1, run + 1 + u32[run]!), u32[run]!))
    }
    this.#table = table
  }
}

function place(table: Uint32Array, ref: number, hash: number): void {
  const mask = table.length - 1
  let slot = hash & mask
  while (table[slot] !== 0) slot = (slot + 1) & mask
  table[slot] = ref
}

function hashPairs(pairs: Uint32Array, n: number): number {
  let h = 0x811c9dc5
  for (let i = 0; i < n; i++) h = Math.imul(h ^ pairs[i]!, 0x9e3779b1) ^ (h >>> 15)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}
