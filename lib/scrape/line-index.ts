// Finds a line of the last body, or of this one, by the bytes before its value: for bodies that changed their order,
// lost or gained lines. Built when a body first departs from the last; one instance serves all targets in turn.
import { equalBytes, hashBytes } from '../std/bytes.ts'
import { FAMILY_MASK, FAMILY_SHIFT, KIND_MASK, LINE_DROPPED, LINE_LONG_SAMPLE, LINE_SAMPLE, PREFIX_SHIFT, type LineTable } from './line-table.ts'

/** Open addressing over line numbers: those of the last body as they are, those of this body from NEW up. */
export const NEW_LINE = 0x40000000
const EMPTY = -1

export class LineIndex {
  #slots = new Int32Array(0)
  #hashes = new Uint32Array(0)
  #mask = 0
  #used = 0
  readonly #seed: number

  /** Bodies come from outside: seed the hash, so that nobody can prepare collisions. */
  constructor(seed: number) {
    this.#seed = seed
  }

  /** Forgets all, and makes room for `lineCount` lines. */
  reset(lineCount: number): void {
    let size = 1024
    while (size < lineCount * 2) size *= 2
    if (this.#slots.length < size || this.#slots.length > size * 8) {
      this.#slots = new Int32Array(size)
      this.#hashes = new Uint32Array(size)
    }
    this.#slots.fill(EMPTY)
    this.#mask = this.#slots.length - 1
    this.#used = 0
  }

  /** Enters lines [from, table.count) of a body, those that stand for a series; `base` is 0 or NEW_LINE. */
  addAll(table: LineTable, from: number, view: DataView, base: number): void {
    for (let i = from; i < table.count; i++) {
      const info = table.infos[i]!
      const kind = info & KIND_MASK
      if (kind !== LINE_SAMPLE && kind !== LINE_LONG_SAMPLE && kind !== LINE_DROPPED) continue
      const family = (info >>> FAMILY_SHIFT) & FAMILY_MASK
      this.add(this.hash(view, table.startOf(i), info >>> PREFIX_SHIFT, family), base + i)
    }
  }

  hash(view: DataView, from: number, length: number, family: number): number {
    return hashBytes(view, from, length, this.#seed + family)
  }

  /** 53 bits, for sets that keep no bytes to compare: among 100,000 lines, two are taken for one in 1 of 2 million cases. */
  longHash(view: DataView, from: number, length: number): number {
    return hashBytes(view, from, length, this.#seed) * 0x200000 + (hashBytes(view, from, length, ~this.#seed) >>> 11)
  }

  add(hash: number, line: number): void {
    if (this.#used * 2 >= this.#slots.length) this.#double()
    const mask = this.#mask
    let slot = hash & mask
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask
    this.#slots[slot] = line
    this.#hashes[slot] = hash
    this.#used++
  }

  /** The line with this prefix and family, or -1. `last` and `lines` are the tables whose lines were added. */
  find(hash: number, key: LineKey, last: LineTable, lastView: DataView, lines: LineTable): number {
    const mask = this.#mask
    for (let slot = hash & mask; this.#slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      if (this.#hashes[slot] !== hash) continue
      const line = this.#slots[slot]!
      const isNew = line >= NEW_LINE
      const table = isNew ? lines : last
      const i = isNew ? line - NEW_LINE : line
      const info = table.infos[i]!
      if (info >>> PREFIX_SHIFT !== key.length || ((info >>> FAMILY_SHIFT) & FAMILY_MASK) !== key.family) continue
      if (equalBytes(isNew ? key.view : lastView, table.startOf(i), key.view, key.from, key.length)) return line
    }
    return -1
  }

  #double(): void {
    const slots = this.#slots
    const hashes = this.#hashes
    this.#slots = new Int32Array(slots.length * 2).fill(EMPTY)
    this.#hashes = new Uint32Array(slots.length * 2)
    this.#mask = this.#slots.length - 1
    this.#used = 0
    for (let i = 0; i < slots.length; i++) if (slots[i] !== EMPTY) this.add(hashes[i]!, slots[i]!)
  }
}

/** A line of this body, up to its value. */
export interface LineKey {
  view: DataView
  from: number
  length: number
  family: number
}
