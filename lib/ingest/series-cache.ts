// Known series by the raw bytes of their labels, as senders write them: no string, no object per series.
//
//   body:   … │labels of A│sample│labels of B│sample│ …
//   cache:  A ──next──▶ B ──next──▶ …        the series that followed last time probably follows again:
//                                            one compare of bytes, no hash, no table
//   else:   hash(bytes) ──▶ slots ──▶ entry ──▶ compare
//
// Per entry: a record of 16 bytes, a hash, 6-11 bytes of slots, and its label bytes in pages of 1 MiB. With a kernel (../kernels/walk.ts)
// records, and the first pages, lie in its memory, where it follows links by itself. Nothing is ever removed alone:
// entries of series that the store has forgotten stay, without a ref, and are not found. When they are many, or the bytes
// reach the budget, the cache starts empty again, and each live series costs one slow look-up.
import type { WalkKernel } from '../kernels/walk.ts'
import { copyBytes, equalBytes, hashBytes } from '../std/bytes.ts'

const PAGE_BITS = 20
const PAGE_BYTES = 1 << PAGE_BITS
/** Page number and offset share a u32. */
const PAGES_MAX = 1 << (32 - PAGE_BITS)
const NONE = 0
/** Words of a record: the entry that followed, ref, place and length of the label bytes. The kernel reads them. */
const RECORD = 4
const NEXT = 0
const REF = 1
const PLACE = 2
const LENGTH = 3
/** A cache with a larger share of entries without a ref starts anew. */
const DEAD_SHARE_MAX = 0.25

/** Entries are numbers ≥ 1, valid until the next `clear`. */
export class SeriesCache {
  /** Entries in use are [1, size). */
  size = 1
  /** Times `clear` ran by itself, the budget being spent. */
  overflowCount = 0
  readonly #seed: number
  readonly #maxBytes: number
  #kernel: WalkKernel | null = null
  #records: Uint32Array = new Uint32Array(1024 * RECORD)
  #hashes = new Uint32Array(1024)
  #slots = new Uint32Array(2048)
  #pages: DataView[] = []
  #pageUsed = PAGE_BYTES
  #bytes = 0
  #dead = 0

  /** `seed`: random, so that a sender cannot choose colliding labels. `maxBytes`: budget for label bytes. */
  constructor(seed: number, maxBytes: number) {
    this.#seed = seed
    this.#maxBytes = maxBytes
  }

  /**
   * To be called before a request with the thread's kernel: takes its memory. Where this cache did not have it yet, or another one had
   * it meanwhile, it starts empty, and tells so: entries held are then void.
   */
  takeKernel(threads: WalkKernel | null): boolean {
    const kernel = threads ?? this.#kernel
    if (kernel === null || kernel.owner === this) return false
    this.clear()
    this.#kernel = kernel
    this.#records = kernel.known
    this.#records.fill(NONE, 0, RECORD)
    this.#hashes = new Uint32Array(1024)
    kernel.owner = this
    return true
  }

  /** What can follow links by itself. Once there are more entries than its memory holds their records lie elsewhere, and it cannot. */
  get kernel(): WalkKernel | null {
    return this.#records === this.#kernel?.known ? this.#kernel : null
  }

