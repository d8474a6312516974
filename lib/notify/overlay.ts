// What is laid over alerts beside Alertmanager's own stages: acknowledgement, cooldown, escalation and history. The
// dispatcher asks and tells; who keeps these states hands itself in.
import type { SentAlert } from '../model/alert.ts'
import type { Labels } from '../model/labels.ts'
import type { NotifiedAlert, Notification } from '../model/notification.ts'
import type { CarriedMessage } from './courier/carried-log.ts'
import type { ToldMessage } from './courier/courier.ts'

/** An integration. */
export interface Teller {
  /** `receiver/kind/index`. */
  name: string
  /** Digest of whom it tells; '' where that is not known, as in what earlier versions kept. */
  target: string
}

/** What stands for it whatever its place in the receiver's list, which is another's after a change of the configuration. */
export function tellerKey({ name, target }: Teller): string {
  return target === '' ? name : `${name.slice(0, name.lastIndexOf('/'))}@${target}`
}

export interface AlertOverlay {
  /**
   * What keeps a firing alert from an integration now, '' for nothing: someone acknowledged it, or the
   * integration was told of it within its cooldown at no lower severity. Each integration is asked for: what one was told must
   * not hold another's first word. A step of an escalation is told while the cooldown lasts, too, once.
   */
  heldBy(fingerprint: string, by: Teller, nowMs: number): '' | 'acknowledged' | 'cooldown'
  /** Signed address of the page that acknowledges the alert; '' where there is none. */
  ackUrl(fingerprint: string): string
  /** Telling an integration came to its end; `error` null: delivered. Of thousands of alerts it is told in parts. */
  onNotified(by: Teller, notification: Notification, error: string | null): void
  /** The episodes that a message tells of; of thousands of alerts it is asked in parts. */
  episodesOf(notification: Notification): Pick<ToldMessage, 'firingIds' | 'resolvedIds'>
  /**
   * A message of a program before this one was taken, and that one may have ended before it could say so here. Resolves to whether
   * what it leaves is kept; asked again at the next start if not.
   */
  onCarried(message: CarriedMessage): Promise<boolean>
  /** Alerts of a group that a stage kept back, and who: silence ids, inhibiting fingerprints, time intervals. */
  onSuppressed(kind: 'silenced' | 'inhibited' | 'muted', alerts: readonly NotifiedAlert[], by: readonly string[]): void
}

/** Alerts that belong together and may come in parts: no group is told of some before it has the others, too. */
export interface AlertBatch {
  /** Until its last part is grouped, and then never again. */
  isOpen: boolean
}

/** What the keeper of the overlay asks of the dispatcher. */
export interface AlertDispatch {
  /** Alerts on their way to people, after their episodes are recorded: a part of a batch, its last one where `isLast`. */
  receive(alerts: readonly SentAlert[], batch?: AlertBatch, isLast?: boolean): void
  /** Escalation policy of the first matching route that names one; '' where none does. */
  escalationOf(labels: Labels): string
  /** Receivers of the routes that match, each once, and the fallback, which may be told of any. */
  receiversOf(labels: Labels): readonly string[]
  /** Fingerprints of the alerts of which somebody was told that they fire, and of no end since. */
  toldFiring(): ReadonlySet<string>
  /** Whether a silence, an inhibition or a time interval keeps the alert from people now. */
  isSuppressed(labels: Labels, nowMs: number): boolean
  /**
   * From now on a receiver of the configuration is told of these alerts beside their routes, also of their ends: a step of an
   * escalation. It is over with the alert's episode. Asked for again after a start; the log of notifications keeps it from
   * telling twice.
   */
  escalate(receiver: string, fingerprints: readonly string[]): void
  /** Takes all of that back within an episode, as its escalation begins anew. */
  endEscalation(fingerprints: readonly string[]): void
  /** Their groups tell these firing alerts once more, as if they were new: whoever took one over gave it back. */
  retell(fingerprints: readonly string[]): void
}
