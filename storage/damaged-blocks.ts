// Blocks that are not compacted since they are damaged: what is wrong with one stays as it was found, and the others go on without
// it. Each is tried again, as a device may give what it refused once: after a while, twice as long each time up to a day, and
// after a start.
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'

const AGAIN_MS_MIN = 30_000
const AGAIN_MS_MAX = 24 * 3_600_000

export class DamagedBlocks {
  readonly #clock: Clock
  readonly #logger: Logger
  /** By folder: how often it was tried, and when it is tried again, on the monotonic scale. */
  readonly #tried = new Map<string, { times: number; againAtMs: number }>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Folders that are to be left alone now. */
  get folders(): ReadonlySet<string> {
    const now = this.#clock.monotonic()
    return new Set(this.#tried.entries().filter(([, { againAtMs }]) => againAtMs > now).map(([folder]) => folder))
  }

  /** These could not become one, `why`: `damaged` of them stay as they are, or all, where what is damaged is read beside them. */
  note(sources: readonly string[], { why, damaged }: { why: string; damaged: readonly string[] }): void {
    const own = sources.filter((folder) => damaged.includes(folder))
    const left = own.length > 0 ? own : sources
    for (const folder of left) {
      const times = (this.#tried.get(folder)?.times ?? 0) + 1
      this.#tried.set(folder, { times, againAtMs: this.#clock.monotonic() + Math.min(AGAIN_MS_MAX, AGAIN_MS_MIN * 2 ** (times - 1)) })
    }
    this.#logger.error('damaged blocks are not compacted, others are: see monitor tsdb verify', { blocks: left.join(', '), why })
  }

  forget(folders: readonly string[]): void {
    for (const folder of folders) this.#tried.delete(folder)
  }
}
