// Lets go of what the relational store need not remember any more, every hour.
import type { Clock, Timer } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import { MetaError } from './errors.ts'
import type { MetaStore } from './interface.ts'

const EVERY_MS = 3_600_000

export class HistoryRetention {
  readonly #store: MetaStore
  readonly #clock: Clock
  readonly #logger: Logger
  #timer: Timer
  /** How long resolved alerts are kept; set before the first round. */
  retentionMs: number = Infinity

  constructor(store: MetaStore, clock: Clock, logger: Logger) {
    this.#store = store
    this.#clock = clock
    this.#logger = logger
    this.#timer = clock.after(EVERY_MS, () => void this.#round(), true)
  }

  stop(): void {
    this.#timer.cancel()
  }

  async #round(): Promise<void> {
    const nowMs = this.#clock.now()
    this.#timer = this.#clock.after(EVERY_MS, () => void this.#round(), true)
    try {
      await this.#store.forget({ resolvedBeforeMs: nowMs - this.retentionMs, nowMs })
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      this.#logger.warn('old alerts could not be removed from the history; it is tried again in an hour', { err: error })
    }
  }
}
