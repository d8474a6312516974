// Retention by size and by free disk. By free disk: while less is free than is to stay free, what is oldest goes, a block of samples, a block of rows of
// minutes or a file of hours; the next one only when that is gone and its room has been seen. The order is that of
// retention by size: who looks back furthest loses first, and the newest samples stay longest. What a snapshot holds, too,
// stays, since its going would free nothing, until the snapshot has gone. Where room does not come for another reason (another
// program takes it, the file system keeps versions), the next one goes after a while, twice as long each time: deleting all
// there is at once would not help. File systems may free what is removed some seconds later, and the store itself writes
// meanwhile: neither is room that did not come. A file of hours leaves the list at once and the disk a quarter of an hour
// later, as readers may be at it; what it will free is counted as if it were free, and where that is too little the next goes.
import path from 'node:path'
import type { Clock } from '../lib/std/clock.ts'
import { DiskError, freeSpace, hasOtherNames, pathExists } from '../lib/std/fs.ts'
import type { LogFields, Logger } from '../lib/std/log.ts'
import { CHUNKS_FILE } from './block/block-meta.ts'
import { NOTHING_GOES, goingForSize, type Going, type Kept } from './size-plan.ts'
import { hoursFolder, minutesFolder } from './store-querier.ts'

/** What may go, at its path. */
interface Place {
  path: string
  /** Of it, which has one name where nothing but the store holds it. */
  file: string
  maxT: number
  bytes: number
  going: Going
}

/** Of the bytes of a block that was removed so many must be free, or removing does not help. */
const GAIN_SHARE_MIN = 0.5
/** By then what was removed is free: btrfs commits every 30 s, XFS frees inodes in the background. */
const SETTLE_MS = 60_000
const WAIT_MS_MIN = 15 * 60_000
const WAIT_MS_MAX = 24 * 3_600_000

export class FreeSpace {
  readonly #folder: string
  readonly #minutesFolder: string
  readonly #hoursFolder: string
  readonly #clock: Clock
  readonly #logger: Logger
  /** Bytes that are to stay free; 0: none. */
  #keepFreeBytes = 0
  /** Of the file system's size the data folder may take so much; 1: all. */
  #shareMax = 1
  /** What has gone for this and is still on disk, by paths, and its bytes. */
  readonly #leaving = new Map<string, number>()
  /** What the store took at the last look, without what is leaving. */
  #keptBytes = 0
  /** The last removal, until its room has been seen: what was free and kept before, what went, when it is judged at the latest (monotonic). */
  #settling: { freeBytes: number; keptBytes: number; bytes: number; untilMs: number } | null = null
  /** Removals in a row that freed too little, and when the next one may be, on the monotonic clock. */
  #vain = 0
  #nextAtMs = -Infinity
  /** What a snapshot holds, as was said. */
  #held = ''

  constructor(folder: string, clock: Clock, logger: Logger) {
    this.#folder = folder
    this.#minutesFolder = minutesFolder(path.dirname(folder))
    this.#hoursFolder = hoursFolder(path.dirname(folder))
    this.#clock = clock
    this.#logger = logger
  }

  setLimits(keepFreeBytes: number, shareMax: number): void {
    this.#keepFreeBytes = keepFreeBytes
    this.#shareMax = shareMax
    this.#settling = null
    this.#vain = 0
    this.#nextAtMs = -Infinity
    this.#held = ''
  }

  /** Whether anything may have to go, where the store's folders may take `retentionBytes`. */
  hasLimit(retentionBytes: number): boolean {
    return retentionBytes < Infinity || this.#shareMax < 1 || this.#keepFreeBytes > 0
  }

  /** What goes because the store's folders take more than `retentionBytes` or their share, else for free space. */
  going(kept: Kept, retentionBytes: number, otherBytes: () => number): Going {
    const bytesMax = this.#shareMax === 1 ? retentionBytes : Math.min(retentionBytes, (this.#measure()?.sizeBytes ?? Infinity) * this.#shareMax)
    const going = bytesMax === Infinity ? NOTHING_GOES : goingForSize(kept, bytesMax, otherBytes())
    if (going.blocks.length + going.minutes.length === 0 && going.hoursT === -Infinity) return this.#next(kept, otherBytes)
    this.#tellOf(kept, going, { why: 'all files take more than the retention by size', bytes_max: bytesMax })
    return going
  }

