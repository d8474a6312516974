// The head's memory: one shared WebAssembly.Memory that main writes and query workers read in place.
//
//   root words │ reader slots │ page directories (those of the index twice) │ arena: symbols, labels, postings, groups, rows …
//
// The whole address range is reserved at start and pages cost nothing until touched, so views never go stale and
// nothing moves. (Growable SharedArrayBuffers read 4× slower.) Places are *units* of 8 bytes: unit u is f64[u],
// u32[2u], u8[8u]; unit 0 is null.
import { assert } from '../../lib/std/assert.ts'
import { memoryBytes, thisMachine, type MachineMemory } from '../../lib/std/machine-memory.ts'
import { formatSize } from '../../lib/model/size.ts'
import { FolderError, LogError } from '../errors.ts'

const PAGE_BYTES = 65536
/** Words of the root. */
export const ROOT_EPOCH = 2
export const ROOT_SERIES_COUNT = 3
export const ROOT_GROUP_COUNT = 4
/** The record of what is in blocks (published.ts). */
export const ROOT_PUBLISHED = 12
/** How often the index was built anew; the lowest bit says which of its two sides is in use. */
export const ROOT_INDEX = 13
/** Word index of the page of marks that stands for pages of forgotten series; 0 while there is none. */
export const ROOT_DEAD_MARKS = 5
/** Series that the head has forgotten, and how often it has forgotten any (forgotten.ts). */
export const ROOT_FORGOTTEN = 14
export const ROOT_FORGET_EPOCH = 15
/** Words of each side of the index, from `sideWord` on. */
export const SIDE_SYMBOL_COUNT = 0
export const SIDE_PAIR_COUNT = 1
export const SIDE_SYMBOL_TABLE = 2
export const SIDE_PAIR_TABLE = 3
export const SIDE_SERIES_TABLE = 4
const SIDE_WORDS = 8
/** The record of retention rules (retention-view.ts). */
export const ROOT_RETENTION = 7
/** Place in f64 of the time by which data grows old, Unix ms. */
export const RETENTION_NOW = 100
/** Reader slot i holds the epoch its query began in, 0 when idle. */
export const ROOT_SLOTS = 64
export const SLOT_COUNT = 64

/** Counts of late runs by class (interface.ts). */
export const ROOT_LATE_RUNS = 256

/** Entries of a page of a PagedU32. */
const ENTRIES = 4096
/** Pages of a table of what lives at one time: 16 Mi entries. */
const DIRECTORY = 4096
/** Refs lie below: those from here on are of readers' own (cold-series.ts). */
export const REFS_END: number = 2 ** 31
/** Pages of a table by refs, of which most have ended. Pages that hold nothing live any more are given back. */
const REF_DIRECTORY = REFS_END / ENTRIES
/** The same of a small head, which tests have: 256 Mi. */
const SHORT_REF_DIRECTORY = 65_536
const SMALL_BYTES = 2 ** 28
/** Pages of the table of groups: 256 Mi. */
const GROUP_DIRECTORY = 65_536
const ROOT_UNITS = 1024
/** Page tables that live at fixed places, in order: those of a side of the index, twice, then those of places. */
const INDEX_TABLES = [
  'symbolAt', 'symbolLength', 'symbolPairs', 'pairName', 'pairValue', 'pairNext', 'pairCount', 'pairFirstRun', 'pairLastRun',
] as const
/** By ref; the one of labels last in each side. */
const REF_TABLES = ['seriesGroup', 'seriesColumn', 'seriesMore'] as const
export type IndexTable = (typeof INDEX_TABLES)[number] | 'seriesLabels'
export type PlaceTable = (typeof REF_TABLES)[number] | 'groupRecord'

export type Side = 0 | 1

/** First word of the root that belongs to a side of the index. */
export function sideWord(side: Side): number {
  return 16 + side * SIDE_WORDS
}

