// Symbols and label pairs of the head, both sides: main adds (symbol-writer.ts), everyone looks up.
//
//   text ──hash──▶ symbol id ──▶ (address, length) of its UTF-8 bytes
//   (name symbol, value symbol) ──hash──▶ pair id ──▶ postings: refs of the series that carry the pair
//   name symbol ──▶ chain of the pairs with that name (label values)
//
// Ids are found by hash in tables (id-table.ts). Postings are chained runs of refs, ascending because refs are given in order.
//
// All of it is there twice, as two sides: one is in use, the other is built anew without what has gone (index-rebuild.ts).
import { ID_MASK, isTagOf } from './id-table.ts'
import {
  SIDE_PAIR_COUNT, SIDE_PAIR_TABLE, SIDE_SYMBOL_COUNT, SIDE_SYMBOL_TABLE, sideWord,
  type PagedU32, type SharedHeap, type Side,
} from './shared-heap.ts'

/** Texts that a reader keeps decoded: as many, each at its id's place, and none longer; 16 MiB at the most. */
export const TEXTS_MAX: number = 32_768
const TEXT_LENGTH_MAX = 256

/** FNV-1a over bytes, finished with an avalanche. Signed, as all hashes here: of 32 bits V8 makes no object then. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let h = 0x811c9dc5
  for (let i = from; i < to; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193)
  return avalanche(h)
}

function avalanche(fnv: number): number {
  const h = Math.imul(fnv ^ (fnv >>> 16), 0x85ebca6b)
  return h ^ (h >>> 13)
}

export function hashPair(name: number, value: number): number {
  let h = Math.imul(name, 0x9e3779b1) ^ Math.imul(value, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return h ^ (h >>> 13)
}

/** For readers. Cheap to make; one per thread and side. */
export class SymbolReader {
  readonly side: Side
  protected readonly heap: SharedHeap
  /** Word of the root that the side's begin at. */
  protected readonly root: number
  protected readonly at: PagedU32
  protected readonly length: PagedU32
  protected readonly firstPair: PagedU32
  protected readonly pairName: PagedU32
  protected readonly pairValue: PagedU32
  protected readonly pairNext: PagedU32
  protected readonly pairCount: PagedU32
  protected readonly firstRun: PagedU32
  protected readonly lastRun: PagedU32
  /** The text last looked up, in UTF-8, at [0, byteCount). */
  protected bytes: Buffer = Buffer.alloc(1024)
  protected byteCount = 0
  #textIds: Uint32Array = new Uint32Array(0)
  readonly #texts: string[] = []

  constructor(heap: SharedHeap, side: Side) {
    this.side = side
    this.heap = heap
    this.root = sideWord(side)
    this.at = heap.indexTable('symbolAt', side)
    this.length = heap.indexTable('symbolLength', side)
    this.firstPair = heap.indexTable('symbolPairs', side)
    this.pairName = heap.indexTable('pairName', side)
    this.pairValue = heap.indexTable('pairValue', side)
    this.pairNext = heap.indexTable('pairNext', side)
    this.pairCount = heap.indexTable('pairCount', side)
    this.firstRun = heap.indexTable('pairFirstRun', side)
    this.lastRun = heap.indexTable('pairLastRun', side)
  }

  /** The id of a text, 0 if the head does not know it. */
  find(text: string): number {
    const hash = this.encode(text)
    return this.findBytes(hash, this.bytes, 0, this.byteCount)
  }

  /** Puts a text's UTF-8 into `bytes` and `byteCount`; returns its hash. */
  protected encode(text: string): number {
    const n = text.length
    if (n * 3 > this.bytes.length) this.bytes = Buffer.alloc(n * 6)
    const { bytes } = this
    // Fast path: ASCII, as nearly all labels are. A call into Node costs more than these few steps.
    let h = 0x811c9dc5
    let i = 0
    for (; i < n; i++) {
      const c = text.charCodeAt(i)
      if (c >= 128) break
      bytes[i] = c
      h = Math.imul(h ^ c, 0x01000193)
    }
    if (i === n) {
      this.byteCount = n
      return avalanche(h)
    }
    this.byteCount = bytes.write(text, 'utf8')
    return hashBytes(bytes, 0, this.byteCount)
  }

