// One side of the head's index: label sets to refs and back. Main writes; readers find label sets by the same table.
//
//   labels ─▶ pairs ─(hash)─▶ table of refs          ref ─▶ run of pairs
import type { Labels } from '../../lib/model/labels.ts'
import { isForgotten } from './forgotten.ts'
import { IdTable, type IdTableShape } from './id-table.ts'
import type { LabelIds } from '../log/frame-labels.ts'
import type { IndexMemory } from './index-memory.ts'
import { SIDE_SERIES_TABLE, sideWord, type PagedU32, type SharedHeap, type Side } from './shared-heap.ts'
import { SymbolWriter } from './symbol-writer.ts'

/** Refs take all bits of a slot. */
const TABLE_SHAPE: IdTableShape = { slots: 4096, isTagged: false }

/** The ref whose pairs are pairs[from, from + n), as the table of a side has it, that `isWanted`; 0 if there is none. For all threads. */
export class SeriesTable {
  readonly #u32: Uint32Array
  readonly #labels: PagedU32
  readonly #word: number

  constructor(heap: SharedHeap, side: Side) {
    this.#u32 = heap.u32
    this.#labels = heap.indexTable('seriesLabels', side)
    this.#word = sideWord(side) + SIDE_SERIES_TABLE
  }

  find(pairs: Uint32Array, from: number, n: number, isWanted: (ref: number) => boolean): number {
    const u32 = this.#u32
    const table = Atomics.load(u32, this.#word)
    const mask = u32[table * 2]!
    let slot = hashPairs(pairs, from, n) & mask
    for (let ref = u32[table * 2 + 2 + slot]!; ref !== 0; ref = u32[table * 2 + 2 + slot]!) {
      const run = this.#labels.get(ref) * 2
      if (u32[run] === n) {
        let i = 0
        while (i < n && u32[run + 1 + i] === pairs[from + i]) i++
        if (i === n && isWanted(ref)) return ref
      }
      slot = (slot + 1) & mask
    }
    return 0
  }
}

/** Series of a frame of definitions, from the `from`-th to before the `end`-th, by pairs (log/series-frames.ts). */
export interface FoundSeries {
  /** The ref of the 0-th; that of the `from`-th is larger than all before. */
  first: number
  from: number
  end: number
  /** The i-th has pairs[ends[i - 1], ends[i]). */
  ends: Uint32Array
  pairs: Uint32Array
  /** Pairs above this one were in no series before these. */
  newestPair: number
}

export class SeriesIndex {
  readonly side: Side
  readonly symbols: SymbolWriter
  readonly memory: IndexMemory
  readonly #heap: SharedHeap
  readonly #labels: PagedU32
  readonly #group: PagedU32
  readonly #table: SeriesTable
  readonly #refs: IdTable
  readonly #pairIds: LabelIds & { at: number }
  readonly #isLive = (ref: number): boolean => !isForgotten(this.#group.get(ref))
  readonly #allocate: (units: number) => number
  /** Pair ids of the label set at hand. */
  #scratch: Uint32Array = new Uint32Array(256)
  /** The label set that `find` took last, whether it has a pair that is new, and the symbols it found, 0 where there was none. */
  #found: Labels | null = null
  #hasNewPair = false
  #foundSymbols: Uint32Array = new Uint32Array(512)
  /** The label set that was added last, and its pairs. */
  #added: Labels = []
  #adding: Labels = []
  #addedPairs: Uint32Array = new Uint32Array(256)
  /** Where the pairs of the series that is about to be added will stand. */
  #run = 0
  #pairs = 0
  #hashes: Int32Array = new Int32Array(0)

  /** The side must be clear. */
  constructor(heap: SharedHeap, memory: IndexMemory, side: Side) {
    this.side = side
    this.memory = memory
    this.symbols = new SymbolWriter(heap, memory, side)
    this.#heap = heap
    this.#labels = heap.indexTable('seriesLabels', side)
    this.#group = heap.paged('seriesGroup')
    this.#table = new SeriesTable(heap, side)
    this.#allocate = (units) => memory.allocate(units)
    this.#pairIds = { of: this, ids: heap.u32, at: 0 }
    this.#refs = new IdTable(heap, memory, sideWord(side) + SIDE_SERIES_TABLE, TABLE_SHAPE, (ref) => this.#hashOf(ref))
  }

  /** The ref of a label set that the head has not forgotten, or 0. Leaves nothing behind. */
  find(labels: Labels): number {
    // Fast path: asked for once more before it is made, as limits of new series ask first.
    if (labels === this.#found && this.#hasNewPair) return 0
    const n = labels.length / 2
    this.#reserveScratch(n)
    this.#found = labels
    const added = this.#added
    let isKnown = true
    let k = 0
    // To the end even where a pair is new: `reserve` goes on with what was found.
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
      const name = this.symbols.find(labels[2 * i]!)
      const value = this.symbols.find(labels[2 * i + 1]!)
      const pair = this.symbols.findPair(name, value)
      if (pair === 0) isKnown = false
      this.#foundSymbols[2 * i] = name
      this.#foundSymbols[2 * i + 1] = value
      this.#scratch[i] = pair
    }
    this.#hasNewPair = !isKnown
    return isKnown ? this.#table.find(this.#scratch, 0, n, this.#isLive) : 0
  }

  /** Makes sure that `add` finds room for a label set. Throws LogError; of it no more than texts and pairs stay then. */
  reserve(ref: number, labels: Labels): void {
    const n = this.#internPairs(labels)
    this.#adding = labels
    this.#reserve(ref, n)
  }

