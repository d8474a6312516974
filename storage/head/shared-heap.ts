// The head's memory: one shared WebAssembly.Memory that main writes and query workers read in place.
//
//   root words │ reader slots │ page directories │ arena: symbols, labels, postings, groups, row blocks …
//
// The whole address range is reserved at start and pages cost nothing until touched, so views never go stale and
// nothing moves. (Growable SharedArrayBuffers read 4× slower.) Places are *units* of 8 bytes: unit u is f64[u],
// u32[2u], u8[8u]; unit 0 is null.
import os from 'node:os'
import { assert } from '../../lib/std/assert.ts'
import { formatSize } from '../../lib/model/size.ts'
import { FolderError } from '../errors.ts'

const PAGE_BYTES = 65536
/** Words of the root. */
export const ROOT_EPOCH = 2
export const ROOT_SERIES_COUNT = 3
export const ROOT_GROUP_COUNT = 4
export const ROOT_SYMBOL_COUNT = 5
export const ROOT_PAIR_COUNT = 6
export const ROOT_SYMBOL_TABLE = 8
export const ROOT_SYMBOL_MASK = 9
export const ROOT_PAIR_TABLE = 10
export const ROOT_PAIR_MASK = 11
/** The record of what is in blocks (published.ts). */
export const ROOT_PUBLISHED = 12
/** Reader slot i holds the epoch its query began in, 0 when idle. */
export const ROOT_SLOTS = 64
export const SLOT_COUNT = 64

/** Entries of a page of a PagedU32, and pages of one at the most: 16 Mi entries. */
const ENTRIES = 4096
const DIRECTORY = 4096
const ROOT_UNITS = 1024
/** Page tables that live at fixed places, in order. */
export const PAGED_NAMES = [
  'symbolAt', 'symbolLength', 'symbolPairs', 'pairName', 'pairValue', 'pairNext', 'pairCount', 'pairFirstRun', 'pairLastRun',
  'seriesLabels', 'seriesGroup', 'seriesColumn', 'seriesMore', 'groupRecord',
] as const
export type PagedName = (typeof PAGED_NAMES)[number]
/** First unit that the arena may hand out. */
export const ARENA_START: number = ROOT_UNITS + (PAGED_NAMES.length * DIRECTORY) / 2

/** Views over the shared memory; each thread makes its own over the same memory. */
export class SharedHeap {
  readonly memory: WebAssembly.Memory
  readonly u8: Uint8Array
  readonly u32: Uint32Array
  readonly i32: Int32Array
  readonly f64: Float64Array
  /** Text of u8 ranges; Buffer decodes shared memory, TextDecoder does not. */
  readonly buffer: Buffer

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory
    this.u8 = new Uint8Array(memory.buffer)
    this.u32 = new Uint32Array(memory.buffer)
    this.i32 = new Int32Array(memory.buffer)
    this.f64 = new Float64Array(memory.buffer)
    this.buffer = Buffer.from(memory.buffer)
  }

  /** Reserves `bytesMax` of address space (at most 4 GiB). Throws FolderError where the system refuses it. */
  static make(bytesMax: number): SharedHeap {
    const pages = Math.min(65536, Math.floor(bytesMax / PAGE_BYTES))
    assert(pages * PAGE_BYTES > ARENA_START * 8, `head memory of ${bytesMax} bytes is too small`)
    const heap = new SharedHeap(reserve(pages))
    heap.u32[ROOT_EPOCH] = 1
    return heap
  }

  /** One of the fixed arrays by id. */
  paged(name: PagedName): PagedU32 {
    return new PagedU32(this, ROOT_UNITS * 2 + PAGED_NAMES.indexOf(name) * DIRECTORY)
  }
}

/** Most of the machine, at most what 32-bit addresses reach. */
export function defaultHeadBytes(): number {
  return Math.min(4 * 2 ** 30, Math.floor(os.totalmem() * 0.6))
}

function reserve(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    const size = formatSize(pages * PAGE_BYTES)
    throw new FolderError(`cannot reserve ${size} of address space for the head: lower --storage.head.memory, or raise the process' limit (ulimit -v)`, { cause })
  }
}

/** A growing u32 array whose elements never move: a directory of pages. Readers may read any index below a published count. */
export class PagedU32 {
  readonly #u32: Uint32Array
  readonly #directoryAt: number

  constructor(heap: SharedHeap, directoryAt: number) {
    this.#u32 = heap.u32
    this.#directoryAt = directoryAt
  }

  get(i: number): number {
    const u32 = this.#u32
    return u32[u32[this.#directoryAt + (i >>> 12)]! + (i & 4095)]!
  }

  /** Main thread only. The page must be there (`reserve`). */
  set(i: number, value: number): void {
    const u32 = this.#u32
    u32[u32[this.#directoryAt + (i >>> 12)]! + (i & 4095)] = value
  }

  /** Word index of element i, for Atomics. */
  wordOf(i: number): number {
    return this.#u32[this.#directoryAt + (i >>> 12)]! + (i & 4095)
  }

  /** Main thread only: makes the page of element i from `allocate` (zeroed units) where it is missing. */
  reserve(i: number, allocate: (units: number) => number): void {
    const at = this.#directoryAt + (i >>> 12)
    assert(i >>> 12 < DIRECTORY, `more than ${DIRECTORY * ENTRIES} entries in a head table`)
    if (this.#u32[at] === 0) this.#u32[at] = allocate(ENTRIES / 2) * 2
  }
}
