// The Histogram message of the protobuf exposition format (client_model metrics.proto), classic and native in one.
//
//   Histogram { uint64 sample_count 1, double sample_count_float 4, double sample_sum 2, repeated Bucket 3,
//               sint32 schema 5, double zero_threshold 6, uint64 zero_count 7, double zero_count_float 8,
//               negative: repeated BucketSpan 9, repeated sint64 delta 10, repeated double count 11,
//               positive: the same 12, 13, 14,  Timestamp start_timestamp 15, repeated Exemplar 16 }
//   Bucket    { uint64 cumulative_count 1, double cumulative_count_float 4, double upper_bound 2, Exemplar 3 }
//   BucketSpan { sint32 offset 1, uint32 length 2 }
//
// Fields come in any order, repeated numbers packed or one by one. After prometheus model/textparse/protobufparse.go.
import { compacted, EXPONENTIAL_SCHEMA_MAX, HINT_GAUGE, HINT_UNKNOWN, type FloatHistogram } from '../model/histogram.ts'
import { histogramFromSpans, schemaFault, type SpanSide } from '../model/histogram-spans.ts'
import { readTimestamp, type ExemplarPool } from './proto-exemplars.ts'
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireCursor } from './proto-wire.ts'

/** Of one side: more than can be stored, as those of fine schemas are made fewer; a byte of the body makes one, which takes many. */
const SIDE_BUCKETS_MAX = 1 << 20

interface WireSide {
  readonly offsets: number[]
  readonly lengths: number[]
  readonly deltas: number[]
  readonly counts: number[]
}

const newSide = (): WireSide => ({ offsets: [], lengths: [], deltas: [], counts: [] })

export class HistogramMessage {
  sum = 0
  startMs = 0
  /** Of classic buckets: upper bound, cumulative count, place in the pool of the exemplar or -1. */
  readonly bounds: number[] = []
  readonly cumulative: number[] = []
  readonly bucketExemplars: number[] = []
  /** Places in the pool of the native histogram's own exemplars. */
  readonly exemplars: number[] = []
  #count = 0
  #countFloat = 0
  #schema = 0
  #zeroThreshold = 0
  #zeroCount = 0
  #zeroCountFloat = 0
  readonly #positive = newSide()
  readonly #negative = newSide()