  /** As `reserve`, for a series of the other side; `pairOf` gives a pair its number here. Throws LogError. */
  reserveCopy(ref: number, run: number, pairOf: (pair: number) => number): void {
    const { u32 } = this.#heap
    const n = u32[run * 2]!
    this.#reserveScratch(n)
    this.#found = null
    this.#adding = []
    for (let i = 0; i < n; i++) this.#scratch[i] = pairOf(u32[run * 2 + 1 + i]!)
    this.#reserve(ref, n)
  }

  #reserve(ref: number, n: number): void {
    this.#labels.reserve(ref, this.#allocate)
    for (let i = 0; i < n; i++) this.symbols.reservePosting(this.#scratch[i]!)
    this.#refs.reserve()
    this.#run = this.memory.allocate((n + 2) >>> 1)
    this.#pairs = n
  }

  /** Adds the series that was made room for, whose ref is larger than all before. */
  add(ref: number): void {
    const n = this.#pairs
    const { u32 } = this.#heap
    const scratch = this.#scratch
    const added = this.#addedPairs
    const at = this.#run * 2
    u32[at] = n
    for (let i = 0; i < n; i++) {
      const pair = scratch[i]!
      u32[at + 1 + i] = pair
      added[i] = pair
    }
    this.#labels.set(ref, this.#run)
    this.#refs.insert(ref, hashPairs(scratch, 0, n))
    for (let i = 0; i < n; i++) this.symbols.addPosting(scratch[i]!, ref)
    this.#added = this.#adding
  }

  /** So many times as many series are expected soon. */
  set growth(growth: number) {
    this.#refs.growth = growth
    this.symbols.growth = growth
  }

  /** A start is to add so many series, and nobody reads before it is done (`endLoad`). Throws LogError. */
  beginLoad(seriesCount: number): void {
    this.#refs.isUnread = this.symbols.isUnread = true
    this.#refs.expect(seriesCount)
  }

  endLoad(): void {
    this.#refs.isUnread = this.symbols.isUnread = false
    this.growth = 1
  }

  /** Adds series as a start finds them, after `beginLoad`. `onKnown` hears of each ref whose pairs come again, before they do. Throws LogError. */
  addFound({ first, from, end, ends, pairs, newestPair }: FoundSeries, onKnown: (ref: number) => void): void {
    const hashes = this.#hashFound(from, end, ends, pairs)
    this.#refs.warm(hashes, end - from)
    const { u32 } = this.#heap
    const { symbols } = this
    let newest = newestPair
    for (let i = from; i < end; i++) {
      const start = i === 0 ? 0 : ends[i - 1]!
      const n = ends[i]! - start
      const ref = first + i
      let newestHere = 0
      for (let k = start; k < start + n; k++) newestHere = Math.max(newestHere, pairs[k]!)
      // Fast path: a series with a new pair is new.
      const known = newestHere > newest ? 0 : this.#table.find(pairs, start, n, this.#isLive)
      if (known !== 0) onKnown(known)
      newest = Math.max(newest, newestHere)
      this.#labels.reserve(ref, this.#allocate)
      this.#refs.reserve()
      const run = this.memory.allocate((n + 2) >>> 1)
      u32[run * 2] = n
      for (let k = 0; k < n; k++) {
        u32[run * 2 + 1 + k] = pairs[start + k]!
        symbols.addUnreadPosting(pairs[start + k]!, ref)
      }
      this.#labels.set(ref, run)
      this.#refs.insert(ref, hashes[i - from]!)
    }
  }

  #hashFound(from: number, end: number, ends: Uint32Array, pairs: Uint32Array): Int32Array {
    if (end - from > this.#hashes.length) this.#hashes = new Int32Array((end - from) * 2)
    for (let i = from; i < end; i++) {
      const start = i === 0 ? 0 : ends[i - 1]!
      this.#hashes[i - from] = hashPairs(pairs, start, ends[i]! - start)
    }
    return this.#hashes
  }

  /** Unit of a series' pairs: their number, then they. */
  runOf(ref: number): number {
    return this.#labels.get(ref)
  }

  /** What its labels are called in the file of definitions; valid until the next call. */
  idsOf(ref: number): LabelIds {
    this.#pairIds.at = this.#labels.get(ref) * 2 + 1
    return this.#pairIds
  }

  labelsOf(ref: number): Labels {
    const { u32 } = this.#heap
    const run = this.#labels.get(ref) * 2
    const labels: string[] = []
    for (let i = 1; i <= u32[run]!; i++) {
      const pair = u32[run + i]!
      labels.push(this.symbols.text(this.symbols.nameOf(pair)), this.symbols.text(this.symbols.valueOf(pair)))
    }
    return labels
  }

  #hashOf(ref: number): number {
    const { u32 } = this.#heap
    const run = this.#labels.get(ref) * 2
    return hashPairs(u32, run + 1, u32[run]!)
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
      const name = found[2 * i] || this.symbols.intern(labels[2 * i]!)
      const value = found[2 * i + 1] || this.symbols.intern(labels[2 * i + 1]!)
      this.#scratch[i] = this.symbols.internPair(name, value)
    }
    this.#found = null
    return n
  }
}

/** Of pairs[from, from + n). */
function hashPairs(pairs: Uint32Array, from: number, n: number): number {
  let h = 0x811c9dc5
  for (let i = from; i < from + n; i++) h = Math.imul(h ^ pairs[i]!, 0x9e3779b1) ^ (h >>> 15)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return h ^ (h >>> 13)
}
