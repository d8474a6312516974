// A message to several at once of whom some have got it: what is tried again, also by the group's next flush, is for the others alone. One
// address that nobody has must neither bring everyone else the same mail every five minutes nor keep the end of the alert from them.
import type { Notification } from '../../model/notification.ts'
import type { Clock } from '../../std/clock.ts'
import { LruMap } from '../../std/lru-map.ts'
import { DeliveryError } from '../receiver.ts'
import { messageKey } from './ground.ts'

const MESSAGES_MAX = 1000
/** A server that has seen nobody before lets mail wait for a quarter of an hour at most; who cannot be told for longer is told of the next news. */
const WAITED_MS_MAX = 3_600_000

interface Known {
  told: ReadonlySet<string>
  /** Monotonic ms of the first try that told only some. */
  sinceMs: number
}

export class PartlyTold {
  readonly #clock: Clock
  readonly #byMessage = new LruMap<Known>(MESSAGES_MAX)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Those that have got the message, as they were named. */
  of(notification: Notification): ReadonlySet<string> {
    return this.#byMessage.get(messageKey(notification))?.told ?? new Set()
  }

  /** What a try failed with by which all of `told` have got the message now, those before among them; `failures` of others, at least one. */
  failure(notification: Notification, told: ReadonlySet<string>, message: string, failures: readonly DeliveryError[]): DeliveryError {
    const key = messageKey(notification)
    const nowMs = this.#clock.monotonic()
    const isPartlyTaken = told.size > 0
    const sinceMs = this.#byMessage.get(key)?.sinceMs ?? nowMs
    if (isPartlyTaken) this.#byMessage.set(key, { told, sinceMs })
    return new DeliveryError(message, {
      isRetryable: failures.some(({ isRetryable }) => isRetryable) && (!isPartlyTaken || nowMs - sinceMs < WAITED_MS_MAX),
      retryAfterMs: Math.max(...failures.map(({ retryAfterMs }) => retryAfterMs)), isPartlyTaken, cause: failures[0],
    })
  }
}
