// The native histograms of one run of samples on their way into the heap: records (FORMAT.md, "Histogram record") side
// by side in one piece of the arena, which becomes its group's when a row refers to it.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { histogramRecordBytesMax, readHistogramRecord, writeHistogramRecord } from '../codec/histogram-record.ts'
import type { Arena } from './arena.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Pieces of the arena that a row block refers to. */
export class HistogramPieces {
  readonly #places: { at: number; units: number }[] = []
  sizeBytes = 0

  add(at: number, units: number): void {
    this.#places.push({ at, units })
    this.sizeBytes += units * 8
  }

  /** Gives all of them back once readers that may look at them have closed. */
  retire(arena: Arena): void {
    for (const { at, units } of this.#places) arena.retire(at, units)
    this.#places.length = 0
    this.sizeBytes = 0
  }
}

export class HistogramStage {
  readonly #heap: SharedHeap
  readonly #arena: Arena
  #bytes = new Uint8Array(4096)
  /** Where in `#bytes` the record of each sample from `#from` on stands; -1: it is none. */
  #offsets = new Int32Array(64)
  #from = 0
  #count = 0
  /** Of the piece, 0 if there is none. */
  #at = 0
  #units = 0
  #isUsed = false

  constructor(heap: SharedHeap, arena: Arena) {
    this.#heap = heap
    this.#arena = arena
  }

  /** Stages samples [from, to). Throws LogError when the head's memory is used up, with nothing done. */
  begin(histograms: readonly (FloatHistogram | null)[] | null, stale: Uint8Array | null, from: number, to: number): void {
    this.#count = 0
    this.#at = 0
    if (histograms === null) return
    if (this.#offsets.length < to - from) this.#offsets = new Int32Array((to - from) * 2)
    let used = 0
    for (let i = from; i < to; i++) {
      const histogram = stale !== null && stale[i] === 1 ? null : histograms[i]!
      this.#offsets[i - from] = histogram === null ? -1 : used
      if (histogram === null) continue
      this.#reserve(used, histogramRecordBytesMax(histogram))
      used = writeHistogramRecord(histogram, this.#bytes, used)
    }
    if (used === 0) return
    this.#units = (used + 7) >>> 3
    this.#at = this.#arena.allocate(this.#units)
    this.#heap.u8.set(this.#bytes.subarray(0, used), this.#at * 8)
    this.#from = from
    this.#count = to - from
    this.#isUsed = false
  }

  /** Byte in the heap of sample i's record, 0 if it is no histogram. A row that asks refers to the piece from now on. */
  take(i: number): number {
    if (this.#count === 0) return 0
    const offset = this.#offsets[i - this.#from]!
    if (offset < 0) return 0
    this.#isUsed = true
    return this.#at * 8 + offset
  }

  /** Hands the piece to the block whose row refers to it, or back to the arena. */
  end(pieces: HistogramPieces): void {
    if (this.#at === 0) return
    if (this.#isUsed) pieces.add(this.#at, this.#units)
    else this.#arena.free(this.#at, this.#units)
    this.#at = 0
    this.#count = 0
  }

  /** The histogram whose record stands at a byte of the heap. */
  read(byte: number): FloatHistogram {
    return readHistogramRecord(this.#heap.u8, byte)
  }

  #reserve(used: number, more: number): void {
    if (used + more <= this.#bytes.length) return
    const grown = new Uint8Array((used + more) * 2)
    grown.set(this.#bytes.subarray(0, used))
    this.#bytes = grown
  }
}
