// Files of checksummed pages (FORMAT.md, "Page file"): what both files of a block are.
import { constants, crc32, zstdCompressSync, type ZstdOptions } from 'node:zlib'
import { DiskFile } from '../../lib/std/fs.ts'
import { writeVarint } from '../codec/bits.ts'

export const FILE_MAGIC: Uint8Array = Buffer.from('MONPAGE1')
export const PAGE_SYNC = 0x45474150
export const DIRECTORY_SYNC = 0x44474150
export const PAGE_HEAD_BYTES = 32
export const FOOTER_BYTES = 24
/** Content of a page at the most, but for one larger item. */
export const PAGE_BYTES: number = 64 * 1024

export const SECTION_TIMES = 1
export const SECTION_GROUPS = 2
export const SECTION_PLACES = 3
export const SECTION_LABELS = 4
export const SECTION_REFS = 5
export const SECTION_POSTINGS = 6
export const SECTION_PAIRS = 7
export const SECTION_NAMES = 8
export const SECTION_VALUES = 9
export const SECTION_LACKING = 10

/** Sections without which values cannot be found: their pages are there twice, the second ones under this much higher a number. */
export const MIRROR = 16
const MIRRORED: ReadonlySet<number> = new Set([SECTION_TIMES, SECTION_GROUPS, SECTION_PLACES, SECTION_REFS])

const ZSTD: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }
/** Written in runs of about this size. */
const WRITE_BYTES = 1 << 20

/** Writes a new page file: sections in ascending order, each by the page. */
export class PageFileWriter {
  /** crc32 of the pages' checksums, known when the file is finished. The directory's own tells no files apart: of heads that end in their checksum it is always the same. */
  contentSum: number = 0
  readonly #file: DiskFile
  readonly #isCompressed: boolean
  readonly #buffer = Buffer.alloc(WRITE_BYTES)
  #fill = 0
  #position = 0
  readonly #directory: Buffer[] = []
  /** Where the stored bytes of each page begin. */
  readonly #offsets: number[] = []

  constructor(path: string, isCompressed: boolean) {
    this.#file = DiskFile.openForWrite(path)
    this.#isCompressed = isCompressed
    this.#put(FILE_MAGIC)
  }

  addPage(section: number, firstItem: number, items: number, content: Uint8Array): void {
    const packed = this.#isCompressed ? zstdCompressSync(content, ZSTD) : content
    const stored = packed.length < content.length ? packed : content
    this.#putPage([PAGE_SYNC, section, firstItem, items, stored.length, content.length, crc32(stored)], stored)
  }