  /** The id of the text whose UTF-8 is source[from, from + n), 0 if there is none. */
  protected findBytes(hash: number, source: Uint8Array, from: number, n: number): number {
    const { u32 } = this.heap
    const table = Atomics.load(u32, this.root + SIDE_SYMBOL_TABLE)
    if (table === 0) return 0
    const mask = u32[table * 2]!
    let slot = hash & mask
    for (let found = u32[table * 2 + 2 + slot]!; found !== 0; found = u32[table * 2 + 2 + slot]!) {
      const id = found & ID_MASK
      if (isTagOf(found, hash) && this.length.get(id) === n && this.#isText(id, source, from, n)) return id
      slot = (slot + 1) & mask
    }
    return 0
  }

  #isText(id: number, source: Uint8Array, from: number, n: number): boolean {
    const at = this.at.get(id)
    const { u8 } = this.heap
    for (let i = 0; i < n; i++) if (u8[at + i] !== source[from + i]) return false
    return true
  }

  /** Whether a text's UTF-8 begins with these bytes. Makes no text. */
  startsWith(id: number, prefix: Uint8Array): boolean {
    const n = prefix.length
    if (this.length.get(id) < n) return false
    const at = this.at.get(id)
    const { u8 } = this.heap
    for (let i = 0; i < n; i++) if (u8[at + i] !== prefix[i]) return false
    return true
  }

  text(id: number): string {
    const slot = id & (TEXTS_MAX - 1)
    // Fast path: the last text asked for at this place is this one.
    if (this.#textIds[slot] === id) return this.#texts[slot]!
    const at = this.at.get(id)
    const text = this.heap.buffer.toString('utf8', at, at + this.length.get(id))
    if (text.length > TEXT_LENGTH_MAX) return text
    if (this.#textIds.length === 0) this.#textIds = new Uint32Array(TEXTS_MAX)
    this.#textIds[slot] = id
    this.#texts[slot] = text
    return text
  }

  /** Texts kept decoded. */
  get keptTexts(): number {
    return this.#texts.reduce((sum) => sum + 1, 0)
  }

  /** The id of a label pair, 0 if no series has it. */
  findPair(name: number, value: number): number {
    return name === 0 || value === 0 ? 0 : this.findHashedPair(hashPair(name, value), name, value)
  }

  /** The same, with the hash of the two, neither of which is 0. */
  protected findHashedPair(hash: number, name: number, value: number): number {
    const { u32 } = this.heap
    const table = Atomics.load(u32, this.root + SIDE_PAIR_TABLE)
    if (table === 0) return 0
    const mask = u32[table * 2]!
    let slot = hash & mask
    for (let found = u32[table * 2 + 2 + slot]!; found !== 0; found = u32[table * 2 + 2 + slot]!) {
      const id = found & ID_MASK
      if (isTagOf(found, hash) && this.pairName.get(id) === name && this.pairValue.get(id) === value) return id
      slot = (slot + 1) & mask
    }
    return 0
  }

  nameOf(pair: number): number {
    return this.pairName.get(pair)
  }

  valueOf(pair: number): number {
    return this.pairValue.get(pair)
  }

  /** Pairs with this name, newest first: `for (p = firstPairOf(name); p !== 0; p = nextPairOf(p))`. */
  firstPairOf(name: number): number {
    return name === 0 ? 0 : Atomics.load(this.heap.u32, this.firstPair.wordOf(name))
  }

  nextPairOf(pair: number): number {
    return this.pairNext.get(pair)
  }

  get symbolCount(): number {
    return Atomics.load(this.heap.u32, this.root + SIDE_SYMBOL_COUNT)
  }

  get pairTotal(): number {
    return Atomics.load(this.heap.u32, this.root + SIDE_PAIR_COUNT)
  }

  /** Number of series with the pair. */
  postingsCount(pair: number): number {
    return Atomics.load(this.heap.u32, this.pairCount.wordOf(pair))
  }

  /** Copies the pair's first `count` refs, ascending, to `into` at `at`; returns the position behind them. */
  postings(pair: number, count: number, into: Uint32Array, at: number): number {
    const { u32 } = this.heap
    let left = count
    for (let run = this.firstRun.get(pair) * 2; left > 0; run = u32[run]! * 2) {
      // A run is [next unit, capacity | fill << 16, refs…].
      const n = Math.min(left, u32[run + 1]! & 0xffff)
      into.set(u32.subarray(run + 2, run + 2 + n), at)
      at += n
      left -= n
    }
    return at
  }
}
