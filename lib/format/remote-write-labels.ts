// The cold half of remote write: what a series seen for the first time is called, and what metadata says. Bytes
// become strings here, and only here; they must be UTF-8, nothing is replaced.
import { isUtf8 } from 'node:buffer'
import type { MetricMetadata, MetricType } from '../model/metadata.ts'
import { copyBytes, equalBytes, hashBytes } from '../std/bytes.ts'
import {
  RemoteWriteError, WIRE_BYTES, WIRE_VARINT, malformed, skipField, skipVarint, varintValue, wireFields,
} from './remote-write-wire.ts'

/** enum MetricType of prompb. */
const TYPES: readonly MetricType[] = [
  'unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset',
]

/** Sizes in bytes of UTF-8. */
export interface LabelLimits {
  count: number
  nameBytes: number
  valueBytes: number
}

/** Fields remembered, each in its place by hash; longer ones are not. */
const FIELDS = 2048
const FIELD_BYTES_MAX = 96

/**
 * Runs of label fields to texts. Most labels of a series are those of the one before it (job, instance, region …), so
 * the fields met last are remembered by their bytes: a text that was decoded and checked once is not made again.
 */
export class LabelDecoder {
  readonly #limits: LabelLimits
  readonly #bytes = new DataView(new ArrayBuffer(FIELDS * FIELD_BYTES_MAX))
  readonly #lengths = new Uint8Array(FIELDS)
  readonly #names: string[] = Array.from({ length: FIELDS }, () => '')
  readonly #values: string[] = Array.from({ length: FIELDS }, () => '')
  /** The label set read last, which its caller has. */
  #last: readonly string[] = []
  /** Over the memory that runs come in. */
  #text: Buffer = Buffer.alloc(0)
  readonly #part: LabelPart = { nameFrom: 0, nameTo: 0, valueFrom: 0, valueTo: 0 }

  constructor(limits: LabelLimits) {
    this.#limits = limits
  }

