// Episodes that have not fired: kept for their history alone, beside what pages. What goes on is held by fingerprint, and the firing
// that follows takes over its id and since when it was pending; what ends without that is kept as expired. None of it is waited
// for: it is written behind, a thousand rows every two seconds, so that a rule that flaps over ten thousand servers costs the
// store no more than that, and what is too much is counted.
//
//   rules ─▶ receive ─▶ (waits, newest state of each) ─▶ store      firing ─▶ fired: the lifecycle keeps it from here on
import { MetaError } from '../../meta/errors.ts'
import type { MetaStore, PendingRecord } from '../../meta/interface.ts'
import type { PendingAlert } from '../../model/alert.ts'
import { fingerprint } from '../../model/fingerprint.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'
import type { Metrics } from '../../std/metrics.ts'
import { identityOf, restartGraceMs } from './episode.ts'

/** Those that go on; more are not followed. 20 MB. */
const CURRENT_MAX = 20_000
/** Of one transaction, 20 ms of the metadata thread, and the time between two. */
const PART_RECORDS = 1000
const WRITE_EVERY_MS = 2000
const RETRY_MS = 10_000
/** Rows that wait for the store; ends of what it has already are beyond that, one for each that went on. */
const WAITING_MAX = 20_000
const ANNOTATION_CHARS_MAX = 1000

interface PendingEpisode {
  record: PendingRecord
  /** Not told of again since the rules began anew. */
  isDoubted: boolean
}

export interface PendingGround {
  store: Pick<MetaStore, 'currentPending' | 'putPending'>
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** A UUID. */
  newId: () => string
}

export class PendingEpisodes {
  readonly #ground: PendingGround
  readonly #current = new Map<string, PendingEpisode>()
  /** By id. */
  readonly #waiting = new Map<string, PendingRecord>()
  #timer: Timer | null = null
  #writing: Promise<void> = Promise.resolve()
  #doubtTimer: Timer | null = null
  /** Unix ms: since when nobody has told of what is doubted. */
  #doubtedFromMs: number
  /** Until what the store has is read, nothing is written: by fingerprint what was told first meanwhile, and what fired. */
  #early: { begun: Map<string, PendingRecord>; fired: Set<string> } | null = { begun: new Map(), fired: new Set() }
  /** Ids of rows that stand for no episode of their own; the next write removes them. */
  readonly #surplus = new Set<string>()
  #lostCount = 0
  /** The longest interval at which rules are evaluated. */
  ruleIntervalMsMax = 0

