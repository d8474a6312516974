// The values of counters, gauges, untyped metrics and summaries in the protobuf exposition format (proto-family.ts).
//
//   Gauge, Untyped { double value 1 }      Counter { double value 1, Exemplar 2, Timestamp start_timestamp 3 }
//   Summary        { uint64 sample_count 1, double sample_sum 2, repeated Quantile 3, Timestamp start_timestamp 4 }
//   Quantile       { double quantile 1, double value 2 }
import { readTimestamp, type ExemplarPool } from './proto-exemplars.ts'
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireCursor } from './proto-wire.ts'

/** Gauge, Untyped or Counter. */
export class ValueMessage {
  value = 0
  startMs = 0
  /** Place in the pool, -1 for none. */
  exemplar = -1

  clear(): void {
    this.value = this.startMs = 0
    this.exemplar = -1
  }

  /** `pool`: null where the message has a value only. */
  read(cursor: WireCursor, end: number, pool: ExemplarPool | null): void {
    while (cursor.at < end) {
      cursor.tag(end, 'value')
      if (cursor.field === 1) {
        cursor.expect(WIRE_FIXED64, 'value')
        this.value = cursor.double(end)
      } else if (pool === null || cursor.field > 3) {
        cursor.skip(end)
      } else {
        cursor.expect(WIRE_BYTES, 'value')
        const { field } = cursor
        const to = cursor.length(end)
        if (field === 2) this.exemplar = pool.read(cursor, to)
        else this.startMs = readTimestamp(cursor, to)
      }
    }
  }
}

export class SummaryMessage {
  count = 0
  sum = 0
  startMs = 0
  readonly quantiles: number[] = []
  readonly values: number[] = []

  clear(): void {
    this.count = this.sum = this.startMs = 0
    this.quantiles.length = this.values.length = 0
  }

  read(cursor: WireCursor, end: number): void {
    while (cursor.at < end) {
      cursor.tag(end, 'summary')
      switch (cursor.field) {
        case 1:
          cursor.expect(WIRE_VARINT, 'summary')
          this.count = cursor.varint(end)
          break
        case 2:
          cursor.expect(WIRE_FIXED64, 'summary')
          this.sum = cursor.double(end)
          break
        case 3:
          cursor.expect(WIRE_BYTES, 'summary')
          this.#readQuantile(cursor, cursor.length(end))
          break
        case 4:
          cursor.expect(WIRE_BYTES, 'summary')
          this.startMs = readTimestamp(cursor, cursor.length(end))
          break
        default: cursor.skip(end)
      }
    }
  }

  #readQuantile(cursor: WireCursor, end: number): void {
    let quantile = 0
    let value = 0
    while (cursor.at < end) {
      cursor.tag(end, 'quantile')
      if (cursor.field !== 1 && cursor.field !== 2) {
        cursor.skip(end)
        continue
      }
      cursor.expect(WIRE_FIXED64, 'quantile')
      if (cursor.field === 1) quantile = cursor.double(end)
      else value = cursor.double(end)
    }
    this.quantiles.push(quantile)
    this.values.push(value)
  }
}
