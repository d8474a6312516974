// The write side of the head's symbols and label pairs (symbols.ts): the main thread's.
import { IdTable, type IdTableShape } from './id-table.ts'
import type { IndexMemory } from './index-memory.ts'
import { PAGE_ENTRIES, SIDE_PAIR_COUNT, SIDE_PAIR_TABLE, SIDE_SYMBOL_COUNT, SIDE_SYMBOL_TABLE, type PagedU32, type SharedHeap, type Side } from './shared-heap.ts'
import { SymbolReader, hashBytes, hashPair } from './symbols.ts'

const RUN_MIN = 2
const RUN_MAX = 510
const TABLE_SHAPE: IdTableShape = { slots: 1024, isTagged: true }

/** Places of texts in UTF-8, and how many they are. */
interface TextList {
  count: number
  from: Uint32Array
  to: Uint32Array
}

/** Places of names and values among symbols, from place 1 on, and how many they are. */
interface PairList {
  count: number
  name: Uint32Array
  value: Uint32Array
}

export class SymbolWriter extends SymbolReader {
  readonly #memory: IndexMemory
  readonly #allocate: (units: number) => number
  readonly #symbolPages: readonly PagedU32[]
  readonly #pairPages: readonly PagedU32[]
  readonly #symbolTable: IdTable
  readonly #pairTable: IdTable
  #symbols = 0
  #pairs = 0
  /** The first ids whose pages are not there. */
  #symbolsEnd = 0
  #pairsEnd = 0
  #blobAt = 0
  #blobLeft = 0
  #hashes: Int32Array = new Int32Array(0)

  constructor(heap: SharedHeap, memory: IndexMemory, side: Side) {
    super(heap, side)
    this.#memory = memory
    this.#allocate = (units) => memory.allocate(units)
    this.#symbolPages = [this.at, this.length, this.firstPair]
    this.#pairPages = [this.pairName, this.pairValue, this.pairNext, this.pairCount, this.firstRun, this.lastRun]
    this.#symbolTable = new IdTable(heap, memory, this.root + SIDE_SYMBOL_TABLE, TABLE_SHAPE, (id) => this.#hashOf(id))
    this.#pairTable = new IdTable(heap, memory, this.root + SIDE_PAIR_TABLE, TABLE_SHAPE, (id) => hashPair(this.nameOf(id), this.valueOf(id)))
  }

  /** See IdTable. */
  set growth(growth: number) {
    this.#symbolTable.growth = growth
    this.#pairTable.growth = growth
  }

  /** See IdTable. */
  set isUnread(isUnread: boolean) {
    this.#symbolTable.isUnread = isUnread
    this.#pairTable.isUnread = isUnread
  }

  get newestPair(): number {
    return this.#pairs
  }

  /** The id of a text, made if new. */
  intern(text: string): number {
    const hash = this.encode(text)
    return this.#intern(hash, this.bytes, 0, this.byteCount)
  }

  /** Ids of texts, made if new: of `count` texts in UTF-8 at source[from[i], to[i]). */
  internAll(source: Uint8Array, { count, from, to }: TextList, ids: Uint32Array): void {
    const hashes = this.#reserveHashes(count)
    for (let i = 0; i < count; i++) hashes[i] = hashBytes(source, from[i]!, to[i]!)
    this.#symbolTable.warm(hashes, count)
    for (let i = 0; i < count; i++) ids[i] = this.#intern(hashes[i]!, source, from[i]!, to[i]! - from[i]!)
  }

