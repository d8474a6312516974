// Reads a page file (FORMAT.md, "Page file"): its directory when it is opened, pages when they are asked for.
import { crc32 } from 'node:zlib'
import { DiskError, type DiskFile } from '../../lib/std/fs.ts'
import { unzstdInto } from '../../lib/std/zstd.ts'
import { BlockError } from '../errors.ts'
import { PAGE_PAD_BYTES, type Page, type PageCache } from './page-cache.ts'
import { DIRECTORY_SYNC, FILE_MAGIC, FOOTER_BYTES, MIRROR, PAGE_HEAD_BYTES, PAGE_SYNC } from './page-file.ts'

/** Turns a page's content into the numbers of its items. Throws RangeError for what makes no sense. */
export type PageParser = (page: PageContent) => Pick<Page, 'columns' | 'texts'>
export type PageContent = Omit<Page, 'columns' | 'texts'>

const CONTENT_BYTES_MAX = 1 << 28
const SCAN_BYTES = 1 << 20

/** Words of a page's head. */
const HEAD_WORDS = PAGE_HEAD_BYTES / 4
const SECTION = 1
const FIRST_ITEM = 2
const ITEMS = 3
const STORED = 4
const SIZE = 5
const CRC = 6

export class PageFile {
  readonly path: string
  readonly #cache: PageCache
  readonly #id: number
  /** The heads of all pages, one after the other. */
  readonly #heads: Uint32Array
  /** Where each page's stored bytes begin. */
  readonly #offsets: Float64Array
  readonly pageCount: number
  /** First item of each page, by section, for the search. */
  readonly #sections = new Map<number, { firstPage: number; firstItems: Uint32Array; items: number }>()
  /** What pages read before were found to be damaged by. */
  readonly #damaged = new Map<number, BlockError>()
  /** Null, or what the file says of itself where its directory was damaged and the pages were searched for. */
  readonly mended: string | null = null

