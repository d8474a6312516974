// A rate that services put up with: who sends faster is refused, and may be shut out for longer than the wait would take.
import { sleep, type Clock } from '../../std/clock.ts'

/** Messages that may go at once after a quiet time. */
const BURST = 5

export class Pace {
  readonly #clock: Clock
  readonly #intervalMs: number
  /** When the next message may go at the steady rate, on the monotonic scale. */
  #nextMs = 0

  /** `intervalMs` 0: no limit. */
  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  /** Resolves when it is this caller's turn; turns are given in the order they are asked for. Rejects with the signal's reason. */
  async turn(signal: AbortSignal): Promise<void> {
    if (this.#intervalMs === 0) return
    const nowMs = this.#clock.monotonic()
    this.#nextMs = Math.max(this.#nextMs, nowMs) + this.#intervalMs
    const waitMs = this.#nextMs - nowMs - BURST * this.#intervalMs
    if (waitMs > 0) await sleep(this.#clock, waitMs, signal)
  }
}
