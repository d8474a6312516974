// Blocks that are not compacted since they are damaged: what is wrong with one stays as it was found, and the others go on without
// it. Each is tried again after a day, as a device may give what it refused once, and after a start.
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'

const AGAIN_MS = 24 * 3_600_000

export class DamagedBlocks {
  readonly #clock: Clock
  readonly #logger: Logger
  /** By folder: when it is tried again, on the monotonic scale. */
  readonly #againAtMs = new Map<string, number>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Folders that are to be left alone now. */
  get folders(): ReadonlySet<string> {
    const now = this.#clock.monotonic()
    for (const [folder, againAtMs] of this.#againAtMs) if (againAtMs <= now) this.#againAtMs.delete(folder)
    return new Set(this.#againAtMs.keys())
  }

  /** These could not become one, `why`: `damaged` of them stay as they are, or all, where what is damaged is read beside them. */
  note(sources: readonly string[], { why, damaged }: { why: string; damaged: readonly string[] }): void {
    const own = sources.filter((folder) => damaged.includes(folder))
    const left = own.length > 0 ? own : sources
    for (const folder of left) this.#againAtMs.set(folder, this.#clock.monotonic() + AGAIN_MS)
    this.#logger.error('damaged blocks are not compacted, others are: see monitor tsdb verify', { blocks: left.join(', '), why })
  }

  forget(folders: readonly string[]): void {
    for (const folder of folders) this.#againAtMs.delete(folder)
  }
}
