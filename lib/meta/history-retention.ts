// Lets go of what the relational store need not remember any more, every hour, some at a time: a page may be waiting for
// the store while the alerts of a storm go.
import type { Clock, Timer } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import { RetentionClock } from '../std/retention-clock.ts'
import { MetaError } from './errors.ts'
import type { MetaStore } from './interface.ts'

const EVERY_MS = 3_600_000
/** Of a Monitor that is started anew each hour something must go, too; the clock of one that has just booted may yet be set right. */
const FIRST_MS = 600_000

export class HistoryRetention {
  readonly #store: MetaStore
  readonly #clock: Clock
  readonly #retentionClock: RetentionClock
  readonly #logger: Logger
  #timer: Timer
  #isStopped = false
  /** How long resolved alerts are kept; set before the first round. */
  retentionMs: number = Infinity

  constructor(store: MetaStore, clock: Clock, logger: Logger) {
    this.#store = store
    this.#clock = clock
    this.#retentionClock = new RetentionClock(clock)
    this.#logger = logger
    this.#timer = clock.after(FIRST_MS, () => void this.#round(), true)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer.cancel()
  }

  async #round(): Promise<void> {
    const nowMs = this.#retentionClock.now()
    this.#timer = this.#clock.after(EVERY_MS, () => void this.#round(), true)
    try {
      for (let isMore = true; isMore && !this.#isStopped;) isMore = await this.#store.forget({ resolvedBeforeMs: nowMs - this.retentionMs, nowMs })
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      this.#logger.warn('old alerts could not be removed from the history; it is tried again in an hour', { err: error })
    }
  }
}