/** Views over the shared memory; each thread makes its own over the same memory. */
export class SharedHeap {
  readonly memory: WebAssembly.Memory
  readonly u8: Uint8Array
  readonly u32: Uint32Array
  readonly i32: Int32Array
  readonly f64: Float64Array
  /** Text of u8 ranges; Buffer decodes shared memory, TextDecoder does not. */
  readonly buffer: Buffer
  /** First unit that the arena may hand out. */
  readonly arenaStart: number
  /** Words of a directory by ref, and of the directories of one side. */
  readonly #refDirectory: number
  readonly #sideWords: number

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory
    this.u8 = new Uint8Array(memory.buffer)
    this.u32 = new Uint32Array(memory.buffer)
    this.i32 = new Int32Array(memory.buffer)
    this.f64 = new Float64Array(memory.buffer)
    this.buffer = Buffer.from(memory.buffer)
    this.#refDirectory = this.u8.length < SMALL_BYTES ? SHORT_REF_DIRECTORY : REF_DIRECTORY
    this.#sideWords = INDEX_TABLES.length * DIRECTORY + this.#refDirectory
    this.arenaStart = ROOT_UNITS + (2 * this.#sideWords + REF_TABLES.length * this.#refDirectory + GROUP_DIRECTORY) / 2
  }

  /** Makes it as it was made, but for what lies behind `bytes` and was never used. Nobody else has it. */
  clear(bytes: number): void {
    this.u8.fill(0, 0, bytes)
    this.u32[ROOT_EPOCH] = 1
  }

  /** The highest ref that its tables take. */
  get refMax(): number {
    return this.#refDirectory * ENTRIES - 1
  }

  /** Reserves `bytesMax` of address space (at most 4 GiB). Throws FolderError where the system refuses it. */
  static make(bytesMax: number): SharedHeap {
    const pages = Math.min(65536, Math.floor(bytesMax / PAGE_BYTES))
    const heap = new SharedHeap(reserve(pages))
    assert(heap.u8.length > heap.arenaStart * 8, `head memory of ${bytesMax} bytes is too small`)
    heap.u32[ROOT_EPOCH] = 1
    return heap
  }

  /** One of the fixed arrays by series or group. */
  paged(name: PlaceTable): PagedU32 {
    const first = ROOT_UNITS * 2 + 2 * this.#sideWords
    if (name === 'groupRecord') return new PagedU32(this, first + REF_TABLES.length * this.#refDirectory, GROUP_DIRECTORY)
    return new PagedU32(this, first + REF_TABLES.indexOf(name) * this.#refDirectory, this.#refDirectory)
  }

  /** One of the fixed arrays of a side of the index. */
  indexTable(name: IndexTable, side: Side): PagedU32 {
    const first = ROOT_UNITS * 2 + side * this.#sideWords
    if (name === 'seriesLabels') return new PagedU32(this, first + INDEX_TABLES.length * DIRECTORY, this.#refDirectory)
    return new PagedU32(this, first + INDEX_TABLES.indexOf(name) * DIRECTORY, DIRECTORY)
  }

  /** Empties the directories and the root words of a side, which nobody reads. `ref`: the newest one. */
  clearSide(side: Side, ref: number): void {
    const first = ROOT_UNITS * 2 + side * this.#sideWords
    // What was never used of it is no memory yet.
    this.u32.fill(0, first, first + INDEX_TABLES.length * DIRECTORY + (ref >>> 12) + 1)
    this.u32.fill(0, sideWord(side), sideWord(side) + SIDE_WORDS)
  }
}

/** Most of the machine, or of the container, which would end a process that takes more; at most what 32-bit addresses reach. */
export function defaultHeadBytes(machine: MachineMemory = thisMachine()): number {
  return Math.min(4 * 2 ** 30, Math.floor(memoryBytes(machine) * 0.6))
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
  readonly #pages: number

  constructor(heap: SharedHeap, directoryAt: number, pages: number) {
    this.#u32 = heap.u32
    this.#directoryAt = directoryAt
    this.#pages = pages
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

  /** Main thread only: makes the page of element i from `allocate` (zeroed units) where it is missing. Throws LogError where the table ends. */
  reserve(i: number, allocate: (units: number) => number): void {
    const page = i >>> 12
    const at = this.#directoryAt + page
    // Fast path: it is there.
    if (page < this.#pages && this.#u32[at] !== 0) return
    if (page >= this.#pages) throw new LogError(`cannot store more in the head: a table of it has its ${this.#pages * ENTRIES} entries`, 'memory')
    this.#u32[at] = allocate(PAGE_UNITS) * 2
  }

  /** Main thread only: puts a page (of PAGE_UNITS) where element i's is; returns the one that was there, 0 if none. */
  swapPage(i: number, unit: number): number {
    return Atomics.exchange(this.#u32, this.#directoryAt + (i >>> 12), unit * 2) / 2
  }
}

/** Elements of a page of a PagedU32, and the units it takes. */
export const PAGE_ENTRIES: number = ENTRIES
export const PAGE_UNITS: number = ENTRIES / 2
