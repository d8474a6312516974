// The relational store: silences, the log of notifications, alerts and their history, rules made by API. Every write
// resolves once it is synced (one transaction for all that came together), so that what was answered survives kill -9.
// Rows come in and go out whole; who uses them keeps them in memory and writes through. Calls are carried out in their
// order; those that fail reject with MetaError (errors.ts), and nothing of them is kept.
import type { Silence } from '../model/silence.ts'

/** What was last told of a group by one integration of a receiver. */
export interface NotificationEntry {
  groupKey: string
  /** `name/kind/index`. */
  receiver: string
  /** Unix ms. */
  timeMs: number
  /** Fingerprints of the alerts told as firing and as resolved. */
  firing: readonly string[]
  resolved: readonly string[]
  /** Of those that an earlier message told as firing and this one left out, as they fire on but are silenced, inhibited or the like. */
  withheld: readonly string[]
  /** What the integration asked to be remembered for its next message of the group. */
  memory: string
  /** Digest of whom the integration reached, which its name may not mean any more; '' where an earlier version wrote the entry. */
  target: string
  /** Unix ms, after which it is forgotten. */
  expiresAtMs: number
}

/** An integration of a receiver has owed a group a message since then. */
export interface OwedEntry {
  groupKey: string
  /** `name/kind/index`. */
  receiver: string
  /** Unix ms. */
  sinceMs: number
}

/** One episode of an alert: from its first firing to its end. `alerts` of the requirements, with what is laid over it. */
export interface AlertRecord {
  /** UUID of the episode. */
  id: string
  /** 16 hex digits of the label set: the same over episodes. */
  fingerprint: string
  /** UUID of the rule made by API, null for rules of files. */
  ruleId: string | null
  /** Name of the rule. */
  name: string
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
  /** `server_id`, else `instance`, else ''. */
  serverId: string
  severity: string
  status: 'open' | 'acknowledged' | 'resolved'
  /** The value that fired it; null where whoever sent the alert told none, or it is NaN. */
  metricValue: number | null
  /** Page of its expression. */
  generatorUrl: string
  /** Unix ms since when its condition holds. */
  activeAtMs: number
  /** Unix ms since when it fires. */
  triggeredAtMs: number
  /** Unix ms at which someone was first told of it; null, as below: has not come to it. */
  toldAtMs: number | null
  resolvedAtMs: number | null
  acknowledgedAtMs: number | null
  acknowledgedBy: string
  /** Unix ms at which an acknowledged alert pages again, null: never. */
  repageAtMs: number | null
  /** Unix ms at which an acknowledgement was last taken back or ran out: from then on it pages as if it were new. */
  givenBackAtMs: number | null
  /** Unix ms from which the delays of its escalation count: when Monitor learnt that it fires, or it was given back. */
  escalationFromMs: number
  /** Unix ms up to which its sender says that it fires, where that is so far off that it need not say so again after a restart. */
  lastsUntilMs: number | null
  /** Steps of its escalation that were begun since then; 0: none. */
  escalationStep: number
  /** What people made of it. */
  feedback: '' | 'false_positive' | 'true_positive'
}

/** One episode of an alert that has not fired: it waits for `for`, or did so in vain. */
export interface PendingRecord extends Pick<AlertRecord, 'id' | 'fingerprint' | 'ruleId' | 'name' | 'labels' | 'annotations' | 'serverId' | 'severity' | 'metricValue' | 'generatorUrl' | 'activeAtMs'> {
  /** Unix ms at which its condition no longer held; null: it goes on. */
  endedAtMs: number | null
}

/** One line of an alert's history. */
export interface AlertEvent {
  alertId: string
  /** Unix ms. */
  timeMs: number
  kind: 'pending' | 'firing' | 'resolved' | 'acknowledged' | 'unacknowledged' | 'silenced' | 'inhibited' | 'muted' | 'escalated' | 'notified' | 'failed' | 'feedback'
  /** Receiver, person, silence or error. */
  detail: string
}

/** When one integration of a receiver was last told of one alert, whatever its severity: for cooldowns. */
export interface ToldEntry {
  /** Stands for the labels but `severity`. */
  key: string
  /** `receiver/kind@` and the digest of the target; `receiver/kind/index` where that was not known. */
  receiver: string
  /** Unix ms. */
  timeMs: number
  severity: string
  /** Unix ms, after which it is forgotten. */
  expiresAtMs: number
}

/** A rule made by API; `body` is its JSON as checked. */
export interface StoredRule {
  /** UUID. */
  id: string
  name: string
  isActive: boolean
  body: Readonly<Record<string, unknown>>
  /** Unix ms. */
  createdAtMs: number
  updatedAtMs: number
}

