// Reads one scraped body whose series are no runs of its bytes: protobuf, and text whose classic histograms become native
// ones. Each series has a key (KeyedEntries.writeKey); the keys of a body, one behind the other with the metadata of its
// families between them, are what the cache keeps in the body's place, as a table of lines like that of a text.
//
//   last body   rpc_total␟code␟200 │ rpc_total␟code␟500 │ TYPE rpc_seconds │ rpc_seconds␟…
//   this body   rpc_total␟code␟200 ── equal to the key expected next: the same series, nothing looked up
import {
  ENTRY_END, ENTRY_HISTOGRAM, ENTRY_SAMPLE, ExpositionError, type ExpositionFormat, type HistogramReading, type KeyedEntries,
} from '../format/exposition-entry.ts'
import { KeyBuffer } from '../format/key-buffer.ts'
import { ConvertingParser } from '../format/nhcb-parser.ts'
import { RepeatedLabelError } from '../format/proto-family.ts'
import { ProtoParser } from '../format/proto-parser.ts'
import { FAMILY_OTHER } from '../format/metric-family.ts'
import { equalBytes } from '../std/bytes.ts'
import { commentKind, type BodyReading } from './body-reader.ts'
import type { BodyRules, BodyTaker } from './body-taker.ts'
import type { CachedFormat, ScrapeCache } from './cache.ts'
import type { MatchState } from './line-match.ts'
import {
  KIND_MASK, LINE_SAMPLE, LINE_UNIT, LINE_UNKNOWN, PREFIX_MAX, PREFIX_SHIFT, lineInfo,
} from './line-table.ts'
import type { ScrapeBatch } from './scrape-batch.ts'

/** Keys beyond this are given back after the body that had them. */
const KEEP_BYTES = 1 << 23

export class EntryReader {
  readonly #taker: BodyTaker
  readonly #readsStartTimes: boolean
  readonly #proto: ProtoParser
  readonly #converting: ConvertingParser
  readonly #keys = new KeyBuffer()

  constructor(taker: BodyTaker, { readsStartTimes, labelsFamilies }: BodyReading) {
    this.#taker = taker
    this.#readsStartTimes = readsStartTimes
    this.#proto = new ProtoParser(labelsFamilies)
    this.#converting = new ConvertingParser(readsStartTimes, labelsFamilies)
  }

  /** As BodyReader.read. */
  read(cache: ScrapeCache, body: Uint8Array, format: ExpositionFormat, rules: BodyRules, batch: ScrapeBatch): void {
    const taker = this.#taker
    this.#keys.clear()
    const state = taker.begin(cache, cachedFormat(format), rules, batch, this.#keys)
    taker.key.family = FAMILY_OTHER
    const entries = this.#entries(body, format, rules.histograms)
    try {
      for (let entry = entries.next(); entry !== ENTRY_END; entry = entries.next()) {
        if (entry === ENTRY_SAMPLE || entry === ENTRY_HISTOGRAM) this.#take(state, rules, entries)
        else this.#noteMetadata(state, entry, entries)
      }
    } catch (error) {
      if (error instanceof ExpositionError && !(error instanceof RepeatedLabelError)) taker.uncount()
      throw error
    } finally {
      taker.count(state)
    }
    taker.finish(cache, state, rules)
  }

  /** When series of the body that `read` took last began, Unix ms, by ref; null where it does not say, or is not asked. */
  startTimes(): ReadonlyMap<number, number> | null {
    if (!this.#readsStartTimes) return null
    const { count, infos, refs, values } = this.#taker.lines
    let found: Map<number, number> | null = null
    for (let i = 0; i < count; i++) {
      if ((infos[i]! & KIND_MASK) === LINE_SAMPLE && refs[i] !== 0 && values[i] !== 0) (found ??= new Map<number, number>()).set(refs[i]!, values[i]!)
    }
    return found
  }

  /** Makes the cache remember the body that `read` took last. */
  keep(cache: ScrapeCache, format: ExpositionFormat): void {
    this.#taker.keep(cache, this.#keys.bytes.subarray(0, this.#keys.used), cachedFormat(format))
    this.#keys.shrink(KEEP_BYTES)
  }

  #entries(body: Uint8Array, format: ExpositionFormat, reading: HistogramReading): KeyedEntries {
    if (format === 'protobuf') {
      this.#proto.reset(body, reading)
      return this.#proto
    }
    this.#converting.reset(body, format, reading)
    return this.#converting
  }

  #take(state: MatchState, rules: BodyRules, entries: KeyedEntries): void {
    const taker = this.#taker
    const keys = this.#keys
    const from = keys.used
    entries.writeKey(keys)
    // Growing has moved the keys.
    state.view = taker.key.view = keys.view
    const length = keys.used - from
    const { sample, key } = taker
    const { value, histogram, fault, hasTime, timeMs, startMs, exemplars, exemplarCount } = entries.sample
    sample.value = value
    sample.histogram = histogram
    sample.fault = fault
    sample.hasTime = hasTime
    sample.timeMs = timeMs
    sample.exemplars = exemplars
    sample.exemplarCount = exemplarCount
    sample.end = keys.used
    sample.kept = startMs
    const isTooLong = length > PREFIX_MAX
    sample.kind = isTooLong ? LINE_UNKNOWN : LINE_SAMPLE
    sample.prefix = isTooLong ? 0 : length
    if (isTooLong) {
      taker.newSeries(state, rules, entries)
      return
    }
    if (this.#isNext(state, from, length)) {
      taker.foundAgain(state, state.lastLine, rules)
      return
    }
    key.from = from
    key.length = length
    taker.lookUp(state, rules, entries)
  }

  /** Whether the key is the one that the last body had in this place. */
  #isNext(state: MatchState, from: number, length: number): boolean {
    const { last, found } = state
    let line = state.lastLine
    while (line < last.count && (last.infos[line]! & KIND_MASK) <= LINE_UNIT) line++
    state.lastLine = line
    if (line >= last.count || (found !== null && found[line] !== 0)) return false
    const info = last.infos[line]!
    if ((info & KIND_MASK) === LINE_UNKNOWN || info >>> PREFIX_SHIFT !== length) return false
    return equalBytes(state.lastView, last.startOf(line), state.view, from, length)
  }

  #noteMetadata(state: MatchState, entry: number, entries: KeyedEntries): void {
    entries.writeMetadata(this.#keys)
    state.lines.push(this.#keys.used, lineInfo(commentKind(entry), FAMILY_OTHER, false, 0), 0, 0)
    state.pos = this.#keys.used
  }
}

/** What the cache calls the keys of a body. */
function cachedFormat(format: ExpositionFormat): CachedFormat {
  return format === 'protobuf' ? 'protobuf' : format === 'text' ? 'converted-text' : 'converted-openmetrics'
}
