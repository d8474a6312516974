// So many of something an hour: an hour begins with the first that is taken, the next with the first after its end.

const HOUR_MS = 3_600_000

export class HourlyBudget {
  #fromMs = -Infinity
  #taken = 0

  /** Takes one, if fewer than `limit` were taken in the hour; with a limit of 0 always. `nowMs`: Unix ms. */
  take(limit: number, nowMs: number): boolean {
    // A clock that was set back begins an hour, too: nobody waits for a time that has been.
    if (nowMs >= this.#fromMs + HOUR_MS || nowMs < this.#fromMs) {
      this.#fromMs = nowMs
      this.#taken = 0
    }
    if (limit !== 0 && this.#taken >= limit) return false
    this.#taken++
    return true
  }
}
