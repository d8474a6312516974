// What ends exchanges before their answer does: their deadlines, and the signals of who asked. Nearly all are answered in time, and
// a scraper's loop has one signal for all of its requests, so one timer serves a client and stays armed when deadlines are
// met, and each signal is listened to once: a timer and a listener for each made a tenth of a small scrape.
import type { Clock, Timer } from './clock.ts'

/** An exchange under way. */
export interface Ending {
  /** On the clock's monotonic scale. */
  readonly deadlineMs: number
  readonly signal: AbortSignal | null
  expire(): void
  abort(): void
}

export class Endings {
  readonly #clock: Clock
  readonly #open = new Set<Ending>()
  readonly #bySignal = new WeakMap<AbortSignal, Set<Ending>>()
  #timer: Timer | null = null
  /** When the timer goes off; Infinity where there is none. */
  #armedMs = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Has it end, in another turn, when its time has come or its signal aborts; up to `remove`. */
  add(ending: Ending): void {
    this.#open.add(ending)
    if (ending.deadlineMs < this.#armedMs) this.#arm(ending.deadlineMs)
    if (ending.signal !== null) this.#under(ending.signal).add(ending)
  }

  remove(ending: Ending): void {
    this.#open.delete(ending)
    if (ending.signal !== null) this.#bySignal.get(ending.signal)?.delete(ending)
  }

  #under(signal: AbortSignal): Set<Ending> {
    const known = this.#bySignal.get(signal)
    if (known !== undefined) return known
    const made = new Set<Ending>()
    this.#bySignal.set(signal, made)
    signal.addEventListener('abort', () => {
      for (const ending of made) ending.abort()
    }, { once: true })
    return made
  }

  #arm(atMs: number): void {
    this.#timer?.cancel()
    this.#armedMs = atMs
    // What is under way has a socket that keeps the process alive.
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonic()), () => this.#onTime(), true)
  }

  #onTime(): void {
    this.#timer = null
    this.#armedMs = Infinity
    // It may go off a fraction of a ms early.
    const nowMs = this.#clock.monotonic()
    let nextMs = Infinity
    for (const ending of this.#open) {
      if (ending.deadlineMs <= nowMs) ending.expire()
      else nextMs = Math.min(nextMs, ending.deadlineMs)
    }
    if (nextMs < this.#armedMs) this.#arm(nextMs)
  }
}