  constructor(ground: PendingGround) {
    this.#ground = ground
    this.#doubtedFromMs = ground.clock.now()
    ground.metrics.total('monitor_pending_alerts_lost_total', 'Episodes of alerts that never fired and that history lacks, as they came too fast.', () => this.#lostCount)
  }

  /** Reads what was pending when the program ended; the rules find out what still is. Rejects with MetaError. */
  async load(): Promise<void> {
    const records = await this.#ground.store.currentPending()
    const early = this.#early
    this.#early = null
    for (const record of records) this.#adopt(record, early?.begun.get(record.fingerprint), early?.fired.has(record.fingerprint) === true)
    if (this.#hasMore()) this.#timer ??= this.#later(WRITE_EVERY_MS)
    this.#waitForRules()
  }

  /** `isFiring`: whether an episode of that fingerprint fires, as far as people know: then its history goes on instead. */
  receive(alerts: readonly PendingAlert[], lostCount: number, isFiring: (print: string) => boolean): void {
    this.#lostCount += lostCount
    for (const alert of alerts) {
      const print = fingerprint(alert.labels)
      const known = this.#current.get(print)
      if (known !== undefined) this.#goOn(known, alert)
      else if (!isFiring(print)) this.#begin(alert, print)
    }
  }

  /** The episode that fires now, which this forgets; undefined: it was not pending, or is not known to have been. */
  fired(print: string): PendingRecord | undefined {
    this.#early?.fired.add(print)
    const episode = this.#current.get(print)
    if (episode === undefined) return undefined
    this.#current.delete(print)
    this.#waiting.delete(episode.record.id)
    return episode.record
  }

  /** The rules begin anew and tell again what is pending; what they have not within their grace has ended. */
  doubt(): void {
    this.#doubtedFromMs = this.#ground.clock.now()
    for (const episode of this.#current.values()) episode.isDoubted = true
    this.#waitForRules()
  }

  /** Writes what waits, once. */
  async stop(): Promise<void> {
    this.#doubtTimer?.cancel()
    this.#timer?.cancel()
    await this.#writing
    while (this.#hasMore() && (await this.#writePart()));
  }

  /** One that was pending when the program ended; `begun`: what the rules have told first of its alert since then. */
  #adopt(record: PendingRecord, begun: PendingRecord | undefined, hasFired: boolean): void {
    const { id, fingerprint: print } = record
    const met = this.#current.get(print)
    if (begun !== undefined && met?.record.id === begun.id) {
      this.#waiting.delete(begun.id)
      this.#current.set(print, { record, isDoubted: met.isDoubted })
    } else if (begun !== undefined && this.#waiting.has(begun.id)) {
      const { endedAtMs } = this.#waiting.get(begun.id)!
      this.#waiting.delete(begun.id)
      this.#write({ ...record, endedAtMs })
    } else if (hasFired || met !== undefined) this.#surplus.add(id) // Its history is that of the alert, or of an older row.
    else this.#current.set(print, { record, isDoubted: true })
  }

  #begin(alert: PendingAlert, print: string): void {
    const { annotations, activeAtMs, endedAtMs, value, generatorUrl } = alert
    // One that is not followed from its beginning is kept at its end, if there is room then.
    if (this.#waiting.size >= WAITING_MAX || (endedAtMs === null && this.#current.size >= CURRENT_MAX)) {
      if (endedAtMs !== null) this.#lostCount++
      return
    }
    const record: PendingRecord = {
      id: this.#ground.newId(), fingerprint: print, ...identityOf(alert.labels), annotations: clipped(annotations), generatorUrl,
      metricValue: Number.isNaN(value) ? null : value, activeAtMs, endedAtMs,
    }
    if (endedAtMs === null) this.#current.set(print, { record, isDoubted: false })
    if (this.#early?.begun.has(print) === false) this.#early.begun.set(print, record)
    this.#write(record)
  }

  #goOn(episode: PendingEpisode, { endedAtMs }: PendingAlert): void {
    episode.isDoubted = false
    if (endedAtMs !== null) this.#end(episode, endedAtMs)
  }

  #end({ record }: PendingEpisode, endedAtMs: number): void {
    this.#current.delete(record.fingerprint)
    this.#write({ ...record, endedAtMs: Math.max(endedAtMs, record.activeAtMs) })
  }

  #waitForRules(): void {
    const { clock } = this.#ground
    this.#doubtTimer?.cancel()
    this.#doubtTimer = clock.after(restartGraceMs(this.ruleIntervalMsMax), () => {
      this.#doubtTimer = null
      for (const episode of this.#current.values()) if (episode.isDoubted) this.#end(episode, this.#doubtedFromMs)
    }, true)
  }

  #write(record: PendingRecord): void {
    this.#waiting.set(record.id, record)
    if (this.#early === null) this.#timer ??= this.#later(WRITE_EVERY_MS)
  }

  #hasMore(): boolean {
    return this.#waiting.size > 0 || this.#surplus.size > 0
  }

  #later(delayMs: number): Timer {
    return this.#ground.clock.after(delayMs, () => {
      this.#writing = this.#writePart().then((isKept) => {
        this.#timer = this.#hasMore() ? this.#later(isKept ? WRITE_EVERY_MS : RETRY_MS) : null
      })
    }, true)
  }

  /** Whether the store has taken it; what it has not waits again, but for what has fired meanwhile. */
  async #writePart(): Promise<boolean> {
    const part = [...this.#waiting.values().take(PART_RECORDS)]
    const surplus = [...this.#surplus]
    for (const { id } of part) this.#waiting.delete(id)
    try {
      await this.#ground.store.putPending(part, surplus)
      for (const id of surplus) this.#surplus.delete(id)
      return true
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      for (const record of part) {
        const goesOn = record.endedAtMs !== null || this.#current.get(record.fingerprint)?.record.id === record.id
        if (goesOn && !this.#waiting.has(record.id)) this.#waiting.set(record.id, record)
      }
      this.#ground.logger.repeated('warn', 'pending alerts cannot be recorded; it is tried again', { alerts: this.#waiting.size, err: error })
      return false
    }
  }
}

/** History keeps many: texts of any length are for what fires. */
function clipped(annotations: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(Array.from(annotations, ([name, text]) => [name, text.length > ANNOTATION_CHARS_MAX ? `${text.slice(0, ANNOTATION_CHARS_MAX)}…` : text]))
}
