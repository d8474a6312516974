// Exemplars as they come out of a body: columns that grow and are used again, one text for the labels of all.
//
//   body ─parse─▶ RawExemplar (offsets into the body) ─push─▶ ExemplarColumns ─▶ the store
//
//   labels of one: { u16 length, name, u16 length, value } …, little-endian, UTF-8, sorted by name, no empty values.
//   Equal labels are equal bytes, so that telling a repeated exemplar takes no strings: most are repeated, scrape by scrape.
import { compareText, type Labels } from './labels.ts'

/** Characters of all names and values of an exemplar at the most (OpenMetrics 1.0, "Exemplars"). */
const EXEMPLAR_CHARS_MAX = 128
/** Bytes that the labels of one take at the most: 128 characters of 4 bytes, and 128 labels. */
export const EXEMPLAR_LABEL_BYTES_MAX: number = EXEMPLAR_CHARS_MAX * 4 + EXEMPLAR_CHARS_MAX * 4

export const EXEMPLAR_STORED = 0
/** Equal to the series' newest one: nothing is wrong, and nothing to do. */
export const EXEMPLAR_DUPLICATE = 1
export const EXEMPLAR_OUT_OF_ORDER = 2
/** More than 10 min ahead of the wall clock. */
export const EXEMPLAR_FUTURE = 3
/** More than EXEMPLAR_CHARS_MAX. */
const EXEMPLAR_TOO_LONG = 4
/** A name that comes twice or is empty, or text that is not UTF-8. */
export const EXEMPLAR_INVALID = 5
/** Of a series that the store does not have. */
export const EXEMPLAR_NO_SERIES = 6
export const EXEMPLAR_VERDICTS: readonly string[] = ['stored', 'duplicate', 'out_of_order', 'future', 'too_long', 'invalid_labels', 'unknown_series']

/** An exemplar where it stands in a body. */
export interface RawExemplar {
  bytes: Uint8Array
  /** Of each label: name from and to, value from and to. */
  offsets: number[]
  /** Whether `\\`, `\"` and `\n` in the texts stand for other bytes. */
  isEscaped: boolean
  value: number
  /** Without a time of its own it gets that of its sample. */
  hasTime: boolean
  /** Unix ms, whole; valid where hasTime. */
  timeMs: number
}

/** An exemplar as it is read back. */
export interface Exemplar {
  labels: Labels
  value: number
  /** Unix ms. */
  timeMs: number
}

const BACKSLASH = 0x5c
const LETTER_N = 0x6e
const QUOTE = 0x22
const NEWLINE = 0x0a
/** Columns beyond this are given back after the body that needed them. */
const KEEP_COUNT = 1 << 14

/** One per reader of bodies; every body starts with `clear`. */
export class ExemplarColumns {
  count = 0
  /** 0 until the caller knows the series. */
  refs: Uint32Array = new Uint32Array(0)
  times: Float64Array = new Float64Array(0)
  values: Float64Array = new Float64Array(0)
  /** 1 where the time is the exemplar's own. */
  timed: Uint8Array = new Uint8Array(0)
  /** Labels of exemplar i: text[starts[i], ends[i]). */
  starts: Uint32Array = new Uint32Array(0)
  ends: Uint32Array = new Uint32Array(0)
  text: Buffer = Buffer.alloc(0)
  /** EXEMPLAR_*: what became of each. `push` says what is wrong with the labels, the store the rest. */
  verdicts: Uint8Array = new Uint8Array(0)
  #used = 0

  clear(): void {
    if (this.refs.length > KEEP_COUNT) {
      this.#resize(0)
      this.text = Buffer.alloc(0)
    }
    this.count = 0
    this.#used = 0
  }