  /** A limit that was mistyped takes months with it: who asks where they are finds it here. */
  #tellOf({ blocks, minutes, hours }: Kept, going: Going, limit: LogFields): void {
    const untilT = Math.max(going.hoursT, ...[...blocks, ...minutes].filter(({ folder }) => going.blocks.includes(folder) || going.minutes.includes(folder)).map(({ meta }) => meta.maxT))
    this.#logger.info('retention: what is oldest goes', {
      until: new Date(untilT).toISOString(), blocks: going.blocks.length, blocks_1m: going.minutes.length, files_1h: hours.filter(({ maxT }) => maxT <= going.hoursT).length, ...limit,
    })
  }

  /** A file of hours has gone for this, and is still on disk. */
  get awaitsHours(): boolean {
    return this.#leaving.keys().some((place) => this.#isHourFile(place))
  }

  /** What is oldest, if it is to go for free space. */
  #next(kept: Kept, otherBytes: () => number): Going {
    const places = this.#placesOf(kept)
    // What is still shown was not let go of: its job failed.
    for (const place of places) this.#leaving.delete(place.path)
    if (this.#keepFreeBytes === 0) return NOTHING_GOES
    this.#keptBytes = places.reduce((sum, { bytes }) => sum + bytes, otherBytes())
    const space = this.#measure()
    if (space === null || !this.#isSettled(space.freeBytes) || this.#clock.monotonic() < this.#nextAtMs) return NOTHING_GOES
    const leaving = [...this.#leaving]
    const hourBytes = leaving.reduce((sum, [place, bytes]) => sum + (this.#isHourFile(place) ? bytes : 0), 0)
    const oldest = places.toSorted((a, b) => a.maxT - b.maxT)[0]
    if (oldest === undefined || !leaving.every(([place]) => this.#isHourFile(place))) return NOTHING_GOES
    if (space.freeBytes + hourBytes >= this.#keepFreeBytes || this.#isHeld(oldest, space.freeBytes)) return NOTHING_GOES
    this.#leaving.set(oldest.path, oldest.bytes)
    this.#keptBytes -= oldest.bytes
    this.#tellOf(kept, oldest.going, { why: 'too little of the disk is free', free_bytes: space.freeBytes, keep_free_bytes: this.#keepFreeBytes })
    return oldest.going
  }

  /** Whether the last removal has been judged; false while its room may still come. */
  #isSettled(freeBytes: number): boolean {
    if (this.#settling === null) return true
    const { freeBytes: before, keptBytes, bytes, untilMs } = this.#settling
    const grownBytes = Math.max(0, this.#keptBytes - keptBytes)
    const isFreed = freeBytes >= this.#keepFreeBytes || freeBytes - before >= (bytes - grownBytes) * GAIN_SHARE_MIN
    if (!isFreed && this.#clock.monotonic() < untilMs) return false
    this.#settling = null
    if (isFreed) this.#vain = 0
    else this.#noteVain(bytes, freeBytes - before, freeBytes)
    return true
  }

  #noteVain(bytes: number, gainedBytes: number, freeBytes: number): void {
    const waitMs = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** this.#vain++)
    this.#nextAtMs = this.#clock.monotonic() + waitMs
    this.#logger.warn('removing what is oldest did not free the disk: others fill it, or the file system keeps what was removed; the next goes after a while if it is still full', {
      removed_bytes: bytes, gained_bytes: gainedBytes, free_bytes: freeBytes, keep_free_bytes: this.#keepFreeBytes, wait_ms: waitMs,
    })
  }

  #isHourFile(place: string): boolean {
    return path.dirname(place) === this.#hoursFolder
  }

  #placesOf({ blocks, minutes, hours }: Kept): Place[] {
    const inFolder = (parent: string, { folder, meta: { maxT, bytes } }: Kept['blocks'][number], going: Partial<Going>): Place => {
      const place = path.join(parent, folder)
      return { path: place, file: path.join(place, CHUNKS_FILE), maxT, bytes, going: { ...NOTHING_GOES, ...going } }
    }
    return [
      ...blocks.map((block) => inFolder(this.#folder, block, { blocks: [block.folder] })),
      ...minutes.map((block) => inFolder(this.#minutesFolder, block, { minutes: [block.folder] })),
      ...hours.map(({ name, maxT, bytes }) => {
        const place = path.join(this.#hoursFolder, name)
        return { path: place, file: place, maxT, bytes, going: { ...NOTHING_GOES, hoursT: maxT } }
      }),
    ]
  }

  #isHeld(oldest: Place, freeBytes: number): boolean {
    if (!this.#hasOtherNames(oldest.file)) return false
    if (this.#held !== oldest.path) {
      this.#logger.warn('the oldest block stays though too little of the disk is free: a snapshot holds its files, too; remove the snapshot', {
        block: path.basename(oldest.path), free_bytes: freeBytes, keep_free_bytes: this.#keepFreeBytes,
      })
    }
    this.#held = oldest.path
    return true
  }

  #hasOtherNames(file: string): boolean {
    try {
      return hasOtherNames(file)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      return false
    }
  }

  /** Notes what is free before files are removed; call what it returns when they are. */
  removing(): () => void {
    const before = this.#leaving.size === 0 ? null : this.#measure()
    const keptBytes = this.#keptBytes
    return () => {
      const gone = [...this.#leaving].filter(([place]) => !pathExists(place))
      const bytes = gone.reduce((sum, [, one]) => sum + one, 0)
      for (const [place] of gone) this.#leaving.delete(place)
      if (bytes > 0 && before !== null) this.#settling = { freeBytes: before.freeBytes, keptBytes, bytes, untilMs: this.#clock.monotonic() + SETTLE_MS }
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
