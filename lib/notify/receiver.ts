// One way to tell people: an integration of a receiver of the configuration. One file each under receiver/.
import type { Notification } from '../model/notification.ts'
import type { Receipt } from './courier/courier.ts'

/** A message that did not go out. */
export class DeliveryError extends Error {
  readonly code = 'DELIVERY_FAILED'
  /** Whether a later try may go better: a refusal for good (4xx, unknown recipient) is not tried again. */
  readonly isRetryable: boolean
  /** What the other side asked for (Retry-After), 0 where nothing. */
  readonly retryAfterMs: number
  /** Whether some of those it is for have it, by this try or one before: where it is not tried again it counts as told. */
  readonly isPartlyTaken: boolean

  constructor(message: string, { isRetryable, retryAfterMs = 0, isPartlyTaken = false, cause }: { isRetryable: boolean; retryAfterMs?: number; isPartlyTaken?: boolean; cause?: unknown }) {
    super(message, { cause })
    this.isRetryable = isRetryable
    this.retryAfterMs = retryAfterMs
    this.isPartlyTaken = isPartlyTaken
  }
}

export interface Receiver {
  /** `email`, `webhook`, …: as the configuration's key without `_configs`. */
  readonly kind: string
  /** Alerts that are resolved are told, too. */
  readonly isResolvedSent: boolean
  /**
   * Makes one try to deliver; resolves once the other side has accepted. Rejects with DeliveryError, or the signal's
   * reason. Templates are expanded inside; one that fails is a DeliveryError that is not retried. What it resolves with is
   * remembered for the group's next message, over restarts; nothing: what was remembered stays. The receipt is given before,
   * in the turn in which the other side's word is here, where one answer is that word. It delivers the same no second time then, whatever follows.
   */
  notify(notification: Notification, signal: AbortSignal, receipt: Receipt): Promise<string | void>
  /** Frees connections. */
  close(): Promise<void>
}
