// The Histogram message of remote write 1.0 (prometheus/prompb/types.proto), read in place.
//
//   Histogram { oneof { uint64 count_int 1, double count_float 2 }, double sum 3, sint32 schema 4, double zero_threshold 5,
//               oneof { uint64 zero_count_int 6, double zero_count_float 7 },
//               negative: repeated BucketSpan 8, repeated sint64 deltas 9, repeated double counts 10,
//               positive: the same 11, 12, 13,
//               ResetHint 14, int64 timestamp 15, repeated double custom_values 16 }
//   BucketSpan { sint32 offset 1, uint32 length 2 }
//
// Repeated numbers come packed or one by one, fields in any order, of repeated ones the last counts. Which of deltas
// and counts is meant is told by the kind of the count.
import { HINT_GAUGE, HINT_UNKNOWN, type CounterResetHint, type FloatHistogram } from '../model/histogram.ts'
import { histogramFromSpans, type SpanSide } from '../model/histogram-spans.ts'
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, int64Value, malformed, skipField, skipVarint, varintValue, type RemoteWriteError } from './remote-write-wire.ts'

/** Wire types of the fields 1 to 16; `repeated` ones of another type come packed. */
const FIELD_WIRES: readonly number[] = [
  -1, WIRE_VARINT, WIRE_FIXED64, WIRE_FIXED64, WIRE_VARINT, WIRE_FIXED64, WIRE_VARINT, WIRE_FIXED64,
  WIRE_BYTES, WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES, WIRE_VARINT, WIRE_FIXED64, WIRE_VARINT, WIRE_VARINT, WIRE_FIXED64,
]
const REPEATED: ReadonlySet<number> = new Set([9, 10, 12, 13, 16])

/** What a Histogram message says. Of a staleness marker only the time counts; a bad one says why it is. */
export interface ReadHistogram {
  timeMs: number
  isStale: boolean
  histogram: FloatHistogram | null
  /** Why there is no histogram, '' where there is one or it is a marker. */
  fault: string
  /** Buckets on the wire, good or bad. */
  bucketCount: number
}

interface WireSide {
  offsets: number[]
  lengths: number[]
  deltas: number[]
  counts: number[]
}

interface Message {
  count: number
  isCountFloat: boolean
  zeroCount: number
  isZeroCountFloat: boolean
  /** Where the sum stands, -1 where it is left out. */
  sumAt: number
  schema: number
  zeroThreshold: number
  hint: number
  timeMs: number
  customValues: number[]
  positive: WireSide
  negative: WireSide
}

const newSide = (): WireSide => ({ offsets: [], lengths: [], deltas: [], counts: [] })

/** Reads the Histogram message in bytes[at, end); `view` is the same memory. Throws RemoteWriteError where it is none. */
export function readHistogram(bytes: Uint8Array, view: DataView, at: number, end: number): ReadHistogram {
  const message = readMessage(bytes, view, at, end)
  const { sumAt, isCountFloat, positive, negative } = message
  const bucketCount = Math.max(positive.deltas.length, positive.counts.length) + Math.max(negative.deltas.length, negative.counts.length)
  const isStale = sumAt >= 0 && view.getUint32(sumAt, true) === 2 && view.getUint32(sumAt + 4, true) === 0x7ff00000
  const made = histogramFromSpans({
    schema: message.schema, zeroThreshold: message.zeroThreshold, count: message.count,
    zeroCount: message.isZeroCountFloat === isCountFloat ? message.zeroCount : 0,
    sum: sumAt < 0 ? 0 : view.getFloat64(sumAt, true), hint: hintOf(message.hint), isInteger: !isCountFloat,
    positive: sideOf(positive, isCountFloat), negative: sideOf(negative, isCountFloat), customValues: message.customValues,
  })
  const fault = typeof made === 'string' ? made : ''
  return { timeMs: message.timeMs, isStale, histogram: typeof made === 'string' || isStale ? null : made, fault, bucketCount }
}

/**
 * Only that it is a gauge is taken over. Resets are found in the counts when queries read them, as in Prometheus, whose
 * storage does not give those hints back either; the sample before need not be the one that the sender compared with.
 */
function hintOf(wire: number): CounterResetHint {
  return wire === HINT_GAUGE ? HINT_GAUGE : HINT_UNKNOWN
}