/** Whom a rule made by API names, or named. */
export interface RuleTarget {
  ruleId: string
  /** One of its `notify`. */
  target: string
  /** Among the rule's targets of this kind; no other target of the rule gets it as long as this one is remembered. */
  place: number
  /** The rule names it no more. */
  isFormer: boolean
  /** The rule is there no more. */
  isDeleted: boolean
}

/** null: any. */
export interface AlertFilter {
  status: 'open' | 'acknowledged' | 'resolved' | null
  severity: string | null
  serverId: string | null
  ruleId: string | null
  name: string | null
  /** Triggered in [fromMs, toMs]. */
  fromMs: number
  toMs: number
  limit: number
  /** Of the last page, null for the first. */
  afterId: string | null
}

/** As of alerts that fired; active, not triggered, in [fromMs, toMs]. */
export interface PendingFilter extends Omit<AlertFilter, 'status'> {
  status: 'pending' | 'expired'
}

export interface MetaStore {
  silences(): Promise<Silence[]>
  /** Ids of those whose text is damaged: they are left out of silences(). */
  unreadableSilences(): Promise<string[]>
  putSilence(silence: Silence): Promise<void>
  deleteSilences(ids: readonly string[]): Promise<void>

  notificationEntries(): Promise<NotificationEntry[]>
  putNotificationEntry(entry: NotificationEntry): Promise<void>
  /**
   * Before the very same entry is put, which must follow: from now on no kill takes it back, though a power cut may.
   * `isCarried`: it already stands where the next start looks for it. Never throws.
   */
  noteNotificationEntry(entry: NotificationEntry, isCarried: boolean): void
  /** Integrations have other names: entries of the old ones go and those of the new ones come, all or none. */
  moveNotificationEntries(gone: readonly Pick<NotificationEntry, 'groupKey' | 'receiver'>[], come: readonly NotificationEntry[]): Promise<void>

  owed(): Promise<OwedEntry[]>
  putOwed(owed: readonly OwedEntry[], settled: readonly Omit<OwedEntry, 'sinceMs'>[]): Promise<void>

  /** Newest first. */
  alerts(filter: AlertFilter): Promise<AlertRecord[]>
  /** Open and acknowledged ones. */
  unresolvedAlerts(): Promise<AlertRecord[]>
  /** The last episode of each of these fingerprints that has ended at `sinceMs` or later. */
  endedAlerts(fingerprints: readonly string[], sinceMs: number): Promise<AlertRecord[]>
  /** What belongs to one moment, all or none. What has fired is no longer kept as pending. */
  putAlerts(records: readonly AlertRecord[], events: readonly AlertEvent[], told?: readonly ToldEntry[]): Promise<void>
  alert(id: string): Promise<AlertRecord | null>
  /** Newest first. */
  pendingAlerts(filter: PendingFilter): Promise<PendingRecord[]>
  pendingAlert(id: string): Promise<PendingRecord | null>
  currentPending(): Promise<PendingRecord[]>
  /** The newest 50,000 are kept; rows of the ids of `surplus` are removed. */
  putPending(records: readonly PendingRecord[], surplus?: readonly string[]): Promise<void>
  told(): Promise<ToldEntry[]>
  events(alertId: string): Promise<AlertEvent[]>
  /** Those of these alerts whose history has no such line of `sinceMs` or later. */
  alertsLacking(ids: readonly string[], line: Pick<AlertEvent, 'kind' | 'detail'> & { sinceMs: number }): Promise<AlertRecord[]>

  rules(): Promise<StoredRule[]>
  /** Whom it named and does not any more is remembered with it, as where it is deleted. */
  putRule(rule: StoredRule): Promise<void>
  deleteRule(id: string): Promise<void>
  /** By rule and place. */
  ruleTargets(): Promise<RuleTarget[]>
  /** Of rules that are deleted. */
  forgetRuleTargets(ruleIds: readonly string[]): Promise<void>

  /** Small values by name, such as the key that signs links; null where there is none. */
  value(name: string): Promise<string | null>
  putValue(name: string, value: string): Promise<void>

  /**
   * Alerts resolved, or expired, before `resolvedBeforeMs` go with their history, and entries of what was told that expired before `nowMs`:
   * a thousand of a kind, so that others get their turn. Resolves to whether there are more.
   */
  forget(times: { resolvedBeforeMs: number; nowMs: number }): Promise<boolean>
  /** Makes COPY_NAME beside the file, in place of an earlier one: all that was written before, whole and synced. */
  copy(): Promise<void>
  /** Resolves when all that was asked is answered. */
  close(): Promise<void>
}
