// Remote write 1.0 bodies (prometheus/prompb WriteRequest), read in place: series by series, samples into columns,
// labels as a range of raw bytes. Source: remote write spec 1.0, protobuf encoding guide.
//
//   WriteRequest { repeated TimeSeries 1, repeated MetricMetadata 3 }
//   TimeSeries   { repeated Label 1 { name 1, value 2 }, repeated Sample 2 { double 1, int64 ms 2 },
//                  repeated Exemplar 3, repeated Histogram 4 }
//
// A sender writes a series' labels first and together, the same bytes every time; so the run of label fields is the
// key by which lib/ingest knows a series. Other orders are legal protobuf and take the slow path, `gatherLabels`.
// Unknown fields are skipped; groups, cut fields and wrong wire types throw RemoteWriteError.
import { ExemplarColumns } from '../model/exemplar.ts'
import type { FloatHistogram } from '../model/histogram.ts'
import type { MetricMetadata } from '../model/metadata.ts'
import { readExemplar } from './remote-write-exemplar.ts'
import { readHistogram } from './remote-write-histogram.ts'
import { checkLabelField, readMetadata } from './remote-write-labels.ts'
import {
  RemoteWriteError, VARINT_BYTES_MAX, WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, int64Value, malformed, skipField, skipVarint,
} from './remote-write-wire.ts'

/** Metadata entries kept of one body; the rest is checked and dropped. Prometheus sends 500 at a time. */
const METADATA_MAX = 10_000
/** Samples of one body: more than 32 MiB of real ones hold (18 bytes each), far less than of empty ones (2 bytes). */
const SAMPLES_MAX = 1 << 21
/** Buckets of native histograms of one body: what the store can take into one row (10,000 samples of 200 buckets). */
const BUCKETS_MAX = 1 << 21
/** Exemplars of one body: more than any ring that makes sense, of senders that send 2,000 series at a time. */
const EXEMPLARS_MAX = 1 << 17

/** Samples of a body as columns that grow and are used again. `stale[i]` 1: a staleness marker, its value is NaN. */
export class SampleColumns {
  count = 0
  values: Float64Array = new Float64Array(1024)
  /** Unix ms. */
  times: Float64Array = new Float64Array(1024)
  stale: Uint8Array = new Uint8Array(1024)
  hasStale = false
  /** Samples that are native histograms, ascending, and what they are; their values are NaN. */
  readonly histogramPlaces: number[] = []
  readonly histograms: FloatHistogram[] = []
  /** Staleness markers that came as native histograms. */
  readonly histogramMarkerPlaces: number[] = []
  readonly exemplars: ExemplarColumns = new ExemplarColumns()
  /** Whether the times of each series read so far ascend. */
  isAscending = true

  clear(): void {
    this.count = 0
    this.hasStale = false
    this.histogramPlaces.length = 0
    this.histograms.length = 0
    this.histogramMarkerPlaces.length = 0
    this.exemplars.clear()
    this.isAscending = true
  }

  /** Doubles the columns; their content is kept. Throws RemoteWriteError at the limit of a request. */
  grow(): void {
    if (this.count >= SAMPLES_MAX) {
      throw new RemoteWriteError('REMOTE_WRITE_TOO_LARGE', `more than ${SAMPLES_MAX} samples in one request`)
    }
    const size = this.values.length * 2
    const { values, times, stale } = this
    this.values = new Float64Array(size)
    this.values.set(values)
    this.times = new Float64Array(size)
    this.times.set(times)
    this.stale = new Uint8Array(size)
    this.stale.set(stale)
  }
}

/** One pass over one body. `nextSeries` moves from series to series; the caller asks for what it needs of each. */
export class WriteRequestReader {
  /** Body of the current TimeSeries: [from, end) in the bytes. */
  from = 0
  end = 0
  /** Why the current series' bad histograms are bad; the caller takes them out. */
  readonly histogramFaults: string[] = []
  readonly metadata: { metric: string; metadata: MetricMetadata }[] = []
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #length: number
  #at = 0
  #bucketCount = 0

  /** Reads [0, length) of `bytes`; `view` is the same memory. */
  constructor(bytes: Uint8Array, view: DataView, length: number) {
    this.#bytes = bytes
    this.#view = view
    this.#length = length
  }

  /** Where the next field of the body starts. Who reads series on by other means sets it behind them. */
  get at(): number {
    return this.#at
  }

  set at(at: number) {
    this.#at = at
  }

