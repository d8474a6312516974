// Records of alerts that wait to be written, of each alert the newest, with their lines of history and what integrations were told.
import type { AlertEvent, AlertRecord, ToldEntry } from '../../meta/interface.ts'

export interface AlertChange {
  records?: readonly AlertRecord[]
  events?: readonly AlertEvent[]
  told?: readonly ToldEntry[]
}

export class RecordLane {
  #records = new Map<string, AlertRecord>()
  #events: AlertEvent[] = []
  #told: ToldEntry[] = []

  get isEmpty(): boolean {
    return this.#records.size === 0 && this.#events.length === 0 && this.#told.length === 0
  }

  get recordCount(): number {
    return this.#records.size
  }

  has(id: string): boolean {
    return this.#records.has(id)
  }

  get(id: string): AlertRecord | undefined {
    return this.#records.get(id)
  }

  putRecord(record: AlertRecord): void {
    this.#records.set(record.id, record)
  }

  putLines({ events = [], told = [] }: AlertChange): void {
    for (const event of events) this.#events.push(event)
    for (const entry of told) this.#told.push(entry)
  }

  /** The record that waits, which it no longer does. */
  takeRecord(id: string): AlertRecord | undefined {
    const record = this.#records.get(id)
    this.#records.delete(id)
    return record
  }

  /** The oldest, `countMax` of each kind at most. */
  take(countMax: number): Required<AlertChange> {
    const records = this.#records.values().take(countMax).toArray()
    for (const { id } of records) this.#records.delete(id)
    return { records, events: this.#events.splice(0, countMax), told: this.#told.splice(0, countMax) }
  }

  /** What was taken waits again, before all else. */
  putBack({ records, events, told }: Required<AlertChange>): void {
    this.#records = new Map([...records.map((record) => [record.id, record] as const), ...this.#records])
    this.#events = [...events, ...this.#events]
    this.#told = [...told, ...this.#told]
  }

  /** Loses the oldest lines of history beyond `countMax`; how many. */
  cutEvents(countMax: number): number {
    const excess = Math.max(0, this.#events.length - countMax)
    if (excess > 0) this.#events.splice(0, excess)
    return excess
  }

  /** Forgets all that waits of an alert. */
  drop(alertId: string): void {
    this.#records.delete(alertId)
    this.#events = this.#events.filter((event) => event.alertId !== alertId)
  }
}
