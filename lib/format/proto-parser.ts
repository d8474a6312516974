// The protobuf exposition format as the entries that a text of it would have: `_count`, `_sum`, `_bucket` and `quantile`
// series of summaries and classic histograms, and native histograms. After prometheus model/textparse/protobufparse.go, with
// these exceptions: a family may mix classic and native histograms (there a metric is read as the one before it was), and a
// missing value of an untyped metric is 0 (there it is the last one's).
//
//   metric ─▶ value                                          counter, gauge, untyped
//          ─▶ _count, _sum, quantile …                       summary
//          ─▶ _count, _sum, _bucket … +Inf [▶ histogram]     classic; the histogram where classic ones are converted
//          ─▶ histogram [▶ _count, _sum, _bucket … +Inf]     native; the rest where classic ones are kept beside it
import { HINT_GAUGE, HINT_UNKNOWN } from '../model/histogram.ts'
import { METRIC_NAME } from '../model/labels.ts'
import type { MetricType } from '../model/metadata.ts'
import { ClassicBuckets } from './classic-buckets.ts'
import {
  ENTRY_END, ENTRY_HELP, ENTRY_HISTOGRAM, ENTRY_SAMPLE, ENTRY_TYPE, ENTRY_UNIT, newSample,
  type ExposedSample, type HistogramReading, type KeyedEntries,
} from './exposition-entry.ts'
import type { KeyBuffer } from './key-buffer.ts'
import { familyLabels } from './metric-family.ts'
import { FamilyReader, RepeatedLabelError, TYPE_GAUGE_HISTOGRAM, TYPE_SUMMARY } from './proto-family.ts'
import { formatOpenMetricsFloat } from './text-float.ts'

const TYPES: readonly MetricType[] = ['counter', 'gauge', 'summary', 'unknown', 'histogram', 'gaugehistogram']

const NONE_GIVEN: ReadonlySet<string> = new Set()

/** What comes next. */
const AT_FAMILY = 0
const AT_UNIT = 1
const AT_TYPE = 2
/** The first sample of the metric that was read. */
const AT_METRIC = 3
/** A `_count`, `_sum`, `_bucket` or `quantile` series of it. */
const AT_FIELD = 4
/** The native histogram that its classic one becomes. */
const AT_CONVERTED = 5
const AT_METRIC_END = 6

const FIELD_COUNT = -2
const FIELD_SUM = -1

const suffixOf = (text: string): DataView => new DataView(new TextEncoder().encode(text).buffer)
const NO_SUFFIX = suffixOf('')
const COUNT_SUFFIX = suffixOf('_count')
const SUM_SUFFIX = suffixOf('_sum')
const BUCKET_SUFFIX = suffixOf('_bucket')
/** Behind the labels in a key: no tag of a label field begins so. */
const BOUND_MARK = 0xff
/** Behind type and unit in a key. */
const FAMILY_MARK = 0xff

export class ProtoParser implements KeyedEntries {
  readonly sample: ExposedSample = newSample()
  readonly #labelsFamilies: boolean
  readonly #family = new FamilyReader()
  #reading: HistogramReading = { readsNative: false, keepsClassic: false, convertsClassic: false, schemaMax: 8 }
  #entry = ENTRY_END
  #at = AT_FAMILY
  #field = 0
  /** Of the sample: what follows the family's name, the label that the field brings, '' for none. */
  #suffix = NO_SUFFIX
  #boundName = ''
  #bound = 0
  readonly #buckets = new ClassicBuckets()

  /** `labelsFamilies`: labels of samples tell of type and unit. */
  constructor(labelsFamilies = false) {
    this.#labelsFamilies = labelsFamilies
  }

  /** Starts a body, which must stay unchanged. */
  reset(bytes: Uint8Array, reading: HistogramReading): void {
    this.#family.start(bytes)
    this.#reading = reading
    this.#at = AT_FAMILY
  }

