// What waits for one integration: so many tries at once, each message again and again until its deadline with growing pauses.
// A slow or dead integration keeps only its own messages waiting. While tries fail, fewer go side by side, down to one; what
// the other side says of when to come again holds for all.
import type { Notification } from '../../model/notification.ts'
import { sleep, type Clock } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'
import type { Random } from '../../std/random.ts'
import type { Receipt } from '../courier/courier.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import type { DispatchMetrics } from './dispatch-metrics.ts'

/** Tries side by side while all goes well: ten thousand messages of 100 ms go out within the minute. */
const CONCURRENCY_MAX = 32
/** At first: what a first connection loads and compiles is not to be waited for by 32. */
const CONCURRENCY_FIRST = 4
/** The pause after the first failure, and the longest one: a service that is back is told within seconds. */
const PAUSE_MS_MIN = 500
const PAUSE_MS_MAX = 10_000
const PAUSE_FACTOR = 1.5
/** Pauses are spread by so much to both sides. */
const JITTER = 0.3
/** What has waited for its turn longer than this, behind a receiver that hangs, may be over: the next flush tells what is. */
const STALE_MS = 300_000
/** A longer Retry-After would be no page any more. */
const RETRY_AFTER_MS_MAX = 300_000

export interface DeliveryGround {
  clock: Clock
  random: Random
  logger: Logger
  metrics: DispatchMetrics
}

export interface DeliveryTerms {
  /** Monotonic ms. */
  deadlineMs: number
  signal: AbortSignal
  /** Given once at most, before `deliver` resolves. */
  receipt: Receipt
}

/** The message was not delivered; the reason is the last try's. */
export class UndeliveredError extends Error {
  readonly code = 'UNDELIVERED'

  /** Whether some of those it is for have it. */
  get isPartlyTaken(): boolean {
    return this.cause instanceof DeliveryError && this.cause.isPartlyTaken
  }
}

export class DeliveryQueue {
  readonly #receiver: Receiver
  readonly #name: string
  readonly #ground: DeliveryGround
  /** Those that wait for their turn, first come first. */
  readonly #waiting: (() => void)[] = []
  #runningCount = 0
  #concurrency = CONCURRENCY_FIRST
  /** Monotonic ms before which nothing is tried. */
  #pausedUntilMs = 0

  constructor(receiver: Receiver, name: string, ground: DeliveryGround) {
    this.#receiver = receiver
    this.#name = name
    this.#ground = ground
  }

  /**
   * Resolves when the message is accepted, of which `receipt` may tell before, with what is to be remembered for the next one. Rejects
   * with UndeliveredError at a failure for good, at the first failure after `deadlineMs` (monotonic), where its first turn comes too
   * late, and once `signal` aborts (call `wakeAll` then); a try that is on its way is never cut short, as nobody would know what became of it.
   */
  async deliver(notification: Notification, { deadlineMs, signal, receipt }: DeliveryTerms): Promise<string> {
    const { clock, logger, metrics } = this.#ground
    const { kind } = this.#receiver
    metrics.notification(kind)
    const staleAtMs = clock.monotonic() + STALE_MS
    for (let tries = 1; ; tries++) {
      await this.#turn(signal)
      if (tries === 1 && clock.monotonic() > staleAtMs) {
        this.#endTurn()
        metrics.failed(kind, 'serverError')
        throw new UndeliveredError(`${this.#name}: not delivered: others before it took ${STALE_MS / 60_000} minutes`)
      }
      const startedMs = clock.monotonic()
      const failure = await this.#try(notification, receipt)
      const isDelivered = typeof failure === 'string'
      metrics.tried(kind, (clock.monotonic() - startedMs) / 1000, isDelivered)
      metrics.deliveries.tried(this.#name, isDelivered ? null : failure.message, clock.now())
      if (isDelivered) return failure
      const pauseMs = Math.max(this.#pauseMs(tries), Math.min(failure.retryAfterMs, RETRY_AFTER_MS_MAX))
      // Also where this message is given up: the others must not ask sooner.
      if (failure.retryAfterMs > 0) this.#pausedUntilMs = Math.max(this.#pausedUntilMs, clock.monotonic() + pauseMs)
      if (!failure.isRetryable && failure.isPartlyTaken) {
        metrics.failed(kind, 'clientError')
        logger.repeated('warn', 'Notify refused for good for some recipients: correct or remove them; the others have it', { receiver: this.#name, err: failure }, this.#name)
        return notification.memory
      }
      if (!failure.isRetryable || signal.aborted || clock.monotonic() + pauseMs > deadlineMs) {
        metrics.failed(kind, failure.isRetryable ? 'serverError' : 'clientError')
        throw new UndeliveredError(`${this.#name}: not delivered after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${failure.message}`, { cause: failure })
      }
      if (tries === 1) logger.repeated('warn', 'Notify attempt failed, will retry later', { receiver: this.#name, err: failure }, this.#name)
      await this.#pause(pauseMs, signal)
    }
  }

  /** Those that wait look at their signals. */
  wakeAll(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #try(notification: Notification, receipt: Receipt): Promise<DeliveryError | string> {
    try {
      const memory = await this.#receiver.notify(notification, NEVER, receipt)
      this.#concurrency = Math.min(CONCURRENCY_MAX, this.#concurrency * 2)
      return memory ?? notification.memory
    } catch (error) {
      const failure = error instanceof DeliveryError ? error : new DeliveryError(`BUG: ${error instanceof Error ? error.message : String(error)}`, { isRetryable: true, cause: error })
      if (failure.isRetryable) this.#concurrency = Math.max(1, this.#concurrency >> 1)
      return failure
    } finally {
      this.#endTurn()
    }
  }

  #endTurn(): void {
    this.#runningCount--
    this.#wake()
  }

  /** Resolves when a try may begin, which counts as running from then on. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ground
    for (;;) {
      // What keeps a slot free is handed on.
      if (signal.aborted) this.#wake()
      if (signal.aborted) throw new UndeliveredError(`${this.#name}: not delivered: it is being stopped`)
      const pauseMs = this.#pausedUntilMs - clock.monotonic()
      if (pauseMs > 0) await this.#pause(pauseMs, signal)
      else if (this.#runningCount < this.#concurrency) {
        this.#runningCount++
        return
      } else {
        await new Promise<void>((resolve) => void this.#waiting.push(resolve))
      }
    }
  }

  #wake(): void {
    for (let free = this.#concurrency - this.#runningCount; free > 0; free--) this.#waiting.shift()?.()
  }

  #pauseMs(tries: number): number {
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * PAUSE_FACTOR ** (tries - 1))
    return pauseMs * (1 - JITTER + 2 * JITTER * this.#ground.random.float())
  }

  /** Ends early once the signal aborts. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await sleep(this.#ground.clock, ms, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

const NEVER: AbortSignal = new AbortController().signal
