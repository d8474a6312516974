// When a job that failed is tried again: after a while, twice as long each time.
import type { Clock } from '../lib/std/clock.ts'

const WAIT_MS_MIN = 15_000
const WAIT_MS_MAX = 15 * 60_000

/** One for each kind of job. */
export class JobBackoffs<K> {
  readonly #clock: Clock
  readonly #byKind = new Map<K, JobBackoff>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(kind: K): JobBackoff {
    let backoff = this.#byKind.get(kind)
    if (backoff === undefined) this.#byKind.set(kind, (backoff = new JobBackoff(this.#clock)))
    return backoff
  }
}

class JobBackoff {
  readonly #clock: Clock
  #failures = 0
  #nextAtMs = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** True from a failure on until a try has gone well. */
  get isFailing(): boolean {
    return this.#failures > 0
  }

  /** True while it is too early for another try. */
  get isWaiting(): boolean {
    return this.#clock.monotonic() < this.#nextAtMs
  }

  /** Returns how long the next try waits, ms. */
  fail(): number {
    const waitMs = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** this.#failures++)
    this.#nextAtMs = this.#clock.monotonic() + waitMs
    return waitMs
  }

  succeed(): void {
    this.#failures = 0
    this.#nextAtMs = -Infinity
  }
}
