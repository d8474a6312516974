// Thrift's compact protocol as far as Parquet needs it (thrift/doc/specs/thrift-compact-protocol.md): structs of integers,
// texts, lists and structs, written from and read into plain values.
import { unzigzag, zigzag } from '../codec/bits.ts'

const TRUE = 1
const FALSE = 2
const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12

/** Depth of nesting and elements of a list beyond which bytes are no footer of ours. */
const DEPTH_MAX = 16
const ELEMENTS_MAX = 1 << 24

/** Fields by their number, ascending. Numbers are whole. */
export type ThriftStruct = readonly (readonly [id: number, value: ThriftValue])[]
export type ThriftValue = boolean | { i32: number } | { i64: number } | string | Uint8Array | { struct: ThriftStruct } | { list: readonly ThriftValue[] }

/** A struct as it was read: fields by their number; lists as arrays, integers as numbers, texts as bytes. */
export type ReadStruct = ReadonlyMap<number, ReadValue>
export type ReadValue = boolean | number | Uint8Array | ReadStruct | readonly ReadValue[]

export class ThriftWriter {
  #bytes = new Uint8Array(1024)
  #at = 0

  /** What was written, as a view that the next write may outdate. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  struct(fields: ThriftStruct): void {
    let before = 0
    for (const [id, value] of fields) {
      const type = typeOf(value)
      const delta = id - before
      if (delta < 16) this.#byte((delta << 4) | type)
      else {
        this.#byte(type)
        this.#varint(id * 2)
      }
      before = id
      if (typeof value !== 'boolean') this.#value(value)
    }
    this.#byte(0)
  }

  #value(value: ThriftValue): void {
    if (typeof value === 'boolean') this.#byte(value ? TRUE : FALSE)
    else if (typeof value === 'string') this.#binary(Buffer.from(value))
    else if (value instanceof Uint8Array) this.#binary(value)
    else if ('i32' in value) this.#varint(zigzag(value.i32))
    else if ('i64' in value) this.#varint(zigzag(value.i64))
    else if ('struct' in value) this.struct(value.struct)
    else {
      const { length } = value.list
      const type = length === 0 ? STRUCT : typeOf(value.list[0]!)
      if (length < 15) this.#byte((length << 4) | type)
      else {
        this.#byte(0xf0 | type)
        this.#varint(length)
      }
      for (const element of value.list) this.#value(element)
    }
  }

  #binary(bytes: Uint8Array): void {
    this.#varint(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #varint(value: number): void {
    while (value >= 128) {
      this.#byte((value % 128) | 128)
      value = Math.floor(value / 128)
    }
    this.#byte(value)
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const grown = new Uint8Array(2 * (this.#at + bytes))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

function typeOf(value: ThriftValue): number {
  if (typeof value === 'boolean') return value ? TRUE : FALSE
  if (typeof value === 'string' || value instanceof Uint8Array) return BINARY
  if ('i32' in value) return I32
  if ('i64' in value) return I64
  return 'struct' in value ? STRUCT : LIST
}

/** Reads the struct at `at`; the position behind it comes with it. Throws RangeError where there is none. */
export function readStruct(bytes: Uint8Array, at: number): { fields: ReadStruct; end: number } {
  const reader = new ThriftReader(bytes, at)
  const fields = reader.struct(0)
  return { fields, end: reader.at }
}

class ThriftReader {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  struct(depth: number): ReadStruct {
    if (depth > DEPTH_MAX) throw new RangeError('thrift: nested too deeply')
    const fields = new Map<number, ReadValue>()
    for (let id = 0; ;) {
      const head = this.#byte()
      if (head === 0) return fields
      id = head >> 4 === 0 ? unzigzag(this.#varint()) : id + (head >> 4)
      fields.set(id, this.#value(head & 15, depth, false))
    }
  }

  #value(type: number, depth: number, isElement: boolean): ReadValue {
    switch (type) {
      case TRUE: case FALSE: return isElement ? this.#byte() === TRUE : type === TRUE
      case 3: return this.#byte()
      case 4: case I32: case I64: return unzigzag(this.#varint())
      case 7: return this.#take(8)
      case BINARY: return this.#take(this.#varint())
      case LIST: case 10: {
        const head = this.#byte()
        const length = head >> 4 === 15 ? this.#varint() : head >> 4
        if (length > ELEMENTS_MAX) throw new RangeError(`thrift: list of ${length}`)
        return Array.from({ length }, () => this.#value(head & 15, depth + 1, true))
      }
      case STRUCT: return this.struct(depth + 1)
      default: throw new RangeError(`thrift: unknown type ${type} at ${this.at}`)
    }
  }

  #take(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) throw new RangeError(`thrift: breaks off at ${this.at}`)
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  #varint(): number {
    let value = 0
    for (let unit = 1; unit < 2 ** 64; unit *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
    throw new RangeError(`thrift: no varint at ${this.at}`)
  }

  #byte(): number {
    const byte = this.#bytes[this.at++]
    if (byte === undefined) throw new RangeError(`thrift: breaks off at ${this.at}`)
    return byte
  }
}
