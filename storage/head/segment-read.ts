// Reads segments back: whole ones where many columns are wanted, only the needed pieces where few are. The kernel's
// page cache is the cache; what is read goes into one reused buffer per reader.
import { crc32 } from 'node:zlib'
import { DiskError, DiskFile } from '../../lib/std/fs.ts'
import { decodeChunk, lastPresent, lastStale } from '../codec/chunk-decode.ts'
import { readSegmentPlace, type SegmentPlace } from './group-record.ts'
import { SEGMENT_HEAD_BYTES, segmentFilePath } from './segment-file.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Segments up to this size are read whole, with their checksum. */
const WHOLE_BYTES = 16 * 1024
const OPEN_FILES_MAX = 32
/** Segments remembered as sound; when they are more, all are looked at anew. */
const VERIFIED_MAX = 65_536
/** Decoders may look this far past a chunk. */
const PAD_BYTES = 16

/** A segment whose bytes do not match their checksum or make no sense; other segments are unharmed. */
export class SegmentDamageError extends Error {
  readonly code = 'SEGMENT_DAMAGED'
}

export class SegmentReader {
  /** What could not be read, by segment; `planGroup` leaves these out from then on. */
  readonly damaged: Map<string, string> = new Map<string, string>()
  /** Why segments were left out since the querier at work opened. */
  readonly leftOut: Set<string> = new Set<string>()
  readonly #folder: string
  readonly #files = new Map<number, DiskFile>()
  /** Bytes of the loaded columns; `chunkAt` gives places in it. */
  bytes: Buffer = Buffer.alloc(64 * 1024)
  #offsets: Uint32Array = new Uint32Array(0)
  /** What payload offset bytes[0] of the chunk area stands for. */
  #chunkBase = 0
  readonly times: Float64Array = new Float64Array(34)
  /** Segments whose checksum this reader has seen to hold. */
  readonly #verified = new Set<string>()
  /** The segment that `bytes` holds all of. */
  #whole = ''
  readonly #column = new Float64Array(34)
  readonly found: Float64Array = new Float64Array(1)

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Loads columns [first, last] and the timestamps (into `times`). Throws SegmentDamageError after noting the segment as damaged. */
  load(place: SegmentPlace, first: number, last: number): void {
    try {
      this.#load(place, first, last)
    } catch (cause) {
      // A file that retention has removed meanwhile is no different to the reader; any other refusal of the disk may pass.
      const isGone = cause instanceof DiskError && cause.code === 'ENOENT'
      if (!(cause instanceof SegmentDamageError || isGone || cause instanceof RangeError)) throw cause
      this.damaged.set(segmentKey(place), cause.message)
      throw cause instanceof SegmentDamageError ? cause : new SegmentDamageError(cause.message, { cause })
    }
  }

  /** True if the segment must be left out; remembers that it was, for the answer's warnings. */
  isDamaged(place: SegmentPlace): boolean {
    const why = this.damaged.size === 0 ? undefined : this.damaged.get(segmentKey(place))
    if (why === undefined) return false
    this.leftOut.add(why)
    return true
  }