  /** Takes the refs of series that are not live any more from their entries. May clear the cache: entries held are then void. */
  forget(isLive: (ref: number) => boolean): void {
    for (let entry = 1; entry < this.size; entry++) {
      const ref = this.ref(entry)
      if (ref === NONE || isLive(ref)) continue
      this.#records[entry * RECORD + REF] = NONE
      this.#dead++
    }
    if (this.#dead > this.size * DEAD_SHARE_MAX) this.clear()
  }

  /** The ref of an entry. */
  ref(entry: number): number {
    return this.#records[entry * RECORD + REF]!
  }

  /**
   * The entry that followed `entry` last time, if its label bytes open `view[from..end)` and no label field follows
   * them; else 0. `lengthOf` says how long they are.
   */
  follows(entry: number, view: DataView, from: number, end: number): number {
    const records = this.#records
    const guess = records[entry * RECORD + NEXT]!
    if (guess === NONE || records[guess * RECORD + REF] === NONE) return NONE
    const length = records[guess * RECORD + LENGTH]!
    const to = from + length
    if (to > end || (to < end && view.getUint8(to) === 0x0a)) return NONE
    const at = records[guess * RECORD + PLACE]!
    return equalBytes(view, from, this.#pages[at >>> PAGE_BITS]!, at & (PAGE_BYTES - 1), length) ? guess : NONE
  }

  lengthOf(entry: number): number {
    return this.#records[entry * RECORD + LENGTH]!
  }

  /** Remembers that `next` follows `entry`. */
  link(entry: number, next: number): void {
    this.#records[entry * RECORD + NEXT] = next
  }

  /** What `find` and `add` want to know of label bytes. */
  hash(view: DataView, from: number, length: number): number {
    return hashBytes(view, from, length, this.#seed)
  }

  /** The entry with these label bytes, or 0. */
  find(view: DataView, from: number, length: number, hash: number): number {
    const records = this.#records
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!
      if (entry === NONE) return NONE
      if (this.#hashes[entry] === hash && records[entry * RECORD + LENGTH] === length && records[entry * RECORD + REF] !== NONE) {
        const at = records[entry * RECORD + PLACE]!
        if (equalBytes(view, from, this.#pages[at >>> PAGE_BITS]!, at & (PAGE_BYTES - 1), length)) return entry
      }
    }
  }

  /** Adds label bytes that `find` does not know; copies them. May clear the cache first: entries held are then void. */
  add(view: DataView, from: number, length: number, hash: number, ref: number): number {
    if (this.#bytes + length > this.#maxBytes || this.#pages.length >= PAGES_MAX - 1) {
      this.clear()
      this.overflowCount++
    }
    if (this.size === this.#hashes.length) this.#growEntries()
    if (this.size * 4 > this.#slots.length * 3) this.#growSlots()
    const entry = this.size++
    const at = entry * RECORD
    this.#hashes[entry] = hash
    this.#records[at + NEXT] = NONE
    this.#records[at + REF] = ref
    this.#records[at + PLACE] = this.#store(view, from, length)
    this.#records[at + LENGTH] = length
    this.#insert(this.#slots, entry)
    return entry
  }

  /** Memory held, in bytes. */
  sizeBytes(): number {
    let total = this.#slots.byteLength + (1 + RECORD) * this.#hashes.byteLength
    for (const page of this.#pages) total += page.byteLength
    return total
  }

  clear(): void {
    // Also those in use: who still has one of them must not follow it. Not more: pages that nothing touched cost nothing.
    this.#records.fill(NONE, 0, this.size * RECORD)
    this.size = 1
    this.#dead = 0
    this.#slots.fill(NONE)
    this.#pages = []
    this.#pageUsed = PAGE_BYTES
    this.#bytes = 0
  }

  #store(view: DataView, from: number, length: number): number {
    // A run longer than a page gets one of its own, and the next short one opens a new page.
    if (this.#pageUsed + length > PAGE_BYTES) {
      this.#pages.push((length > PAGE_BYTES ? null : this.#kernel?.page(this.#pages.length)) ?? ownPage(length))
      this.#pageUsed = 0
    }
    const page = this.#pages.length - 1
    const offset = this.#pageUsed
    copyBytes(view, from, this.#pages[page]!, offset, length)
    this.#pageUsed += length
    this.#bytes += length
    return ((page << PAGE_BITS) | offset) >>> 0
  }

  #insert(slots: Uint32Array, entry: number): void {
    const mask = slots.length - 1
    let slot = this.#hashes[entry]! & mask
    while (slots[slot] !== NONE) slot = (slot + 1) & mask
    slots[slot] = entry
  }

  #growSlots(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    for (let entry = 1; entry < this.size; entry++) this.#insert(slots, entry)
    this.#slots = slots
  }

  #growEntries(): void {
    // By half, not double: at a million series the slack is what counts.
    const size = Math.ceil(this.#hashes.length * 1.5)
    this.#hashes = grown(this.#hashes, size)
    if (size * RECORD > this.#records.length) this.#records = grown(this.#records, size * RECORD)
  }
}

/** Shared memory only so that V8 does not count it: 20 MB of it for 100,000 new series were a full collection or two. */
function ownPage(length: number): DataView {
  return new DataView(new SharedArrayBuffer(Math.max(PAGE_BYTES, length)))
}

/** A larger column with the same content at its start. */
export function grown(column: Uint32Array, size: number): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(size)
  next.set(column)
  return next
}
