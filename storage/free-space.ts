// Retention by free disk: while less is free than is to stay free, the oldest block goes, of samples or of rows of minutes; the next one only when that is gone
// and its room has been seen. A block that a snapshot holds, too, stays, since its going would free nothing, until the snapshot
// has gone. Where room does not come for another reason (another program takes it, the file system keeps versions), the next
// block goes after a while, twice as long each time: deleting all there is at once would not help.
import path from 'node:path'
import type { Clock } from '../lib/std/clock.ts'
import { DiskError, freeSpace, hasOtherNames } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import { CHUNKS_FILE } from './block/block-meta.ts'
import type { Planned } from './block-plan.ts'
import type { Going } from './size-plan.ts'
import { minutesFolder } from './store-querier.ts'

/** Of the bytes of a block that was removed so many must be free, or removing does not help. */
const GAIN_SHARE_MIN = 0.5
const WAIT_MS_MIN = 15 * 60_000
const WAIT_MS_MAX = 24 * 3_600_000

export class FreeSpace {
  readonly #folder: string
  readonly #minutesFolder: string
  readonly #clock: Clock
  readonly #logger: Logger
  /** Bytes that are to stay free; 0: none. */
  keepFreeBytes = 0
  /** Of the file system's size the data folder may take so much; 1: all. */
  shareMax = 1
  /** Blocks that have gone for this and are still on disk, by their paths, and their bytes. */
  readonly #leaving = new Map<string, number>()
  /** Removals in a row that freed too little, and when the next one may be, on the monotonic clock. */
  #vain = 0
  #nextAtMs = -Infinity
  /** The block that a snapshot holds, as was said. */
  #held = ''

  constructor(folder: string, clock: Clock, logger: Logger) {
    this.#folder = folder
    this.#minutesFolder = minutesFolder(path.dirname(folder))
    this.#clock = clock
    this.#logger = logger
  }

  setLimits(keepFreeBytes: number, shareMax: number): void {
    this.keepFreeBytes = keepFreeBytes
    this.shareMax = shareMax
    this.#vain = 0
    this.#nextAtMs = -Infinity
    this.#held = ''
  }

  /** What the data folder may take by its share of the file system. */
  get bytesMax(): number {
    return this.shareMax === 1 ? Infinity : (this.#measure()?.sizeBytes ?? Infinity) * this.shareMax
  }

  /** The oldest block of samples, or of rows of minutes, if it is to go for free space. */
  next(blocks: readonly Planned[], minutes: readonly Planned[]): Pick<Going, 'blocks' | 'minutes'> {
    const nothing = { blocks: [], minutes: [] }
    // What is still shown was not let go of: its job failed.
    for (const place of [...blocks.map((block) => this.#placeOf(block, false)), ...minutes.map((block) => this.#placeOf(block, true))]) this.#leaving.delete(place)
    const oldest = [...blocks, ...minutes].toSorted((a, b) => a.meta.maxT - b.meta.maxT)[0]
    if (this.keepFreeBytes === 0 || this.#leaving.size > 0 || oldest === undefined || this.#clock.monotonic() < this.#nextAtMs) return nothing
    const space = this.#measure()
    const isOfMinutes = minutes.includes(oldest)
    const place = this.#placeOf(oldest, isOfMinutes)
    if (space === null || space.freeBytes >= this.keepFreeBytes || this.#isHeld(place, space.freeBytes)) return nothing
    this.#leaving.set(place, oldest.meta.bytes)
    return isOfMinutes ? { blocks: [], minutes: [oldest.folder] } : { blocks: [oldest.folder], minutes: [] }
  }

  #placeOf({ folder }: Pick<Planned, 'folder'>, isOfMinutes: boolean): string {
    return path.join(isOfMinutes ? this.#minutesFolder : this.#folder, folder)
  }

  #isHeld(folder: string, freeBytes: number): boolean {
    if (!this.#hasOtherNames(folder)) return false
    if (this.#held !== folder) {
      this.#logger.warn('the oldest block stays though too little of the disk is free: a snapshot holds its files, too; remove the snapshot', {
        block: folder, free_bytes: freeBytes, keep_free_bytes: this.keepFreeBytes,
      })
    }
    this.#held = folder
    return true
  }

  #hasOtherNames(folder: string): boolean {
    try {
      return hasOtherNames(path.join(folder, CHUNKS_FILE))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      return false
    }
  }

  /** Notes what is free before blocks are removed; call what it returns when they are. */
  removing(blocks: readonly string[], minutes: readonly string[]): () => void {
    const places = [...blocks.map((folder) => this.#placeOf({ folder }, false)), ...minutes.map((folder) => this.#placeOf({ folder }, true))]
    const bytes = places.reduce((sum, place) => sum + (this.#leaving.get(place) ?? 0), 0)
    if (bytes === 0) return () => undefined
    const before = this.#measure()
    return () => {
      for (const place of places) this.#leaving.delete(place)
      const after = this.#measure()
      if (before === null || after === null || after.freeBytes - before.freeBytes >= bytes * GAIN_SHARE_MIN) {
        this.#vain = 0
        return
      }
      const waitMs = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** this.#vain++)
      this.#nextAtMs = this.#clock.monotonic() + waitMs
      this.#logger.warn('removing a block did not free the disk: others fill it, or the file system keeps what was removed; the next one goes after a while if it is still full', {
        removed_bytes: bytes, gained_bytes: after.freeBytes - before.freeBytes, free_bytes: after.freeBytes, keep_free_bytes: this.keepFreeBytes, wait_ms: waitMs,
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
