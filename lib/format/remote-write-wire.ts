// The protobuf wire format, as far as reading a remote-write body needs it (protobuf.dev, "Encoding").

/** A body that is not what remote write 1.0 describes. Answer 400 (malformed) or 413 (too large). */
export class RemoteWriteError extends Error {
  readonly code: 'REMOTE_WRITE_MALFORMED' | 'REMOTE_WRITE_TOO_LARGE'

  constructor(code: 'REMOTE_WRITE_MALFORMED' | 'REMOTE_WRITE_TOO_LARGE', message: string) {
    super(message)
    this.code = code
  }
}

export const WIRE_VARINT = 0
export const WIRE_FIXED64 = 1
export const WIRE_BYTES = 2
const WIRE_FIXED32 = 5
export const VARINT_BYTES_MAX = 10

/** The error of a body that breaks the wire format. */
export function malformed(what: string): RemoteWriteError {
  return new RemoteWriteError('REMOTE_WRITE_MALFORMED', `protobuf: ${what}`)
}

/** Where the field ends whose tag was just read and whose content starts at `at`; it must end by `end`. */
export function skipField(bytes: Uint8Array, at: number, end: number, tag: number): number {
  if (tag < 8 || tag > 0xffffffff) throw malformed(`illegal tag ${tag}`)
  const wire = tag & 7
  let next: number
  if (wire === WIRE_BYTES) {
    let length = 0
    let scale = 1
    let byte: number
    do {
      if (at >= end || scale > 2 ** 63) throw malformed('length runs past its end')
      byte = bytes[at++]!
      length += (byte & 127) * scale
      scale *= 128
    } while (byte >= 128)
    next = at + length
  } else if (wire === WIRE_VARINT) {
    next = skipVarint(bytes, at, end)
  } else if (wire === WIRE_FIXED64) next = at + 8
  else if (wire === WIRE_FIXED32) next = at + 4
  else throw malformed(`wire type ${wire} of field ${tag >>> 3}`)
  if (next > end) throw malformed(`field ${tag >>> 3} runs past its end`)
  return next
}

/** Where the varint at `at` ends; it must end by `end`. */
export function skipVarint(bytes: Uint8Array, at: number, end: number): number {
  const from = at
  do {
    if (at >= end) throw malformed('varint runs past its end')
    if (at - from === VARINT_BYTES_MAX) throw malformed(`varint longer than ${VARINT_BYTES_MAX} bytes`)
  } while (bytes[at++]! >= 128)
  return at
}

/** One field of a message. Bytes are a view into the message. */
export interface WireField {
  number: number
  wire: number
  /** Content of a length-delimited field, else empty. */
  bytes: Uint8Array
  /** Value of a varint, rounded beyond 2^53, else 0. */
  value: number
}

/** The fields of a small message, for cold paths. Throws RemoteWriteError. */
export function wireFields(message: Uint8Array): WireField[] {
  const fields: WireField[] = []
  for (let at = 0; at < message.length;) {
    const tagEnd = skipVarint(message, at, message.length)
    const tag = varintValue(message, at, tagEnd)
    const next = skipField(message, tagEnd, message.length, tag)
    const wire = tag & 7
    const contentAt = wire === WIRE_BYTES ? skipVarint(message, tagEnd, message.length) : tagEnd
    fields.push({
      number: tag >>> 3,
      wire,
      bytes: wire === WIRE_BYTES ? message.subarray(contentAt, next) : new Uint8Array(0),
      value: wire === WIRE_VARINT ? varintValue(message, tagEnd, next) : 0,
    })
    at = next
  }
  return fields
}

/** Value of the varint that stands in [from, end), rounded beyond 2^53. */
export function varintValue(bytes: Uint8Array, from: number, end: number): number {
  let value = 0
  for (let i = end - 1; i >= from; i--) value = value * 128 + (bytes[i]! & 127)
  return value
}

/** The int64 whose varint stands in [from, end): exact within ±2^53, rounded beyond. */
export function int64Value(bytes: Uint8Array, from: number, end: number): number {
  let low = 0
  let high = 0
  for (let i = from; i < end; i++) {
    const digit = bytes[i]! & 127
    if (i - from < 4) low += digit * 2 ** (7 * (i - from))
    else high += digit * 2 ** (7 * (i - from - 4))
  }
  // `high` holds bits 28-63; bit 63 is its bit 35.
  high %= 2 ** 36
  return low + (high >= 2 ** 35 ? high - 2 ** 36 : high) * 0x10000000
}