  /**
   * [name1, value1, name2, …] of the label fields in `view[from, end)`, in the sender's order, or why the series is no
   * good. Empty values are dropped, being the same as absent ones. Order and repetition are not judged. The run must
   * have passed checkLabelField.
   */
  read(view: DataView, from: number, end: number): string[] | string {
    if (this.#text.buffer !== view.buffer || this.#text.byteOffset !== view.byteOffset || this.#text.length !== view.byteLength) {
      this.#text = Buffer.from(view.buffer, view.byteOffset, view.byteLength)
    }
    // A copy of the last ones has their length: a list that grows would be made twice, the second time with room to spare.
    const labels = this.#last.slice()
    let count = 0
    for (let at = from; at < end;) {
      const to = skipField(this.#text, at + 1, end, LABEL_TAG)
      // Chosen collisions would only have fields decoded again.
      const slot = hashBytes(view, at, to - at, 0) & (FIELDS - 1)
      // Fast path: the field met last in this place.
      if (this.#lengths[slot] !== to - at || !equalBytes(view, at, this.#bytes, slot * FIELD_BYTES_MAX, to - at)) {
        const why = this.#decode(view, at, to, slot)
        if (why !== '') return why
      }
      at = to
      const value = this.#values[slot]!
      if (value === '') continue
      if (count === this.#limits.count * 2) return `more than ${this.#limits.count} labels`
      labels[count++] = this.#names[slot]!
      labels[count++] = value
    }
    if (labels.length !== count) labels.length = count
    this.#last = labels
    return labels
  }

  /** Puts the texts of the field at [at, to) into a place; returns why it is no good, or ''. */
  #decode(view: DataView, at: number, to: number, slot: number): string {
    const text = this.#text
    const part = this.#part
    locate(text, at, to, part)
    const nameBytes = part.nameTo - part.nameFrom
    const valueBytes = part.valueTo - part.valueFrom
    if (nameBytes === 0) return 'empty label name'
    if (nameBytes > this.#limits.nameBytes) return `label name of ${nameBytes} bytes exceeds ${this.#limits.nameBytes} (global.label_name_length_limit)`
    if (valueBytes > this.#limits.valueBytes) return `label value of ${valueBytes} bytes exceeds ${this.#limits.valueBytes} (global.label_value_length_limit)`
    // One call for the whole field where its framing is ASCII (no length over 127), as it nearly always is.
    if (!isUtf8(text.subarray(at, to))) {
      const [name, value] = [text.subarray(part.nameFrom, part.nameTo), text.subarray(part.valueFrom, part.valueTo)]
      if (!isUtf8(name) || !isUtf8(value)) return 'label is not valid UTF-8'
    }
    this.#names[slot] = text.toString('utf8', part.nameFrom, part.nameTo)
    this.#values[slot] = text.toString('utf8', part.valueFrom, part.valueTo)
    const length = to - at
    this.#lengths[slot] = length > FIELD_BYTES_MAX ? 0 : length
    if (length <= FIELD_BYTES_MAX) copyBytes(view, at, this.#bytes, slot * FIELD_BYTES_MAX, length)
    return ''
  }
}

/** Throws RemoteWriteError unless the label field at [at, to), tag included, is well-formed protobuf. */
export function checkLabelField(bytes: Uint8Array, at: number, to: number): void {
  locate(bytes, at, to, SCRATCH)
}

/** Appends where in a label field name and value stand: from and to of each. Throws RemoteWriteError. */
export function labelOffsets(bytes: Uint8Array, at: number, to: number, offsets: number[]): void {
  locate(bytes, at, to, SCRATCH)
  offsets.push(SCRATCH.nameFrom, SCRATCH.nameTo, SCRATCH.valueFrom, SCRATCH.valueTo)
}

interface LabelPart {
  nameFrom: number
  nameTo: number
  valueFrom: number
  valueTo: number
}

const LABEL_TAG = 0x0a
const SCRATCH: LabelPart = { nameFrom: 0, nameTo: 0, valueFrom: 0, valueTo: 0 }

/** Finds name and value in a label field; of repeated ones the last counts, as protobuf says. */
function locate(bytes: Uint8Array, at: number, to: number, part: LabelPart): void {
  // Fast path: a name and a value behind it, with lengths of one byte.
  const valueAt = at + 4 + bytes[at + 3]!
  const oneByte = bytes[at + 1]! | bytes[at + 3]! | bytes[valueAt + 1]!
  if (oneByte < 128 && bytes[at + 2] === 0x0a && bytes[valueAt] === 0x12 && valueAt + 2 + bytes[valueAt + 1]! === to) {
    part.nameFrom = at + 4
    part.nameTo = valueAt
    part.valueFrom = valueAt + 2
    part.valueTo = to
    return
  }
  part.nameFrom = part.nameTo = part.valueFrom = part.valueTo = 0
  for (let i = skipVarint(bytes, at + 1, to); i < to;) {
    const tagEnd = skipVarint(bytes, i, to)
    const tag = varintValue(bytes, i, tagEnd)
    const number = tag >>> 3
    if ((number === 1 || number === 2) && (tag & 7) !== WIRE_BYTES) {
      throw malformed(`field ${number} of label has wire type ${tag & 7}, not 2`)
    }
    const next = skipField(bytes, tagEnd, to, tag)
    if (number === 1) {
      part.nameFrom = skipVarint(bytes, tagEnd, to)
      part.nameTo = next
    } else if (number === 2) {
      part.valueFrom = skipVarint(bytes, tagEnd, to)
      part.valueTo = next
    }
    i = next
  }
}

/** A MetricMetadata message. Text that is not UTF-8 makes the entry anonymous (metric ''), which callers drop. */
export function readMetadata(message: Uint8Array): { metric: string; metadata: MetricMetadata } {
  let metric = ''
  const metadata: MetricMetadata = { type: 'unknown', help: '', unit: '' }
  let isClean = true
  for (const field of wireFields(message)) {
    if (field.number === 1) {
      if (field.wire !== WIRE_VARINT) throw wrongMetadata(field.number, field.wire)
      metadata.type = TYPES[field.value] ?? 'unknown'
      continue
    }
    if (field.number !== 2 && field.number !== 4 && field.number !== 5) continue
    if (field.wire !== WIRE_BYTES) throw wrongMetadata(field.number, field.wire)
    isClean &&= isUtf8(field.bytes)
    if (field.number === 2) metric = textOf(field.bytes)
    else if (field.number === 4) metadata.help = textOf(field.bytes)
    else metadata.unit = textOf(field.bytes)
  }
  return { metric: isClean ? metric : '', metadata }
}

function wrongMetadata(number: number, wire: number): RemoteWriteError {
  return malformed(`field ${number} of metadata has wire type ${wire}`)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
