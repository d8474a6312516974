// The sidecar of a Parquet file of the 1-hour tier (FORMAT.md, "Sidecar of an hour file"): which series it has, where
// their rows are, and where each column chunk is, so that a few ranges of the file are all that is read of it.
//
//   head 64 B │ refs u32 ascending │ places 8 B each │ row groups │ labels, zstd
//
// All but the labels have fixed widths and are read in place; each section has a CRC, checked when it is read first.
import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { DiskFile, writeSynced } from '../../lib/std/fs.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { PARQUET_COLUMNS, type ColumnChunk, type RowGroup } from './parquet-schema.ts'

const MAGIC = 0x3158484d
const HEAD_BYTES = 64
/** Numbers of a place as `places` gives it. */
export const PLACE_WORDS = 5
const PLACE_BYTES = 8
const CHUNK_BYTES = 16
const GROUP_BYTES: number = 8 + PARQUET_COLUMNS.length * CHUNK_BYTES
/** A label section larger than this is none of ours. */
const LABELS_BYTES_MAX = 1 << 30

export interface IndexedSeries {
  ref: number
  labels: Labels
  group: number
  firstRow: number
  /** May be 0 where it lacks histograms. */
  rows: number
  /** It has native histograms beside, which rows leave out. */
  lacksHistograms: boolean
}

/** Beside the number of rows. */
const LACKS = 0x8000

export interface HourIndexHead {
  /** Size of the Parquet file. */
  bytes: number
  rows: number
  /** Least and greatest end of a bucket, Unix ms. */
  minT: number
  maxT: number
}

export interface HourIndexContent extends HourIndexHead {
  /** In the order of the file. */
  series: readonly IndexedSeries[]
  groups: readonly RowGroup[]
  /** crc32 of what follows the pages in the Parquet file. */
  footerCrc: number
}

/** A sidecar that cannot be read; its Parquet file still can. */
export class HourIndexError extends Error {
  readonly code = 'HOUR_INDEX'
}

/** Written and synced; durable when the folder is. */
export function writeHourIndex(file: string, { series, groups, footerCrc, bytes, rows, minT, maxT }: HourIndexContent): void {
  const order = Uint32Array.from(series.keys()).sort((a, b) => series[a]!.ref - series[b]!.ref)
  const refs = Buffer.alloc(series.length * 4)
  const places = Buffer.alloc(series.length * PLACE_BYTES)
  order.forEach((s, i) => {
    const { ref, group, firstRow, rows: count, lacksHistograms } = series[s]!
    refs.writeUInt32LE(ref, i * 4)
    places.writeUInt32LE(group, i * PLACE_BYTES)
    places.writeUInt16LE(firstRow, i * PLACE_BYTES + 4)
    places.writeUInt16LE(count + (lacksHistograms ? LACKS : 0), i * PLACE_BYTES + 6)
  })
  const groupBytes = Buffer.concat(groups.map((group) => encodeGroup(group, footerCrc)))
  const labels = encodeLabels(series)
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(MAGIC, 0)
  head.writeDoubleLE(bytes, 8)
  head.writeDoubleLE(rows, 16)
  head.writeDoubleLE(minT, 24)
  head.writeDoubleLE(maxT, 32)
  const counts = [series.length, groups.length, labels.length, crc32(Buffer.concat([refs, places])), crc32(groupBytes), crc32(labels)]
  counts.forEach((count, i) => head.writeUInt32LE(count, 40 + i * 4))
  head.writeUInt32LE(crc32(head.subarray(8)), 4)
  writeSynced(file, Buffer.concat([head, refs, places, groupBytes, labels]))
}

function encodeGroup({ rows, chunks }: RowGroup, footerCrc: number): Buffer {
  const out = Buffer.alloc(GROUP_BYTES)
  out.writeUInt32LE(rows, 0)
  out.writeUInt32LE(footerCrc, 4)
  chunks.forEach(({ offset, bytes, dictionaryBytes }, c) => {
    const at = 8 + c * CHUNK_BYTES
    out.writeDoubleLE(offset, at)
    out.writeUInt32LE(bytes, at + 8)
    out.writeUInt32LE(dictionaryBytes, at + 12)
  })
  return out
}

