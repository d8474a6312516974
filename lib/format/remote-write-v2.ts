// Remote write 2.0 bodies (io.prometheus.write.v2.Request) written as those of 1.0, so that one path stores both. Source: remote
// write spec 2.0.
//
//   Request    { repeated string symbols 4, repeated TimeSeries 5 }
//   TimeSeries { repeated uint32 labels_refs 1, Sample 2, Histogram 3, Exemplar 4, Metadata 5, created_timestamp 6 }
//   Exemplar   { repeated uint32 labels_refs 1, double value 2, int64 ms timestamp 3 }
//   Metadata   { enum type 1, uint32 help_ref 3, uint32 unit_ref 4 }
//
// Samples and histograms are the same messages in both. Labels come out byte by byte as senders of 1.0 write them: a series is
// known by them, whichever way it comes. Start timestamps are left out, as 1.0 has none.
import { RemoteWriteError, WIRE_BYTES, WIRE_VARINT, malformed, skipField, skipVarint, varintValue } from './remote-write-wire.ts'

const METRIC_NAME = '__name__'
/** Lengths that are not known before what they are of: a varint of five bytes, whatever its value. */
const LENGTH_BYTES = 5
/** Types of metadata whose series have names of their own. */
const FAMILY_TYPES: ReadonlySet<number> = new Set([3, 4, 5])
const KEEP_BYTES = 4 << 20
const METADATA_TAG = 0x2a
const SHORT_BYTES = 48

/** Where a message or a text stands. */
interface Part {
  from: number
  to: number
}

export class WriteRequestTranslator {
  readonly #bytesMax: number
  #out = Buffer.alloc(1 << 16)
  #at = 0
  #bytes: Uint8Array = this.#out
  /** Of symbols: where each begins and ends. */
  #starts: number[] = []
  #ends: number[] = []
  readonly #refs: number[] = []