  clear(): void {
    this.sum = this.startMs = this.#count = this.#countFloat = this.#schema = 0
    this.#zeroThreshold = this.#zeroCount = this.#zeroCountFloat = 0
    // Most have none, and setting a length costs.
    if (this.bounds.length > 0) this.bounds.length = this.cumulative.length = this.bucketExemplars.length = 0
    if (this.exemplars.length > 0) this.exemplars.length = 0
    clearSide(this.#positive)
    clearSide(this.#negative)
  }

  /** Of all observations, as the classic histogram has it. */
  get count(): number {
    return this.#countFloat === 0 ? this.#count : this.#countFloat
  }

  /** One without observations and zero threshold says so by a span of no buckets; else it is taken for a classic one. */
  get isNative(): boolean {
    return this.#positive.offsets.length > 0 || this.#negative.offsets.length > 0 || this.#zeroThreshold > 0 || this.#zeroCount > 0
  }

  /** The native histogram, or why there is none. Finer schemas than the store's are good only where they are made coarser anyway. */
  native(isGauge: boolean, schemaMax: number): FloatHistogram | string {
    if (this.#schema > EXPONENTIAL_SCHEMA_MAX && schemaMax === EXPONENTIAL_SCHEMA_MAX) return schemaFault(this.#schema)
    const isFloat = this.#countFloat > 0 || this.#zeroCountFloat > 0
    const made = histogramFromSpans({
      schema: this.#schema, zeroThreshold: this.#zeroThreshold, sum: this.sum,
      count: isFloat ? this.#countFloat : this.#count, zeroCount: isFloat ? this.#zeroCountFloat : this.#zeroCount,
      hint: isGauge ? HINT_GAUGE : HINT_UNKNOWN, isInteger: !isFloat,
      positive: sideOf(this.#positive, isFloat), negative: sideOf(this.#negative, isFloat), customValues: [],
    })
    return typeof made === 'string' ? made : compacted(made)
  }

  /** Why spans and buckets do not fit each other, '' if they do. */
  spanFault(): string {
    const isFloat = this.#countFloat > 0 || this.#zeroCountFloat > 0
    return sideFault('positive', this.#positive, isFloat) || sideFault('negative', this.#negative, isFloat)
  }

  /** Reads on from the cursor; what is there already stays, as in two parts of one message. */
  read(cursor: WireCursor, end: number, pool: ExemplarPool): void {
    while (cursor.at < end) {
      cursor.tag(end, 'histogram')
      switch (cursor.field) {
        case 1: this.#count = varint(cursor, end); break
        case 2: this.sum = double(cursor, end); break
        case 3: this.#readBucket(cursor, nested(cursor, end), pool); break
        case 4: this.#countFloat = double(cursor, end); break
        case 5:
          cursor.expect(WIRE_VARINT, 'histogram')
          this.#schema = cursor.signed(end)
          break
        case 6: this.#zeroThreshold = double(cursor, end); break
        case 7: this.#zeroCount = varint(cursor, end); break
        case 8: this.#zeroCountFloat = double(cursor, end); break
        case 9: readSpan(cursor, nested(cursor, end), this.#negative); break
        case 10: readNumbers(cursor, end, this.#negative.deltas, true); break
        case 11: readNumbers(cursor, end, this.#negative.counts, false); break
        case 12: readSpan(cursor, nested(cursor, end), this.#positive); break
        case 13: readNumbers(cursor, end, this.#positive.deltas, true); break
        case 14: readNumbers(cursor, end, this.#positive.counts, false); break
        case 15: this.startMs = readTimestamp(cursor, nested(cursor, end)); break
        case 16: this.exemplars.push(pool.read(cursor, nested(cursor, end))); break
        default: cursor.skip(end)
      }
    }
  }

  #readBucket(cursor: WireCursor, end: number, pool: ExemplarPool): void {
    let count = 0
    let countFloat = 0
    let bound = 0
    let exemplar = -1
    while (cursor.at < end) {
      cursor.tag(end, 'bucket')
      switch (cursor.field) {
        case 1: count = varint(cursor, end); break
        case 2: bound = double(cursor, end); break
        case 3: exemplar = pool.read(cursor, nested(cursor, end)); break
        case 4: countFloat = double(cursor, end); break
        default: cursor.skip(end)
      }
    }
    this.bounds.push(bound)
    this.cumulative.push(countFloat === 0 ? count : countFloat)
    this.bucketExemplars.push(exemplar)
  }
}

function clearSide({ offsets, lengths, deltas, counts }: WireSide): void {
  if (offsets.length === 0 && deltas.length === 0 && counts.length === 0) return
  offsets.length = lengths.length = deltas.length = counts.length = 0
}

function varint(cursor: WireCursor, end: number): number {
  cursor.expect(WIRE_VARINT, 'histogram')
  return cursor.varint(end)
}

function double(cursor: WireCursor, end: number): number {
  cursor.expect(WIRE_FIXED64, 'histogram')
  return cursor.double(end)
}

/** Where the message in the field just tagged ends. */
function nested(cursor: WireCursor, end: number): number {
  cursor.expect(WIRE_BYTES, 'histogram')
  return cursor.length(end)
}

function readNumbers(cursor: WireCursor, end: number, into: number[], areSigned: boolean): void {
  if (cursor.wire !== WIRE_BYTES) {
    cursor.expect(areSigned ? WIRE_VARINT : WIRE_FIXED64, 'histogram')
    addNumber(cursor, end, into, areSigned)
    return
  }
  const to = cursor.length(end)
  while (cursor.at < to) addNumber(cursor, to, into, areSigned)
}

function addNumber(cursor: WireCursor, end: number, into: number[], areSigned: boolean): void {
  if (into.length === SIDE_BUCKETS_MAX) cursor.fail(`histogram has more than ${SIDE_BUCKETS_MAX} buckets on a side`)
  into.push(areSigned ? cursor.signed(end) : cursor.double(end))
}

function readSpan(cursor: WireCursor, end: number, { offsets, lengths }: WireSide): void {
  let offset = 0
  let length = 0
  while (cursor.at < end) {
    cursor.tag(end, 'bucket span')
    if (cursor.field !== 1 && cursor.field !== 2) {
      cursor.skip(end)
      continue
    }
    cursor.expect(WIRE_VARINT, 'bucket span')
    if (cursor.field === 1) offset = cursor.signed(end)
    else length = cursor.varint(end) % 2 ** 32
  }
  offsets.push(offset)
  lengths.push(length)
}

function sideOf({ offsets, lengths, deltas, counts }: WireSide, isFloat: boolean): SpanSide {
  if (isFloat) return { offsets, lengths, counts }
  let count = 0
  counts.length = 0
  for (const delta of deltas) counts.push((count += delta))
  return { offsets, lengths, counts }
}

function sideFault(name: string, { lengths, deltas, counts }: WireSide, isFloat: boolean): string {
  let needed = 0
  for (const length of lengths) needed += length
  const found = isFloat ? counts.length : deltas.length
  return needed === found ? '' : `${name} side: spans require ${needed} buckets, have ${found}`
}