  #intern(hash: number, source: Uint8Array, from: number, n: number): number {
    const known = this.findBytes(hash, source, from, n)
    if (known !== 0) return known
    // What can fail for want of memory comes first, and the id is only given when all of it went well.
    const id = this.#symbols + 1
    if (id >= this.#symbolsEnd) this.#symbolsEnd = this.#reservePages(this.#symbolPages, id)
    this.#symbolTable.reserve()
    this.at.set(id, this.#store(source, from, n))
    this.length.set(id, n)
    this.#symbols = id
    this.#symbolTable.insert(id, hash)
    Atomics.store(this.heap.u32, this.root + SIDE_SYMBOL_COUNT, id)
    return id
  }

  /** Makes the pages that an id is in; returns the first id behind them. */
  #reservePages(pages: readonly PagedU32[], id: number): number {
    for (const paged of pages) paged.reserve(id, this.#allocate)
    return (id | (PAGE_ENTRIES - 1)) + 1
  }

  /** The id of a pair of symbols, made if new. */
  internPair(name: number, value: number): number {
    return this.#internPair(hashPair(name, value), name, value)
  }

  /** Ids of pairs, made if new: of `count` pairs of symbols[name[i]] and symbols[value[i]], i from 1 on. */
  internPairs(symbols: Uint32Array, { count, name, value }: PairList, ids: Uint32Array): void {
    const hashes = this.#reserveHashes(count)
    for (let i = 0; i < count; i++) hashes[i] = hashPair(symbols[name[i + 1]!]!, symbols[value[i + 1]!]!)
    this.#pairTable.warm(hashes, count)
    for (let i = 0; i < count; i++) ids[i + 1] = this.#internPair(hashes[i]!, symbols[name[i + 1]!]!, symbols[value[i + 1]!]!)
  }

  #internPair(hash: number, name: number, value: number): number {
    const known = this.findHashedPair(hash, name, value)
    if (known !== 0) return known
    const id = this.#pairs + 1
    if (id >= this.#pairsEnd) this.#pairsEnd = this.#reservePages(this.#pairPages, id)
    this.#pairTable.reserve()
    this.pairName.set(id, name)
    this.pairValue.set(id, value)
    this.pairNext.set(id, this.firstPair.get(name))
    this.#pairs = id
    this.#pairTable.insert(id, hash)
    Atomics.store(this.heap.u32, this.root + SIDE_PAIR_COUNT, id)
    Atomics.store(this.heap.u32, this.firstPair.wordOf(name), id)
    return id
  }

  #reserveHashes(count: number): Int32Array {
    if (count > this.#hashes.length) this.#hashes = new Int32Array(count * 2)
    return this.#hashes
  }

  /** Makes sure that the pair's postings take one more ref. Throws LogError, and nothing has changed then. */
  reservePosting(pair: number): void {
    const { u32 } = this.heap
    const run = this.lastRun.get(pair) * 2
    let capacity = u32[run + 1]! & 0xffff
    if (run !== 0 && u32[run + 1]! >>> 16 < capacity) return
    capacity = run === 0 ? RUN_MIN : Math.min(RUN_MAX, capacity * 2 + 2)
    const made = this.#memory.allocate((capacity + 2) / 2)
    u32[made * 2 + 1] = capacity
    if (run === 0) this.firstRun.set(pair, made)
    else u32[run] = made
    this.lastRun.set(pair, made)
  }

  /** Adds a ref, larger than all before, to the pair's postings, which must have room (`reservePosting`). */
  addPosting(pair: number, ref: number): void {
    const { u32 } = this.heap
    const run = this.lastRun.get(pair) * 2
    const fill = u32[run + 1]! >>> 16
    u32[run + 2 + fill] = ref
    u32[run + 1] = (u32[run + 1]! & 0xffff) | ((fill + 1) << 16)
    Atomics.add(u32, this.pairCount.wordOf(pair), 1)
  }

  /** Adds a ref, larger than all before, to the pair's postings, where nobody reads them yet. Throws LogError. */
  addUnreadPosting(pair: number, ref: number): void {
    const { u32 } = this.heap
    let run = this.lastRun.get(pair) * 2
    let head = u32[run + 1]!
    if (run === 0 || head >>> 16 === (head & 0xffff)) {
      this.reservePosting(pair)
      run = this.lastRun.get(pair) * 2
      head = u32[run + 1]!
    }
    u32[run + 2 + (head >>> 16)] = ref
    u32[run + 1] = head + 0x10000
    const count = this.pairCount.wordOf(pair)
    u32[count] = u32[count]! + 1
  }

  /** Copies the text source[from, from + n) to where it stays. */
  #store(source: Uint8Array, from: number, n: number): number {
    if (n > this.#blobLeft) {
      const units = Math.max(8192, Math.ceil(n / 8))
      this.#blobAt = this.#memory.allocate(units) * 8
      this.#blobLeft = units * 8
    }
    const at = this.#blobAt
    const { u8 } = this.heap
    for (let i = 0; i < n; i++) u8[at + i] = source[from + i]!
    this.#blobAt += n
    this.#blobLeft -= n
    return at
  }

  #hashOf(id: number): number {
    const at = this.at.get(id)
    return hashBytes(this.heap.u8, at, at + this.length.get(id))
  }
}
