// Remote write 2.0 bodies (io.prometheus.write.v2.Request) written as those of 1.0, so that one path stores both. Source: remote
// write spec 2.0.
//
//   Request    { repeated string symbols 4, repeated TimeSeries 5 }
//   TimeSeries { repeated uint32 labels_refs 1, Sample 2, Histogram 3, Exemplar 4, Metadata 5, created_timestamp 6 }
//   Exemplar   { repeated uint32 labels_refs 1, double value 2, int64 ms timestamp 3 }
//   Metadata   { enum type 1, uint32 help_ref 3, uint32 unit_ref 4 }
//
// Samples and histograms are the same messages in both. Labels come out byte by byte as senders of 1.0 write them: a series is
// known by them, whichever way it comes. Start timestamps are left out, as 1.0 has none. What senders usually send is translated by
// the kernel (lib/kernels/request.ts): 370 -> 90 ns a series of nine labels.
//
//   symbol    │0x22│length│text│            what follows the tag is what a label has behind its own:
//   label     │0x0a│length│ 0x0a│length│name │ 0x12│length│value │
import { requestKernel, type RequestKernel } from '../kernels/request.ts'
import { RemoteWriteError, WIRE_BYTES, WIRE_VARINT, malformed, skipField, skipVarint, varintValue } from './remote-write-wire.ts'

const METRIC_NAME = '__name__'
/** Lengths that are not known before what they are of: a varint of five bytes, whatever its value. */
const LENGTH_BYTES = 5
/** Of a label, beside its symbols: three tags and its length. */
const LABEL_BYTES = 3 + LENGTH_BYTES
/** Types of metadata whose series have names of their own. */
const FAMILY_TYPES: ReadonlySet<number> = new Set([3, 4, 5])
const KEEP_BYTES = 4 << 20
const METADATA = 5
/** What is shorter is moved 8 bytes at a time, and may write up to 7 behind its end: `#grow` keeps room for them. */
const SHORT_BYTES = 64
const SLACK = 8
const FIRST_BYTES = 1 << 16
const FIRST_SYMBOLS = 1024
const NO_BYTES = new Uint8Array(0)

/** A body, and the memory it lies in. */
export interface WireBody {
  bytes: Uint8Array
  view: DataView
  length: number
}

/** Where a message stands. */
interface Part {
  from: number
  to: number
}

export class WriteRequestTranslator {
  readonly #bytesMax: number
  /** The twin's memory. */
  #own: Uint8Array = NO_BYTES
  #out: Uint8Array = NO_BYTES
  #outView: DataView = viewOf(NO_BYTES)
  #at = 0
  #bytes: Uint8Array = NO_BYTES
  #view: DataView = this.#outView
  /** Of symbols: where the length of each stands, and where it ends. */
  #starts: Uint32Array = new Uint32Array(0)
  #ends: Uint32Array = new Uint32Array(0)
  #symbolCount = 0
  /** Labels of the series at hand, names and values in turn. Not plain arrays: those let go of their memory with each series. */
  #refs: Uint32Array = new Uint32Array(128)
  #refCount = 0
  /** The field last read: number, wire type, where it begins behind its tag, what it holds (behind its length), where it ends. */
  #number = 0
  #wire = 0
  #from = 0
  #content = 0
  #to = 0

  /** Bodies that would be longer are refused. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The body of 1.0 that says what a body of 2.0 says; valid until the next one of this thread. Throws RemoteWriteError. */
  translate({ bytes, view, length }: WireBody): WireBody {
    this.#bytes = bytes
    this.#view = view
    const kernel = requestKernel()
    const size = kernel === null ? -1 : kernel.translate(bytes, length)
    if (kernel !== null && size >= 0) this.#finish(kernel, size)
    else this.#translate(length)
    return { bytes: this.#out, view: this.#outView, length: this.#at }
  }

  /** Adds metadata, which are few, to what the kernel has made. */
  #finish(kernel: RequestKernel, size: number): void {
    const { described } = kernel
    this.#out = kernel.translated
    this.#outView = kernel.view
    this.#at = size
    this.#starts = kernel.starts
    this.#ends = kernel.ends
    this.#symbolCount = kernel.symbolCount
    for (let i = 0; i < 3 * kernel.describedCount; i += 3) this.#writeMetadata(this.#text(described[i]!), { from: described[i + 1]!, to: described[i + 2]! })
  }

