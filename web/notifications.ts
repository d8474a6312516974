// What people are to know of the server itself while it is so: that it starts, that a reload failed, that it ends. Those who
// listen (/api/v1/notifications/live) are told of each change, as by Prometheus' util/notifications.
import type { Clock } from '../lib/std/clock.ts'

export const RELOAD_FAILED = 'Configuration reload has failed.'
export const ALERTS_REFUSED = 'The configuration of alerts could not be brought into force: people are told as by the one before it, or not at all. It is tried again.'
export const STARTING = 'Monitor is starting and replaying its log.'
export const ENDING = 'Monitor is shutting down and gracefully stopping all operations.'

/** As it goes over the wire. */
export interface Notification {
  text: string
  /** Since when, RFC 3339; of a repeated one, when it was last. */
  date: string
  active: boolean
}

/** Each listener holds a connection; so many are Prometheus' default. */
const LISTENERS_MAX = 16

export class Notifications {
  readonly #clock: Clock
  readonly #active = new Map<string, Notification>()
  readonly #listeners = new Set<(notification: Notification) => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Says that `text` holds from now on. */
  add(text: string): void {
    const notification = { text, date: new Date(this.#clock.now()).toISOString(), active: true }
    this.#active.set(text, notification)
    this.#tell(notification)
  }

  /** Says that `text` does not hold any more, if it did. */
  remove(text: string): void {
    const notification = this.#active.get(text)
    if (notification === undefined) return
    this.#active.delete(text)
    this.#tell({ ...notification, active: false })
  }

  /** Says whether `text` holds. */
  say(text: string, isSo: boolean): void {
    if (isSo) this.add(text)
    else this.remove(text)
  }

  /** Those that hold. */
  active(): Notification[] {
    return [...this.#active.values()]
  }

  /** Calls `listener` with those that hold, then with each change, until the function that comes back is called; null where too many listen. */
  listen(listener: (notification: Notification) => void): (() => void) | null {
    if (this.#listeners.size >= LISTENERS_MAX) return null
    this.#listeners.add(listener)
    for (const notification of this.#active.values()) listener(notification)
    return () => void this.#listeners.delete(listener)
  }

  #tell(notification: Notification): void {
    for (const listener of this.#listeners) listener(notification)
  }
}
