// What the frames of the file of definitions say (FORMAT.md, "Series file"), read back.
import { assert } from '../../lib/std/assert.ts'
import type { Steps } from '../../lib/std/steps.ts'
import { readVarint, type VarintPlace } from '../codec/bits.ts'
import type { DamageTally } from './damage.ts'
import { TYPE_GROUP, TYPE_RENUMBERING, TYPE_SERIES, TYPE_SPELLED_SERIES } from './frame.ts'
import { scanFramesInSteps } from './scan-frames.ts'

/** What a definitions file says, in the order it was said. */
export interface DefinitionVisitor {
  /** So much of the file lies before what comes now, 0 to 1. */
  progress(share: number): void
  /** Series were numbered anew, so often. */
  renumbered(times: number): void
  /** Refs up to this one were given; those that are not defined have been forgotten. */
  given(ref: number): void
  /** A text, in UTF-8 at bytes[from, to); returns its id. */
  text(bytes: Buffer, from: number, to: number): number
  /** A label, by the ids of name and value; returns its id. */
  label(name: number, value: number): number
  /** A series with labels[0, count), by name; they are valid for this call. */
  series(ref: number, labels: Uint32Array, count: number): void
  group(definition: GroupDefinition): void
}

/** Columns that a group gains; none where it is only said that ids up to the group's were given. */
export interface GroupDefinition {
  group: number
  firstColumn: number
  /** 0: the column is vacant. */
  refs: Uint32Array
  isLate: boolean
  /** Of the cut (head/published.ts), at most 24 bits; what it was when the group was made. */
  generation: number
  /** Random: tells this definition from another of the same id, made after this one was lost. */
  salt: number
}

export const GROUP_HEAD_BYTES = 24
export const GROUP_LATE = 1
export const GENERATION_SHIFT = 8

/** Read between two turns of others: some 2 ms of series. */
const STEP_BYTES = 32_768

/** Visits what the frames of a stream define, in order. */
export function visitDefinitions(bytes: Buffer, visitor: DefinitionVisitor): Steps<DamageTally> {
  const series = new SharedSeries(visitor)
  return scanFramesInSteps(bytes, 0, bytes.length, (type, at) => {
    visitor.progress(at / bytes.length)
    if (type === TYPE_SERIES || type === TYPE_SPELLED_SERIES) series.visit(bytes, at, type === TYPE_SPELLED_SERIES)
    else if (type === TYPE_GROUP) visitGroup(bytes, at, visitor)
    else if (type === TYPE_RENUMBERING) visitor.renumbered(bytes.readUInt32LE(at))
  }, STEP_BYTES)
}

/** Series whose labels are spelled out once in a frame, and numbers from then on; or each time, as folders of an earlier form have them. */
class SharedSeries {
  readonly #visitor: DefinitionVisitor
  readonly #place: VarintPlace = { at: 0 }
  /** By number: ids of labels and of their names. */
  #labels: Uint32Array = new Uint32Array(4096)
  #names: Uint32Array = new Uint32Array(4096)
  #count = 0
  /** Of the series at hand. */
  #found: Uint32Array = new Uint32Array(256)

  constructor(visitor: DefinitionVisitor) {
    this.#visitor = visitor
  }

  visit(bytes: Buffer, at: number, isSpelled: boolean): void {
    const firstRef = bytes.readUInt32LE(at)
    const seriesCount = bytes.readUInt32LE(at + 4)
    if (seriesCount === 0) this.#visitor.given(firstRef - 1)
    this.#count = 0
    const place = this.#place
    place.at = at + 8
    for (let i = 0; i < seriesCount; i++) {
      const n = readVarint(bytes, place)
      if (isSpelled) this.#count = 0
      this.#reserve(n)
      if (isSpelled) for (let k = 0; k < n; k++) this.#found[k] = this.#spelled(bytes, 0)
      else this.#readLabels(bytes, n)
      this.#visitor.series(firstRef + i, this.#found, n)
    }
  }

  #readLabels(bytes: Buffer, n: number): void {
    const place = this.#place
    const labels = this.#labels
    const found = this.#found
    let { at } = place
    for (let i = 0; i < n; i++) {
      // Fast path: one of the first labels of the frame, by its number.
      const first = bytes[at]!
      if (first < 128 && (first & 1) === 0) {
        found[i] = labels[first >>> 1]!
        at++
        continue
      }
      place.at = at
      const code = readVarint(bytes, place)
      const number = code >>> 1
      assert(number <= this.#count, 'a label of definitions is a number that none has')
      found[i] = (code & 1) === 0 ? labels[number]! : this.#spelled(bytes, number)
      at = place.at
    }
    place.at = at
  }

  /** A label that is spelled out; its name is that of the `named`-th, if that is not 0. */
  #spelled(bytes: Buffer, named: number): number {
    const name = named === 0 ? this.#text(bytes) : this.#names[named]!
    const label = this.#visitor.label(name, this.#text(bytes))
    this.#count++
    this.#labels[this.#count] = label
    this.#names[this.#count] = name
    return label
  }

  #text(bytes: Buffer): number {
    const place = this.#place
    const length = readVarint(bytes, place)
    place.at += length
    return this.#visitor.text(bytes, place.at - length, place.at)
  }

  /** Room for a series of n labels. */
  #reserve(n: number): void {
    if (n > this.#found.length) this.#found = new Uint32Array(n * 2)
    if (this.#count + n < this.#labels.length) return
    this.#labels = grown(this.#labels, this.#count + n)
    this.#names = grown(this.#names, this.#count + n)
  }
}

function grown(array: Uint32Array, n: number): Uint32Array {
  const larger = new Uint32Array(n * 2)
  larger.set(array)
  return larger
}

function visitGroup(bytes: Buffer, at: number, visitor: DefinitionVisitor): void {
  const refs = new Uint32Array(bytes.readUInt32LE(at + 8))
  for (let i = 0; i < refs.length; i++) refs[i] = bytes.readUInt32LE(at + GROUP_HEAD_BYTES + i * 4)
  const flags = bytes.readUInt32LE(at + 12)
  visitor.group({
    group: bytes.readUInt32LE(at), firstColumn: bytes.readUInt32LE(at + 4), refs,
    isLate: (flags & GROUP_LATE) !== 0, generation: flags >>> GENERATION_SHIFT, salt: bytes.readUInt32LE(at + 16),
  })
}
