// What each integration was last told of each group, by which repeated messages are left out: in memory, written through to
// the relational store, so that a restart repeats nothing. After alertmanager nflog/nflog.go.
import { isDeepStrictEqual } from 'node:util'
import { MetaError } from '../../meta/errors.ts'
import type { MetaStore, NotificationEntry } from '../../meta/interface.ts'
import { besides, laterEntry } from '../../meta/told-journal.ts'
import type { Clock } from '../../std/clock.ts'
import { keyOf, type CarriedLogs, type CarriedMessage } from '../courier/carried-log.ts'
import { tellerKey, type Teller } from '../overlay.ts'
import { OwedMessages } from './owed-messages.ts'
import type { TargetHomes } from './target-homes.ts'

/** Messages wait so long for what is put to be durable at most: it holds in memory, and their disk may hang. */
export const KEPT_MS_MAX = 2000

/** Whether what a message of the program before leaves beside this log is kept. */
export type CarriedSink = (message: CarriedMessage) => Promise<boolean>

export class NotificationLog {
  readonly owed: OwedMessages
  readonly #store: MetaStore
  readonly #clock: Clock
  readonly #entries = new Map<string, NotificationEntry>()
  /** Who tells a group's integration now, the last one of those that wait. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Of the configuration that holds now. */
  #homes: TargetHomes | null = null
  /** What couriers of programs before this one have brought. */
  #carried: readonly CarriedMessage[] = []
  /** With whether the store has what they have brought. */
  readonly #loaded = Promise.withResolvers<boolean>()

  /** Called where it has come to know, late, what others have told. */
  onLearned: () => void = () => {}

  constructor(store: MetaStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.owed = new OwedMessages(store, clock)
  }