  /** Appends an exemplar of the series `ref`; `timeMs` holds where it has no time of its own. */
  push(raw: RawExemplar, ref: number, timeMs: number): void {
    if (this.count === this.refs.length) this.#resize(Math.max(64, this.count * 2))
    if (this.text.length - this.#used < EXEMPLAR_LABEL_BYTES_MAX) this.#growText()
    const i = this.count++
    this.refs[i] = ref
    this.times[i] = raw.hasTime ? raw.timeMs : timeMs
    this.values[i] = raw.value
    this.timed[i] = raw.hasTime ? 1 : 0
    this.starts[i] = this.#used
    const end = this.#writeLabels(raw)
    this.verdicts[i] = end < 0 ? -end : EXEMPLAR_STORED
    if (end >= 0) this.#used = end
    this.ends[i] = this.#used
  }

  /** Where the labels end, or the verdict on them below 0. */
  #writeLabels({ bytes, offsets, isEscaped }: RawExemplar): number {
    const { text } = this
    const from = this.#used
    let at = from
    let chars = 0
    let lastName = -1
    let isSorted = true
    for (let i = 0; i < offsets.length; i += 4) {
      const nameFrom = offsets[i]!
      const valueFrom = offsets[i + 2]!
      const valueBytes = offsets[i + 3]! - valueFrom
      if (valueBytes === 0) continue
      const bytesLeft = EXEMPLAR_CHARS_MAX * 8 - (at - from)
      // An escape is two bytes of one: no text longer than twice its most is good.
      if (offsets[i + 1]! - nameFrom + valueBytes + 4 > bytesLeft) return -EXEMPLAR_TOO_LONG
      const name = at
      at = copyText({ bytes, from: nameFrom, to: offsets[i + 1]! }, text, at, isEscaped)
      if (at === name + 2) return -EXEMPLAR_INVALID
      chars += countChars(text, name + 2, at)
      const value = at
      at = copyText({ bytes, from: valueFrom, to: offsets[i + 3]! }, text, at, isEscaped)
      chars += countChars(text, value + 2, at)
      if (chars > EXEMPLAR_CHARS_MAX) return -EXEMPLAR_TOO_LONG
      if (lastName >= 0 && compareNames(text, lastName, name) >= 0) isSorted = false
      lastName = name
    }
    return isSorted ? at : sortLabels(text, from, at)
  }

  #resize(size: number): void {
    const { refs, times, values, timed, starts, ends, verdicts } = this
    const count = Math.min(size, this.count)
    this.refs = new Uint32Array(size)
    this.refs.set(refs.subarray(0, count))
    this.times = new Float64Array(size)
    this.times.set(times.subarray(0, count))
    this.values = new Float64Array(size)
    this.values.set(values.subarray(0, count))
    this.timed = new Uint8Array(size)
    this.timed.set(timed.subarray(0, count))
    this.starts = new Uint32Array(size)
    this.starts.set(starts.subarray(0, count))
    this.ends = new Uint32Array(size)
    this.ends.set(ends.subarray(0, count))
    this.verdicts = new Uint8Array(size)
    this.verdicts.set(verdicts.subarray(0, count))
  }

  #growText(): void {
    const larger = Buffer.alloc(Math.max(8192, this.text.length * 2))
    this.text.copy(larger, 0, 0, this.#used)
    this.text = larger
  }
}

/** The labels in `text[from, end)`. */
export function decodeExemplarLabels(text: Uint8Array, from: number, end: number): Labels {
  const buffer = Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  const labels: string[] = []
  for (let at = from; at < end;) {
    const length = buffer.readUInt16LE(at)
    labels.push(buffer.toString('utf8', at + 2, at + 2 + length))
    at += 2 + length
  }
  return labels
}

/** Writes a text's length and bytes at `at`; returns the place behind. */
function copyText({ bytes, from, to }: { bytes: Uint8Array; from: number; to: number }, out: Buffer, at: number, isEscaped: boolean): number {
  let p = at + 2
  for (let i = from; i < to; i++) {
    let c = bytes[i]!
    if (c === BACKSLASH && isEscaped && i + 1 < to) {
      const next = bytes[i + 1]!
      if (next === LETTER_N) c = NEWLINE
      else if (next === QUOTE || next === BACKSLASH) c = next
      if (c !== BACKSLASH || next === BACKSLASH) i++
    }
    out[p++] = c
  }
  const length = p - at - 2
  out[at] = length & 255
  out[at + 1] = length >>> 8
  return p
}

/** Every byte of UTF-8 that is not the continuation of another begins a character. */
function countChars(text: Buffer, from: number, to: number): number {
  let count = 0
  for (let i = from; i < to; i++) if ((text[i]! & 0xc0) !== 0x80) count++
  return count
}

function compareNames(text: Buffer, a: number, b: number): number {
  const aLength = text[a]! | (text[a + 1]! << 8)
  const bLength = text[b]! | (text[b + 1]! << 8)
  const n = Math.min(aLength, bLength)
  for (let i = 2; i < n + 2; i++) if (text[a + i] !== text[b + i]) return text[a + i]! - text[b + i]!
  return aLength - bLength
}

/** Puts labels in order; returns their end, or EXEMPLAR_INVALID below 0 where a name comes twice. */
function sortLabels(text: Buffer, from: number, end: number): number {
  const flat = decodeExemplarLabels(text, from, end)
  const pairs = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!] as const)
  pairs.sort(([a], [b]) => compareText(a, b))
  if (pairs.some(([name], i) => i > 0 && pairs[i - 1]![0] === name)) return -EXEMPLAR_INVALID
  let at = from
  for (const part of pairs.flat()) {
    const length = text.write(part, at + 2, 'utf8')
    text.writeUInt16LE(length, at)
    at += 2 + length
  }
  return at
}
