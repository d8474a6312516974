// MetricFamily messages (client_model metrics.proto) of a scraped body, each behind its length as a varint: family by family,
// metric by metric, in place. Names, texts and labels stay where they stand; the value of the metric at hand is read into
// messages that are used again.
//
//   MetricFamily { string name 1, string help 2, MetricType type 3, repeated Metric 4, string unit 5 }
//   Metric       { repeated LabelPair 1, Gauge 2, Counter 3, Summary 4, Untyped 5, int64 timestamp_ms 6, Histogram 7 }
import { isUtf8 } from 'node:buffer'
import { ExpositionError } from './exposition-entry.ts'
import { ExemplarPool, readLabelPair } from './proto-exemplars.ts'
import { HistogramMessage } from './proto-histogram.ts'
import { WIRE_BYTES, WIRE_VARINT, WireCursor } from './proto-wire.ts'
import { SummaryMessage, ValueMessage } from './proto-values.ts'

/** MetricType. */
const TYPE_COUNTER = 0
export const TYPE_SUMMARY = 2
const TYPE_HISTOGRAM = 4
export const TYPE_GAUGE_HISTOGRAM = 5
/** Which field of Metric has the value, by type. */
const VALUE_FIELDS: readonly number[] = [3, 2, 4, 5, 7, 7]
/** Of field 1 of a LabelPair. */
const NAME_TAG = 0x0a
/** The length before a family has this many bytes at most. */
const LENGTH_BYTES_MAX = 5

/** A label that comes twice: the sample was read, but is none to store. */
export class RepeatedLabelError extends ExpositionError {}

export class FamilyReader {
  readonly cursor: WireCursor = new WireCursor()
  /** Of the family at hand: where its texts begin and end, and its MetricType. */
  nameFrom = 0
  nameEnd = 0
  helpFrom = 0
  helpEnd = 0
  unitFrom = 0
  unitEnd = 0
  type = 0
  /** Of the metric at hand: Unix ms, 0 for none. */
  timeMs = 0
  /** Where each label's field begins, its content, and its end. */
  readonly labels: number[] = []
  /** Its value: by type one of these. */
  readonly value: ValueMessage = new ValueMessage()
  readonly summary: SummaryMessage = new SummaryMessage()
  readonly histogram: HistogramMessage = new HistogramMessage()
  readonly exemplars: ExemplarPool = new ExemplarPool()
  #end = 0
  /** Where the family's metrics begin and end, pairs; the next one's place here. */
  readonly #metrics: number[] = []
  #next = 0
  /** Where names and values of the labels stand, while their order is looked at. */
  readonly #names: number[] = []

  start(bytes: Uint8Array): void {
    this.cursor.start(bytes)
    this.#end = 0
  }

  get isHistogram(): boolean {
    return this.type === TYPE_HISTOGRAM || this.type === TYPE_GAUGE_HISTOGRAM
  }

  /** At most 100 bytes of the family's name. */
  get name(): string {
    return shown(this.cursor.bytes.subarray(this.nameFrom, this.nameEnd))
  }

  /** Where the metric at hand begins. */
  get metricFrom(): number {
    return this.#metrics[this.#next - 2]!
  }

