// What each integration was last told of each group, by which repeated messages are left out: in memory, written through to
// the relational store, so that a restart repeats nothing. After alertmanager nflog/nflog.go.
import { isDeepStrictEqual } from 'node:util'
import { MetaError } from '../../meta/errors.ts'
import type { MetaStore, NotificationEntry } from '../../meta/interface.ts'
import { laterEntry } from '../../meta/told-journal.ts'
import { keyOf, type CarriedLogs } from '../courier/carried-log.ts'

/** Messages wait so long for what is put to be durable at most: it holds in memory, and their disk may hang. */
export const KEPT_MS_MAX = 2000

export class NotificationLog {
  readonly #store: MetaStore
  readonly #entries = new Map<string, NotificationEntry>()
  /** Monotonic ms since when an integration owes a group a message. */
  readonly #owed = new Map<string, number>()
  /** Who tells a group's integration now, the last one of those that wait. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(store: MetaStore) {
    this.#store = store
  }

  /**
   * Reads what was kept, and what was carried when the program before this one was killed. Groups and integrations of messages that
   * are still under way have to wait until it is known how these went.
   */
  async load(nowMs: number, carried: CarriedLogs): Promise<void> {
    for (const entry of await this.#store.notificationEntries()) if (entry.expiresAtMs > nowMs) this.#entries.set(keyOf(entry), entry)
    const { told, doubts } = carried.read()
    const areKept = await Promise.all(told.map((entry) => this.#learn(entry, nowMs)))
    const outcomes = doubts.map((doubt) => this.inTurn(doubt, async () => {
      const entry = await carried.outcome(doubt)
      return entry === null || await this.#learn(entry, nowMs)
    }))
    void Promise.all(outcomes).then((later) => ([...areKept, ...later].every(Boolean) ? carried.removeDead(doubts) : undefined))
  }

  get(groupKey: string, receiver: string): NotificationEntry | null {
    return this.#entries.get(keyOf({ groupKey, receiver })) ?? null
  }

  /** No kill takes it back any more, by whom it was carried if it `isKept` there; `put` must follow. */
  note(entry: NotificationEntry, isKept: boolean): void {
    this.#store.noteNotificationEntry(entry, isKept)
  }

  /** Holds at once; resolves when it is durable. */
  async put(entry: NotificationEntry): Promise<void> {
    this.settle(entry.groupKey, entry.receiver)
    this.#entries.set(keyOf(entry), entry)
    await this.#store.putNotificationEntry(entry)
  }

  /** What a courier says of what was told, unless there is a later word; whether the store has it. */
  async #learn(entry: NotificationEntry, nowMs: number): Promise<boolean> {
    const stored = this.#entries.get(keyOf(entry))
    const later = stored === undefined ? entry : laterEntry(stored, entry)
    if (later === stored || later.expiresAtMs <= nowMs || isDeepStrictEqual(later, stored)) return true
    try {
      await this.put(later)
      return true
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      // It holds in memory, and stands in the courier's log.
      return false
    }
  }

  /** Monotonic ms since when the integration has not delivered what it must; null: it owes nothing. Not over restarts. */
  owedSinceMs(groupKey: string, receiver: string): number | null {
    return this.#owed.get(keyOf({ groupKey, receiver })) ?? null
  }

  /** It must deliver a message, from now on if it owed none. */
  owe(groupKey: string, receiver: string, nowMs: number): void {
    const key = keyOf({ groupKey, receiver })
    if (!this.#owed.has(key)) this.#owed.set(key, nowMs)
  }

  /** It owes nothing any more. */
  settle(groupKey: string, receiver: string): void {
    this.#owed.delete(keyOf({ groupKey, receiver }))
  }

  /** Integrations of other names are configured no more. */
  owedOnlyBy(receivers: ReadonlySet<string>): void {
    for (const key of this.#owed.keys()) if (!receivers.has(key.slice(0, key.indexOf('\n')))) this.#owed.delete(key)
  }

  /**
   * Forgets of groups whose key begins so that anyone was told that these alerts fire: they may be told again. Resolves when that
   * is durable.
   */
  async forgetFiring(fingerprints: readonly string[], keyPrefix = ''): Promise<void> {
    const gone = new Set(fingerprints)
    const told = Array.from(this.#entries.values()).filter(({ firing, groupKey }) => groupKey.startsWith(keyPrefix) && firing.some((one) => gone.has(one)))
    await Promise.all(told.map((entry) => this.put({
      ...entry, firing: entry.firing.filter((one) => !gone.has(one)), withheld: [...new Set([...entry.withheld, ...entry.firing.filter((one) => gone.has(one))])],
    })))
  }

  /** The store forgets by itself. */
  forgetExpired(nowMs: number): void {
    for (const [key, { expiresAtMs }] of this.#entries) if (expiresAtMs <= nowMs) this.#entries.delete(key)
  }

  /**
   * Runs `tell` when no other tells this integration of this group: one that is on its way while the configuration changes
   * would else be doubled.
   */
  async inTurn<T>(of: Pick<NotificationEntry, 'groupKey' | 'receiver'>, tell: () => Promise<T>): Promise<T> {
    const key = keyOf(of)
    const mine = (this.#turns.get(key) ?? Promise.resolve()).then(tell)
    const settled = mine.catch(() => {})
    this.#turns.set(key, settled)
    try {
      return await mine
    } finally {
      if (this.#turns.get(key) === settled) this.#turns.delete(key)
    }
  }
}
