// Since when integrations owe groups a message, by which a group becomes the fallback receiver's. What has been owed for a while is
// kept, so that a restart does not count anew; what a start finds counts in full once a flush has owed it again.
import { MetaError } from '../../meta/errors.ts'
import type { MetaStore, OwedEntry } from '../../meta/interface.ts'
import type { Clock } from '../../std/clock.ts'
import { keyOf } from '../courier/carried-log.ts'

type Of = Omit<OwedEntry, 'sinceMs'>

interface Owed extends Of {
  /** Monotonic ms; may lie before this program's start. */
  sinceMs: number
  isKept: boolean
  /** Of the program before; not owed again yet. */
  isDoubted: boolean
}

/** Most messages are owed for milliseconds. */
const KEEP_AFTER_MS = 10_000
/** One of the program before has so long to be delivered after all, or owed again, before others hear of it. */
const FIRST_TRY_MS = 15_000
/** What was owed and is not again within this is owed no more: its alerts have ended meanwhile. */
const DOUBT_MS = 1_800_000
/** Of one transaction. */
const PART_MAX = 1000

export class OwedMessages {
  readonly #store: Pick<MetaStore, 'owed' | 'putOwed'>
  readonly #clock: Clock
  readonly #owed = new Map<string, Owed>()
  /** Kept, and to be forgotten. */
  readonly #settled = new Map<string, Of>()
  #loadedMs = 0
  #isKeeping = false

  constructor(store: Pick<MetaStore, 'owed' | 'putOwed'>, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Reads what the program before this one owed. Rejects with MetaError. */
  async load(): Promise<void> {
    const entries = await this.#store.owed()
    const { now, monotonic } = { now: this.#clock.now(), monotonic: this.#clock.monotonic() }
    this.#loadedMs = monotonic
    for (const { sinceMs, ...of } of entries) {
      const met = this.#owed.get(keyOf(of))
      const before = monotonic - Math.max(0, now - sinceMs)
      // It was owed again while the store could not be read.
      if (met !== undefined) Object.assign(met, { sinceMs: Math.min(met.sinceMs, before), isKept: true })
      else this.#owed.set(keyOf(of), { ...of, sinceMs: before, isKept: true, isDoubted: true })
    }
  }

  /** It must deliver a message, from now on if it owed none. */
  owe(of: Of): void {
    const met = this.#owed.get(keyOf(of))
    if (met !== undefined) met.isDoubted = false
    else this.#owed.set(keyOf(of), { receiver: of.receiver, groupKey: of.groupKey, sinceMs: this.#clock.monotonic(), isKept: false, isDoubted: false })
  }

  /** It owes nothing any more. */
  settle(of: Of): void {
    const key = keyOf(of)
    const met = this.#owed.get(key)
    this.#owed.delete(key)
    if (met?.isKept === true) this.#settled.set(key, { receiver: of.receiver, groupKey: of.groupKey })
  }

  /** ms until it has owed the group a message for `afterMs`, 0 where it has; null: it owes none. */
  dueInMs(of: Of, afterMs: number): number | null {
    const met = this.#owed.get(keyOf(of))
    return met === undefined ? null : Math.max(met.isDoubted ? FIRST_TRY_MS : 0, met.sinceMs + afterMs - this.#clock.monotonic())
  }

  /** Integrations of other names are configured no more. */
  onlyBy(receivers: ReadonlySet<string>): void {
    for (const owed of this.#owed.values()) if (!receivers.has(owed.receiver)) this.settle(owed)
  }

  /** Writes what has changed; what the store refuses is written the next time. Called now and then. */
  async keep(): Promise<void> {
    if (this.#isKeeping) return
    this.#isKeeping = true
    const nowMs = this.#clock.monotonic()
    for (const owed of this.#owed.values()) if (owed.isDoubted && nowMs > this.#loadedMs + DOUBT_MS) this.settle(owed)
    try {
      while (await this.#keepPart());
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
    } finally {
      this.#isKeeping = false
    }
  }

  /** Whether there may be more. */
  async #keepPart(): Promise<boolean> {
    const [nowMs, unixMs] = [this.#clock.monotonic(), this.#clock.now()]
    const settled = [...this.#settled.entries().take(PART_MAX)]
    const owed = [...this.#owed.values().filter(({ isKept, sinceMs }) => !isKept && sinceMs + KEEP_AFTER_MS <= nowMs).take(PART_MAX)]
    if (settled.length + owed.length === 0) return false
    for (const [key] of settled) this.#settled.delete(key)
    // One that is settled while it is on its way is to be forgotten then.
    for (const one of owed) one.isKept = true
    try {
      await this.#store.putOwed(owed.map(({ groupKey, receiver, sinceMs }) => ({ groupKey, receiver, sinceMs: Math.round(unixMs - (nowMs - sinceMs)) })), settled.map(([, of]) => of))
      return settled.length === PART_MAX || owed.length === PART_MAX
    } catch (error) {
      for (const [key, of] of settled) this.#settled.set(key, of)
      for (const one of owed) one.isKept = false
      throw error
    }
  }
}
