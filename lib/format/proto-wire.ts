// The protobuf wire format as a cursor over a scraped body (protobuf.dev, "Encoding"). Everything that breaks it is an
// error that names the byte.
import { ExpositionError } from './exposition-entry.ts'
import { int64Value } from './remote-write-wire.ts'

export const WIRE_VARINT = 0
export const WIRE_FIXED64 = 1
export const WIRE_BYTES = 2
const WIRE_GROUP = 3
const WIRE_GROUP_END = 4
const WIRE_FIXED32 = 5
const VARINT_BYTES_MAX = 10
/** Groups are no part of the format: who nests more of them than this wants to exhaust the stack. */
const GROUP_DEPTH_MAX = 100

export class WireCursor {
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(new ArrayBuffer(0))
  /** Next byte. */
  at = 0
  /** Of the tag that `tag` read last. */
  field = 0
  wire = 0

  start(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = 0
  }

  fail(what: string, at: number = this.at): never {
    throw new ExpositionError(`byte ${at}: ${what}`)
  }

  /** Reads the tag of the next field of `message`, which ends at `end`. */
  tag(end: number, message: string): void {
    const from = this.at
    const byte = from < end ? this.bytes[from]! : 0
    // Fast path: fields 1 to 15 of the usual types.
    if (byte >= 8 && byte < 128 && (byte & 7) !== WIRE_GROUP_END) {
      this.at = from + 1
      this.field = byte >>> 3
      this.wire = byte & 7
      return
    }
    const tag = this.varint(end)
    this.field = Math.floor(tag / 8)
    this.wire = tag % 8
    if (this.field < 1 || this.field >= 2 ** 29) this.fail(`illegal field number in ${message}`, from)
    if (this.wire === WIRE_GROUP_END) this.fail(`end of a group that did not begin in ${message}`, from)
  }

  /** The field just tagged must have this wire type. */
  expect(wire: number, message: string): void {
    if (this.wire !== wire) this.fail(`field ${this.field} of ${message} has wire type ${this.wire}, not ${wire}`)
  }

  /** An unsigned varint, rounded beyond 2^53. */
  varint(end: number): number {
    const { at } = this
    const byte = at < end ? this.bytes[at]! : 128
    if (byte >= 128) return this.#longVarint(end)
    this.at = at + 1
    return byte
  }

  /** A zigzag varint, rounded beyond 2^53. */
  signed(end: number): number {
    const isNegative = (this.bytes[this.at]! & 1) === 1
    const value = this.varint(end)
    return isNegative ? -(value + 1) / 2 : value / 2
  }

  /** An int32 or int64. */
  int(end: number): number {
    const from = this.at
    this.varint(end)
    return int64Value(this.bytes, from, this.at)
  }

  double(end: number): number {
    const { at } = this
    if (at + 8 > end) this.fail('number runs past the end of its message')
    this.at = at + 8
    return this.view.getFloat64(at, true)
  }

  /** Reads the length of what is length-delimited; returns where it ends. It begins at `at` then. */
  length(end: number): number {
    const from = this.at
    const length = this.varint(end)
    if (this.at + length > end) this.fail(`length of ${length} runs past the end of the message at byte ${end}`, from)
    return this.at + length
  }

  /** Goes behind the field just tagged. */
  skip(end: number, depth = 0): void {
    switch (this.wire) {
      case WIRE_VARINT: this.varint(end); return
      case WIRE_FIXED64: this.double(end); return
      case WIRE_BYTES: this.at = this.length(end); return
      case WIRE_FIXED32:
        if (this.at + 4 > end) this.fail('number runs past the end of its message')
        this.at += 4
        return
      case WIRE_GROUP: this.#skipGroup(end, depth); return
      default: this.fail(`field ${this.field} has the unknown wire type ${this.wire}`)
    }
  }

  #skipGroup(end: number, depth: number): void {
    if (depth === GROUP_DEPTH_MAX) this.fail('groups nested too deeply')
    for (;;) {
      const tag = this.varint(end)
      this.field = Math.floor(tag / 8)
      this.wire = tag % 8
      if (this.wire === WIRE_GROUP_END) return
      this.skip(end, depth + 1)
    }
  }

  #longVarint(end: number): number {
    const { bytes } = this
    const from = this.at
    let at = from
    let value = 0
    let scale = 1
    let byte: number
    do {
      if (at >= end) this.fail('varint runs past the end of its message', from)
      if (at - from === VARINT_BYTES_MAX) this.fail(`varint longer than ${VARINT_BYTES_MAX} bytes`, from)
      byte = bytes[at++]!
      value += (byte & 127) * scale
      scale *= 128
    } while (byte >= 128)
    this.at = at
    return value
  }
}
