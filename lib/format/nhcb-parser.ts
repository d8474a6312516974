// Text formats with each classic histogram made into a native one with custom buckets (NHCB): lines of one histogram that
// stand together become one entry behind them. After prometheus model/textparse/nhcbparse.go: what belongs together is told
// by the TYPE before and by the labels without `le`; what makes no histogram is left out.
import { HINT_UNKNOWN, type FloatHistogram } from '../model/histogram.ts'
import type { RawExemplar } from '../model/exemplar.ts'
import { METRIC_NAME } from '../model/labels.ts'
import type { MetricType } from '../model/metadata.ts'
import { ClassicBuckets } from './classic-buckets.ts'
import {
  ENTRY_COMMENT, ENTRY_END, ENTRY_HISTOGRAM, ENTRY_SAMPLE, ENTRY_TYPE, newSample,
  type ExposedSample, type HistogramReading, type KeyedEntries, type TextFormat,
} from './exposition-entry.ts'
import type { KeyBuffer } from './key-buffer.ts'
import { parseFloatText } from './text-float.ts'
import { TextParser } from './text-parser.ts'

const HASH = 0x23
const CREATED = '_created'
const NOTHING_HELD = -1
/** Begins the key of a converted histogram; a line's begins with its family. */
const CONVERTED_MARK = 0xff

export class ConvertingParser implements KeyedEntries {
  readonly sample: ExposedSample = newSample()
  readonly #readsStartTimes: boolean
  readonly #parser: TextParser
  #bytes: Uint8Array = new Uint8Array(0)
  #view = new DataView(this.#bytes.buffer)
  #keepsClassic = false
  /** Where the line of the parser's sample begins. */
  #lineFrom = 0
  #entry = ENTRY_END
  /** Read, but to be given only after the histogram that ended before it. */
  #held = NOTHING_HELD
  #familyName = ''
  #type: MetricType = 'unknown'
  /** The histogram whose lines are being read; '' for none. */
  #collected = ''
  #collectedLabels = new Map<string, string>()
  readonly #buckets = new ClassicBuckets()
  #exemplars: RawExemplar[] = []
  #startMs = 0
  /** Of the line read last: labels, where it is of a histogram's family. */
  #lineLabels = new Map<string, string>()

  constructor(readsStartTimes: boolean, labelsFamilies: boolean) {
    this.#readsStartTimes = readsStartTimes
    this.#parser = new TextParser(labelsFamilies)
  }

  /** Starts a body, which ends in a newline and must stay unchanged. */
  reset(bytes: Uint8Array, format: TextFormat, reading: HistogramReading): void {
    this.#parser.reset(bytes, bytes.length, format)
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#keepsClassic = reading.keepsClassic
    this.#held = NOTHING_HELD
    this.#familyName = ''
    this.#type = 'unknown'
    this.#forget()
  }

