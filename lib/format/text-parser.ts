// The exposition parsers of scraping: text 0.0.4 and 1.0.0 (quoted UTF-8 names), and OpenMetrics 0.0.1 and 1.0.0.
// Bytes in, one entry per call, no string per sample. Accepts and refuses what Prometheus' scrape parsers do
// (model/textparse: promlex.l, openmetricslex.l), so it is laxer than either specification, with these exceptions,
// all of which Prometheus takes for something nobody wrote: a NUL that is not inside a string (there it silently
// ends the body), `{name}` with an unquoted name, blanks before a name as part of the name.
//
//   text         [blank] name [blank] [{ labels }] [blank] value [blank timestamp-ms] newline
//                labels: name="value", separated by a comma or nothing, blanks anywhere, newlines in quotes
//   OpenMetrics  name[{labels}] ' ' value [' ' timestamp-s] [' # {' labels '} ' value [' ' timestamp-s]] newline
//                … # EOF
//
// The scrape cache (lib/scrape) skips `next` for lines it knows and calls `readSuffix` behind the known prefix.
import { assert } from '../std/assert.ts'
import type { RawExemplar } from '../model/exemplar.ts'
import type { MetricType } from '../model/metadata.ts'
import { ENTRY_COMMENT, ENTRY_END, ENTRY_HELP, ENTRY_SAMPLE, ENTRY_TYPE, ENTRY_UNIT, ExpositionError, type TextFormat } from './exposition-entry.ts'
import { FAMILY_COUNTER, FAMILY_HAS_UNIT, FAMILY_OTHER, FAMILY_TYPE_MASK, familyOf } from './metric-family.ts'
import { FloatReader, latin1, tokenEnd } from './text-float.ts'
import { LabelDecoder, isUtf8Range, skipBlanks, type FamilyUnit } from './text-labels.ts'
import { LABEL_PART, LABEL_START, METRIC_PART, METRIC_START, NAME_BYTES, OPENMETRICS_TYPES, TEXT_TYPES } from './text-tables.ts'

const TAB = 0x09
const NEWLINE = 0x0a
const SPACE = 0x20
const QUOTE = 0x22
const HASH = 0x23
const COMMA = 0x2c
const EQUAL = 0x3d
const BACKSLASH = 0x5c
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d

/** Reads one body after the other. Fields describe the entry that `next` or `readSuffix` read last. */
export class TextParser {
  /** Index of the first byte not read yet. */
  pos = 0
  /** Of a sample: where its value's token starts. The bytes before it, from the line's start, identify the series. */
  valueAt = 0
  value = 0
  /** Index of the byte behind the value's token: a newline where neither timestamp nor exemplar follows. */
  valueEnd = 0
  hasTime = false
  /** Unix ms, whole; valid where hasTime. */
  timeMs = 0
  /** Whether the sample has an exemplar, and that: valid until the next entry is read. */
  hasExemplar = false
  readonly exemplar: RawExemplar = { bytes: new Uint8Array(0), offsets: [], isEscaped: true, value: 0, hasTime: false, timeMs: 0 }
  /** What the last TYPE and UNIT lines say, see metric-family.ts. */
  family: number = FAMILY_OTHER
  /** Of a TYPE entry. */
  type: MetricType = 'unknown'

  #bytes: Uint8Array = new Uint8Array(0)
  #length = 0
  #isOpenMetrics = false
  #hasBadUtf8: boolean | null = null
  #start = 0
  /** Metric name, then name and value of each label: pairs of indexes into the body, without quotes. Name -1, -1 if unset. */
  #offsets: number[] = []
  #textFrom = 0
  #textTo = 0
  /** null where type and unit become no labels. */
  readonly #unit: FamilyUnit | null
  readonly #floats = new FloatReader()
  readonly #decoder = new LabelDecoder()

  /** `labelsFamilies`: labels of samples tell of type and unit. */
  constructor(labelsFamilies = false) {
    this.#unit = labelsFamilies ? { familyName: '', text: '' } : null
  }

