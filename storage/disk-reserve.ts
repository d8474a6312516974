// Keeps some of the disk free: below the reserve the store takes no samples, and takes them again by itself once there is
// room. Blocks are still cut and dropped, which is what makes room; queries need none. A log that the disk has refused
// is tried again here, too, in a new file; and that the folder is still there is looked at, as files that were deleted take all that
// is written to them.
//
//   every second: free < reserve ─▶ Log.hold ─▶ appends refused (503, dropped scrapes) ─▶ free ≥ reserve + 5 % ─▶ taken again
import type { Clock, Timer } from '../lib/std/clock.ts'
import { DiskError, freeSpace } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import { LogError } from './errors.ts'
import type { Log } from './log/log.ts'

const CHECK_MS = 1000
/** Where none is given: this share of the file system, but no more than that. */
const RESERVE_SHARE = 0.05
const RESERVE_BYTES_MAX = 500 * 2 ** 20
/** Beyond the reserve before samples are taken again, or the first of them would end it. */
const RETURN_MARGIN = 0.05

export interface ReserveOptions {
  folder: string
  log: Log
  clock: Clock
  logger: Logger
  /** 0 keeps none; undefined: the default share. */
  reserveBytes: number | undefined
  /** Whether the folder is still this process's. */
  isHeld: () => boolean
  /** The definitions cannot be synced; `mend` writes them anew, and rejects with DiskError where the disk refuses. */
  needsMending: () => boolean
  mend: () => Promise<unknown>
}

/** Bytes of a file system of this size that stay free; `wanted`: where one is given. */
export function reserveOf(sizeBytes: number, wanted: number | undefined): number {
  return wanted ?? Math.min(RESERVE_BYTES_MAX, Math.floor(sizeBytes * RESERVE_SHARE))
}

export class DiskReserve {
  readonly #options: ReserveOptions
  #timer: Timer | null = null
  #isReached = false
  #isGone = false
  #isMending = false
  /** Why no samples were taken at the last look. */
  #seen: LogError | null = null
  #seenAtMs = 0
  #hasFailed = false
  /** Free space of the file system; Infinity where it cannot be told. */
  freeBytes: number = Infinity
  /** How much of it is to stay free. */
  reserveBytes: number = 0

  /** Looks at once, and then every second until `stop`. */
  constructor(options: ReserveOptions) {
    this.#options = options
    this.#look()
  }

  /** Whether so many bytes can be written without touching the reserve. */
  fits(bytes: number): boolean {
    return this.freeBytes - bytes >= this.reserveBytes
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const { log, clock } = this.#options
    this.#measure()
    const wantedBytes = Math.ceil(this.reserveBytes * (this.#isReached ? 1 + RETURN_MARGIN : 1))
    this.#isReached = this.freeBytes < wantedBytes
    this.#isGone = !this.#options.isHeld()
    log.hold(this.#isGone ? gone(this.#options.folder) : this.#isReached ? reached(this.freeBytes, wantedBytes) : null)
    if (!this.#isGone && !this.#isReached && this.#options.needsMending()) this.#mend()
    this.#resume()
    this.#tell(log.refusal)
    this.#timer = clock.after(CHECK_MS, () => this.#look(), true)
  }

  #resume(): void {
    const { log } = this.#options
    if (!this.#isGone && !this.#isReached && log.isResumable && log.unsyncedBytes < this.freeBytes) log.resume()
  }

  #mend(): void {
    if (this.#isMending) return
    this.#isMending = true
    void this.#options.mend().then(() => this.#resume(), (error: unknown) => {
      this.#options.logger.warn('definitions cannot be written anew yet', { err: error instanceof Error ? error : String(error) })
    }).then(() => (this.#isMending = false))
  }

  #measure(): void {
    const { folder, reserveBytes, logger } = this.#options
    try {
      const space = freeSpace(folder)
      this.freeBytes = space.freeBytes
      this.reserveBytes = reserveOf(space.sizeBytes, reserveBytes)
      this.#hasFailed = false
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      // Not known is not full: what the disk then refuses is noticed where it is written.
      this.freeBytes = Infinity
      if (!this.#hasFailed) logger.warn('free space is not known, no reserve is kept', { err: error })
      this.#hasFailed = true
    }
  }

  /** Logs what has changed since the last look. */
  #tell(refusal: LogError | null): void {
    const { logger, clock } = this.#options
    if (refusal?.reason === this.#seen?.reason) return
    const free = { free_bytes: this.freeBytes, reserve_bytes: this.reserveBytes }
    if (refusal !== null) logger.error('read-only: no samples are taken', { ...free, why: refusal.message })
    else logger.info('samples are taken again', { ...free, read_only_seconds: Math.round((clock.monotonic() - this.#seenAtMs) / 1000) })
    if (this.#seen === null) this.#seenAtMs = clock.monotonic()
    this.#seen = refusal
  }
}

function reached(freeBytes: number, wantedBytes: number): LogError {
  return new LogError(`disk reserve reached: ${megabytes(freeBytes)} free of ${megabytes(wantedBytes)} wanted; free space or lower --storage.reserve.size`, 'disk_reserve')
}

function gone(folder: string): LogError {
  return new LogError(`the data folder ${folder} was deleted, moved or replaced; put it back, or restart Monitor to begin anew there`, 'disk_error')
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 2 : 0)}MB`
}