/** Texts once, in order of first use, then of each series ref, rows and labels, as positions in them. */
function encodeLabels(series: readonly IndexedSeries[]): Uint8Array {
  const texts = new Map<string, number>()
  const lists = series.map(({ ref, rows, lacksHistograms, labels }) => [ref, rows + (lacksHistograms ? LACKS : 0), labels.length, ...labels.map((text) => {
    const position = texts.get(text) ?? texts.size
    texts.set(text, position)
    return position
  })])
  const words = Uint32Array.from(lists.flat())
  const strings = [...texts.keys()].map((text) => Buffer.from(text))
  const lengths = Uint32Array.from([strings.length, ...strings.map((bytes) => bytes.length)])
  return zstdCompressSync(Buffer.concat([new Uint8Array(lengths.buffer), ...strings, new Uint8Array(words.buffer)]))
}

/** Throws HourIndexError where it is another file's: `file` as the list has it. */
export function assertSidecarOf({ head, path }: HourIndex, file: HourIndexHead): void {
  const isOwn = head.bytes === file.bytes && head.rows === file.rows && head.minT === file.minT && head.maxT === file.maxT
  if (!isOwn) throw new HourIndexError(`cannot read ${path}: it is the sidecar of another file, or archive.json is of another folder`)
}

/** One open sidecar. Sections are read when they are asked for; nothing is kept but the head. */
export class HourIndex {
  readonly head: HourIndexHead
  readonly #file: DiskFile
  readonly path: string
  readonly #seriesCount: number
  readonly #groupCount: number
  readonly #labelBytes: number
  readonly #sums: readonly number[]
  #isSeriesChecked: boolean
  #areGroupsChecked: boolean

  /** `isChecked`: its checksums were found to hold before. Throws HourIndexError, or DiskError. */
  constructor(path: string, isChecked: boolean) {
    this.path = path
    this.#isSeriesChecked = isChecked
    this.#areGroupsChecked = isChecked
    this.#file = DiskFile.openForRead(path)
    const head = Buffer.alloc(HEAD_BYTES)
    let read = 0
    try {
      read = this.#file.read(head, 0, HEAD_BYTES)
    } catch (error) {
      this.#file.close()
      throw error
    }
    if (read < HEAD_BYTES || head.readUInt32LE(0) !== MAGIC || head.readUInt32LE(4) !== crc32(head.subarray(8))) this.#fail('its head is damaged')
    const words = [0, 1, 2, 3, 4, 5].map((i) => head.readUInt32LE(40 + i * 4))
    this.#seriesCount = words[0]!
    this.#groupCount = words[1]!
    this.#labelBytes = words[2]!
    this.#sums = words.slice(3)
    this.head = { bytes: head.readDoubleLE(8), rows: head.readDoubleLE(16), minT: head.readDoubleLE(24), maxT: head.readDoubleLE(32) }
  }