function sideOf({ offsets, lengths, deltas, counts }: WireSide, isFloat: boolean): SpanSide {
  if (isFloat) return { offsets, lengths, counts }
  let count = 0
  return { offsets, lengths, counts: deltas.map((delta) => (count += delta)) }
}

function readMessage(bytes: Uint8Array, view: DataView, at: number, end: number): Message {
  const message: Message = {
    count: 0, isCountFloat: false, zeroCount: 0, isZeroCountFloat: false, sumAt: -1, schema: 0, zeroThreshold: 0, hint: 0, timeMs: 0,
    customValues: [], positive: newSide(), negative: newSide(),
  }
  while (at < end) {
    const tagEnd = skipVarint(bytes, at, end)
    const tag = varintValue(bytes, at, tagEnd)
    const next = skipField(bytes, tagEnd, end, tag)
    const number = tag >>> 3
    const wire = tag & 7
    const want = FIELD_WIRES[number]
    if (number >= 1 && want !== undefined) {
      if (wire === want) readField(message, number, { bytes, view, from: tagEnd, to: next })
      else if (wire === WIRE_BYTES && REPEATED.has(number)) readPacked(message, number, { bytes, view, from: skipVarint(bytes, tagEnd, end), to: next })
      else throw wrongType(number, wire, want)
    }
    at = next
  }
  return message
}

/** A stretch of the body. */
interface Part {
  bytes: Uint8Array
  view: DataView
  from: number
  to: number
}

function readPacked(message: Message, number: number, { bytes, view, from, to }: Part): void {
  while (from < to) {
    const next = FIELD_WIRES[number] === WIRE_VARINT ? skipVarint(bytes, from, to) : from + 8
    if (next > to) throw malformed(`field ${number} of histogram runs past its end`)
    readField(message, number, { bytes, view, from, to: next })
    from = next
  }
}

function readField(message: Message, number: number, part: Part): void {
  const { bytes, view, from, to } = part
  switch (number) {
    case 1: case 2:
      message.isCountFloat = number === 2
      message.count = number === 2 ? view.getFloat64(from, true) : varintValue(bytes, from, to)
      return
    case 3: message.sumAt = from; return
    case 4: message.schema = signed(bytes, from, to); return
    case 5: message.zeroThreshold = view.getFloat64(from, true); return
    case 6: case 7:
      message.isZeroCountFloat = number === 7
      message.zeroCount = number === 7 ? view.getFloat64(from, true) : varintValue(bytes, from, to)
      return
    case 14: message.hint = varintValue(bytes, from, to); return
    case 15: message.timeMs = int64Value(bytes, from, to); return
    case 16: message.customValues.push(view.getFloat64(from, true)); return
    default: readSide(number > 10 ? message.positive : message.negative, number > 10 ? number - 3 : number, part)
  }
}

function readSide(side: WireSide, number: number, { bytes, view, from, to }: Part): void {
  if (number === 8) readSpan(side, bytes, skipVarint(bytes, from, to), to)
  else if (number === 9) side.deltas.push(signed(bytes, from, to))
  else side.counts.push(view.getFloat64(from, true))
}

function readSpan(side: WireSide, bytes: Uint8Array, at: number, end: number): void {
  let offset = 0
  let length = 0
  while (at < end) {
    const tagEnd = skipVarint(bytes, at, end)
    const tag = varintValue(bytes, at, tagEnd)
    const next = skipField(bytes, tagEnd, end, tag)
    const number = tag >>> 3
    if ((number === 1 || number === 2) && (tag & 7) !== WIRE_VARINT) throw wrongType(number, tag & 7, WIRE_VARINT, 'bucket span')
    if (number === 1) offset = signed(bytes, tagEnd, next)
    else if (number === 2) length = varintValue(bytes, tagEnd, next) % 2 ** 32
    at = next
  }
  side.offsets.push(offset)
  side.lengths.push(length)
}

/** A zigzag varint, rounded beyond 2^53. */
function signed(bytes: Uint8Array, from: number, to: number): number {
  const value = varintValue(bytes, from, to)
  return (bytes[from]! & 1) === 0 ? value / 2 : -(value + 1) / 2
}

function wrongType(number: number, wire: number, want: number, where = 'histogram'): RemoteWriteError {
  return malformed(`field ${number} of ${where} has wire type ${wire}, not ${want}`)
}
