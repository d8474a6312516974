// The relational store over a SQLite file: each call travels through a channel to whoever has the file.
import { isDeepStrictEqual } from 'node:util'
import type { Silence } from '../model/silence.ts'
import type { Channel } from './channel.ts'
import { MetaError } from './errors.ts'
import type { AlertEvent, AlertFilter, AlertRecord, MetaStore, NotificationEntry, OwedEntry, PendingFilter, PendingRecord, RuleTarget, StoredRule, ToldEntry } from './interface.ts'
import type { Call, Method, Result } from './request.ts'
import { besides, laterEntry, type ToldJournal } from './told-journal.ts'

export class SqliteStore implements MetaStore {
  readonly #channel: Channel
  readonly #journal: ToldJournal
  /** Entries that expired before are forgotten, Unix ms. */
  #forgotBeforeMs = 0
  /** Stand in the journal, and are yet to be put. */
  readonly #noted = new Set<NotificationEntry>()

  constructor(channel: Channel, journal: ToldJournal) {
    this.#channel = channel
    this.#journal = journal
  }

  silences(): Promise<Silence[]> {
    return this.#ask({ method: 'silences', args: [] })
  }

  unreadableSilences(): Promise<string[]> {
    return this.#ask({ method: 'unreadableSilences', args: [] })
  }

  putSilence(silence: Silence): Promise<void> {
    return this.#ask({ method: 'putSilence', args: [silence] })
  }

  deleteSilences(ids: readonly string[]): Promise<void> {
    return this.#ask({ method: 'deleteSilences', args: [ids] })
  }

  async notificationEntries(): Promise<NotificationEntry[]> {
    const entries = new Map((await this.#ask({ method: 'notificationEntries', args: [] })).map((entry) => [`${entry.receiver}\n${entry.groupKey}`, entry]))
    const missing: NotificationEntry[] = []
    for (const line of await this.#journal.read()) {
      const noted = besides(entries.get(`${line.receiver}\n${line.groupKey}`), line)
      const key = `${noted.receiver}\n${noted.groupKey}`
      const stored = entries.get(key)
      const later = stored === undefined ? noted : laterEntry(stored, noted)
      if (isDeepStrictEqual(later, stored) || later.expiresAtMs < this.#forgotBeforeMs) continue
      entries.set(key, later)
      missing.push(later)
    }
    // Those that are refused stay in the journal. Who asks need not wait: a disk that takes no more may still be read.
    void Promise.allSettled(missing.map((entry) => this.putNotificationEntry(entry)))
    return [...entries.values()]
  }

  noteNotificationEntry(entry: NotificationEntry, isCarried: boolean): void {
    if (this.#noted.has(entry)) return
    this.#noted.add(entry)
    if (isCarried) this.#journal.carried()
    else this.#journal.note(entry)
  }

  async putNotificationEntry(entry: NotificationEntry): Promise<void> {
    if (!this.#noted.delete(entry)) this.#journal.note(entry)
    let isKept = false
    try {
      await this.#ask({ method: 'putNotificationEntry', args: [entry] })
      isKept = true
    } finally {
      this.#journal.settled(isKept)
    }
  }

  moveNotificationEntries(gone: readonly Pick<NotificationEntry, 'groupKey' | 'receiver'>[], come: readonly NotificationEntry[]): Promise<void> {
    return this.#ask({ method: 'moveNotificationEntries', args: [gone, come] })
  }

  alerts(filter: AlertFilter): Promise<AlertRecord[]> {
    return this.#ask({ method: 'alerts', args: [filter] })
  }

  unresolvedAlerts(): Promise<AlertRecord[]> {
    return this.#ask({ method: 'unresolvedAlerts', args: [] })
  }

  endedAlerts(fingerprints: readonly string[], sinceMs: number): Promise<AlertRecord[]> {
    return this.#ask({ method: 'endedAlerts', args: [fingerprints, sinceMs] })
  }

  putAlerts(records: readonly AlertRecord[], events: readonly AlertEvent[], told: readonly ToldEntry[] = []): Promise<void> {
    return this.#ask({ method: 'putAlerts', args: [records, events, told] })
  }

  alert(id: string): Promise<AlertRecord | null> {
    return this.#ask({ method: 'alert', args: [id] })
  }

  pendingAlerts(filter: PendingFilter): Promise<PendingRecord[]> {
    return this.#ask({ method: 'pendingAlerts', args: [filter] })
  }

  pendingAlert(id: string): Promise<PendingRecord | null> {
    return this.#ask({ method: 'pendingAlert', args: [id] })
  }

  currentPending(): Promise<PendingRecord[]> {
    return this.#ask({ method: 'currentPending', args: [] })
  }

  putPending(records: readonly PendingRecord[], surplus: readonly string[] = []): Promise<void> {
    return this.#ask({ method: 'putPending', args: [records, surplus] })
  }

  told(): Promise<ToldEntry[]> {
    return this.#ask({ method: 'told', args: [] })
  }

  events(alertId: string): Promise<AlertEvent[]> {
    return this.#ask({ method: 'events', args: [alertId] })
  }

  alertsLacking(ids: readonly string[], line: Pick<AlertEvent, 'kind' | 'detail'> & { sinceMs: number }): Promise<AlertRecord[]> {
    return this.#ask({ method: 'alertsLacking', args: [ids, line] })
  }

  owed(): Promise<OwedEntry[]> {
    return this.#ask({ method: 'owed', args: [] })
  }

  putOwed(owed: readonly OwedEntry[], settled: readonly Omit<OwedEntry, 'sinceMs'>[]): Promise<void> {
    return this.#ask({ method: 'putOwed', args: [owed, settled] })
  }

  rules(): Promise<StoredRule[]> {
    return this.#ask({ method: 'rules', args: [] })
  }

  putRule(rule: StoredRule): Promise<void> {
    return this.#ask({ method: 'putRule', args: [rule] })
  }

  deleteRule(id: string): Promise<void> {
    return this.#ask({ method: 'deleteRule', args: [id] })
  }

  ruleTargets(): Promise<RuleTarget[]> {
    return this.#ask({ method: 'ruleTargets', args: [] })
  }

  forgetRuleTargets(ruleIds: readonly string[]): Promise<void> {
    return this.#ask({ method: 'forgetRuleTargets', args: [ruleIds] })
  }

  value(name: string): Promise<string | null> {
    return this.#ask({ method: 'value', args: [name] })
  }

  putValue(name: string, value: string): Promise<void> {
    return this.#ask({ method: 'putValue', args: [name, value] })
  }

  async forget(times: { resolvedBeforeMs: number; nowMs: number }): Promise<boolean> {
    const isMore = await this.#ask({ method: 'forget', args: [times] })
    this.#forgotBeforeMs = times.nowMs
    return isMore
  }

  copy(): Promise<void> {
    return this.#ask({ method: 'copy', args: [] })
  }

  async close(): Promise<void> {
    await this.#channel.close()
    await this.#journal.close()
  }

  async #ask<M extends Method>(call: Extract<Call, { method: M }>): Promise<Result<M>> {
    const { value, error } = await this.#channel.send(call)
    if (error !== null) throw new MetaError(error)
    // The handler of the method (tables.ts) made it.
    return value as Result<M>
  }
}