  /**
   * Takes up, before anyone is told, what was carried when the program before this one ended: it holds at once. Groups and integrations
   * of messages that are still under way wait until it is known how these went. What couriers have noted goes once all of it is
   * kept. Resolves when it is read; rejects with DiskError.
   */
  async takeUp(carried: CarriedLogs, sink: CarriedSink): Promise<void> {
    const { told, doubts } = await carried.read()
    this.#carried = told
    for (const { entry } of told) this.#believe(entry)
    const outcomes = doubts.map(async (doubt) => {
      const message = await this.#afterTurn(keyOf(doubt), async () => {
        const outcome = await carried.outcome(doubt)
        if (outcome !== null) this.#believe(outcome.entry)
        return outcome
      })
      if (message !== null) this.onLearned()
      return message === null || (await this.#keep(message.entry) && await sink(message))
    })
    void this.#allKept(sink, outcomes).then((areKept) => (areKept ? carried.removeDead(doubts) : undefined))
  }

  /** Reads what was kept; what was told meanwhile stays. Rejects with MetaError, and may be called again then. */
  async load(): Promise<void> {
    const stored = new Map((await this.#store.notificationEntries()).map((entry) => [keyOf(entry), entry]))
    await this.owed.load()
    for (const entry of stored.values()) this.#believe(entry)
    const missing = this.#carried.map(({ entry }) => entry).filter((entry) => {
      const known = stored.get(keyOf(entry))
      return known === undefined || !isDeepStrictEqual(laterEntry(known, entry), known)
    })
    void Promise.all(missing.map((entry) => this.#put(entry))).then((areKept) => this.#loaded.resolve(areKept.every(Boolean)))
  }

  get(groupKey: string, receiver: string): NotificationEntry | null {
    return this.#entries.get(keyOf({ groupKey, receiver })) ?? null
  }

  /** What the integration itself was told: what another one was told that had its name is nothing to it. */
  of(groupKey: string, { name, target }: Teller): NotificationEntry | null {
    const entry = this.get(groupKey, name)
    return entry === null || entry.target === '' || entry.target === target ? entry : null
  }

  entries(): IterableIterator<NotificationEntry> {
    return this.#entries.values()
  }

  /** Integrations that were told of alerts as firing, and of no end since. */
  owing(): Set<string> {
    const names = new Set<string>()
    for (const { receiver, firing, withheld } of this.#entries.values()) if (firing.length + withheld.length > 0) names.add(receiver)
    return names
  }

  /**
   * Entries go where their targets are now, within their receivers; where nobody has the target and the name is another's, to a name
   * that nobody has. It holds at once; resolves when it is durable.
   */
  async follow(homes: TargetHomes): Promise<void> {
    this.#homes = homes
    const moves = Array.from(this.#entries.values()).flatMap((entry) => {
      const receiver = homes.nameFor(entry)
      return receiver === entry.receiver ? [] : [{ entry, moved: { ...entry, receiver } }]
    })
    if (moves.length === 0) return
    for (const { entry } of moves) this.#entries.delete(keyOf(entry))
    for (const { moved } of moves) {
      const known = this.#entries.get(keyOf(moved))
      this.#entries.set(keyOf(moved), known === undefined ? moved : laterEntry(known, moved))
    }
    const gone = moves.map(({ entry }) => entry).filter((entry) => !this.#entries.has(keyOf(entry)))
    await this.#store.moveNotificationEntries(gone, moves.map(({ moved }) => this.#entries.get(keyOf(moved))!))
  }

  /** No kill takes it back any more, by whom it was carried if it `isKept` there; `put` must follow. */
  note(entry: NotificationEntry, isKept: boolean): void {
    this.#store.noteNotificationEntry(entry, isKept)
  }

  /** Holds at once, and settles what was owed; resolves when it is durable. */
  async put(entry: NotificationEntry): Promise<void> {
    const held = this.hold(entry)
    this.owed.settle(entry)
    await held
  }

  /** Holds at once, of the target where it is now, while its message is still owed; resolves when it is durable. */
  async hold(entry: NotificationEntry): Promise<void> {
    // The configuration may have changed while it was told. The same object: by it the store knows what was noted.
    entry.receiver = this.#homes?.nameFor(entry) ?? entry.receiver
    this.#entries.set(keyOf(entry), entry)
    await this.#store.putNotificationEntry(entry)
  }

  /** The entry, unless there is a later word. */
  #believe(heard: NotificationEntry): void {
    const entry = besides(this.#entries.get(keyOf(heard)), heard)
    const key = keyOf(entry)
    const known = this.#entries.get(key)
    if (entry.expiresAtMs > this.#clock.now()) this.#entries.set(key, known === undefined ? entry : laterEntry(known, entry))
  }

  /** Whether the store has what was learned of a message that was under way. */
  async #keep(entry: NotificationEntry): Promise<boolean> {
    return await this.#loaded.promise && await this.#put(entry)
  }

  /** What holds of the entry's group and integration, as long as it holds: else the store is told anyway. */
  async #put({ groupKey, receiver }: NotificationEntry): Promise<boolean> {
    const entry = this.get(groupKey, receiver)
    try {
      if (entry !== null) await this.put(entry)
      return true
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      // It holds in memory, and stands in the courier's log.
      return false
    }
  }

  async #allKept(sink: CarriedSink, outcomes: readonly Promise<boolean>[]): Promise<boolean> {
    let areKept = await this.#loaded.promise
    // One after the other: of thousands, hardly any leaves anything.
    for (const message of this.#carried) areKept = await sink(message) && areKept
    this.#carried = []
    return (await Promise.all(outcomes)).every(Boolean) && areKept
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

  /** The wall clock has jumped by so much: what was told is as long ago as it was. */
  moveInTime(ms: number): void {
    for (const [key, entry] of this.#entries) this.#entries.set(key, { ...entry, timeMs: entry.timeMs + ms, expiresAtMs: entry.expiresAtMs + ms })
  }

  /** The store forgets by itself. */
  forgetExpired(nowMs: number): void {
    for (const [key, { expiresAtMs }] of this.#entries) if (expiresAtMs <= nowMs) this.#entries.delete(key)
  }

  /**
   * Runs `tell` when no other tells this integration of this group, whatever its place then was: one that is on its way while the
   * configuration changes would else be doubled. What the program before this one has under way counts by its name, which is all that is known of it.
   */
  inTurn<T>(groupKey: string, by: Teller, tell: () => Promise<T>): Promise<T> {
    const doubt = this.#turns.get(keyOf({ groupKey, receiver: by.name }))
    return this.#afterTurn(`${tellerKey(by)}\n${groupKey}`, doubt === undefined ? tell : () => doubt.then(tell))
  }

  async #afterTurn<T>(key: string, tell: () => Promise<T>): Promise<T> {
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
