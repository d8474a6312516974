// An open-addressed table of ids in shared memory, by hash: main adds, everyone looks up.
//
//   word ─▶ [mask, –, slot, slot, …]       a slot holds an id, 0 where it is free
//
// Ids below 2^24 have the upper byte of their hash beside them, if the table is tagged: what stands in the way of another is
// nearly always told from it by the slot alone, and its texts or pairs, each a miss of the cache, are not looked at.
//
// It is kept half full. One of twice the size is filled a few slots an insertion while the old one still serves, then put in
// its place by one store: with a million entries a table made in one go would hold main for a fifth of a second.
import type { IndexMemory } from './index-memory.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Slots of the old table that an insertion moves on by: it is done before the table has become much fuller. */
const SLOTS_A_STEP = 32
/** What is expected may be wrong: a table grows by no more than this at once. */
const GROWTH_MAX = 16

/** What of a slot of a tagged table is the id. */
export const ID_MASK = 0xffffff

/** False where a slot of a tagged table is of an id with another hash. */
export function isTagOf(slot: number, hash: number): boolean {
  return (slot ^ hash) >>> 24 === 0
}

export interface IdTableShape {
  /** At first; a power of two. */
  slots: number
  isTagged: boolean
}

export class IdTable {
  readonly #u32: Uint32Array
  readonly #memory: IndexMemory
  readonly #word: number
  readonly #hashOf: (id: number) => number
  /** So many times as many ids are expected soon; a table that grows makes room for as many. */
  growth: number = 1
  /** Nobody reads it yet: what is put in needs no order of memory. */
  isUnread: boolean = false
  /** Bits of a slot that are the id. */
  readonly #idMask: number
  #count = 0
  /** The table that is being filled; 0 if none is. */
  #next = 0
  /** Slots of the old one that it has. */
  #moved = 0
  #warmed: Uint32Array = new Uint32Array(0)

  /** The table's place is kept in `word`. Throws LogError. */
  constructor(heap: SharedHeap, memory: IndexMemory, word: number, { slots, isTagged }: IdTableShape, hashOf: (id: number) => number) {
    this.#u32 = heap.u32
    this.#memory = memory
    this.#word = word
    this.#hashOf = hashOf
    this.#idMask = isTagged ? ID_MASK : -1
    Atomics.store(this.#u32, word, this.#make(slots))
  }

  /** Makes sure that `insert` finds room. Throws LogError, and nothing has changed then. */
  reserve(): void {
    if (this.#next !== 0) return
    const slots = this.#slots
    if ((this.#count + 1) * 2 < slots) return
    this.#next = this.#make(slots * Math.min(GROWTH_MAX, 2 ** Math.max(1, Math.ceil(Math.log2(this.growth)))))
    this.#moved = 0
  }

  /** Makes room for so many ids in all, where nobody reads it yet. Throws LogError, and nothing has changed then. */
  expect(count: number): void {
    const slots = 2 ** Math.ceil(Math.log2(2 * (count + 1)))
    if (this.#next !== 0 || slots <= this.#slots) return
    this.#next = this.#make(slots)
    this.#moved = 0
    while (this.#next !== 0) this.#moveOn()
  }

  /** Asks memory for the slots that hashes[0, count) lead to, all together: looked for one by one, each waits for its own. */
  warm(hashes: Int32Array, count: number): void {
    if (count > this.#warmed.length) this.#warmed = new Uint32Array(count * 2)
    const u32 = this.#u32
    // Kept, though nobody wants them: V8 leaves out reads that come to nothing.
    const warmed = this.#warmed
    const at = u32[this.#word]! * 2
    const mask = u32[at]!
    for (let i = 0; i < count; i++) warmed[i] = u32[at + 2 + (hashes[i]! & mask)]!
  }

  /** Adds an id that is not there yet. Room must have been made. */
  insert(id: number, hash: number): void {
    const slot = this.#put(this.#u32[this.#word]!, id, hash)
    this.#count++
    if (this.#next === 0) return
    if (slot < this.#moved) this.#put(this.#next, id, hash)
    this.#moveOn()
  }

  get #slots(): number {
    return this.#u32[this.#u32[this.#word]! * 2]! + 1
  }

  #make(slots: number): number {
    const made = this.#memory.allocate(slots / 2 + 1)
    this.#u32[made * 2] = slots - 1
    return made
  }

  #moveOn(): void {
    const u32 = this.#u32
    const old = u32[this.#word]!
    const slots = this.#slots
    const end = Math.min(slots, this.#moved + SLOTS_A_STEP)
    for (let slot = this.#moved; slot < end; slot++) {
      const id = (u32[old * 2 + 2 + slot]! & this.#idMask) >>> 0
      if (id !== 0) this.#put(this.#next, id, this.#hashOf(id))
    }
    this.#moved = end
    if (end < slots) return
    Atomics.store(u32, this.#word, this.#next)
    this.#next = 0
    this.#memory.retire(old)
  }

  /** Puts an id into the first free slot from its own on; returns which that was. */
  #put(table: number, id: number, hash: number): number {
    const u32 = this.#u32
    const mask = u32[table * 2]!
    let slot = hash & mask
    while (u32[table * 2 + 2 + slot] !== 0) slot = (slot + 1) & mask
    const value = id | (hash & ~this.#idMask)
    if (this.isUnread) u32[table * 2 + 2 + slot] = value
    else Atomics.store(u32, table * 2 + 2 + slot, value)
    return slot
  }
}
