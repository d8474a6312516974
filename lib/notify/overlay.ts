// What is laid over alerts beside Alertmanager's own stages: acknowledgement, cooldown, escalation and history. The
// dispatcher asks and tells; who keeps these states hands itself in.
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