  /** False at the end of the body. Metadata met on the way is collected. */
  nextSeries(): boolean {
    while (this.#at < this.#length) {
      const tag = this.#varint()
      if (tag === 0x0a) {
        this.#enter()
        return true
      }
      if (tag >>> 3 === 1) throw wrongType(tag, 'timeseries')
      if (tag === 0x1a) {
        this.#enter()
        const entry = readMetadata(this.#bytes.subarray(this.from, this.end))
        if (this.metadata.length < METADATA_MAX) this.metadata.push(entry)
      } else if (tag >>> 3 === 3) throw wrongType(tag, 'metadata')
      else this.#at = skipField(this.#bytes, this.#at, this.#length, tag)
    }
    return false
  }

  /** Where the run of label fields that opens the current series ends. Checks their protobuf, not their texts. */
  scanLabels(): number {
    const bytes = this.#bytes
    let at = this.from
    while (at < this.end && bytes[at] === 0x0a) {
      const next = skipField(bytes, at + 1, this.end, 0x0a)
      checkLabelField(bytes, at, next)
      at = next
    }
    return at
  }

  /**
   * Appends the samples and exemplars of the current series that stand in [from, end), `from` as scanLabels gives it. Returns false
   * if a label field stands among them: then the label run is not the whole key, see gatherLabels.
   */
  readSamples(columns: SampleColumns, from: number): boolean {
    const bytes = this.#bytes
    const view = this.#view
    const end = this.end
    let isWhole = true
    let lastTime = -Infinity
    let at = from
    while (at < end) {
      const tag = bytes[at]!
      if (tag === 0x12) {
        if (columns.count === columns.values.length) columns.grow()
        // Fast path: both fields, in order, the time a varint of six bytes (any from 2004 to 2109).
        if (
          at + 18 <= end && bytes[at + 1] === 16 && bytes[at + 2] === 0x09 && bytes[at + 11] === 0x10 &&
          (view.getInt32(at + 12, true) & 0x80808080) === (0x80808080 | 0) &&
          bytes[at + 16]! >= 128 && bytes[at + 17]! < 128
        ) {
          const low = (bytes[at + 12]! & 127) | ((bytes[at + 13]! & 127) << 7) |
            ((bytes[at + 14]! & 127) << 14) | ((bytes[at + 15]! & 127) << 21)
          const time = low + ((bytes[at + 16]! & 127) | (bytes[at + 17]! << 7)) * 0x10000000
          putSample(columns, view, at + 3, time)
          at += 18
          if (time < lastTime) columns.isAscending = false
          lastTime = time
          continue
        }
        at = this.#sample(columns, at + 1)
        const time = columns.times[columns.count - 1]!
        if (time < lastTime) columns.isAscending = false
        lastTime = time
      } else if (tag === 0x22) {
        const count = columns.count
        at = this.#histogram(columns, at)
        if (columns.count === count) continue
        const time = columns.times[count]!
        if (time < lastTime) columns.isAscending = false
        lastTime = time
      } else {
        if (tag === 0x0a) isWhole = false
        if (tag === 0x1a) this.#exemplar(columns.exemplars, at)
        at = this.#otherField(at)
      }
    }
    return isWhole
  }

  /** All label fields of the current series, joined, in a copy. */
  gatherLabels(): Uint8Array {
    const parts: Uint8Array[] = []
    for (let at = this.from; at < this.end;) {
      const next = this.#fieldEnd(at)
      if (this.#bytes[at] === 0x0a) {
        checkLabelField(this.#bytes, at, next)
        parts.push(this.#bytes.subarray(at, next))
      }
      at = next
    }
    return Buffer.concat(parts)
  }

  /** A Sample in any legal form; `at` stands behind its tag. Absent fields are 0, of repeated ones the last counts. */
  #sample(columns: SampleColumns, at: number): number {
    const outer = this.#at
    this.#at = at
    const limit = this.#limit(this.end)
    let valueAt = -1
    let time = 0
    while (this.#at < limit) {
      const tag = this.#varint()
      if (tag === 0x09) {
        valueAt = this.#at
        this.#at = skipField(this.#bytes, this.#at, limit, tag)
      } else if (tag === 0x10) time = this.#int64()
      else if (tag >>> 3 === 1 || tag >>> 3 === 2) throw wrongType(tag, 'sample')
      else this.#at = skipField(this.#bytes, this.#at, limit, tag)
    }
    if (this.#at !== limit) throw cut('sample')
    this.#at = outer
    if (valueAt >= 0) putSample(columns, this.#view, valueAt, time)
    else {
      columns.values[columns.count] = 0
      columns.times[columns.count] = time
      columns.stale[columns.count++] = 0
    }
    return limit
  }

  /** A native histogram; a bad one becomes a fault. Returns where the next field starts. */
  #histogram(columns: SampleColumns, at: number): number {
    const next = this.#fieldEnd(at)
    const from = skipVarint(this.#bytes, at + 1, next)
    const { timeMs, isStale, histogram, fault, bucketCount } = readHistogram(this.#bytes, this.#view, from, next)
    this.#bucketCount += bucketCount
    if (this.#bucketCount > BUCKETS_MAX) {
      throw new RemoteWriteError('REMOTE_WRITE_TOO_LARGE', `more than ${BUCKETS_MAX} native histogram buckets in one request`)
    }
    if (fault !== '') {
      this.histogramFaults.push(`${fault}, at ${timeMs}`)
      return next
    }
    if (columns.count === columns.values.length) columns.grow()
    const i = columns.count++
    columns.times[i] = timeMs
    columns.values[i] = NaN
    columns.stale[i] = isStale ? 1 : 0
    if (isStale) {
      columns.hasStale = true
      columns.histogramMarkerPlaces.push(i)
    }
    if (histogram !== null) {
      columns.histogramPlaces.push(i)
      columns.histograms.push(histogram)
    }
    return next
  }

  #exemplar(exemplars: ExemplarColumns, at: number): void {
    if (exemplars.count >= EXEMPLARS_MAX) throw new RemoteWriteError('REMOTE_WRITE_TOO_LARGE', `more than ${EXEMPLARS_MAX} exemplars in one request`)
    const next = this.#fieldEnd(at)
    readExemplar(this.#bytes, this.#view, skipVarint(this.#bytes, at + 1, next), next, exemplars)
  }

  /** Anything in a series that is not a sample is skipped. Returns where the next field starts. */
  #otherField(at: number): number {
    const tag = this.#bytes[at]!
    const number = tag >>> 3
    if (tag < 128 && number >= 1 && number <= 4 && (tag & 7) !== WIRE_BYTES) throw wrongType(tag, 'series')
    return this.#fieldEnd(at)
  }

  #fieldEnd(at: number): number {
    const outer = this.#at
    this.#at = at
    const tag = this.#varint()
    // Fields are told by one byte; a known one in two must not slip by as unknown.
    if (tag < 128 && this.#at !== at + 1) throw malformed('tag longer than it needs to be')
    const end = skipField(this.#bytes, this.#at, this.end, tag)
    this.#at = outer
    return end
  }

  /** Reads a length and takes that many bytes as the current message. */
  #enter(): void {
    this.end = this.#limit(this.#length)
    this.from = this.#at
    this.#at = this.end
  }

  #limit(outerEnd: number): number {
    const length = this.#varint()
    if (length > outerEnd - this.#at) throw cut('message')
    return this.#at + length
  }

  /** An unsigned varint; exact up to 2^53, which no tag or length may reach. */
  #varint(): number {
    const first = this.#bytes[this.#at]!
    if (first < 128 && this.#at < this.#length) {
      this.#at++
      return first
    }
    let value = 0
    let scale = 1
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.#at >= this.#length) throw cut('varint')
      const byte = this.#bytes[this.#at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    throw malformed('varint longer than 10 bytes')
  }

  /** A signed 64-bit varint; no time beyond ±2^53 ms is valid anyway. */
  #int64(): number {
    const from = this.#at
    this.#at = skipVarint(this.#bytes, from, this.#length)
    return int64Value(this.#bytes, from, this.#at)
  }
}

// A NaN is told by its bits before it becomes a number: Prometheus' staleness marker is one of them. Every other
// payload is replaced by the one NaN of typed arrays.
function putSample(columns: SampleColumns, view: DataView, valueAt: number, time: number): void {
  const i = columns.count++
  const value = view.getFloat64(valueAt, true)
  columns.times[i] = time
  if (value === value) {
    columns.values[i] = value
    columns.stale[i] = 0
    return
  }
  const isStale = view.getUint32(valueAt, true) === 2 && view.getUint32(valueAt + 4, true) === 0x7ff00000
  columns.values[i] = NaN
  columns.stale[i] = isStale ? 1 : 0
  if (isStale) columns.hasStale = true
}

function wrongType(tag: number, where: string): RemoteWriteError {
  const wire = tag & 7
  const want = where === 'sample' ? (tag >>> 3 === 1 ? WIRE_FIXED64 : WIRE_VARINT) : WIRE_BYTES
  return malformed(`field ${tag >>> 3} of ${where} has wire type ${wire}, not ${want}`)
}

function cut(what: string): RemoteWriteError {
  return malformed(`${what} runs past its end`)
}