  #translate(length: number): void {
    this.#take(this.#own.length === 0 || this.#own.length > KEEP_BYTES ? new Uint8Array(FIRST_BYTES) : this.#own)
    this.#at = 0
    const series = this.#readRequest(length)
    const nameRef = this.#findName()
    /** By symbol of the metric's name. */
    const metadata = new Map<number, Part>()
    for (let i = 0; i < series.length; i += 2) {
      const described = this.#writeSeries(series[i]!, series[i + 1]!)
      if (described === null) continue
      const name = this.#valueOf(nameRef)
      if (name >= 0 && !metadata.has(name)) metadata.set(name, described)
    }
    for (const [name, part] of metadata) this.#writeMetadata(this.#text(name), part)
  }

  /** From and to of each series. Symbols may stand behind the series that need them. */
  #readRequest(length: number): number[] {
    this.#symbolCount = 0
    this.#starts = new Uint32Array(FIRST_SYMBOLS)
    this.#ends = new Uint32Array(FIRST_SYMBOLS)
    const series: number[] = []
    for (let at = 0; at < length; at = this.#to) {
      this.#readField(at, length)
      if (this.#number !== 4 && this.#number !== 5) continue
      if (this.#wire !== WIRE_BYTES) throw malformed(`field ${this.#number} of request has wire type ${this.#wire}, not ${WIRE_BYTES}`)
      if (this.#number === 5) series.push(this.#content, this.#to)
      else {
        if (this.#symbolCount === this.#starts.length) this.#growSymbols()
        this.#starts[this.#symbolCount] = this.#from
        this.#ends[this.#symbolCount++] = this.#to
      }
    }
    return series
  }

  /** Labels first, as 1.0 has them. Returns where its metadata stand; its labels are then in `#refs`. */
  #writeSeries(from: number, to: number): Part | null {
    let metadata: Part | null = null
    this.#refCount = 0
    for (let at = from; at < to; at = this.#to) {
      this.#readField(at, to)
      if (this.#number === 1) this.#readRefs()
      else if (this.#number === METADATA && this.#wire === WIRE_BYTES) metadata = { from: this.#content, to: this.#to }
    }
    const lengthAt = this.#open(0x0a)
    this.#writeLabels(0)
    for (let at = from, next = 0; at < to; at = next) {
      this.#readField(at, to)
      next = this.#to
      const number = this.#number
      if (number < 2 || number > 4) continue
      if (this.#wire !== WIRE_BYTES) throw malformed(`field ${number} of series has wire type ${this.#wire}, not ${WIRE_BYTES}`)
      if (number === 4) this.#writeExemplar(this.#content, next)
      // Samples and histograms go along as they are, with the number that they have in 1.0.
      else this.#writeField(number === 2 ? 0x12 : 0x22, this.#from, next)
    }
    this.#close(lengthAt)
    return metadata
  }

  #writeExemplar(from: number, to: number): void {
    const before = this.#refCount
    for (let at = from; at < to; at = this.#to) {
      this.#readField(at, to)
      if (this.#number === 1) this.#readRefs()
    }
    const lengthAt = this.#open(0x1a)
    this.#writeLabels(before)
    for (let at = from; at < to; at = this.#to) {
      this.#readField(at, to)
      if (this.#number !== 1) this.#copy(at, this.#to)
    }
    this.#close(lengthAt)
    this.#refCount = before
  }

  #writeMetadata(metric: string, { from, to }: Part): void {
    let [type, help, unit] = [0, 0, 0]
    for (let at = from; at < to; at = this.#to) {
      this.#readField(at, to)
      if (this.#wire !== WIRE_VARINT) continue
      const value = varintValue(this.#bytes, this.#from, this.#to)
      if (this.#number === 1) type = value
      else if (this.#number === 3) help = this.#checked(value)
      else if (this.#number === 4) unit = this.#checked(value)
    }
    if (type === 0 && help === 0 && unit === 0) return
    const family = Buffer.from(FAMILY_TYPES.has(type) ? metric.replace(/_(bucket|count|sum)$/, '') : metric)
    const lengthAt = this.#open(0x1a)
    this.#byte(0x08)
    this.#varint(type)
    this.#byte(0x12)
    this.#varint(family.length)
    this.#grow(family.length)
    this.#out.set(family, this.#at)
    this.#at += family.length
    if (help !== 0) this.#writeField(0x22, this.#starts[help]!, this.#ends[help]!)
    if (unit !== 0) this.#writeField(0x2a, this.#starts[unit]!, this.#ends[unit]!)
    this.#close(lengthAt)
  }

  /** Of the refs from one on. Room for all of them is made at once: this is most of the work. */
  #writeLabels(first: number): void {
    const refs = this.#refs
    const starts = this.#starts
    const ends = this.#ends
    const count = this.#refCount - first
    if (count % 2 !== 0) throw malformed(`labels_refs of ${count} symbols: a name lacks its value`)
    let total = 0
    for (let i = first; i < first + count; i++) total += ends[refs[i]!]! - starts[refs[i]!]!
    this.#grow(total + (count / 2) * LABEL_BYTES)
    const out = this.#out
    let at = this.#at
    for (let i = first; i < first + count; i += 2) {
      const name = starts[refs[i]!]!
      const nameBytes = ends[refs[i]!]! - name
      const value = starts[refs[i + 1]!]!
      const valueBytes = ends[refs[i + 1]!]! - value
      out[at] = 0x0a
      at = writeVarint(out, at + 1, 2 + nameBytes + valueBytes)
      out[at] = 0x0a
      this.#move(name, at + 1, nameBytes)
      at += 1 + nameBytes
      out[at] = 0x12
      this.#move(value, at + 1, valueBytes)
      at += 1 + valueBytes
    }
    this.#at = at
  }

  /** The symbol that the series' labels have for a name's symbol; -1: none. */
  #valueOf(name: number): number {
    const refs = this.#refs
    for (let i = 0; i < this.#refCount; i += 2) if (refs[i] === name) return refs[i + 1]!
    return -1
  }

  /** Of the field last read. */
  #readRefs(): void {
    if (this.#wire !== WIRE_BYTES && this.#wire !== WIRE_VARINT) throw malformed(`labels_refs have wire type ${this.#wire}, not ${WIRE_BYTES}`)
    const bytes = this.#bytes
    const to = this.#to
    while (this.#refCount + to - this.#content > this.#refs.length) this.#refs = doubled(this.#refs)
    const refs = this.#refs
    let count = this.#refCount
    for (let at = this.#content; at < to;) {
      let ref = bytes[at]!
      // Fast path: the first 16,384 symbols.
      if (ref < 128) at++
      else if (at + 1 < to && bytes[at + 1]! < 128) {
        ref = (ref & 127) | (bytes[at + 1]! << 7)
        at += 2
      } else {
        const next = skipVarint(bytes, at, to)
        ref = varintValue(bytes, at, next)
        at = next
      }
      refs[count++] = this.#checked(ref)
    }
    this.#refCount = count
  }

  #checked(ref: number): number {
    if (ref >= this.#symbolCount) throw malformed(`reference to symbol ${ref} of ${this.#symbolCount}`)
    return ref
  }

  /** The symbol of `__name__`, -1 where there is none. */
  #findName(): number {
    for (let ref = 0; ref < this.#symbolCount; ref++) {
      if (this.#ends[ref]! - this.#starts[ref]! === METRIC_NAME.length + 1 && this.#text(ref) === METRIC_NAME) return ref
    }
    return -1
  }

  #growSymbols(): void {
    this.#starts = doubled(this.#starts)
    this.#ends = doubled(this.#ends)
  }

  #text(ref: number): string {
    const end = this.#ends[ref]!
    const from = skipVarint(this.#bytes, this.#starts[ref]!, end)
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, end - from).toString()
  }

  /** Reads the field at `at` of a message that ends at `end`. Throws RemoteWriteError. */
  #readField(at: number, end: number): void {
    const bytes = this.#bytes
    const tag = bytes[at]!
    // Fast path: tag and length of a byte each.
    if (tag >= 8 && tag < 128 && (tag & 7) === WIRE_BYTES && at + 1 < end && bytes[at + 1]! < 128) {
      this.#number = tag >>> 3
      this.#wire = WIRE_BYTES
      this.#from = at + 1
      this.#content = at + 2
      this.#to = at + 2 + bytes[at + 1]!
      if (this.#to > end) throw malformed(`field ${tag >>> 3} runs past its end`)
      return
    }
    const from = skipVarint(bytes, at, end)
    const wide = varintValue(bytes, at, from)
    this.#to = skipField(bytes, from, end, wide)
    this.#number = wide >>> 3
    this.#wire = wide & 7
    this.#from = from
    this.#content = this.#wire === WIRE_BYTES ? skipVarint(bytes, from, end) : from
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

  /** A field that holds what stands in bytes[from, to), its length included. */
  #writeField(tag: number, from: number, to: number): void {
    this.#byte(tag)
    this.#copy(from, to)
  }

  #copy(from: number, to: number): void {
    this.#grow(to - from)
    this.#move(from, this.#at, to - from)
    this.#at += to - from
  }

  /** Moves bytes[from, from + length) to `at` of what is written, which must have room. */
  #move(from: number, at: number, length: number): void {
    const view = this.#view
    // Most are names and values of some bytes, for which a call would cost more.
    if (length > SHORT_BYTES || from + length + SLACK > view.byteLength) {
      this.#out.set(this.#bytes.subarray(from, from + length), at)
      return
    }
    const out = this.#outView
    for (let i = 0; i < length; i += 8) out.setBigUint64(at + i, view.getBigUint64(from + i, true), true)
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
    if (this.#at + byteCount + SLACK <= this.#out.length) return
    if (this.#at + byteCount > this.#bytesMax) throw new RemoteWriteError('REMOTE_WRITE_TOO_LARGE', `exceeds ${this.#bytesMax >> 20} MiB with its symbols in place; send fewer series a request`)
    const next = new Uint8Array(Math.min(this.#bytesMax + SLACK, Math.max(this.#out.length * 2, this.#at + byteCount + SLACK)))
    next.set(this.#out.subarray(0, this.#at))
    this.#take(next)
  }

  #take(out: Uint8Array): void {
    this.#own = out
    this.#out = out
    this.#outView = viewOf(out)
  }
}

function doubled(words: Uint32Array): Uint32Array {
  const next = new Uint32Array(words.length * 2)
  next.set(words)
  return next
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Lengths and symbols: below 2^31. */
function writeVarint(out: Uint8Array, at: number, value: number): number {
  for (; value >= 128; value >>>= 7) out[at++] = (value & 127) | 128
  out[at] = value
  return at + 1
}