  next(): number {
    return (this.#entry = this.#next())
  }

  labels(): Map<string, string> {
    const family = this.#family
    const name = Buffer.from(family.cursor.bytes.subarray(family.nameFrom, family.nameEnd)).toString() + Buffer.from(this.#suffix.buffer).toString()
    const labels = this.#labelsFamilies ? familyLabels(name, TYPES[family.type]!, family.unit()) : new Map([[METRIC_NAME, name]])
    family.addLabels(labels, this.#labelsFamilies ? new Set(labels.keys()) : NONE_GIVEN)
    if (this.#boundName === '') return labels
    if (labels.has(this.#boundName)) throw new RepeatedLabelError(`byte ${family.metricFrom}: label name "${this.#boundName}" is not unique`)
    return labels.set(this.#boundName, formatOpenMetricsFloat(this.#bound))
  }

  writeKey(into: KeyBuffer): void {
    const { cursor, nameFrom, nameEnd, unitFrom, unitEnd, type, labels } = this.#family
    if (this.#labelsFamilies) {
      into.byte(type)
      into.copy(cursor.view, unitFrom, unitEnd)
      into.byte(FAMILY_MARK)
    }
    into.copy(cursor.view, nameFrom, nameEnd)
    into.copy(this.#suffix, 0, this.#suffix.byteLength)
    for (let i = 0; i < labels.length; i += 3) into.copy(cursor.view, labels[i]!, labels[i + 2]!)
    if (this.#boundName === '') return
    into.byte(BOUND_MARK)
    into.double(this.#bound)
  }

  writeMetadata(into: KeyBuffer): void {
    const { cursor, nameFrom, nameEnd, helpFrom, helpEnd, unitFrom, unitEnd, type } = this.#family
    into.metadata(this.#entry, nameEnd - nameFrom)
    into.copy(cursor.view, nameFrom, nameEnd)
    if (this.#entry === ENTRY_TYPE) into.text(TYPES[type]!)
    else if (this.#entry === ENTRY_HELP) into.copy(cursor.view, helpFrom, helpEnd)
    else into.copy(cursor.view, unitFrom, unitEnd)
  }

  #next(): number {
    switch (this.#at) {
      case AT_FAMILY:
        if (!this.#family.nextFamily()) return ENTRY_END
        this.#at = this.#family.unitEnd > this.#family.unitFrom ? AT_UNIT : AT_TYPE
        return ENTRY_HELP
      case AT_UNIT:
        this.#at = AT_TYPE
        return ENTRY_UNIT
      case AT_TYPE:
        this.#at = AT_METRIC
        return ENTRY_TYPE
      default: return this.#nextSample()
    }
  }

  #nextSample(): number {
    if (this.#at === AT_METRIC_END) {
      this.#at = this.#family.nextMetric() ? AT_METRIC : AT_FAMILY
      if (this.#at === AT_FAMILY) return this.#next()
    }
    if (this.#at === AT_METRIC) {
      const first = this.#firstSample()
      if (first >= 0) return first
    }
    return this.#at === AT_FIELD ? this.#nextField() : this.#converted()
  }

  get #isNative(): boolean {
    return this.#reading.readsNative && this.#family.histogram.isNative
  }

  /** Begins the metric that was read: its only or first sample, or -1 where its series are to be gone through. */
  #firstSample(): number {
    const { sample } = this
    this.#suffix = NO_SUFFIX
    this.#boundName = ''
    sample.timeMs = this.#family.timeMs
    // The format cannot tell a time of 0 from none.
    sample.hasTime = sample.timeMs !== 0
    sample.exemplarCount = 0
    sample.histogram = null
    sample.fault = ''
    this.#field = FIELD_COUNT
    if (this.#family.isHistogram) {
      sample.startMs = this.#family.histogram.startMs
      if (this.#isNative) return this.#native()
      this.#at = this.#reading.convertsClassic && !this.#reading.keepsClassic ? AT_CONVERTED : AT_FIELD
      return -1
    }
    if (this.#family.type === TYPE_SUMMARY) {
      sample.startMs = this.#family.summary.startMs
      this.#at = AT_FIELD
      return -1
    }
    const { value, startMs, exemplar } = this.#family.value
    sample.value = value
    sample.startMs = startMs
    if (exemplar >= 0) this.#addExemplar(exemplar, false)
    this.#at = AT_METRIC_END
    return ENTRY_SAMPLE
  }

  #native(): number {
    const { sample } = this
    const wrong = this.#family.histogram.spanFault()
    if (wrong !== '') this.#family.fail(`histogram "${this.#family.name}": ${wrong}`, this.#family.metricFrom)
    this.#setHistogram(this.#family.histogram.native(this.#family.type === TYPE_GAUGE_HISTOGRAM, this.#reading.schemaMax))
    const { exemplars, bucketExemplars, bounds } = this.#family.histogram
    for (const one of exemplars.length > 0 ? exemplars : bucketExemplars) if (one >= 0) this.#addExemplar(one, true)
    this.#sortExemplars()
    this.#at = this.#reading.keepsClassic && bounds.length > 0 ? AT_FIELD : AT_METRIC_END
    sample.value = 0
    return ENTRY_HISTOGRAM
  }

  #setHistogram(made: ExposedSample['histogram'] | string): void {
    const { sample } = this
    sample.fault = typeof made === 'string' ? `histogram "${this.#family.name}": ${made}` : ''
    sample.histogram = typeof made === 'string' ? null : made
  }

  /** The next series of a summary or classic histogram. */
  #nextField(): number {
    const { sample } = this
    sample.histogram = null
    sample.fault = ''
    sample.exemplarCount = 0
    const field = this.#field++
    const count = this.#family.type === TYPE_SUMMARY ? this.#family.summary.count : this.#family.histogram.count
    let isLast = false
    this.#boundName = ''
    if (field === FIELD_COUNT) {
      this.#suffix = COUNT_SUFFIX
      sample.value = count
    } else if (field === FIELD_SUM) {
      this.#suffix = SUM_SUFFIX
      sample.value = this.#family.type === TYPE_SUMMARY ? this.#family.summary.sum : this.#family.histogram.sum
      isLast = this.#family.type === TYPE_SUMMARY && this.#family.summary.quantiles.length === 0
    } else if (this.#family.type === TYPE_SUMMARY) {
      this.#suffix = NO_SUFFIX
      this.#boundName = 'quantile'
      this.#bound = this.#family.summary.quantiles[field]!
      sample.value = this.#family.summary.values[field]!
      isLast = field === this.#family.summary.quantiles.length - 1
    } else isLast = this.#bucket(field, count)
    if (isLast) this.#at = this.#family.isHistogram && this.#reading.convertsClassic && !this.#isNative ? AT_CONVERTED : AT_METRIC_END
    return ENTRY_SAMPLE
  }

  /** Whether it is the last one: +Inf, which is there even if the message leaves it out. */
  #bucket(field: number, count: number): boolean {
    const { bounds, cumulative, bucketExemplars } = this.#family.histogram
    const isThere = field < bounds.length
    this.#suffix = BUCKET_SUFFIX
    this.#boundName = 'le'
    this.#bound = isThere ? bounds[field]! : Infinity
    this.sample.value = isThere ? cumulative[field]! : count
    if (isThere && bucketExemplars[field]! >= 0) this.#addExemplar(bucketExemplars[field]!, false)
    return this.#bound === Infinity
  }

  /** The classic histogram as one with custom buckets. */
  #converted(): number {
    const { sample } = this
    const { bounds, cumulative, bucketExemplars, exemplars } = this.#family.histogram
    const buckets = this.#buckets
    buckets.clear()
    buckets.setCount(this.#family.histogram.count)
    buckets.setSum(this.#family.histogram.sum)
    for (let i = 0; i < bounds.length; i++) buckets.setBucket(bounds[i]!, cumulative[i]!)
    const wrong = buckets.finish()
    if (wrong !== '') this.#family.fail(`histogram "${this.#family.name}": ${wrong}`, this.#family.metricFrom)
    this.#suffix = NO_SUFFIX
    this.#boundName = ''
    this.#setHistogram(buckets.convert(this.#family.type === TYPE_GAUGE_HISTOGRAM ? HINT_GAUGE : HINT_UNKNOWN))
    sample.exemplarCount = 0
    for (const one of exemplars.length > 0 ? exemplars : bucketExemplars) if (one >= 0) this.#addExemplar(one, true)
    this.#sortExemplars()
    sample.value = 0
    this.#at = AT_METRIC_END
    return ENTRY_HISTOGRAM
  }

  /** Native histograms' exemplars must have a time; without, repeated ones could not be told from new ones. */
  #addExemplar(place: number, mustHaveTime: boolean): void {
    const exemplar = this.#family.exemplars.list[place]!
    if (mustHaveTime && !exemplar.hasTime) return
    this.sample.exemplars[this.sample.exemplarCount++] = exemplar
  }

  /** By time, then value: the store refuses what is older than the newest. */
  #sortExemplars(): void {
    const { exemplars, exemplarCount } = this.sample
    if (exemplarCount < 2) return
    const sorted = exemplars.slice(0, exemplarCount).sort((a, b) => a.timeMs - b.timeMs || a.value - b.value)
    for (let i = 0; i < exemplarCount; i++) exemplars[i] = sorted[i]!
  }
}
