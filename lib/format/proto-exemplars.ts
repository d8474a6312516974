// Exemplars of the protobuf exposition format, read into records that are used again.
//
//   Exemplar  { repeated LabelPair label 1, double value 2, Timestamp timestamp 3 }
//   LabelPair { string name 1, string value 2 }      Timestamp { int64 seconds 1, int32 nanos 2 }
import type { RawExemplar } from '../model/exemplar.ts'
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireCursor } from './proto-wire.ts'
import { isUtf8Range } from './text-labels.ts'

/** Of one metric, the rest is left out: an empty one is two bytes of the body, which may have come packed, and a hundred here. */
const EXEMPLARS_MAX = 10_000

export class ExemplarPool {
  readonly list: RawExemplar[] = []
  count = 0

  /** Reads the message that begins at the cursor; returns its place in `list`, valid until `count` is set back, or -1 where it is left out. */
  read(cursor: WireCursor, end: number): number {
    if (this.count === EXEMPLARS_MAX) {
      cursor.at = end
      return -1
    }
    const i = this.count++
    const exemplar = (this.list[i] ??= { bytes: cursor.bytes, offsets: [], isEscaped: false, value: 0, hasTime: false, timeMs: 0 })
    exemplar.bytes = cursor.bytes
    exemplar.offsets.length = 0
    exemplar.value = 0
    exemplar.hasTime = false
    while (cursor.at < end) {
      cursor.tag(end, 'exemplar')
      switch (cursor.field) {
        case 1:
          cursor.expect(WIRE_BYTES, 'exemplar')
          readLabel(cursor, cursor.length(end), exemplar.offsets)
          break
        case 2:
          cursor.expect(WIRE_FIXED64, 'exemplar')
          exemplar.value = cursor.double(end)
          break
        case 3:
          cursor.expect(WIRE_BYTES, 'exemplar')
          exemplar.hasTime = true
          exemplar.timeMs = readTimestamp(cursor, cursor.length(end))
          break
        default: cursor.skip(end)
      }
    }
    return i
  }
}

function readLabel(cursor: WireCursor, end: number, offsets: number[]): void {
  const name = offsets.length
  readLabelPair(cursor, end, offsets)
  const [nameFrom, nameEnd, valueFrom, valueEnd] = offsets.slice(name) as [number, number, number, number]
  const { bytes } = cursor
  // A label without a name is what the store refuses (ExemplarColumns), so that bad text spoils no scrape.
  if (!isUtf8Range(bytes, nameFrom, nameEnd) || !isUtf8Range(bytes, valueFrom, valueEnd)) offsets[name + 1] = nameFrom
}

/** Appends where name and value of a LabelPair begin and end. */
export function readLabelPair(cursor: WireCursor, end: number, offsets: number[]): void {
  let nameFrom = cursor.at
  let nameEnd = nameFrom
  let valueFrom = nameFrom
  let valueEnd = nameFrom
  while (cursor.at < end) {
    cursor.tag(end, 'label')
    const { field } = cursor
    if (field !== 1 && field !== 2) {
      cursor.skip(end)
      continue
    }
    cursor.expect(WIRE_BYTES, 'label')
    const to = cursor.length(end)
    if (field === 1) {
      nameFrom = cursor.at
      nameEnd = to
    } else {
      valueFrom = cursor.at
      valueEnd = to
    }
    cursor.at = to
  }
  offsets.push(nameFrom, nameEnd, valueFrom, valueEnd)
}

/** Reads a google.protobuf.Timestamp as Unix ms. */
export function readTimestamp(cursor: WireCursor, end: number): number {
  let seconds = 0
  let nanos = 0
  while (cursor.at < end) {
    cursor.tag(end, 'timestamp')
    if (cursor.field !== 1 && cursor.field !== 2) {
      cursor.skip(end)
      continue
    }
    cursor.expect(WIRE_VARINT, 'timestamp')
    const value = cursor.int(end)
    if (cursor.field === 1) seconds = value
    else nanos = value
  }
  return seconds * 1000 + Math.trunc(nanos / 1e6)
}