  /** Starts a body `bytes[0, length)`, which must end in a newline (add one if it has none) and stay unchanged. */
  reset(bytes: Uint8Array, length: number, format: TextFormat): void {
    assert(length === 0 || bytes[length - 1] === NEWLINE, `body of ${length} bytes without final newline`)
    this.#bytes = bytes
    this.exemplar.bytes = bytes
    this.#length = length
    this.#isOpenMetrics = format === 'openmetrics'
    this.#hasBadUtf8 = null
    this.pos = 0
    this.family = FAMILY_OTHER
    this.#setUnit('', '')
  }

  /** Reads the entry at `pos`. Throws ExpositionError. After ENTRY_END `pos` has no meaning. */
  next(): number {
    const bytes = this.#bytes
    let at = this.pos
    this.#start = at
    if (at >= this.#length) {
      if (this.#isOpenMetrics) throw this.#error(at, 'data does not end with # EOF')
      return ENTRY_END
    }
    if (!this.#isOpenMetrics) {
      at = skipBlanks(bytes, at)
      if (bytes[at] === NEWLINE) {
        this.pos = at + 1
        return ENTRY_COMMENT
      }
    }
    const c = bytes[at]!
    if (c === HASH) return this.#isOpenMetrics ? this.#openMetricsComment(at) : this.#textComment(at)
    const offsets = this.#offsets
    offsets.length = 2
    if (c === BRACE_OPEN) {
      offsets[0] = offsets[1] = -1
      at = this.#labels(at + 1, offsets, false)
      if (offsets[0] === -1) throw this.#error(at, 'metric name not set')
    } else {
      offsets[0] = at
      at = this.#name(at, METRIC_START, METRIC_PART)
      if (at === offsets[0]) throw this.#error(at, 'expected a metric name, comment or "{"')
      offsets[1] = at
      const brace = this.#isOpenMetrics ? at : skipBlanks(bytes, at)
      if (bytes[brace] === BRACE_OPEN) at = this.#labels(brace + 1, offsets, false)
    }
    if (!this.#isUtf8(this.#start, at)) throw this.#error(at, 'invalid UTF-8 in name or label')
    this.readSuffix(at)
    return ENTRY_SAMPLE
  }

  /** Reads value, timestamp and exemplar of a sample whose series ended at `at`; on return `pos` is the next line. */
  readSuffix(at: number): void {
    const bytes = this.#bytes
    const isOpenMetrics = this.#isOpenMetrics
    at = this.#valueStart(at, 'expected value after metric')
    this.valueAt = at
    this.value = this.#float(at)
    at = this.#floats.end
    this.valueEnd = at
    this.hasTime = false
    this.hasExemplar = false
    if (isOpenMetrics) {
      this.#openMetricsTail(at)
      return
    }
    at = skipBlanks(bytes, at)
    if (bytes[at] !== NEWLINE) {
      const from = at
      let timeMs = 0
      for (let c = bytes[at]!; c >= 0x30 && c <= 0x39; c = bytes[++at]!) timeMs = timeMs * 10 + (c - 0x30)
      if (at === from) throw this.#error(at, 'expected timestamp or new line')
      if (timeMs >= 9223372036854775808) throw this.#error(at, 'timestamp out of range')
      this.hasTime = true
      this.timeMs = timeMs
      at = skipBlanks(bytes, at)
      if (bytes[at] !== NEWLINE) throw this.#error(at, 'expected new line after timestamp')
    }
    this.pos = at + 1
  }

  /** Whether the sample that `next` read says when others began, as OpenMetrics has it for counters, summaries and histograms. */
  get isCreated(): boolean {
    const end = this.#offsets[1]!
    const type = this.family & FAMILY_TYPE_MASK
    return this.#isOpenMetrics && type !== FAMILY_OTHER && type <= FAMILY_COUNTER && end - this.#offsets[0]! >= 8 && latin1(this.#bytes, end - 8, end) === '_created'
  }

  /** The same as `labels`, put into a sorted list; false where there is more to do, and the list is void. */
  labelsInto(sorted: string[]): boolean {
    return this.#unit === null && this.#decoder.decodeInto(this.#bytes, this.#offsets, this.family, sorted)
  }

  /** Labels of the sample that `next` read: name → value, `__name__` included, empty values kept. Throws on a repeated name. */
  labels(): Map<string, string> {
    const repeated = { name: '' }
    const labels = this.#decoder.decode(this.#bytes, this.#offsets, this.family, this.#unit, repeated)
    if (repeated.name !== '') throw this.#error(this.#start, `label name ${JSON.stringify(repeated.name)} is not unique`)
    return labels
  }

  /** Of a TYPE, HELP or UNIT entry. */
  metadataName(): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset).toString('utf8', this.#offsets[0]!, this.#offsets[1]!)
  }

  /** Unescaped text of a HELP or UNIT entry. */
  metadataText(): string {
    const text = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset).toString('utf8', this.#textFrom, this.#textTo)
    if (!text.includes('\\')) return text
    return this.#isOpenMetrics
      ? text.replaceAll(/\\([\\n"])/g, (_, c: string) => (c === 'n' ? '\n' : c))
      : text.replaceAll(/\\([\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c))
  }

  /** Makes an error for the line that holds byte `at`. */
  #error(at: number, what: string): ExpositionError {
    const bytes = this.#bytes
    let line = 1
    for (let i = 0; i < Math.min(at, this.#length - 1); i++) if (bytes[i] === NEWLINE) line++
    const shown = Buffer.from(bytes.slice(this.#start, Math.min(this.#start + 80, at + 20, this.#length)))
    return new ExpositionError(`line ${line}: ${what} while parsing: ${JSON.stringify(shown.toString().replace(/\n[^]*$/, ''))}`)
  }

  #name(at: number, start: number, part: number): number {
    const bytes = this.#bytes
    if ((NAME_BYTES[bytes[at]!]! & start) === 0) return at
    do at++
    while ((NAME_BYTES[bytes[at]!]! & part) !== 0)
    return at
  }

  /** Index behind the closing quote of the string that opens at `at`. */
  #string(at: number, mayHoldNewline: boolean, mayHoldNul: boolean): number {
    const bytes = this.#bytes
    const length = this.#length
    for (let i = at + 1; i < length; i++) {
      const c = bytes[i]!
      if (c === QUOTE) return i + 1
      if (c === 0 && !mayHoldNul) throw this.#error(i, 'NUL byte in name or exemplar')
      if (c === BACKSLASH) i++
      // An escaped newline is no escape: the body has gone on to another line.
      if (bytes[i] === NEWLINE && (!mayHoldNewline || c === BACKSLASH)) break
    }
    throw this.#error(at, 'string without closing quote')
  }

  /** Reads labels from behind the brace; appends their offsets; returns the index behind the closing brace. */
  #labels(at: number, offsets: number[], isExemplar: boolean): number {
    const bytes = this.#bytes
    const isText = !this.#isOpenMetrics
    for (;;) {
      if (isText) at = skipBlanks(bytes, at)
      const from = at
      const isQuoted = bytes[at] === QUOTE
      if (bytes[at] === BRACE_CLOSE) return at + 1
      at = isQuoted ? this.#string(at, !isExemplar, false) : this.#name(at, LABEL_START, LABEL_PART)
      if (at === from) throw this.#error(at, 'expected label name')
      const to = at
      if (isText) at = skipBlanks(bytes, at)
      if (isQuoted && !isExemplar && (bytes[at] === COMMA || bytes[at] === BRACE_CLOSE)) {
        if (offsets[0] !== -1) throw this.#error(at, 'metric name already set')
        offsets[0] = from + 1
        offsets[1] = to - 1
        if (bytes[at] === BRACE_CLOSE) return at + 1
        at++
        continue
      }
      if (bytes[at] !== EQUAL) throw this.#error(at, 'expected "=" after label name')
      at = isText ? skipBlanks(bytes, at + 1) : at + 1
      if (bytes[at] !== QUOTE) throw this.#error(at, 'expected quoted label value')
      const end = this.#string(at, isText, !isExemplar)
      offsets.push(isQuoted ? from + 1 : from, isQuoted ? to - 1 : to, at + 1, end - 1)
      at = isText ? skipBlanks(bytes, end) : end
      if (bytes[at] === COMMA) at++
      else if (!isText && bytes[at] !== BRACE_CLOSE) throw this.#error(at, 'expected "," or "}" after label')
    }
  }

  #valueStart(at: number, message: string): number {
    const bytes = this.#bytes
    if (!this.#isOpenMetrics) {
      at = skipBlanks(bytes, at)
      if (bytes[at] === NEWLINE || bytes[at] === BRACE_OPEN) throw this.#error(at, message)
      return at
    }
    if (bytes[at] !== SPACE || bytes[at + 1] === SPACE || bytes[at + 1] === NEWLINE) throw this.#error(at, message)
    return at + 1
  }

  #float(at: number): number {
    const value = this.#floats.read(this.#bytes, at, this.#isOpenMetrics)
    if (this.#floats.end < 0) {
      const token = latin1(this.#bytes, at, Math.min(tokenEnd(this.#bytes, at, this.#isOpenMetrics), at + 60))
      throw this.#error(at, `cannot read ${JSON.stringify(token)} as a number`)
    }
    return value
  }

  #openMetricsTail(at: number): void {
    const bytes = this.#bytes
    if (bytes[at] === SPACE && !(bytes[at + 1] === HASH && bytes[at + 2] === SPACE && bytes[at + 3] === BRACE_OPEN)) {
      this.timeMs = this.#seconds(at)
      this.hasTime = true
      at = this.#floats.end
    }
    if (bytes[at] === SPACE && bytes[at + 1] === HASH && bytes[at + 2] === SPACE && bytes[at + 3] === BRACE_OPEN) {
      at = this.#readExemplar(at)
    }
    if (bytes[at] !== NEWLINE) throw this.#error(at, 'expected new line after sample')
    this.pos = at + 1
  }

  /** Reads ` # {labels} value [timestamp]`; returns the index behind. */
  #readExemplar(at: number): number {
    const { exemplar } = this
    const from = at
    exemplar.offsets.length = 0
    at = this.#labels(at + 4, exemplar.offsets, true)
    if (!this.#isUtf8(from, at)) throw this.#error(at, 'invalid UTF-8 in exemplar')
    exemplar.value = this.#float(this.#valueStart(at, 'expected value after exemplar labels'))
    at = this.#floats.end
    exemplar.hasTime = this.#bytes[at] === SPACE
    if (exemplar.hasTime) {
      exemplar.timeMs = this.#seconds(at)
      at = this.#floats.end
    }
    this.hasExemplar = true
    return at
  }

  /** A timestamp in seconds, as ms towards zero. */
  #seconds(at: number): number {
    const seconds = this.#float(this.#valueStart(at, 'expected timestamp or new line'))
    if (!Number.isFinite(seconds)) throw this.#error(at, 'invalid timestamp')
    return Math.trunc(seconds * 1000)
  }

  /** The whole body is looked at once, when a line needs it: pieces are seldom anything else. */
  #isUtf8(from: number, to: number): boolean {
    this.#hasBadUtf8 ??= !isUtf8Range(this.#bytes, 0, this.#length)
    return !this.#hasBadUtf8 || isUtf8Range(this.#bytes, from, to)
  }

  #textComment(at: number): number {
    const bytes = this.#bytes
    const word = skipBlanks(bytes, at + 1)
    const isHelp = this.#isWord(word, 'HELP')
    if (word === at + 1 || !(isHelp || this.#isWord(word, 'TYPE')) || (bytes[word + 4] !== SPACE && bytes[word + 4] !== TAB)) {
      const end = bytes.indexOf(NEWLINE, at)
      const nul = bytes.subarray(at, end).indexOf(0)
      if (nul >= 0) throw this.#error(at + nul, 'NUL byte in comment')
      this.pos = end + 1
      return ENTRY_COMMENT
    }
    const end = this.#metadata(skipBlanks(bytes, word + 4), isHelp ? 'HELP' : 'TYPE')
    // A rest of blanks only is skipped, not text; else the byte behind the name, whatever it is, is the separator.
    const isBlank = skipBlanks(bytes, this.#offsets[2]!) === end
    this.#textFrom = isBlank ? end : this.#offsets[2]! + 1
    this.#textTo = end
    if (!isHelp) return this.#type(TEXT_TYPES)
    if (!this.#isUtf8(this.#textFrom, end)) throw this.#error(at, 'invalid UTF-8 in help text')
    return ENTRY_HELP
  }

  #openMetricsComment(at: number): number {
    const bytes = this.#bytes
    if (this.#isWord(at, '# EOF') && bytes[at + 5] === NEWLINE) {
      if (at + 6 < this.#length) throw this.#error(at + 6, 'unexpected data after # EOF')
      this.pos = this.#length
      return ENTRY_END
    }
    const isHelp = this.#isWord(at, '# HELP ')
    const isType = this.#isWord(at, '# TYPE ')
    if (!isHelp && !isType && !this.#isWord(at, '# UNIT ')) throw this.#error(at, 'expected # HELP, # TYPE, # UNIT or # EOF')
    const end = this.#metadata(at + 7, isHelp ? 'HELP' : isType ? 'TYPE' : 'UNIT')
    const nameEnd = this.#offsets[2]!
    if (bytes[nameEnd] !== SPACE) throw this.#error(nameEnd, `expected text in ${isHelp ? 'HELP' : isType ? 'TYPE' : 'UNIT'}`)
    this.#textFrom = nameEnd + 1
    this.#textTo = end
    if (isType) return this.#type(OPENMETRICS_TYPES)
    if (!this.#isUtf8(this.#textFrom, end)) throw this.#error(at, 'invalid UTF-8 in metadata')
    if (isHelp) return ENTRY_HELP
    const unit = this.metadataText()
    if (unit !== '' && !this.metadataName().endsWith(`_${unit}`)) {
      throw this.#error(nameEnd, `unit ${JSON.stringify(unit)} is not a suffix of metric ${JSON.stringify(this.metadataName())}`)
    }
    this.#setUnit(this.metadataName(), unit)
    return ENTRY_UNIT
  }

  /** Reads the name of a metadata line at `at`; offsets[2] is then the index behind it; returns the line's end. */
  #metadata(at: number, word: string): number {
    const bytes = this.#bytes
    const isQuoted = bytes[at] === QUOTE
    const to = isQuoted ? this.#string(at, true, false) : this.#name(at, METRIC_START, METRIC_PART)
    if (to === at) throw this.#error(at, `expected metric name after ${word}`)
    this.#offsets.length = 3
    this.#offsets[0] = isQuoted ? at + 1 : at
    this.#offsets[1] = isQuoted ? to - 1 : to
    this.#offsets[2] = to
    const end = bytes.indexOf(NEWLINE, to)
    this.pos = end + 1
    return end
  }

  #type(types: ReadonlyMap<string, MetricType>): number {
    const text = latin1(this.#bytes, this.#textFrom, this.#textTo)
    const type = types.get(text)
    if (type === undefined) throw this.#error(this.#textFrom, `invalid metric type ${JSON.stringify(text.slice(0, 60))}`)
    this.type = type
    this.family = familyOf(type, this.#unit !== null) | (this.family & FAMILY_HAS_UNIT)
    // A unit ends with its family.
    if ((this.family & FAMILY_HAS_UNIT) !== 0 && this.metadataName() !== this.#unit!.familyName) this.#setUnit('', '')
    return ENTRY_TYPE
  }

  #setUnit(familyName: string, text: string): void {
    if (this.#unit === null) return
    this.#unit.familyName = familyName
    this.#unit.text = text
    this.family = (this.family & FAMILY_TYPE_MASK) | (text === '' ? 0 : FAMILY_HAS_UNIT)
  }

  #isWord(at: number, word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.#bytes[at + i] !== word.charCodeAt(i)) return false
    return true
  }
}

