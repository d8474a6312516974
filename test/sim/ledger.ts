// What was sent, what of it was promised, and what may be there after a crash: acked ⊆ recovered ⊆ sent, sample by
// sample. What a start has shown stays shown, so each recovery is a promise, too.
import type { FloatHistogram } from '../../lib/model/histogram.ts'

/** A float, 'stale', or a histogram or a float with a start time as text. */
export type Value = number | string
/** A sample that is more than a float, as a value that can be compared. */
export function valueText(value: number | FloatHistogram, startTime: number): string {
  if (typeof value === 'number') return `${value} since ${startTime}`
  const { schema, zeroThreshold, zeroCount, count, sum, hint, positive, negative, customValues } = value
  const parts = [schema, zeroThreshold, zeroCount, count, sum, hint, positive.index, positive.count, negative.index, negative.count, customValues]
  return `${parts.map((part) => (typeof part === 'number' ? part : `[${part.join()}]`)).join()} since ${startTime}`
}

/** Series by label text → samples by time. */
export type Contents = ReadonlyMap<string, ReadonlyMap<number, Value>>

interface Entry {
  /** Values sent for this time; the first stored one wins, which is not known of what failed half way. */
  sent: Value[]
  /** Order in which it was stored; Infinity: the store did not say that it was. */
  seq: number
  isPromised: boolean
}

export class Ledger {
  readonly #series = new Map<string, Map<number, Entry>>()
  #seq = 0
  #waiting: Entry[] = []

  /** The store took a sample, or (`isSure` false) failed while it may have. */
  sent(key: string, t: number, value: Value, isSure: boolean): void {
    let samples = this.#series.get(key)
    if (!samples) this.#series.set(key, (samples = new Map<number, Entry>()))
    let entry = samples.get(t)
    if (!entry) samples.set(t, (entry = { sent: [], seq: Infinity, isPromised: false }))
    if (!entry.sent.some((other) => Object.is(other, value))) entry.sent.push(value)
    if (!isSure || entry.seq !== Infinity) return
    entry.seq = ++this.#seq
    this.#waiting.push(entry)
  }

  /** All that was stored so far, for a commit that begins. */
  mark(): number {
    return this.#seq
  }

  promise(upTo: number): void {
    for (const entry of this.#waiting) if (entry.seq <= upTo) entry.isPromised = true
    this.#waiting = this.#waiting.filter((entry) => !entry.isPromised)
  }

  /** A delete begins: samples of series whose key begins so may be gone from now on. Returns what to call when it is done: then they are. */
  deleting(keyStart: string, from: number, to: number): () => void {
    const meant: { samples: Map<number, Entry>; t: number; entry: Entry }[] = []
    for (const [key, samples] of this.#series) {
      if (!key.startsWith(keyStart)) continue
      for (const [t, entry] of samples) if (t >= from && t <= to) meant.push({ samples, t, entry })
    }
    for (const { entry } of meant) {
      entry.seq = Infinity
      entry.isPromised = false
    }
    this.#waiting = this.#waiting.filter(({ seq }) => seq !== Infinity)
    return () => {
      for (const { samples, t } of meant) samples.delete(t)
    }
  }

  /** What a running store shows must be all that it stored and nothing that was not sent. Samples before `oldest` may be gone. */
  compareLive(contents: Contents, oldest: number): string[] {
    return this.#compare(contents, oldest, (entry) => entry.seq !== Infinity)
  }

  /** The same for one that has just started; what it shows is promised from now on, what it does not show is forgotten. */
  compareRecovered(contents: Contents, oldest: number): string[] {
    const faults = this.#compare(contents, oldest, (entry) => entry.isPromised)
    this.#series.clear()
    this.#waiting = []
    for (const [key, samples] of contents) {
      this.#series.set(key, new Map(Array.from(samples, ([t, value]) => [t, { sent: [value], seq: 0, isPromised: true }])))
    }
    return faults
  }

  /** How many samples are promised. */
  get promised(): number {
    let count = 0
    for (const samples of this.#series.values()) for (const { isPromised } of samples.values()) if (isPromised) count++
    return count
  }

  #compare(contents: Contents, oldest: number, isWanted: (entry: Entry) => boolean): string[] {
    const faults: string[] = []
    for (const [key, samples] of contents) {
      const known = this.#series.get(key)
      for (const [t, value] of samples) {
        const entry = known?.get(t)
        if (!entry) faults.push(`${key} at ${t}: ${value} was never sent, or gone before`)
        else if (!entry.sent.some((other) => Object.is(other, value))) faults.push(`${key} at ${t}: ${value}, but ${entry.sent.join(' or ')} was sent`)
      }
    }
    for (const [key, samples] of this.#series) {
      const found = contents.get(key)
      for (const [t, entry] of samples) {
        if (t >= oldest && isWanted(entry) && found?.has(t) !== true) faults.push(`${key} at ${t}: ${entry.sent.join(' or ')} is lost`)
      }
    }
    return faults
  }
}
