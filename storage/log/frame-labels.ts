// The labels that the open frame of definitions spells out, by number: a label that comes again in it is its number alone
// (FORMAT.md, "Series file"). Series that come together share most labels, so that a series takes some 20 bytes of a frame, not 200.
import { writeVarint } from '../codec/bits.ts'
import { EMPTY_LABELS, type Labels } from '../../lib/model/labels.ts'
import { writeText } from './text-field.ts'

/** Ids of a series' labels, from ids[at] on: equal where labels are, for as long as `of` is the same. */
export interface LabelIds {
  readonly of: object
  readonly ids: Uint32Array
  readonly at: number
}

/** A frame takes no series that might bring it more. */
const NUMBERS_MAX = 2048
const SLOT_BITS = 12

export class FrameLabels {
  /** An open-addressed table by id, 0 where a slot is free. */
  readonly #ids: Uint32Array = new Uint32Array(1 << SLOT_BITS)
  readonly #numbers: Uint16Array = new Uint16Array(1 << SLOT_BITS)
  /** The slot of each number. */
  readonly #slots: Uint16Array = new Uint16Array(NUMBERS_MAX + 1)
  #count = 0
  /** Of what the ids are. */
  #of: object | null = null
  /** The series before, and the numbers of its labels. */
  #before: Labels = EMPTY_LABELS
  #numbersBefore: Uint16Array = new Uint16Array(64)
  #numbersNow: Uint16Array = new Uint16Array(64)

  /** Whether a series can stand in the frame that is open. */
  takes(labels: Labels, ids: LabelIds | null): boolean {
    return this.#of === (ids?.of ?? null) && this.#count + labels.length / 2 <= NUMBERS_MAX
  }

  /** Begins a frame of series with these ids, or with none: each label is spelled out then. */
  begin(ids: LabelIds | null): void {
    for (let number = 1; number <= this.#count; number++) this.#ids[this.#slots[number]!] = 0
    this.#count = 0
    this.#of = ids?.of ?? null
    this.#before = EMPTY_LABELS
  }

  /** Writes the labels of a series; returns the place behind them. */
  write(out: Buffer, at: number, labels: Labels, found: LabelIds | null): number {
    const n = labels.length / 2
    if (n > this.#numbersNow.length) {
      this.#numbersNow = new Uint16Array(n * 2)
      this.#numbersBefore = new Uint16Array(n * 2)
      this.#before = EMPTY_LABELS
    }
    const now = this.#numbersNow
    at = writeVarint(out, at, n)
    for (let i = 0; i < n; i++) {
      const known = found === null ? this.#spelled() : this.#numberOf(found.ids[found.at + i]!)
      if (known !== 0) {
        now[i] = known
        at = writeVarint(out, at, known * 2)
        continue
      }
      now[i] = this.#count
      const named = this.#named(labels[2 * i]!, i)
      at = writeVarint(out, at, named * 2 + 1)
      if (named === 0) at = writeText(out, at, labels[2 * i]!)
      at = writeText(out, at, labels[2 * i + 1]!)
    }
    this.#numbersNow = this.#numbersBefore
    this.#numbersBefore = now
    this.#before = labels
    return at
  }

  /** The number that an id has; 0 if it has only got one now. */
  #numberOf(id: number): number {
    const ids = this.#ids
    let slot = Math.imul(id, 0x9e3779b1) >>> (32 - SLOT_BITS)
    for (; ids[slot] !== 0; slot = (slot + 1) & ((1 << SLOT_BITS) - 1)) if (ids[slot] === id) return this.#numbers[slot]!
    // A series of thousands of labels would fill the table; it is the frame's last.
    if (this.#count >= NUMBERS_MAX) return this.#spelled()
    ids[slot] = id
    this.#numbers[slot] = ++this.#count
    this.#slots[this.#count] = slot
    return 0
  }

  /** Counts a label without an id; 0, as that is never known. */
  #spelled(): number {
    this.#slots[++this.#count] = 0
    return 0
  }

  /** The number of a label of the series before that has this name, near the i-th; 0 if there is none. */
  #named(name: string, i: number): number {
    const before = this.#before
    for (let k = Math.max(0, i - 1); k <= i + 1; k++) if (before[2 * k] === name) return this.#numbersBefore[k]!
    return 0
  }
}
