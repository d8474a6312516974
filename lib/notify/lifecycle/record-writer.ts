// Records of alerts on their way to the store. A page must not wait for a disk that is full or hangs: what cannot be kept now
// is tried again until it is, and pages go on meanwhile.
import { MetaError } from '../../meta/errors.ts'
import type { AlertEvent, AlertRecord, MetaStore, ToldEntry } from '../../meta/interface.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import type { Logger } from '../../std/log.ts'

export interface AlertChange {
  records?: readonly AlertRecord[]
  events?: readonly AlertEvent[]
  told?: readonly ToldEntry[]
}

const RETRY_MS = 10_000
/** Alerts wait so long for the store at most, on their way to people. */
const WAIT_MS_MAX = 2000
/** Of one transaction: 20 ms of the metadata thread, 2 ms of main. */
const PART_MAX = 1000
/** While the disk refuses them, older lines of history are lost first; 20 MB. */
const EVENTS_MAX = 100_000

export class RecordWriter {
  readonly #store: Pick<MetaStore, 'putAlerts'>
  readonly #clock: Clock
  readonly #logger: Logger
  /** The newest of each alert. */
  #records = new Map<string, AlertRecord>()
  #events: AlertEvent[] = []
  #told: ToldEntry[] = []
  #writing: Promise<void> | null = null
  #retry: Timer | null = null
  /** Lines of history that were lost. */
  lostCount = 0

  constructor(store: Pick<MetaStore, 'putAlerts'>, clock: Clock, logger: Logger) {
    this.#store = store
    this.#clock = clock
    this.#logger = logger
  }

  add({ records = [], events = [], told = [] }: AlertChange): void {
    for (const record of records) this.#records.set(record.id, record)
    for (const event of events) this.#events.push(event)
    for (const entry of told) this.#told.push(entry)
    const excess = this.#events.length - EVENTS_MAX
    if (excess > 0) {
      this.#events.splice(0, excess)
      this.lostCount += excess
    }
    if (this.#retry === null) this.#writing ??= this.#writeAll().finally(() => (this.#writing = null))
  }

  /** Resolves when all that was added is kept, or after two seconds. */
  async settled(): Promise<void> {
    if (this.#writing === null) return
    let timer: Timer | null = null
    const late = new Promise<void>((resolve) => (timer = this.#clock.after(WAIT_MS_MAX, resolve, true)))
    await Promise.race([this.#writing, late])
    timer!.cancel()
  }

  /** Keeps a record and its line, or rejects with MetaError, and nothing is kept. */
  async must(record: AlertRecord, event: AlertEvent): Promise<void> {
    const older = this.#records.get(record.id)
    // An older state of it that still waits would come after it, and undo it.
    this.#records.delete(record.id)
    try {
      await this.#store.putAlerts([record], [event])
    } catch (error) {
      if (older !== undefined) this.add({ records: [older] })
      throw error
    }
  }

  /** What waits of an episode that is another's after all. */
  drop(alertId: string): void {
    this.#records.delete(alertId)
    this.#events = this.#events.filter((event) => event.alertId !== alertId)
  }

  /** Tries once more what waits. */
  async stop(): Promise<void> {
    this.#retry?.cancel()
    await this.#writing
    if (this.#hasMore()) await this.#writeAll()
    this.#retry?.cancel()
  }

  #hasMore(): boolean {
    return this.#records.size > 0 || this.#events.length > 0 || this.#told.length > 0
  }

  async #writeAll(): Promise<void> {
    this.#retry = null
    while (this.#hasMore()) {
      const records = [...this.#records.values()].slice(0, PART_MAX)
      const events = this.#events.splice(0, PART_MAX)
      const told = this.#told.splice(0, PART_MAX)
      for (const { id } of records) this.#records.delete(id)
      try {
        await this.#store.putAlerts(records, events, told)
      } catch (error) {
        if (!(error instanceof MetaError)) throw error
        this.#putBack({ records, events, told }, error)
        return
      }
    }
  }

  #putBack({ records, events, told }: Required<AlertChange>, error: MetaError): void {
    const newer = this.#records
    this.#records = new Map([...records.map((record) => [record.id, record] as const), ...newer])
    this.#events = [...events, ...this.#events]
    this.#told = [...told, ...this.#told]
    this.#logger.error('alerts cannot be recorded; they are told, and recording them is tried again', { alerts: this.#records.size, err: error })
    this.#retry = this.#clock.after(RETRY_MS, () => {
      this.#retry = null
      this.#writing ??= this.#writeAll().finally(() => (this.#writing = null))
    }, true)
  }
}