  /** Bodies that would be longer are refused. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The body of 1.0 that says what bytes[0, length) says; valid until the next one. Throws RemoteWriteError. */
  translate(bytes: Uint8Array, length: number): Uint8Array {
    if (this.#out.length > KEEP_BYTES) this.#out = Buffer.alloc(1 << 16)
    this.#bytes = bytes
    this.#at = 0
    const series = this.#readRequest(length)
    const nameRef = this.#starts.findIndex((from, i) => this.#ends[i]! - from === METRIC_NAME.length && this.#text(i) === METRIC_NAME)
    /** By symbol of the metric's name. */
    const metadata = new Map<number, Part>()
    for (const part of series) {
      const described = this.#writeSeries(part)
      if (described === null) continue
      const name = this.#refs.findIndex((ref, i) => i % 2 === 0 && ref === nameRef)
      if (name >= 0 && !metadata.has(this.#refs[name + 1]!)) metadata.set(this.#refs[name + 1]!, described)
    }
    for (const [name, part] of metadata) this.#writeMetadata(this.#text(name), part)
    return this.#out.subarray(0, this.#at)
  }

  /** Symbols may stand behind the series that need them. */
  #readRequest(length: number): Part[] {
    this.#starts = []
    this.#ends = []
    const series: Part[] = []
    for (let at = 0; at < length;) {
      const tagEnd = skipVarint(this.#bytes, at, length)
      const tag = varintValue(this.#bytes, at, tagEnd)
      const next = skipField(this.#bytes, tagEnd, length, tag)
      const number = tag >>> 3
      if (number === 4 || number === 5) {
        if ((tag & 7) !== WIRE_BYTES) throw malformed(`field ${number} of request has wire type ${tag & 7}, not ${WIRE_BYTES}`)
        const from = skipVarint(this.#bytes, tagEnd, length)
        if (number === 5) series.push({ from, to: next })
        else {
          this.#starts.push(from)
          this.#ends.push(next)
        }
      }
      at = next
    }
    return series
  }

  /** Labels first, as 1.0 has them. Returns where its metadata stand; its labels are then in `#refs`. */
  #writeSeries({ from, to }: Part): Part | null {
    const bytes = this.#bytes
    let metadata: Part | null = null
    this.#refs.length = 0
    for (let at = from; at < to;) {
      const tagEnd = skipVarint(bytes, at, to)
      const tag = varintValue(bytes, at, tagEnd)
      const next = skipField(bytes, tagEnd, to, tag)
      if (tag >>> 3 === 1) this.#readRefs(tag & 7, tagEnd, next)
      else if (tag === METADATA_TAG) metadata = { from: skipVarint(bytes, tagEnd, to), to: next }
      at = next
    }
    const lengthAt = this.#open(0x0a)
    this.#writeLabels(this.#refs)
    for (let at = from; at < to;) {
      const tagEnd = skipVarint(bytes, at, to)
      const tag = varintValue(bytes, at, tagEnd)
      const next = skipField(bytes, tagEnd, to, tag)
      const number = tag >>> 3
      if (number >= 2 && number <= 4) {
        if ((tag & 7) !== WIRE_BYTES) throw malformed(`field ${number} of series has wire type ${tag & 7}, not ${WIRE_BYTES}`)
        if (number === 4) this.#writeExemplar(skipVarint(bytes, tagEnd, to), next)
        else {
          // Samples and histograms go along as they are, with the number that they have in 1.0.
          this.#byte(number === 2 ? 0x12 : 0x22)
          this.#bytesFrom(tagEnd, next)
        }
      }
      at = next
    }
    this.#close(lengthAt)
    return metadata
  }

  #writeExemplar(from: number, to: number): void {
    const refs = this.#refs.splice(0)
    for (let at = from; at < to;) {
      const tagEnd = skipVarint(this.#bytes, at, to)
      const tag = varintValue(this.#bytes, at, tagEnd)
      const next = skipField(this.#bytes, tagEnd, to, tag)
      if (tag >>> 3 === 1) this.#readRefs(tag & 7, tagEnd, next)
      at = next
    }
    const lengthAt = this.#open(0x1a)
    this.#writeLabels(this.#refs)
    for (let at = from; at < to;) {
      const tagEnd = skipVarint(this.#bytes, at, to)
      const next = skipField(this.#bytes, tagEnd, to, varintValue(this.#bytes, at, tagEnd))
      if (varintValue(this.#bytes, at, tagEnd) >>> 3 !== 1) this.#bytesFrom(at, next)
      at = next
    }
    this.#close(lengthAt)
    this.#refs.length = 0
    this.#refs.push(...refs)
  }

  #writeMetadata(metric: string, { from, to }: Part): void {
    let [type, help, unit] = [0, 0, 0]
    this.#eachField(from, to, (number, wire, content, next) => {
      if (wire !== WIRE_VARINT) return
      const value = varintValue(this.#bytes, content, next)
      if (number === 1) type = value
      else if (number === 3) help = this.#checked(value)
      else if (number === 4) unit = this.#checked(value)
    })
    if (type === 0 && help === 0 && unit === 0) return
    const family = FAMILY_TYPES.has(type) ? metric.replace(/_(bucket|count|sum)$/, '') : metric
    const lengthAt = this.#open(0x1a)
    this.#byte(0x08)
    this.#varint(type)
    this.#textField(0x12, Buffer.from(family))
    for (const [tag, ref] of [[0x22, help], [0x2a, unit]] as const) if (ref !== 0) this.#textField(tag, this.#bytes.subarray(this.#starts[ref]!, this.#ends[ref]!))
    this.#close(lengthAt)
  }

  /** Room for all of them is made at once: this is most of the work. */
  #writeLabels(refs: readonly number[]): void {
    if (refs.length % 2 !== 0) throw malformed(`labels_refs of ${refs.length} symbols: a name lacks its value`)
    const starts = this.#starts
    const ends = this.#ends
    const bytes = this.#bytes
    let total = 0
    for (let i = 0; i < refs.length; i++) total += ends[refs[i]!]! - starts[refs[i]!]! + 2 * LENGTH_BYTES
    this.#grow(total)
    const out = this.#out
    let at = this.#at
    for (let i = 0; i < refs.length; i += 2) {
      const nameFrom = starts[refs[i]!]!
      const valueFrom = starts[refs[i + 1]!]!
      const nameBytes = ends[refs[i]!]! - nameFrom
      const valueBytes = ends[refs[i + 1]!]! - valueFrom
      out[at] = 0x0a
      at = writeVarint(out, at + 1, 2 + varintBytes(nameBytes) + nameBytes + varintBytes(valueBytes) + valueBytes)
      out[at] = 0x0a
      at = writeVarint(out, at + 1, nameBytes)
      at = copyTo(out, at, bytes, nameFrom, nameBytes)
      out[at] = 0x12
      at = writeVarint(out, at + 1, valueBytes)
      at = copyTo(out, at, bytes, valueFrom, valueBytes)
    }
    this.#at = at
  }

  /** `at`: behind the tag, where packed ones have their length. */
  #readRefs(wire: number, at: number, to: number): void {
    if (wire !== WIRE_BYTES && wire !== WIRE_VARINT) throw malformed(`labels_refs have wire type ${wire}, not ${WIRE_BYTES}`)
    if (wire === WIRE_BYTES) at = skipVarint(this.#bytes, at, to)
    while (at < to) {
      // Fast path: the first 128 symbols.
      if (this.#bytes[at]! < 128) this.#refs.push(this.#checked(this.#bytes[at++]!))
      else {
        const next = skipVarint(this.#bytes, at, to)
        this.#refs.push(this.#checked(varintValue(this.#bytes, at, next)))
        at = next
      }
    }
  }

  #checked(ref: number): number {
    if (ref >= this.#starts.length) throw malformed(`reference to symbol ${ref} of ${this.#starts.length}`)
    return ref
  }

  #text(ref: number): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#starts[ref]!, this.#ends[ref]! - this.#starts[ref]!).toString()
  }

  /** For what is rare. */
  #eachField(from: number, to: number, f: (number: number, wire: number, content: number, next: number) => void): void {
    for (let at = from; at < to;) {
      const tagEnd = skipVarint(this.#bytes, at, to)
      const tag = varintValue(this.#bytes, at, tagEnd)
      const next = skipField(this.#bytes, tagEnd, to, tag)
      f(tag >>> 3, tag & 7, (tag & 7) === WIRE_BYTES ? skipVarint(this.#bytes, tagEnd, to) : tagEnd, next)
      at = next
    }
  }

  /** Begins a message whose length is not known; returns where that stands. */
  #open(tag: number): number {
    this.#byte(tag)
    this.#grow(LENGTH_BYTES)
    this.#at += LENGTH_BYTES
    return this.#at - LENGTH_BYTES
  }

  #close(lengthAt: number): void {
    let length = this.#at - lengthAt - LENGTH_BYTES
    for (let i = 0; i < LENGTH_BYTES; i++, length >>>= 7) this.#out[lengthAt + i] = (length & 127) | (i < LENGTH_BYTES - 1 ? 128 : 0)
  }

  #textField(tag: number, text: Uint8Array): void {
    this.#byte(tag)
    this.#varint(text.length)
    this.#grow(text.length)
    this.#out.set(text, this.#at)
    this.#at += text.length
  }

  #bytesFrom(from: number, to: number): void {
    this.#grow(to - from)
    this.#at = copyTo(this.#out, this.#at, this.#bytes, from, to - from)
  }

  #varint(value: number): void {
    this.#grow(LENGTH_BYTES)
    this.#at = writeVarint(this.#out, this.#at, value)
  }

  #byte(value: number): void {
    this.#grow(1)
    this.#out[this.#at++] = value
  }

  #grow(byteCount: number): void {
    if (this.#at + byteCount <= this.#out.length) return
    if (this.#at + byteCount > this.#bytesMax) throw new RemoteWriteError('REMOTE_WRITE_TOO_LARGE', `exceeds ${this.#bytesMax >> 20} MiB with its symbols in place; send fewer series a request`)
    const next = Buffer.alloc(Math.min(this.#bytesMax, Math.max(this.#out.length * 2, this.#at + byteCount)))
    next.set(this.#out.subarray(0, this.#at))
    this.#out = next
  }
}

/** Lengths and symbols: below 2^31. */
function varintBytes(value: number): number {
  let count = 1
  for (; value >= 128; value >>>= 7) count++
  return count
}

function writeVarint(out: Uint8Array, at: number, value: number): number {
  for (; value >= 128; value >>>= 7) out[at++] = (value & 127) | 128
  out[at] = value
  return at + 1
}

/** Most of what is copied are names and values of some bytes, for which a call would cost more. */
function copyTo(out: Uint8Array, at: number, bytes: Uint8Array, from: number, length: number): number {
  if (length >= SHORT_BYTES) out.set(bytes.subarray(from, from + length), at)
  else for (let i = 0; i < length; i++) out[at + i] = bytes[from + i]!
  return at + length
}
