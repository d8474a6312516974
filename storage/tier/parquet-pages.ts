// Column chunks of one row group, each a data page (for labels behind one with the distinct texts): encoded, packed with zstd,
// under a head with a checksum.
import { constants, crc32, zstdCompressSync, type ZstdOptions } from 'node:zlib'
import type { Labels } from '../../lib/model/labels.ts'
import { bitWidth } from '../codec/bits.ts'
import { BYTE_STREAM_SPLIT, DELTA_BINARY_PACKED, EncodeBuffer, PLAIN, RLE_DICTIONARY } from './parquet-encode.ts'
import { pageHead } from './parquet-schema.ts'

const ZSTD: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }

/** Bytes of a chunk, and what the footer tells of it. */
export interface EncodedChunk {
  pages: readonly Uint8Array[]
  plainBytes: number
  values: number
  encoding: number
  /** The first page's, if it is a dictionary. */
  dictionaryBytes: number
}

/** Labels of a series that has rows in the row group. */
export interface LabelRun {
  labels: Labels
  rows: number
}

export class PageEncoder {
  readonly #buffer = new EncodeBuffer()
  readonly #other = new EncodeBuffer()
  #indexes = new Float64Array(1 << 12)
  #dense = new Float64Array(1 << 12)

  /** The names (`first` 0) or the values (1) of all rows' labels. */
  labels(runs: readonly LabelRun[], first: 0 | 1): EncodedChunk {
    const entries = runs.reduce((sum, { labels, rows }) => sum + rows * (labels.length / 2), 0)
    if (this.#indexes.length < entries + 8) this.#indexes = new Float64Array(2 * entries)
    const buffer = this.#buffer
    buffer.clear()
    // A row's first label begins its list: level of repetition 0. No list is empty: level of definition 1.
    eachLabel(runs, (i, k) => void (this.#indexes[i] = k === 0 ? 0 : 1))
    buffer.framed(() => buffer.hybrid(this.#indexes, entries, 1))
    buffer.framed(() => buffer.run(entries, 1, 1))
    const texts = new Map<string, number>()
    let indexOf: number[] = []
    let known: Labels | null = null
    eachLabel(runs, (i, k, labels) => {
      if (labels !== known) {
        known = labels
        indexOf = labels.filter((_, l) => l % 2 === first).map((text) => {
          const index = texts.get(text) ?? texts.size
          texts.set(text, index)
          return index
        })
      }
      this.#indexes[i] = indexOf[k]!
    })
    const width = bitWidth(texts.size - 1)
    buffer.byte(width)
    buffer.hybrid(this.#indexes, entries, width)
    const page = finished(buffer.bytes, entries, RLE_DICTIONARY, false)
    buffer.clear()
    for (const text of texts.keys()) {
      const bytes = Buffer.from(text)
      buffer.u32(bytes.length)
      buffer.bytesOf(bytes)
    }
    const dictionary = finished(buffer.bytes, texts.size, PLAIN, true)
    return {
      pages: [...dictionary.pages, ...page.pages], plainBytes: dictionary.plainBytes + page.plainBytes, values: entries,
      encoding: RLE_DICTIONARY, dictionaryBytes: sizeOf(dictionary.pages),
    }
  }

  /** `present`: 1 where a value is, null for columns without NULLs. */
  integers(values: Float64Array, rows: number, present: Uint8Array | null, bytesEach: 4 | 8): EncodedChunk {
    const n = this.#begin(values, rows, present, this.#buffer)
    if (this.#buffer.deltas(this.#dense, n)) return finished(this.#buffer.bytes, rows, DELTA_BINARY_PACKED, false)
    this.#begin(values, rows, present, this.#buffer)
    const plain = bytesEach === 4 ? Int32Array.from(this.#dense.subarray(0, n)) : BigInt64Array.from(this.#dense.subarray(0, n), BigInt)
    this.#buffer.bytesOf(new Uint8Array(plain.buffer))
    return finished(this.#buffer.bytes, rows, PLAIN, false)
  }

  /** Whole doubles or their bytes apart, whichever packs better: among equal values the former does, else the latter. */
  doubles(values: Float64Array, rows: number, present: Uint8Array | null): EncodedChunk {
    const n = this.#begin(values, rows, present, this.#buffer)
    this.#buffer.doubles(this.#dense, n)
    this.#begin(values, rows, present, this.#other)
    this.#other.doublesSplit(this.#dense, n)
    const whole = finished(this.#buffer.bytes, rows, PLAIN, false)
    const split = finished(this.#other.bytes, rows, BYTE_STREAM_SPLIT, false)
    return sizeOf(split.pages) < sizeOf(whole.pages) ? split : whole
  }

  flags(values: Uint8Array, rows: number): EncodedChunk {
    this.#buffer.clear()
    this.#buffer.bits(values, rows)
    return finished(this.#buffer.bytes, rows, PLAIN, false)
  }

  /** Texts of bytes: text i is bytes[ends[i - 1], ends[i]), from 0 on. */
  binaries(bytes: Uint8Array, ends: Uint32Array, rows: number): EncodedChunk {
    this.#buffer.clear()
    for (let i = 0, from = 0; i < rows; from = ends[i]!, i++) {
      this.#buffer.u32(ends[i]! - from)
      this.#buffer.bytesOf(bytes.subarray(from, ends[i]!))
    }
    return finished(this.#buffer.bytes, rows, PLAIN, false)
  }

  /** Begins a page with its levels of definition; `#dense` has the values that are there, whose number comes back. */
  #begin(values: Float64Array, rows: number, present: Uint8Array | null, buffer: EncodeBuffer): number {
    buffer.clear()
    if (this.#dense.length < rows + 8) {
      this.#dense = new Float64Array(rows + 8)
      this.#indexes = new Float64Array(Math.max(this.#indexes.length, rows + 8))
    }
    if (present === null) {
      this.#dense.set(values.subarray(0, rows))
      return rows
    }
    let n = 0
    for (let i = 0; i < rows; i++) {
      this.#indexes[i] = present[i]!
      if (present[i] === 1) this.#dense[n++] = values[i]!
    }
    if (n === rows) buffer.framed(() => buffer.run(rows, 1, 1))
    else buffer.framed(() => buffer.hybrid(this.#indexes, rows, 1))
    return n
  }
}

function eachLabel(runs: readonly LabelRun[], visit: (i: number, k: number, labels: Labels) => void): void {
  let i = 0
  for (const { labels, rows } of runs) {
    const count = labels.length / 2
    for (let row = 0; row < rows; row++) for (let k = 0; k < count; k++) visit(i++, k, labels)
  }
}

function finished(plain: Uint8Array, values: number, encoding: number, isDictionary: boolean): EncodedChunk {
  const packed = zstdCompressSync(plain, ZSTD)
  const head = pageHead({ plainBytes: plain.length, bytes: packed.length, crc: crc32(packed), values, encoding }, isDictionary)
  return { pages: [head, packed], plainBytes: head.length + plain.length, values, encoding, dictionaryBytes: 0 }
}

export function sizeOf(pages: readonly Uint8Array[]): number {
  return pages.reduce((sum, page) => sum + page.length, 0)
}
