// Reads segments back: whole ones where many columns are wanted, only the needed pieces where few are. The kernel's
// page cache is the cache; what is read goes into one reused buffer per reader:
//
//   bytes   │ head, timestamps, offsets │ chunks of columns [first, last] │     one after the other, or the whole segment
import { crc32 } from 'node:zlib'
import { DiskError, DiskFile } from '../../lib/std/fs.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { decodeChunk, lastHistograms, lastHistogramsAt, lastPresent, lastStale } from '../codec/chunk-decode.ts'
import { ones } from '../codec/bits.ts'
import { decodeHistogramColumn } from '../codec/histogram-column.ts'
import { readSegmentPlace, type SegmentPlace } from './group-record.ts'
import { oldestSegmentFile, SEGMENT_HEAD_BYTES, segmentFilePath } from './segment-file.ts'
import type { SharedHeap } from './shared-heap.ts'

/** Segments up to this size are read whole. */
const WHOLE_BYTES = 16 * 1024
const OPEN_FILES_MAX = 32
/** Segments remembered as sound; when they are more, all are looked at anew. */
const VERIFIED_MAX = 65_536
/** Segments known to be unreadable from one querier to the next; when they are more, all are tried anew. */
const DAMAGED_MAX = 4096
/** Segments left out that a querier names; the others it counts. */
const NAMED_MAX = 20
/** Decoders may look this far past a chunk. */
const PAD_BYTES = 16
/** Room for the chunk of timestamps. */
const TIMES_BYTES_MAX = 320

/** A segment whose bytes do not match their checksum or make no sense; other segments are unharmed. */
export class SegmentDamageError extends Error {
  readonly code = 'SEGMENT_DAMAGED'
}

export class SegmentReader {
  /** Why segments could not be read; `planGroup` leaves these out from then on. */
  readonly #damaged = new Map<number, string>()
  /** Those of them that the device refused to read: it may give them to the next querier. */
  readonly #refused = new Set<number>()
  /** Segments left out since the querier at work began. */
  readonly #leftOut = new Set<number>()
  /** Segments whose files went since then: they were past the retention or are in blocks. */
  readonly #gone = new Set<number>()
  readonly #mayLeaveOutRefused: boolean
  readonly #folder: string
  readonly #files = new Map<number, DiskFile>()
  /** Bytes of the loaded columns; `chunkAt` gives places in it. */
  bytes: Buffer = Buffer.alloc(64 * 1024)
  #words: Uint32Array = new Uint32Array(this.bytes.buffer)
  readonly times: Float64Array = new Float64Array(34)
  /** The segment at whose head `bytes` begins, and which of its columns are there. */
  #key = 0
  #offsetsWord = 0
  #first = 0
  #last = -1
  /** Place in the payload of the first byte behind the head, less its place in `bytes`. */
  #chunkBase = 0
  /** Segments whose checksum this reader has seen to hold. */
  readonly #verified = new Set<number>()
  readonly #column = new Float64Array(34)
  readonly found: Float64Array = new Float64Array(1)
  /** What sampleAt found last, if that was a native histogram. */
  foundHistogram: FloatHistogram | null = null

  /** `mayLeaveOutRefused`: a place that the device cannot read is left out like damage; else the DiskError rises. */
  constructor(folder: string, mayLeaveOutRefused: boolean = true) {
    this.#folder = folder
    this.#mayLeaveOutRefused = mayLeaveOutRefused
  }