  /** Reads the next family that has metrics, and its first metric; false at the end of the body. */
  nextFamily(): boolean {
    do {
      if (this.#end >= this.cursor.bytes.length) return false
      this.cursor.at = this.#end
      this.#readFamily()
    } while (!this.nextMetric())
    const { bytes } = this.cursor
    const name = bytes.subarray(this.nameFrom, this.nameEnd)
    if (name.length === 0 || !isUtf8(name)) this.fail(`invalid metric name: ${shown(name)}`, this.nameFrom)
    const help = bytes.subarray(this.helpFrom, this.helpEnd)
    if (!isUtf8(help)) this.fail(`invalid help for metric "${shown(name)}": ${shown(help)}`, this.helpFrom)
    if (VALUE_FIELDS[this.type] === undefined) this.fail(`unknown metric type for metric "${shown(name)}": ${this.type}`, this.nameFrom)
    return true
  }

  /** Reads the family's next metric; false if there is none. */
  nextMetric(): boolean {
    if (this.#next === this.#metrics.length) return false
    const { cursor } = this
    cursor.at = this.#metrics[this.#next]!
    const end = this.#metrics[this.#next + 1]!
    this.#next += 2
    this.labels.length = 0
    this.exemplars.count = 0
    this.timeMs = 0
    this.#clearValue()
    const valueField = VALUE_FIELDS[this.type] ?? 0
    while (cursor.at < end) {
      const from = cursor.at
      cursor.tag(end, 'metric')
      const { field } = cursor
      if (field === 6) {
        cursor.expect(WIRE_VARINT, 'metric')
        this.timeMs = cursor.int(end)
      } else if (field > 7) {
        cursor.skip(end)
      } else {
        cursor.expect(WIRE_BYTES, 'metric')
        const to = cursor.length(end)
        if (field === 1) this.labels.push(from, cursor.at, to)
        else if (field === valueField) this.#readValue(to)
        cursor.at = to
      }
    }
    if (this.labels.length > 3) this.#sortLabels()
    return true
  }

  /** Of the family; '' for none. */
  unit(): string {
    const unit = this.cursor.bytes.subarray(this.unitFrom, this.unitEnd)
    if (!isUtf8(unit)) this.fail(`invalid unit for metric "${this.name}": ${shown(unit)}`, this.unitFrom)
    return Buffer.from(unit).toString()
  }

  /** Adds the metric's labels to a map, but for those of names `given`. Throws RepeatedLabelError for one that is there already. */
  addLabels(into: Map<string, string>, given: ReadonlySet<string>): void {
    const { cursor, labels } = this
    const { bytes, view } = cursor
    const buffer = Buffer.from(view.buffer, view.byteOffset, view.byteLength)
    const ends: number[] = []
    let repeated = ''
    let repeatedAt = -1
    for (let i = 0; i < labels.length; i += 3) {
      ends.length = 0
      cursor.at = labels[i + 1]!
      readLabelPair(cursor, labels[i + 2]!, ends)
      const [nameFrom, nameEnd, valueFrom, valueEnd] = ends as [number, number, number, number]
      const name = buffer.toString('utf8', nameFrom, nameEnd)
      const value = buffer.toString('utf8', valueFrom, valueEnd)
      if (nameFrom === nameEnd || !isUtf8(bytes.subarray(nameFrom, nameEnd))) this.fail(`invalid label name: ${name}`, nameFrom)
      if (!isUtf8(bytes.subarray(valueFrom, valueEnd))) this.fail(`invalid label value: ${value}`, valueFrom)
      if (given.has(name)) continue
      if (into.has(name) && repeatedAt < 0) {
        repeated = name
        repeatedAt = nameFrom
      }
      into.set(name, value)
    }
    if (repeatedAt >= 0) throw new RepeatedLabelError(`byte ${repeatedAt}: label name ${JSON.stringify(repeated)} is not unique`)
  }

  fail(what: string, at: number): never {
    return this.cursor.fail(what, at)
  }

  #readFamily(): void {
    const { cursor } = this
    const from = cursor.at
    const { length } = cursor.bytes
    const size = cursor.varint(length)
    if (cursor.at - from > LENGTH_BYTES_MAX) this.fail('length of a metric family has too many bytes', from)
    const end = cursor.at + size
    if (end > length) this.fail(`metric family of ${size} bytes runs past the end of the body at byte ${length}`, from)
    this.#end = end
    this.nameFrom = this.nameEnd = this.helpFrom = this.helpEnd = this.unitFrom = this.unitEnd = cursor.at
    this.type = 0
    this.#metrics.length = this.#next = 0
    while (cursor.at < end) {
      cursor.tag(end, 'metric family')
      const { field } = cursor
      if (field === 3) {
        cursor.expect(WIRE_VARINT, 'metric family')
        this.type = cursor.int(end)
      } else if (field > 5) {
        cursor.skip(end)
      } else {
        cursor.expect(WIRE_BYTES, 'metric family')
        const to = cursor.length(end)
        this.#note(field, cursor.at, to)
        cursor.at = to
      }
    }
  }

  #note(field: number, from: number, to: number): void {
    switch (field) {
      case 1:
        this.nameFrom = from
        this.nameEnd = to
        return
      case 2:
        this.helpFrom = from
        this.helpEnd = to
        return
      case 4: this.#metrics.push(from, to); return
      default:
        this.unitFrom = from
        this.unitEnd = to
    }
  }

  /** Brings labels in the order of their names, in which nearly all writers write them: the same series has one key. */
  #sortLabels(): void {
    const { cursor, labels } = this
    const { bytes } = cursor
    // Fast path: name first, shorter than 128 bytes, and its first byte tells.
    let last = -1
    let i = 0
    for (; i < labels.length; i += 3) {
      const at = labels[i + 1]!
      if (bytes[at] !== NAME_TAG || bytes[at + 1]! >= 128 || bytes[at + 1] === 0 || bytes[at + 2]! <= last) break
      last = bytes[at + 2]!
    }
    if (i >= labels.length) return
    const names = this.#names
    names.length = 0
    let isSorted = true
    for (i = 0; i < labels.length; i += 3) {
      cursor.at = labels[i + 1]!
      readLabelPair(cursor, labels[i + 2]!, names)
      if (i > 0 && this.#compareNames(i / 3 - 1, i / 3) > 0) isSorted = false
    }
    if (isSorted) return
    const order = Array.from({ length: labels.length / 3 }, (_, i) => i).sort((a, b) => this.#compareNames(a, b) || a - b)
    const sorted = order.flatMap((i) => labels.slice(3 * i, 3 * i + 3))
    for (let i = 0; i < sorted.length; i++) labels[i] = sorted[i]!
  }

  #compareNames(a: number, b: number): number {
    const { bytes } = this.cursor
    const names = this.#names
    const aFrom = names[4 * a]!
    const bFrom = names[4 * b]!
    const aLength = names[4 * a + 1]! - aFrom
    const bLength = names[4 * b + 1]! - bFrom
    for (let i = 0; i < aLength && i < bLength; i++) if (bytes[aFrom + i] !== bytes[bFrom + i]) return bytes[aFrom + i]! - bytes[bFrom + i]!
    return aLength - bLength
  }

  #clearValue(): void {
    if (this.isHistogram) this.histogram.clear()
    else if (this.type === TYPE_SUMMARY) this.summary.clear()
    else this.value.clear()
  }

  #readValue(end: number): void {
    if (this.isHistogram) this.histogram.read(this.cursor, end, this.exemplars)
    else if (this.type === TYPE_SUMMARY) this.summary.read(this.cursor, end)
    else this.value.read(this.cursor, end, this.type === TYPE_COUNTER ? this.exemplars : null)
  }
}

/** At most 100 bytes of a text that may be no UTF-8. */
function shown(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 100)).toString()
}
