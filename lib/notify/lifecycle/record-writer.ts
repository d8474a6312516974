// Records of alerts on their way to the store. A page must not wait for a disk that is full or hangs: what cannot be kept now
// is tried again until it is, and pages go on meanwhile. Nor for the history of others: what alerts wait for on their way to people
// goes first, and what became of a hundred thousand messages after it.
import { MetaError } from '../../meta/errors.ts'
import type { AlertEvent, AlertRecord, MetaStore } from '../../meta/interface.ts'
import { StorePatience } from '../../meta/store-patience.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'
import { RecordLane, type AlertChange } from './record-lane.ts'

const RETRY_MS = 10_000
/** Alerts wait so long for the store at most, on their way to people. */
const WAIT_MS_MAX = 2000
/** Of one transaction: 20 ms of the metadata thread, 2 ms of main. */
const PART_MAX = 1000
/** While the disk refuses them, older lines of history are lost first; 40 MB. */
const REFUSED_EVENTS_MAX = 200_000
/** A hundred thousand alerts that are told by some receivers at once, each with a line for each: the disk takes 50,000 a second. */
const EVENTS_MAX = 1_000_000

export class RecordWriter {
  readonly #store: Pick<MetaStore, 'putAlerts'>
  readonly #clock: Clock
  readonly #logger: Logger
  /** What `settled` waits for. */
  readonly #awaited = new RecordLane()
  readonly #rest = new RecordLane()
  /** Of records that `must` is about to replace, what was to be written before; null for nothing. */
  readonly #replaced = new Map<string, AlertRecord | null>()
  #isAwaitedUnderWay = false
  /** Those that wait until all that is awaited is kept, or was refused. */
  #waiting: (() => void)[] = []
  readonly #patience: StorePatience
  #writing: Promise<void> | null = null
  #retry: Timer | null = null
  /** Lines of history that were lost. */
  lostCount = 0

  constructor(store: Pick<MetaStore, 'putAlerts'>, clock: Clock, logger: Logger) {
    this.#store = store
    this.#clock = clock
    this.#patience = new StorePatience(clock)
    this.#logger = logger
  }

  /** History, which nobody waits for. */
  add(change: AlertChange): void {
    for (const record of change.records ?? []) (this.#awaited.has(record.id) ? this.#awaited : this.#rest).putRecord(record)
    this.#take(this.#rest, change)
  }

  /** What is to be kept before people are told: see `settled`. */
  addAwaited(change: AlertChange): void {
    for (const record of change.records ?? []) {
      this.#rest.takeRecord(record.id)
      this.#awaited.putRecord(record)
    }
    this.#take(this.#awaited, change)
  }

  /** Resolves when all that was added as awaited is kept, or after two seconds; at once while the store is known not to answer. */
  async settled(): Promise<void> {
    if (this.#patience.isLate || this.#retry !== null || (this.#awaited.isEmpty && !this.#isAwaitedUnderWay)) return
    await this.#patience.isDoneWithin(WAIT_MS_MAX, new Promise<void>((resolve) => void this.#waiting.push(resolve)))
  }

  /**
   * Keeps records and their lines in one transaction, or rejects with MetaError, and the records stay as `before` has them: also
   * where the store does not answer for five seconds, for which no page may wait longer. What it takes too late leaves its lines, and others that take them back.
   */
  async must(records: readonly AlertRecord[], events: readonly AlertEvent[], before: readonly AlertRecord[]): Promise<void> {
    // An older state of one that still waits, or that the store refuses meanwhile, would come after it, and undo it.
    for (const { id } of records) this.#replaced.set(id, this.#awaited.takeRecord(id) ?? this.#rest.takeRecord(id) ?? null)
    let older: readonly AlertRecord[] = []
    try {
      let written = Promise.resolve()
      await this.#patience.answerOf(() => (written = this.#store.putAlerts(records, events)), () => {
        older = before
        // Who asked for it was told that it is not so; the lines that came after all must not say otherwise.
        void written.then(() => this.add({ events: events.map((event) => takenBack(event, this.#clock.now())) }), () => {})
      })
    } catch (error) {
      if (older.length === 0) older = records.map(({ id }) => this.#replaced.get(id) ?? null).filter((record) => record !== null)
      throw error
    } finally {
      for (const { id } of records) this.#replaced.delete(id)
      if (older.length > 0) this.add({ records: older })
    }
  }

  /** What the store answers to a question that others wait behind. Rejects with MetaError, also where it takes too long. */
  answerOf<T>(ask: () => Promise<T>): Promise<T> {
    return this.#patience.answerOf(ask)
  }

  /** The record that is yet to be written, where there is one: newer than the store's. */
  waiting(id: string): AlertRecord | undefined {
    return this.#awaited.get(id) ?? this.#rest.get(id)
  }

  /** What waits of an episode that is another's after all. */
  drop(alertId: string): void {
    this.#awaited.drop(alertId)
    this.#rest.drop(alertId)
  }

  /** Tries once more what waits. */
  async stop(): Promise<void> {
    this.#retry?.cancel()
    await this.#writing
    if (this.#hasMore()) await this.#writeAll()
    this.#retry?.cancel()
  }

  #take(lane: RecordLane, change: AlertChange): void {
    lane.putLines(change)
    this.#cut(lane)
    if (this.#retry === null) this.#writing ??= this.#writeAll().finally(() => (this.#writing = null))
  }

  #cut(lane: RecordLane): void {
    this.lostCount += lane.cutEvents(this.#retry === null ? EVENTS_MAX : REFUSED_EVENTS_MAX)
  }

  #hasMore(): boolean {
    return !this.#awaited.isEmpty || !this.#rest.isEmpty
  }

  async #writeAll(): Promise<void> {
    this.#retry = null
    while (this.#hasMore()) {
      const lane = this.#awaited.isEmpty ? this.#rest : this.#awaited
      const part = lane.take(PART_MAX)
      this.#isAwaitedUnderWay = lane === this.#awaited
      const failure = await this.#write(part)
      this.#isAwaitedUnderWay = false
      this.#patience.answered()
      if (failure !== null) this.#putBack(lane, part, failure)
      if (failure !== null || this.#awaited.isEmpty) this.#wake()
      if (failure !== null) return
    }
  }

  async #write({ records, events, told }: Required<AlertChange>): Promise<MetaError | null> {
    try {
      await this.#store.putAlerts(records, events, told)
      return null
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      return error
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #putBack(lane: RecordLane, part: Required<AlertChange>, error: MetaError): void {
    const isNewest = ({ id }: AlertRecord): boolean => !this.#awaited.has(id) && !this.#rest.has(id) && !this.#replaced.has(id)
    lane.putBack({ ...part, records: part.records.filter(isNewest) })
    for (const record of part.records) if (this.#replaced.get(record.id) === null) this.#replaced.set(record.id, record)
    this.#logger.repeated('error', 'alerts cannot be recorded; they are told, and recording them is tried again', { alerts: this.#awaited.recordCount + this.#rest.recordCount, err: error })
    this.#retry = this.#clock.after(RETRY_MS, () => {
      this.#retry = null
      this.#writing ??= this.#writeAll().finally(() => (this.#writing = null))
    }, true)
    for (const one of [this.#awaited, this.#rest]) this.#cut(one)
  }
}

function takenBack(event: AlertEvent, nowMs: number): AlertEvent {
  const kind = event.kind === 'acknowledged' ? 'unacknowledged' : event.kind === 'unacknowledged' ? 'acknowledged' : event.kind
  return { ...event, timeMs: nowMs, kind, detail: 'as before: the store was too late for what was asked for' }
}