  #load(place: SegmentPlace, first: number, last: number): void {
    const key = segmentKey(place)
    if (key === this.#whole) return
    this.#whole = ''
    const file = this.#open(place.file)
    const headBytes = SEGMENT_HEAD_BYTES + 320 + (place.columns + 1) * 4
    // The first look at a segment takes all of it, to see whether its checksum holds.
    const isKnown = this.#verified.has(key)
    const isWhole = !isKnown || place.lengthBytes <= WHOLE_BYTES || (last - first + 1) * 2 >= place.columns
    const want = isWhole ? place.lengthBytes + 8 : Math.min(place.lengthBytes, headBytes)
    this.#reserve(Math.max(want, headBytes) + PAD_BYTES)
    const got = file.read(this.bytes, place.offsetBytes, want)
    this.bytes.fill(0, got, got + PAD_BYTES)
    if (isWhole && (got < want || this.bytes.readUInt32LE(place.lengthBytes) !== crc32(this.bytes.subarray(0, place.lengthBytes)))) {
      throw new SegmentDamageError(`cannot read segment at ${place.offsetBytes} of ${file.path}: ${place.lengthBytes} bytes do not match their checksum`)
    }
    if (!isKnown) {
      if (this.#verified.size >= VERIFIED_MAX) this.#verified.clear()
      this.#verified.add(key)
    }
    decodeChunk(this.bytes, SEGMENT_HEAD_BYTES, place.rows, this.times, 0)
    this.#readOffsets(place, file.path)
    this.#chunkBase = 0
    if (isWhole) {
      this.#whole = key
      return
    }
    const from = this.#offsets[first]!
    const length = this.#offsets[last + 1]! - from
    this.#reserve(length + PAD_BYTES)
    const read = file.read(this.bytes, place.offsetBytes + from, length)
    this.bytes.fill(0, read, read + PAD_BYTES)
    this.#chunkBase = from
  }

  /** Place of column c's chunk in `bytes`, or -1 if it has no sample. Only for loaded columns. */
  chunkAt(c: number): number {
    const at = this.#offsets[c]!
    return at === this.#offsets[c + 1]! ? -1 : at - this.#chunkBase
  }

  /** Time of the newest sample in column c of a chain of segments, -Infinity if none. */
  newestInColumn(heap: SharedHeap, segment: number, c: number): number {
    const values = new Float64Array(34)
    for (let unit = segment; unit !== 0;) {
      const place = readSegmentPlace(heap, unit)
      unit = place.previous
      if (c >= place.columns) continue
      this.load(place, c, c)
      const at = this.chunkAt(c)
      if (at < 0) continue
      decodeChunk(this.bytes, at, place.rows, values, 0)
      return this.times[31 - Math.clz32(lastPresent)]!
    }
    return -Infinity
  }

  /**
   * What column c of a chain of segments holds at t: 0 nothing, 1 a live sample (its value in `found[0]`), 2 a staleness
   * marker. Reads each segment once for all columns that are asked of it in a row.
   */
  sampleAt(heap: SharedHeap, segment: number, c: number, t: number): 0 | 1 | 2 {
    for (let unit = segment; unit !== 0;) {
      const place = readSegmentPlace(heap, unit)
      unit = place.previous
      if (place.minT > t || place.maxT < t || c >= place.columns) continue
      this.load(place, 0, place.columns - 1)
      const row = this.times.subarray(0, place.rows).indexOf(t)
      const at = this.chunkAt(c)
      if (row < 0 || at < 0) continue
      decodeChunk(this.bytes, at, place.rows, this.#column, 0)
      if (((lastPresent >>> row) & 1) === 0) continue
      this.found[0] = this.#column[row]!
      return ((lastStale >>> row) & 1) === 1 ? 2 : 1
    }
    return 0
  }

  close(): void {
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
  }

  #readOffsets(place: SegmentPlace, path: string): void {
    const at = this.bytes.readUInt32LE(12)
    const n = place.columns + 1
    if (at < SEGMENT_HEAD_BYTES || at + n * 4 > place.lengthBytes) {
      throw new SegmentDamageError(`cannot read segment at ${place.offsetBytes} of ${path}: offsets at ${at} of ${place.lengthBytes}`)
    }
    if (this.#offsets.length < n) this.#offsets = new Uint32Array(n + (n >>> 1))
    let before = at
    for (let i = 0; i < n; i++) {
      const offset = this.bytes.readUInt32LE(at + i * 4)
      if (offset < before || offset > place.lengthBytes) {
        throw new SegmentDamageError(`cannot read segment at ${place.offsetBytes} of ${path}: column ${i} begins at ${offset}`)
      }
      this.#offsets[i] = offset
      before = offset
    }
  }

  #open(number: number): DiskFile {
    let file = this.#files.get(number)
    if (!file) {
      // A removed file keeps its space while it is open; a few open ones are enough.
      if (this.#files.size >= OPEN_FILES_MAX) this.close()
      file = DiskFile.openForRead(segmentFilePath(this.#folder, number))
      this.#files.set(number, file)
    }
    return file
  }

  #reserve(bytes: number): void {
    if (this.bytes.length < bytes) this.bytes = Buffer.alloc(bytes + (bytes >>> 1))
  }
}

function segmentKey(place: SegmentPlace): string {
  return `${place.file}:${place.offsetBytes}`
}
