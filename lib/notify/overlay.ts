// What is laid over alerts beside Alertmanager's own stages: acknowledgement, cooldown, escalation and history. The
// dispatcher asks and tells; who keeps these states hands itself in.
import type { SentAlert } from '../model/alert.ts'
import type { Labels } from '../model/labels.ts'
import type { NotifiedAlert, Notification } from '../model/notification.ts'

export interface AlertOverlay {
  /** Whether a firing alert is kept from receivers now: acknowledged, or cooling down at no higher severity. */
  isHeld(fingerprint: string, nowMs: number): boolean
  /** Signed address of the page that acknowledges the alert; '' where there is none. */
  ackUrl(fingerprint: string): string
  /** One try of telling a receiver (`name/kind/index`) came to its end; `error` null: delivered. */
  onNotified(receiver: string, notification: Notification, error: string | null): void
  /** Alerts of a group that a stage kept back, and who: silence ids, inhibiting fingerprints, time intervals. */
  onSuppressed(kind: 'silenced' | 'inhibited' | 'muted', alerts: readonly NotifiedAlert[], by: readonly string[]): void
}

/** What the keeper of the overlay asks of the dispatcher. */
export interface AlertDispatch {
  /** Alerts on their way to people, after their episodes are recorded. */
  receive(alerts: readonly SentAlert[]): void
  /** Escalation policy of the first matching route that names one; '' where none does. */
  escalationOf(labels: Labels): string
  /** Whether a silence, an inhibition or a time interval keeps the alert from people now. */
  isSuppressed(labels: Labels, nowMs: number): boolean
  /**
   * Tells one receiver of the configuration, beside the alerts' routes: a step of an escalation, or that the alerts it was told
   * of so are over. Tried again like any other message; each end is told to `onNotified`. An unknown name is logged.
   */
  page(receiver: string, alerts: readonly NotifiedAlert[]): void
  /** Their groups tell these firing alerts once more, as if they were new: whoever took one over gave it back. */
  retell(fingerprints: readonly string[]): void
}
