// Tells when data have ended: no newer sample has come for so long that none of the time up to it may be expected.
import type { Clock } from '../lib/std/clock.ts'
import { CUT_DELAY_MS } from './block-plan.ts'

export class EndWatch {
  readonly #clock: Clock
  /** The newest sample at the last look, and when it was first seen. */
  #newestT = NaN
  #newestAtMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `newestT`: of the newest sample there is, Unix ms. */
  hasEnded(newestT: number): boolean {
    if (newestT !== this.#newestT) {
      this.#newestT = newestT
      this.#newestAtMs = this.#clock.monotonic()
    }
    return this.#clock.monotonic() - this.#newestAtMs >= CUT_DELAY_MS
  }
}
