// Retention by free disk: while less is free than is to stay free, the oldest block goes; the next one only when that is gone
// and its room has been seen. Where room does not come (a snapshot holds the files, another program takes it), it stops:
// deleting all there is would not help.
import { DiskError, freeSpace } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Planned } from './block-plan.ts'

/** Of the bytes of a block that was removed so many must be free, or removing does not help. */
const GAIN_SHARE_MIN = 0.5

export class FreeSpace {
  readonly #folder: string
  readonly #logger: Logger
  /** Bytes that are to stay free; 0: none. */
  keepFreeBytes = 0
  /** Of the file system's size the data folder may take so much; 1: all. */
  shareMax = 1
  /** Blocks that have gone for this and are still on disk, and their bytes. */
  readonly #leaving = new Map<string, number>()
  #isVain = false

  constructor(folder: string, logger: Logger) {
    this.#folder = folder
    this.#logger = logger
  }

  setLimits(keepFreeBytes: number, shareMax: number): void {
    this.keepFreeBytes = keepFreeBytes
    this.shareMax = shareMax
    this.#isVain = false
  }

  /** What the data folder may take by its share of the file system. */
  get bytesMax(): number {
    return this.shareMax === 1 ? Infinity : (this.#measure()?.sizeBytes ?? Infinity) * this.shareMax
  }

  /** The oldest block, if it is to go for free space. */
  next(blocks: readonly Planned[]): string[] {
    const oldest = blocks.toSorted((a, b) => a.meta.maxT - b.meta.maxT)[0]
    if (this.keepFreeBytes === 0 || this.#isVain || this.#leaving.size > 0 || oldest === undefined) return []
    const space = this.#measure()
    if (space === null || space.freeBytes >= this.keepFreeBytes) return []
    this.#leaving.set(oldest.folder, oldest.meta.bytes)
    return [oldest.folder]
  }

  /** Notes what is free before blocks are removed; call what it returns when they are. */
  removing(names: readonly string[]): () => void {
    const bytes = names.reduce((sum, name) => sum + (this.#leaving.get(name) ?? 0), 0)
    if (bytes === 0) return () => undefined
    const before = this.#measure()
    return () => {
      for (const name of names) this.#leaving.delete(name)
      const after = this.#measure()
      if (before === null || after === null || after.freeBytes - before.freeBytes >= bytes * GAIN_SHARE_MIN) return
      this.#isVain = true
      this.#logger.warn('removing blocks does not free the disk, so no more go for that: a snapshot may hold them, or others fill it', {
        removed_bytes: bytes, gained_bytes: after.freeBytes - before.freeBytes, free_bytes: after.freeBytes, keep_free_bytes: this.keepFreeBytes,
      })
    }
  }

  /** null where it cannot be told. */
  #measure(): { freeBytes: number; sizeBytes: number } | null {
    try {
      return freeSpace(this.#folder)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      return null
    }
  }
}
