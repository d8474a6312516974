// Pages that a thread has read lately, and the files it has open: bounded, the least lately used go first.
import { DiskFile } from '../../lib/std/fs.ts'

/** Decoders may look this far past a page's content. */
export const PAGE_PAD_BYTES = 16
/** What a query thread keeps: as much as a stretch of 1 Mi values of many shapes needs, a few times over. */
const CACHE_BYTES_MAX = 8 << 20
/** Of the 256 that a process may have at the least, threads and sockets need theirs. */
const OPEN_FILES_MAX = 16
/** What a text takes in memory, about. */
const TEXT_BYTES = 48
/** Pages that a file may have, for the cache's keys. */
const PAGES_MAX = 2 ** 24

/** A page's content, checked and unpacked. */
export interface Page {
  /** Number of its first item, and how many it has. */
  readonly firstItem: number
  readonly items: number
  /** Content with PAGE_PAD_BYTES behind it. */
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly sizeBytes: number
  /** Numbers of its items, by the section: where they begin, what they name. */
  readonly columns: readonly Uint32Array[]
  /** Texts of its items, where they have such. */
  readonly texts: readonly string[]
}

/** One for each thread, shared by its block readers. Files go by a number that the cache gives them. */
export class PageCache {
  readonly #pages = new Map<number, Page>()
  readonly #files = new Map<number, DiskFile>()
  readonly #bytesMax: number
  #bytes = 0
  #fileCount = 0

  constructor(bytesMax: number = CACHE_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  newFile(): number {
    return ++this.#fileCount
  }

  get(file: number, page: number): Page | undefined {
    const key = file * PAGES_MAX + page
    const found = this.#pages.get(key)
    if (found !== undefined) {
      // To the end of the order of use.
      this.#pages.delete(key)
      this.#pages.set(key, found)
    }
    return found
  }

  put(file: number, page: number, content: Page): void {
    const key = file * PAGES_MAX + page
    this.#pages.set(key, content)
    this.#bytes += weight(content)
    for (const [old, dropped] of this.#pages) {
      if (this.#bytes <= this.#bytesMax || old === key) break
      this.#pages.delete(old)
      this.#bytes -= weight(dropped)
    }
  }

  /** Throws DiskError. */
  open(file: number, path: string): DiskFile {
    let disk = this.#files.get(file)
    if (disk === undefined) {
      disk = DiskFile.openForRead(path)
      for (const old of this.#files.keys()) {
        if (this.#files.size < OPEN_FILES_MAX) break
        this.#closeFile(old)
      }
    } else {
      this.#files.delete(file)
    }
    this.#files.set(file, disk)
    return disk
  }

  /** Closes a file and forgets its pages. */
  forget(file: number): void {
    this.#closeFile(file)
    for (const [key, page] of this.#pages) {
      if (Math.floor(key / PAGES_MAX) !== file) continue
      this.#pages.delete(key)
      this.#bytes -= weight(page)
    }
  }

  #closeFile(file: number): void {
    this.#files.get(file)?.close()
    this.#files.delete(file)
  }
}

function weight(page: Page): number {
  return page.bytes.length + page.columns.reduce((sum, column) => sum + column.byteLength, 200 + page.texts.length * TEXT_BYTES)
}