  /** Of all series, ascending; those without one first. A series' number is its position. */
  refs(): Uint32Array {
    return new Uint32Array(this.#seriesSection().buffer, 0, this.#seriesCount)
  }

  /** The highest ref, or `known` if that is not below it. */
  newestRef(known: number): number {
    if (this.#seriesCount === 0) return known
    const last = Buffer.from(this.#section(HEAD_BYTES + (this.#seriesCount - 1) * 4, 4, null)).readUInt32LE(0)
    // What would change something is believed with its checksum.
    return last <= known ? known : Math.max(known, this.refs().at(-1)!)
  }

  /** Places of those of `refs` (ascending) that the file has: position in `refs`, row group, first row, rows, 1 where it lacks histograms; PLACE_WORDS numbers each. */
  places(refs: Uint32Array): Uint32Array {
    const { buffer } = this.#seriesSection()
    const stored = new Uint32Array(buffer, 0, this.#seriesCount)
    const places = Buffer.from(buffer, this.#seriesCount * 4)
    const found = new Uint32Array(Math.min(refs.length, this.#seriesCount) * PLACE_WORDS)
    let n = 0
    for (let i = 0, k = 0; i < refs.length && k < stored.length;) {
      if (stored[k]! < refs[i]!) k = seek(stored, k, refs[i]!)
      else if (stored[k]! > refs[i]!) i = seek(refs, i, stored[k]!)
      else {
        putPlace(places, k++, i++, found, n)
        n += PLACE_WORDS
      }
    }
    return found.subarray(0, n)
  }

  /** The same of series by their numbers; positions are those in `numbers`. */
  placesAt(numbers: Uint32Array): Uint32Array {
    const places = Buffer.from(this.#seriesSection().buffer, this.#seriesCount * 4)
    const found = new Uint32Array(numbers.length * PLACE_WORDS)
    numbers.forEach((number, i) => putPlace(places, number, i, found, i * PLACE_WORDS))
    return found
  }

  #seriesSection(): Uint8Array<ArrayBuffer> {
    const bytes = this.#section(HEAD_BYTES, this.#seriesCount * (4 + PLACE_BYTES), this.#isSeriesChecked ? null : this.#sums[0]!)
    this.#isSeriesChecked = true
    return bytes
  }

  /** Rows of a row group and its chunks, as PARQUET_COLUMNS; the checksum of the file's footer, 0 in sidecars from before there was one. */
  group(number: number): { rows: number; footerCrc: number; chunks: Pick<ColumnChunk, 'offset' | 'bytes' | 'dictionaryBytes'>[] } {
    const start = HEAD_BYTES + this.#seriesCount * (4 + PLACE_BYTES)
    if (!this.#areGroupsChecked) this.#section(start, this.#groupCount * GROUP_BYTES, this.#sums[1]!)
    this.#areGroupsChecked = true
    if (number >= this.#groupCount) this.#fail(`it has ${this.#groupCount} row groups, and names number ${number}`)
    const bytes = Buffer.from(this.#section(start + number * GROUP_BYTES, GROUP_BYTES, null).buffer)
    const chunks = PARQUET_COLUMNS.map((_, c) => {
      const at = 8 + c * CHUNK_BYTES
      return { offset: bytes.readDoubleLE(at), bytes: bytes.readUInt32LE(at + 8), dictionaryBytes: bytes.readUInt32LE(at + 12) }
    })
    return { rows: bytes.readUInt32LE(0), footerCrc: bytes.readUInt32LE(4), chunks }
  }

  /** Series in the order of the file, one after the other. */
  *series(): Generator<IndexedSeries> {
    const start = HEAD_BYTES + this.#seriesCount * (4 + PLACE_BYTES) + this.#groupCount * GROUP_BYTES
    const packed = this.#section(start, this.#labelBytes, this.#sums[2]!)
    const plain = zstdDecompressSync(packed, { maxOutputLength: LABELS_BYTES_MAX })
    let at = 4 + plain.readUInt32LE(0) * 4
    const texts = Array.from({ length: plain.readUInt32LE(0) }, (_, i) => {
      const from = at
      at += plain.readUInt32LE(4 + i * 4)
      return plain.toString('utf8', from, at)
    })
    let [group, firstRow, groupRows] = [-1, 0, 0]
    for (let s = 0; s < this.#seriesCount; s++) {
      const [ref, word, count] = [plain.readUInt32LE(at), plain.readUInt32LE(at + 4), plain.readUInt32LE(at + 8)]
      at += 12
      const rows = word & (LACKS - 1)
      if (firstRow + rows > groupRows) {
        groupRows = this.group(++group).rows
        firstRow = 0
      }
      const labels = Array.from({ length: count }, (_, l) => texts[plain.readUInt32LE(at + l * 4)]!)
      at += count * 4
      yield { ref, labels, group: Math.max(0, group), firstRow, rows, lacksHistograms: (word & LACKS) !== 0 }
      firstRow += rows
    }
  }

  close(): void {
    this.#file.close()
  }

  #section(from: number, length: number, sum: number | null): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length)
    if (this.#file.read(bytes, from, length) < length) this.#fail('it breaks off')
    if (sum !== null && crc32(bytes) !== sum) this.#fail(`a checksum of the ${length} bytes at ${from} does not hold`)
    return bytes
  }

  #fail(why: string): never {
    this.#file.close()
    throw new HourIndexError(`cannot read ${this.path}: ${why}`)
  }
}

/** Writes place `k` of the sidecar, of the series asked for at position `i`. */
function putPlace(places: Buffer, k: number, i: number, out: Uint32Array, at: number): void {
  const from = k * PLACE_BYTES
  const rows = places.readUInt16LE(from + 6)
  out.set([i, places.readUInt32LE(from), places.readUInt16LE(from + 4), rows & (LACKS - 1), rows >>> 15], at)
}

/** First position from `from` on whose value is at least `value`: steps that double, then halves. */
function seek(list: Uint32Array, from: number, value: number): number {
  let step = 1
  while (from + step < list.length && list[from + step]! < value) step *= 2
  let low = from + (step >>> 1)
  let high = Math.min(list.length, from + step)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (list[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