  #putPage(words: readonly number[], stored: Uint8Array): void {
    const head = Buffer.alloc(PAGE_HEAD_BYTES)
    words.forEach((word, i) => head.writeUInt32LE(word, i * 4))
    head.writeUInt32LE(crc32(head.subarray(0, PAGE_HEAD_BYTES - 4)), PAGE_HEAD_BYTES - 4)
    this.#put(head)
    this.#offsets.push(this.#position)
    this.#put(stored)
    this.#directory.push(head)
  }

  /** Writes the pages of the sections that are mirrored once more. */
  #mirror(): void {
    this.#flush()
    for (const [i, head] of [...this.#directory].entries()) {
      const words = Array.from({ length: PAGE_HEAD_BYTES / 4 - 1 }, (_, w) => head.readUInt32LE(w * 4))
      if (!MIRRORED.has(words[1]!)) continue
      const stored = Buffer.alloc(words[4]!)
      this.#file.read(stored, this.#offsets[i]!, stored.length)
      words[1]! += MIRROR
      this.#putPage(words, stored)
    }
  }

  /** Completes, syncs and closes the file; resolves to its size. */
  async finish(): Promise<number> {
    this.#mirror()
    const directory = Buffer.concat(this.#directory)
    const footer = Buffer.alloc(FOOTER_BYTES)
    footer.writeUInt32LE(DIRECTORY_SYNC, 0)
    footer.writeUInt32LE(this.#directory.length, 4)
    footer.writeDoubleLE(this.#position, 8)
    this.contentSum = crc32(Buffer.concat(this.#directory.map((head) => head.subarray(24, 28))))
    footer.writeUInt32LE(crc32(directory), 16)
    footer.writeUInt32LE(crc32(footer.subarray(0, 20)), 20)
    this.#put(directory)
    this.#put(footer)
    this.#flush()
    await this.#file.sync()
    this.close()
    return this.#position
  }

  close(): void {
    this.#file.close()
  }

  #put(bytes: Uint8Array): void {
    if (this.#fill + bytes.length > WRITE_BYTES) this.#flush()
    if (bytes.length > WRITE_BYTES) this.#file.write(bytes, this.#position)
    else this.#buffer.set(bytes, this.#fill)
    if (bytes.length <= WRITE_BYTES) this.#fill += bytes.length
    this.#position += bytes.length
  }

  #flush(): void {
    this.#file.write(this.#buffer.subarray(0, this.#fill), this.#position - this.#fill)
    this.#fill = 0
  }
}

/** One section of records, each written in place: `begin`, bytes from `at` on, `end`. */
export class RecordPages {
  readonly #file: PageFileWriter
  readonly #section: number
  bytes: Buffer = Buffer.alloc(PAGE_BYTES)
  #at = 0
  #items = 0
  /** Records so far. */
  count = 0

  constructor(file: PageFileWriter, section: number) {
    this.#file = file
    this.#section = section
  }

  /** True if the record to be written is its page's first. */
  get isFirst(): boolean {
    return this.#items === 0
  }

  /** Makes room for a record of up to `bytesMax` bytes; returns where in `bytes` it begins. */
  begin(bytesMax: number): number {
    if (this.#at + bytesMax > PAGE_BYTES) this.#flush()
    if (bytesMax > this.bytes.length) this.bytes = Buffer.alloc(bytesMax)
    return this.#at
  }

  end(at: number): void {
    this.#at = at
    this.#items++
    this.count++
  }

  finish(): void {
    this.#flush()
  }

  #flush(): void {
    if (this.#items > 0) this.#file.addPage(this.#section, this.count - this.#items, this.#items, this.bytes.subarray(0, this.#at))
    this.#at = 0
    this.#items = 0
  }
}

/** One section of pieces. */
export class PiecePages {
  readonly #file: PageFileWriter
  readonly #section: number
  readonly #lengths = Buffer.alloc(PAGE_BYTES)
  #lengthsAt = 0
  #pieces = Buffer.alloc(PAGE_BYTES)
  #piecesAt = 0
  #items = 0
  /** Pieces so far: the next one's number. */
  count = 0

  constructor(file: PageFileWriter, section: number) {
    this.#file = file
    this.#section = section
  }

  /** Adds the piece src[from, to). */
  add(src: Uint8Array, from: number, to: number): void {
    const length = to - from
    if (this.#lengthsAt + this.#piecesAt + length + 5 > PAGE_BYTES) this.#flush()
    if (length > this.#pieces.length) this.#pieces = Buffer.alloc(length)
    this.#lengthsAt = writeVarint(this.#lengths, this.#lengthsAt, length)
    this.#pieces.set(src.subarray(from, to), this.#piecesAt)
    this.#piecesAt += length
    this.#items++
    this.count++
  }

  finish(): void {
    this.#flush()
  }

  #flush(): void {
    if (this.#items > 0) {
      const content = Buffer.concat([this.#lengths.subarray(0, this.#lengthsAt), this.#pieces.subarray(0, this.#piecesAt)])
      this.#file.addPage(this.#section, this.count - this.#items, this.#items, content)
    }
    this.#lengthsAt = 0
    this.#piecesAt = 0
    this.#items = 0
  }
}
