// The native histograms of a block's rows: records (FORMAT.md, "Histogram record") one behind the other in pieces of the
// arena, which go all together when the block is encoded.
//
//   run ──▶ HistogramStage: records ──▶ HistogramPieces of the group │r0 r1 r2 …│r7 r8 …│    values of rows point into them
//
// Pieces have few sizes, each twice the one before, so that what one group gives back fits the next.
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { histogramRecordBytesMax, readHistogramRecord, writeHistogramRecord } from '../codec/histogram-record.ts'
import type { Arena } from './arena.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Units of a group's first piece and of its largest; a record that is larger gets a piece of its own. */
const FIRST_UNITS = 64
const PIECE_UNITS_MAX = 4096

/** Pieces of the arena that a row block refers to. */
export class HistogramPieces {
  readonly #places: { at: number; units: number }[] = []
  /** Bytes of the last piece that are taken. */
  #used = 0
  /** Bytes of all pieces. */
  sizeBytes = 0

  /** Room for a record, as a byte of the heap. Throws LogError when the head's memory is used up. */
  take(arena: Arena, bytes: number): number {
    const last = this.#places.at(-1)
    if (last !== undefined && this.#used + bytes <= last.units * 8) {
      this.#used += bytes
      return last.at * 8 + this.#used - bytes
    }
    let units = last === undefined ? FIRST_UNITS : Math.min(PIECE_UNITS_MAX, last.units * 2)
    while (units * 8 < bytes) units *= 2
    const at = arena.allocate(units)
    this.#places.push({ at, units })
    this.sizeBytes += units * 8
    this.#used = bytes
    return at * 8
  }

  /** What is taken now, for `giveBack`. */
  mark(): number {
    return this.#places.length === 0 ? 0 : this.#places.at(-1)!.at * 8 + this.#used
  }

  /** Gives back what was taken since the mark, where that is in the last piece; nothing refers to it. */
  giveBack(mark: number): void {
    const last = this.#places.at(-1)
    if (last !== undefined && mark >= last.at * 8 && mark <= last.at * 8 + this.#used) this.#used = mark - last.at * 8
  }

  /** Gives all of them back once readers that may look at them have closed. */
  retire(arena: Arena): void {
    for (const { at, units } of this.#places) arena.retire(at, units)
    this.#places.length = 0
    this.#used = 0
    this.sizeBytes = 0
  }
}

export class HistogramStage {
  readonly #heap: SharedHeap
  readonly #arena: Arena
  #bytes = new Uint8Array(4096)
  /** Byte of the heap at which the record of each sample from `#from` on stands; 0: it is none. */
  #records = new Float64Array(64)
  #from = 0
  #count = 0
  #mark = 0
  #isUsed = false

  constructor(heap: SharedHeap, arena: Arena) {
    this.#heap = heap
    this.#arena = arena
  }

  /** Puts the records of samples [from, to) into a group's pieces. Throws LogError when the head's memory is used up, with no row changed. */
  begin(pieces: HistogramPieces, { histograms, stale }: { histograms: readonly (FloatHistogram | null)[] | null; stale: Uint8Array | null }, from: number, to: number): void {
    this.#count = 0
    if (histograms === null) return
    if (this.#records.length < to - from) this.#records = new Float64Array((to - from) * 2)
    this.#mark = pieces.mark()
    for (let i = from; i < to; i++) {
      const histogram = stale !== null && stale[i] === 1 ? null : histograms[i]!
      this.#records[i - from] = histogram === null ? 0 : this.#put(pieces, histogram)
      if (histogram !== null) this.#count = to - from
    }
    this.#from = from
    this.#isUsed = false
  }

  #put(pieces: HistogramPieces, histogram: FloatHistogram): number {
    const most = histogramRecordBytesMax(histogram)
    if (this.#bytes.length < most) this.#bytes = new Uint8Array(most * 2)
    const length = writeHistogramRecord(histogram, this.#bytes, 0)
    const at = pieces.take(this.#arena, length)
    this.#heap.u8.set(this.#bytes.subarray(0, length), at)
    return at
  }

  /** Byte in the heap of sample i's record, 0 if it is no histogram. A row that asks refers to it from now on. */
  take(i: number): number {
    if (this.#count === 0) return 0
    this.#isUsed = true
    return this.#records[i - this.#from]!
  }

  /** What no row has come to refer to is given back. */
  end(pieces: HistogramPieces): void {
    if (this.#count > 0 && !this.#isUsed) pieces.giveBack(this.#mark)
    this.#count = 0
  }

  /** The histogram whose record stands at a byte of the heap. */
  read(byte: number): FloatHistogram {
    return readHistogramRecord(this.#heap.u8, byte)
  }
}