  /** Numbers of the files with damage. */
  damagedFiles(): number[] {
    return [...new Set(Array.from(this.#damaged.keys(), (key) => Math.floor(key / 2 ** 32)))]
  }

  /** A query begins. */
  begin(): void {
    this.#leftOut.clear()
    this.#gone.clear()
    for (const key of this.#refused) this.#damaged.delete(key)
    this.#refused.clear()
    if (this.#damaged.size > DAMAGED_MAX) this.#damaged.clear()
  }

  /** Loads columns [first, last] and the timestamps (into `times`). Throws SegmentDamageError after noting the segment as one to leave out. */
  load(place: SegmentPlace, first: number, last: number): void {
    const key = segmentKey(place)
    if (key === this.#key && first >= this.#first && last <= this.#last) return
    try {
      if (key !== this.#key) this.#loadHead(place, key, first, last)
      if (first < this.#first || last > this.#last) this.#loadColumns(place, first, last)
    } catch (cause) {
      this.#key = 0
      const isMissing = cause instanceof DiskError && cause.code === 'ENOENT'
      // So is a place that the device cannot read, to who may leave it out; any other refusal of the disk may pass.
      const isRefused = this.#mayLeaveOutRefused && cause instanceof DiskError && cause.code === 'EIO'
      if (!(cause instanceof SegmentDamageError || isMissing || isRefused || cause instanceof RangeError)) throw cause
      // Files go from the oldest on, and the newest is always there.
      if (isMissing && place.file < oldestSegmentFile(this.#folder)) this.#gone.add(key)
      else this.#damaged.set(key, cause.message)
      if (isRefused) this.#refused.add(key)
      throw cause instanceof SegmentDamageError ? cause : new SegmentDamageError(cause.message, { cause })
    }
  }

  /** Loads the timestamps. Throws like `load`. */
  loadTimes(place: SegmentPlace): void {
    this.load(place, 0, -1)
  }

  /** True if the segment must be left out; remembers damaged ones, for the answer's warnings. */
  isUnreadable(place: SegmentPlace): boolean {
    if (this.#damaged.size === 0 && this.#gone.size === 0) return false
    const key = segmentKey(place)
    if (this.#damaged.has(key)) this.#leftOut.add(key)
    return this.#damaged.has(key) || this.#gone.has(key)
  }

  /** Sentences about the damaged segments that the querier at work left out. */
  damage(): string[] {
    if (this.#leftOut.size === 0) return []
    const sentences = Array.from(this.#leftOut.values().take(NAMED_MAX), (key) => this.#damaged.get(key)!)
    const more = this.#leftOut.size - sentences.length
    return more > 0 ? [...sentences, `cannot read ${more} more segments either`] : sentences
  }

  /** Reads a segment's head, and all of it where that is no more work or where its checksum has not been seen to hold. */
  #loadHead(place: SegmentPlace, key: number, first: number, last: number): void {
    this.#key = 0
    const file = this.#open(place.file)
    const isKnown = this.#verified.has(key)
    const isWhole = !isKnown || place.lengthBytes <= WHOLE_BYTES || (last - first + 1) * 2 >= place.columns
    const headBytes = Math.min(place.lengthBytes, headBytesOf(place))
    const want = isWhole ? place.lengthBytes + 4 : headBytes
    this.#reserve(want + PAD_BYTES, 0)
    const got = file.read(this.bytes, place.offsetBytes, want)
    this.bytes.fill(0, got, got + PAD_BYTES)
    if (got < want) throw new SegmentDamageError(`cannot read segment at ${place.offsetBytes} of ${file.path}: it ends after ${got} of ${want} bytes`)
    if (!isKnown) this.#verify(place, file.path)
    decodeChunk(this.bytes, SEGMENT_HEAD_BYTES, place.rows, this.times, 0)
    this.#offsetsWord = this.#words[3]! / 4
    this.#chunkBase = 0
    this.#first = 0
    this.#last = isWhole ? place.columns - 1 : -1
    this.#verified.add(key)
    this.#key = key
  }

  /** A segment is read for the first time: its checksum must hold, and its offsets lie in it and ascend. */
  #verify(place: SegmentPlace, path: string): void {
    const { bytes } = this
    const { lengthBytes, offsetBytes, columns } = place
    const what = `cannot read segment at ${offsetBytes} of ${path}: `
    if (bytes.readUInt32LE(lengthBytes) !== crc32(bytes.subarray(0, lengthBytes))) {
      throw new SegmentDamageError(`${what}${lengthBytes} bytes do not match their checksum`)
    }
    const at = bytes.readUInt32LE(12)
    if (at < SEGMENT_HEAD_BYTES || at % 4 !== 0 || at + (columns + 1) * 4 > Math.min(lengthBytes, headBytesOf(place))) {
      throw new SegmentDamageError(`${what}offsets at ${at} of ${lengthBytes}`)
    }
    const offsets = this.#words.subarray(at / 4, at / 4 + columns + 1)
    let before = at
    for (let i = 0; i <= columns; i++) {
      if (offsets[i]! < before || offsets[i]! > lengthBytes) throw new SegmentDamageError(`${what}column ${i} begins at ${offsets[i]}`)
      before = offsets[i]!
    }
    if (this.#verified.size >= VERIFIED_MAX) this.#verified.clear()
  }

  /** Reads the chunks of some columns behind the head, which is there. */
  #loadColumns(place: SegmentPlace, first: number, last: number): void {
    const headBytes = Math.min(place.lengthBytes, headBytesOf(place))
    const from = this.#words[this.#offsetsWord + first]!
    const length = this.#words[this.#offsetsWord + last + 1]! - from
    this.#last = -1
    this.#reserve(headBytes + length + PAD_BYTES, headBytes)
    const file = this.#open(place.file)
    const got = file.read(this.bytes.subarray(headBytes, headBytes + length), place.offsetBytes + from, length)
    if (got < length) throw new SegmentDamageError(`cannot read segment at ${place.offsetBytes} of ${file.path}: it ends before ${from + length} bytes`)
    this.bytes.fill(0, headBytes + got, headBytes + got + PAD_BYTES)
    this.#chunkBase = from - headBytes
    this.#first = first
    this.#last = last
  }

  /** Place of column c's chunk in `bytes`, or -1 if it has no sample. Only for loaded columns. */
  chunkAt(c: number): number {
    const at = this.#words[this.#offsetsWord + c]!
    return at === this.#words[this.#offsetsWord + c + 1]! ? -1 : at - this.#chunkBase
  }

  /** Time of the newest sample in column c of a chain of segments, -Infinity if none. */
  newestInColumn(heap: SharedHeap, segment: number, c: number): number {
    this.begin()
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
   * What column c of a chain of segments holds at t: 0 nothing, 1 a live sample (in `found[0]` or `foundHistogram`), 2 a
   * staleness marker. Reads each segment once for all columns that are asked of it in a row.
   */
  sampleAt(heap: SharedHeap, segment: number, c: number, t: number): 0 | 1 | 2 {
    this.begin()
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
      this.foundHistogram = ((lastHistograms >>> row) & 1) === 0 ? null : histogramOf(this.bytes, row)
      return ((lastStale >>> row) & 1) === 1 ? 2 : 1
    }
    return 0
  }

  close(): void {
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
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

  /** Makes room for so many bytes; the first `kept` stay. */
  #reserve(bytes: number, kept: number): void {
    if (this.bytes.length >= bytes) return
    const grown = Buffer.alloc((bytes + (bytes >>> 1) + 3) & ~3)
    this.bytes.copy(grown, 0, 0, kept)
    this.bytes = grown
    this.#words = new Uint32Array(grown.buffer)
  }
}

/** Bytes in which head, timestamps and offsets of a segment fit. */
function headBytesOf(place: SegmentPlace): number {
  return SEGMENT_HEAD_BYTES + TIMES_BYTES_MAX + (place.columns + 1) * 4
}

/** The histogram in a row of the chunk that decodeChunk read last. */
function histogramOf(bytes: Uint8Array, row: number): FloatHistogram {
  const place = ones(lastHistograms, row)
  const found: FloatHistogram[] = []
  decodeHistogramColumn(bytes, lastHistogramsAt, ones(lastHistograms, 32), { from: place, to: place + 1 }, found)
  return found[0]!
}

/** A number of its own for each segment; files end long before an offset takes 32 bits. */
function segmentKey(place: SegmentPlace): number {
  return place.file * 2 ** 32 + place.offsetBytes
}
