// Warns once that the head's memory runs out, while there is time: what does not fit any more is refused.
import type { Clock, Timer } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import { formatSize } from '../lib/model/size.ts'

/** Share of the memory from which on the operator is warned. */
const CROWDED_SHARE = 0.8
const LOOK_MS = 15_000

export interface HeadMemory {
  usedBytes: number
  sizeBytes: number
}

/** Looks every 15 s until it has warned, or is stopped. */
export class HeadWatch {
  readonly #read: () => HeadMemory
  readonly #clock: Clock
  readonly #logger: Logger
  #timer: Timer

  constructor(read: () => HeadMemory, clock: Clock, logger: Logger) {
    this.#read = read
    this.#clock = clock
    this.#logger = logger
    this.#timer = clock.after(0, () => this.#look(), true)
  }

  stop(): void {
    this.#timer.cancel()
  }

  #look(): void {
    const { usedBytes, sizeBytes } = this.#read()
    if (usedBytes < sizeBytes * CROWDED_SHARE) {
      this.#timer = this.#clock.after(LOOK_MS, () => this.#look(), true)
      return
    }
    this.#logger.warn('the head runs out of memory; when none is left, new series and samples are refused: raise --storage.head.memory, or scrape fewer series', {
      used: `${Math.floor(100 * usedBytes / sizeBytes)}%`, of: formatSize(sizeBytes),
    })
  }
}
