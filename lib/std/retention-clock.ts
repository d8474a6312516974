// The clock by which data grows old. Deleting is the one thing that a clock set right again cannot undo, so a jump of the
// wall clock counts only when it has stood for an hour; until then time goes on from where it was believed to be.
import type { Clock } from './clock.ts'

/** The wall clock may drift from the monotonic one by as much between two looks. */
const DRIFT_MS_MAX = 60_000
/** A new time is believed when it has stood for so long. */
const CONFIRM_MS = 3_600_000
/** A start later than this after the newest sample, or before it, is a jump, too: the machine may have the wrong year. */
const PAUSE_MS_MAX = 86_400_000

export class RetentionClock {
  readonly #clock: Clock
  /** Wall clock less monotonic clock, as believed. */
  #offsetMs: number
  /** One that differs, and the monotonic time since when it stands. */
  #otherMs = NaN
  #otherSinceMs = 0

  /** `newestT`: time of the newest sample found at start, Unix ms; not finite where there is none. */
  constructor(clock: Clock, newestT: number = -Infinity) {
    this.#clock = clock
    this.#offsetMs = clock.now() - clock.monotonic()
    const pauseMs = clock.now() - newestT
    if (!Number.isFinite(newestT) || (pauseMs >= 0 && pauseMs <= PAUSE_MS_MAX)) return
    this.#offsetMs = newestT - clock.monotonic()
    this.#doubt(clock.now() - clock.monotonic())
  }

  /** Unix ms. */
  now(): number {
    const monotonicMs = this.#clock.monotonic()
    const offsetMs = this.#clock.now() - monotonicMs
    const isOther = Math.abs(offsetMs - this.#otherMs) <= DRIFT_MS_MAX
    if (Math.abs(offsetMs - this.#offsetMs) <= DRIFT_MS_MAX || (isOther && monotonicMs - this.#otherSinceMs >= CONFIRM_MS)) {
      this.#offsetMs = offsetMs
      this.#otherMs = NaN
    } else if (!isOther) this.#doubt(offsetMs)
    return monotonicMs + this.#offsetMs
  }

  #doubt(offsetMs: number): void {
    this.#otherMs = offsetMs
    this.#otherSinceMs = this.#clock.monotonic()
  }
}