  next(): number {
    for (;;) {
      let entry = this.#held
      this.#held = NOTHING_HELD
      if (entry === NOTHING_HELD) {
        entry = this.#read()
        if (this.#collected !== '' && this.#endsCollected(entry)) {
          this.#held = entry
          if (this.#convert()) return (this.#entry = ENTRY_HISTOGRAM)
          continue
        }
      }
      if (entry === ENTRY_SAMPLE) {
        const isConverted = this.#collect()
        if (isConverted && !this.#keepsClassic) continue
        this.#fill()
      } else if (entry === ENTRY_COMMENT) continue
      return (this.#entry = entry)
    }
  }

  labels(): Map<string, string> {
    return this.#entry === ENTRY_HISTOGRAM ? new Map(this.#collectedLabels) : this.#parser.labels()
  }

  writeKey(into: KeyBuffer): void {
    if (this.#entry === ENTRY_HISTOGRAM) {
      into.byte(CONVERTED_MARK)
      for (const text of [...this.#collectedLabels].flat()) into.text(`${text}\0`)
      return
    }
    into.byte(this.#parser.family)
    into.copy(this.#view, this.#lineFrom, this.#parser.valueAt)
  }

  writeMetadata(into: KeyBuffer): void {
    const name = this.#parser.metadataName()
    into.metadata(this.#entry, Buffer.byteLength(name))
    into.text(name)
    into.text(this.#entry === ENTRY_TYPE ? this.#parser.type : this.#parser.metadataText())
  }

  #read(): number {
    const parser = this.#parser
    for (;;) {
      this.#lineFrom = parser.pos
      const entry = parser.next()
      if (entry === ENTRY_TYPE) {
        this.#familyName = parser.metadataName()
        this.#type = parser.type
      }
      // A blank line is nothing at all.
      if (entry === ENTRY_COMMENT && !this.#bytes.subarray(this.#lineFrom, parser.pos).includes(HASH)) continue
      if (entry !== ENTRY_SAMPLE) return entry
      const { sample } = this
      if (this.#readsStartTimes && parser.isCreated) {
        this.#noteStart()
        continue
      }
      sample.hasTime = parser.hasTime
      sample.timeMs = parser.timeMs
      if (this.#type === 'histogram') this.#lineLabels = parser.labels()
      return entry
    }
  }

  /** A `_created` line tells of the histogram before it, if that is its own. */
  #noteStart(): void {
    const labels = this.#parser.labels()
    const name = labels.get(METRIC_NAME)!
    if (identityOf(labels.set(METRIC_NAME, name.slice(0, -CREATED.length))) === this.#collected) this.#startMs = Math.trunc(this.#parser.value * 1000)
  }

  #fill(): void {
    const { sample } = this
    const parser = this.#parser
    sample.value = parser.value
    sample.histogram = null
    sample.startMs = 0
    sample.exemplars[0] = parser.exemplar
    sample.exemplarCount = parser.hasExemplar ? 1 : 0
  }

  /** Whether what was read belongs to the histogram no more. Comments of other kinds than TYPE end it, too. */
  #endsCollected(entry: number): boolean {
    return entry !== ENTRY_SAMPLE || this.#type !== 'histogram' || identityOf(this.#lineLabels) !== this.#collected
  }

  /** Takes the line up if it is of a classic histogram. */
  #collect(): boolean {
    if (this.#type !== 'histogram') return false
    const labels = this.#lineLabels
    const [base, suffix] = splitName(labels.get(METRIC_NAME)!)
    if (suffix === '' || base !== this.#familyName) return false
    const bound = suffix === '_bucket' ? parseFloatText(labels.get('le') ?? '') : 0
    if (bound === null || Number.isNaN(bound)) return false
    if (this.#collected === '') {
      this.#collected = identityOf(labels)
      this.#collectedLabels = new Map([...labels].filter(([name]) => name !== 'le').toSorted(([a], [b]) => (a < b ? -1 : 1)))
      this.#collectedLabels.set(METRIC_NAME, base)
    }
    const { exemplar, hasExemplar, value } = this.#parser
    // One without a time is none of a native histogram's.
    if (hasExemplar && exemplar.hasTime) this.#exemplars.push({ ...exemplar, offsets: [...exemplar.offsets] })
    if (suffix === '_bucket') this.#buckets.setBucket(bound, value)
    else if (suffix === '_count') this.#buckets.setCount(value)
    else this.#buckets.setSum(value)
    return true
  }

  /** Makes the sample the histogram that was collected; false if it makes none. */
  #convert(): boolean {
    const { sample } = this
    const made: FloatHistogram | string = this.#buckets.finish() || this.#buckets.convert(HINT_UNKNOWN)
    const exemplars = this.#exemplars
    sample.startMs = this.#startMs
    this.#forget()
    if (typeof made === 'string') return false
    sample.value = 0
    sample.histogram = made
    sample.exemplars = exemplars.sort((a, b) => a.timeMs - b.timeMs || a.value - b.value)
    sample.exemplarCount = exemplars.length
    return true
  }

  #forget(): void {
    this.#collected = ''
    this.#buckets.clear()
    this.#exemplars = []
    this.#startMs = 0
  }
}

/** A name without `_bucket`, `_sum` or `_count`, and which of them that was. */
function splitName(name: string): [base: string, suffix: string] {
  const suffix = ['_bucket', '_sum', '_count'].find((one) => name.endsWith(one)) ?? ''
  return [name.slice(0, name.length - suffix.length), suffix]
}

/** Equal for lines of one histogram. */
function identityOf(labels: ReadonlyMap<string, string>): string {
  const others = [...labels].filter(([name]) => name !== 'le' && name !== METRIC_NAME).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([splitName(labels.get(METRIC_NAME)!)[0], others])
}