  /** Throws BlockError or DiskError. */
  constructor(path: string, cache: PageCache) {
    this.path = path
    this.#cache = cache
    this.#id = cache.newFile()
    const { heads, offsets, isMended } = findPages(cache, this.#id, path)
    if (isMended) this.mended = `${path}: the directory is damaged; ${offsets.length} pages were found without it`
    this.#heads = new Uint32Array(Uint8Array.from(heads).buffer)
    this.#offsets = Float64Array.from(offsets)
    this.pageCount = offsets.length
    for (let i = 0; i < this.pageCount;) i = this.#addSection(i)
  }

  /** As PageFileWriter has it. */
  get contentSum(): number {
    return crc32(new Uint8Array(Uint32Array.from({ length: this.pageCount }, (_, page) => this.#word(page, CRC)).buffer))
  }

  #word(page: number, word: number): number {
    return this.#heads[page * HEAD_WORDS + word]!
  }

  #addSection(firstPage: number): number {
    const section = this.#word(firstPage, SECTION)
    let end = firstPage
    while (end < this.pageCount && this.#word(end, SECTION) === section) end++
    const firstItems = Uint32Array.from({ length: end - firstPage }, (_, i) => this.#word(firstPage + i, FIRST_ITEM))
    this.#sections.set(section, { firstPage, firstItems, items: this.#word(end - 1, FIRST_ITEM) + this.#word(end - 1, ITEMS) })
    return end
  }

  sectionOf(page: number): number {
    return this.#word(page, SECTION)
  }

  /** Number of items of a section. */
  items(section: number): number {
    return this.#sections.get(section)?.items ?? 0
  }

  /** First page of a section, and the page after its last. */
  pagesOf(section: number): { from: number; to: number } {
    const known = this.#sections.get(section)
    return known === undefined ? { from: 0, to: 0 } : { from: known.firstPage, to: known.firstPage + known.firstItems.length }
  }

  /** The page that holds an item. Throws BlockError where none does. */
  pageOf(section: number, item: number): number {
    let page = this.#search(section, item)
    if (page < 0) page = this.#search(section + MIRROR, item)
    if (page < 0) throw new BlockError(`cannot read ${this.path}: the page with item ${item} of section ${section} is not there`)
    return page
  }

  #search(section: number, item: number): number {
    const known = this.#sections.get(section)
    if (known === undefined) return -1
    const { firstItems, firstPage } = known
    let lo = 0
    let hi = firstItems.length
    while (hi - lo > 1) {
      const mid = (lo + hi) >>> 1
      if (firstItems[mid]! <= item) lo = mid
      else hi = mid
    }
    const page = firstPage + lo
    const first = this.#word(page, FIRST_ITEM)
    return item < first || item - first >= this.#word(page, ITEMS) ? -1 : page
  }

  /** A page's content, from the cache or the disk, where there are two from the sound one. Throws BlockError, or DiskError. */
  load(index: number, parse: PageParser): Page {
    const known = this.#cache.get(this.#id, index)
    if (known !== undefined) return known
    const damage = this.#damaged.get(index)
    if (damage !== undefined) throw damage
    try {
      const page = this.#readEither(index, parse)
      this.#cache.put(this.#id, index, page)
      return page
    } catch (error) {
      // What the device refused may pass.
      if (error instanceof BlockError && !(error.cause instanceof DiskError)) this.#damaged.set(index, error)
      throw error
    }
  }

  /** The page, or where it is damaged its second copy, if it has one. */
  #readEither(index: number, parse: PageParser): Page {
    try {
      return this.read(index, parse)
    } catch (error) {
      const other = this.#search(this.#word(index, SECTION) + MIRROR, this.#word(index, FIRST_ITEM))
      if (!(error instanceof BlockError) || other < 0) throw error
      return this.read(other, parse)
    }
  }

  /** A page's content from the disk, checked. Throws BlockError, or DiskError. */
  read(index: number, parse: PageParser): Page {
    const storedBytes = this.#word(index, STORED)
    const sizeBytes = this.#word(index, SIZE)
    const isPacked = storedBytes < sizeBytes
    const bytes = new Uint8Array(sizeBytes + PAGE_PAD_BYTES)
    const stored = isPacked ? Buffer.allocUnsafe(storedBytes) : bytes.subarray(0, sizeBytes)
    const got = this.#readStored(index, stored)
    if (got < storedBytes || crc32(stored) !== this.#word(index, CRC)) throw this.#damage(index, 'do not match their checksum')
    try {
      if (isPacked) unzstdInto(stored, bytes, sizeBytes)
      const page = {
        firstItem: this.#word(index, FIRST_ITEM), items: this.#word(index, ITEMS), bytes, view: new DataView(bytes.buffer), sizeBytes,
      }
      const { columns, texts } = parse(page)
      return { ...page, columns, texts }
    } catch (cause) {
      throw this.#damage(index, cause instanceof Error ? cause.message : String(cause))
    }
  }

  /** Bytes of a page that are there. A place that the device cannot read is damage like any other; other refusals may pass. */
  #readStored(index: number, into: Uint8Array): number {
    try {
      return this.#cache.open(this.#id, this.path).read(into, this.#offsets[index]!, into.length)
    } catch (error) {
      if (error instanceof DiskError && error.code === 'EIO') throw this.#damage(index, 'are refused by the device: EIO', { cause: error })
      throw error
    }
  }

  /** What is wrong with the parts that reading goes without: the magic, and the heads that the directory repeats. */
  headDamage(): string[] {
    const file = this.#cache.open(this.#id, this.path)
    const bytes = Buffer.alloc(PAGE_HEAD_BYTES)
    file.read(bytes, 0, FILE_MAGIC.length)
    const damage = bytes.subarray(0, FILE_MAGIC.length).equals(FILE_MAGIC) ? [] : [`${this.path}: does not begin as a page file does`]
    const heads = Buffer.from(this.#heads.buffer)
    for (let page = 0; page < this.pageCount; page++) {
      file.read(bytes, this.#offsets[page]! - PAGE_HEAD_BYTES, PAGE_HEAD_BYTES)
      if (!bytes.equals(heads.subarray(page * PAGE_HEAD_BYTES, (page + 1) * PAGE_HEAD_BYTES))) damage.push(`${this.path}: the head of page ${page} is damaged; the directory has it`)
    }
    return damage
  }

  #damage(index: number, why: string, options?: ErrorOptions): BlockError {
    return new BlockError(`cannot read page ${index} of ${this.path}: ${this.#word(index, STORED)} bytes at ${this.#offsets[index]} ${why}`, options)
  }

  close(): void {
    this.#cache.forget(this.#id)
  }
}

/** The heads of all pages as they stand in the file, and where the pages' stored bytes begin. */
interface Directory {
  heads: Buffer
  offsets: readonly number[]
}

/** By the directory, or without it where it is damaged. Where there is none the file is closed. Throws BlockError, or DiskError. */
function findPages(cache: PageCache, id: number, path: string): Directory & { isMended: boolean } {
  try {
    const file = cache.open(id, path)
    const directory = readDirectory(file)
    const found = directory ?? scanPages(file)
    if (found.offsets.length === 0 && directory === null) throw new BlockError(`cannot read ${path}: ${file.sizeBytes()} bytes hold no page`)
    return { ...found, isMended: directory === null }
  } catch (error) {
    cache.forget(id)
    throw error
  }
}

/** True if a page's head stands at bytes[at, …) and its content can be as it says. */
function isHead(bytes: Buffer, at: number): boolean {
  return bytes.readUInt32LE(at) === PAGE_SYNC && bytes.readUInt32LE(at + 28) === crc32(bytes.subarray(at, at + 28))
    && bytes.readUInt32LE(at + SIZE * 4) <= CONTENT_BYTES_MAX && bytes.readUInt32LE(at + STORED * 4) <= bytes.readUInt32LE(at + SIZE * 4)
}

/** What the file's end says, or null if it is damaged. */
function readDirectory(file: DiskFile): Directory | null {
  const sizeBytes = file.sizeBytes()
  const footer = Buffer.alloc(FOOTER_BYTES)
  if (sizeBytes < FILE_MAGIC.length + FOOTER_BYTES || file.read(footer, sizeBytes - FOOTER_BYTES, FOOTER_BYTES) < FOOTER_BYTES) return null
  if (footer.readUInt32LE(0) !== DIRECTORY_SYNC || footer.readUInt32LE(20) !== crc32(footer.subarray(0, 20))) return null
  const count = footer.readUInt32LE(4)
  const at = footer.readDoubleLE(8)
  if (at + count * PAGE_HEAD_BYTES + FOOTER_BYTES !== sizeBytes) return null
  const heads = Buffer.alloc(count * PAGE_HEAD_BYTES)
  file.read(heads, at, heads.length)
  if (crc32(heads) !== footer.readUInt32LE(16)) return null
  const offsets: number[] = []
  for (let i = 0, offset = FILE_MAGIC.length; i < count; i++) {
    if (!isHead(heads, i * PAGE_HEAD_BYTES)) return null
    offsets.push(offset + PAGE_HEAD_BYTES)
    offset += PAGE_HEAD_BYTES + heads.readUInt32LE(i * PAGE_HEAD_BYTES + STORED * 4)
  }
  return { heads, offsets }
}

/** The heads before the pages, found one by one; after a damaged one by looking for the next at every byte. */
function scanPages(file: DiskFile): Directory {
  const sizeBytes = file.sizeBytes()
  const window = Buffer.alloc(Math.min(SCAN_BYTES, sizeBytes))
  const heads: Buffer[] = []
  const offsets: number[] = []
  for (let at = FILE_MAGIC.length; at + PAGE_HEAD_BYTES <= sizeBytes;) {
    const got = file.read(window, at, window.length)
    let i = 0
    while (i + PAGE_HEAD_BYTES <= got && !isNextHead(window, i, heads.at(-1))) i++
    if (i + PAGE_HEAD_BYTES > got) {
      at += Math.max(1, i)
      continue
    }
    heads.push(Buffer.from(window.subarray(i, i + PAGE_HEAD_BYTES)))
    offsets.push(at + i + PAGE_HEAD_BYTES)
    at += i + PAGE_HEAD_BYTES + window.readUInt32LE(i + STORED * 4)
  }
  return { heads: Buffer.concat(heads), offsets }
}

/** Heads of the directory repeat those of the pages: only what goes on where the page before ended is a page's. */
function isNextHead(bytes: Buffer, at: number, before: Buffer | undefined): boolean {
  if (!isHead(bytes, at)) return false
  if (before === undefined) return true
  const section = bytes.readUInt32LE(at + SECTION * 4)
  const sectionBefore = before.readUInt32LE(SECTION * 4)
  if (section !== sectionBefore) return section > sectionBefore
  return bytes.readUInt32LE(at + FIRST_ITEM * 4) >= before.readUInt32LE(FIRST_ITEM * 4) + before.readUInt32LE(ITEMS * 4)
}
