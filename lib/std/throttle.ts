// Work that is asked for more often than it need be done: done at once at first, then once for all that ask within a while.
import type { Clock, Timer } from './clock.ts'

export class Throttle {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #work: () => void
  #timer: Timer | null = null
  #isDue = false

  constructor(clock: Clock, everyMs: number, work: () => void) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#work = work
  }

  /** The work is to be done. */
  ask(): void {
    this.#isDue = true
    if (this.#timer === null) this.flush()
  }

  /** Does at once what waits. */
  flush(): void {
    if (!this.#isDue) return
    this.#isDue = false
    this.#timer?.cancel()
    this.#timer = this.#clock.after(this.#everyMs, () => {
      this.#timer = null
      this.flush()
    }, true)
    this.#work()
  }
}
