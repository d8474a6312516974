// Series of a body that the cache does not know, until the body is known to be well-formed; of a sender that is new these are all of them.
// Columns that are used again: plain lists would be most of the garbage that a new series makes.
import { grown } from './series-cache.ts'

const KEEP_SERIES = 1 << 16
const FIRST_SERIES = 1024

/** Exemplars [first, to) of a series that the cache does not know: one new in this body, or one that was cut off its samples. */
export interface PendingExemplars {
  first: number
  to: number
  /** Over the label fields, whole. */
  run: DataView
  from: number
  labelBytes: number
}

/** One for all requests; every request starts with `clear`. */
export class PendingSeries {
  count = 0
  /** Where in the body the labels stand, and how long they are. */
  from: Uint32Array = new Uint32Array(FIRST_SERIES)
  labelBytes: Uint32Array = new Uint32Array(FIRST_SERIES)
  /** Of the label bytes; of no use where they are scattered. */
  hashes: Uint32Array = new Uint32Array(FIRST_SERIES)
  sampleFrom: Uint32Array = new Uint32Array(FIRST_SERIES)
  sampleTo: Uint32Array = new Uint32Array(FIRST_SERIES)
  /** Joined label fields of series whose labels do not stand together, by place in the columns. */
  readonly scattered: Map<number, Uint8Array> = new Map()
  readonly exemplars: PendingExemplars[] = []

  clear(): void {
    this.count = 0
    this.scattered.clear()
    this.exemplars.length = 0
  }

  /** True of columns that should be given back after the request that needed them. */
  get isLarge(): boolean {
    return this.from.length > KEEP_SERIES
  }

  /** The place of one more, whose columns are the caller's to fill. */
  add(): number {
    if (this.count === this.from.length) this.#grow()
    return this.count++
  }

  #grow(): void {
    const size = 2 * this.count
    this.from = grown(this.from, size)
    this.labelBytes = grown(this.labelBytes, size)
    this.hashes = grown(this.hashes, size)
    this.sampleFrom = grown(this.sampleFrom, size)
    this.sampleTo = grown(this.sampleTo, size)
  }
}
