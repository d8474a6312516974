// Reads one scraped body into one batch, with the target's cache where lines are known and the parser where not.
// Serves all targets in turn: reading is synchronous, and scratch memory is shared. Nothing of the cache changes
// before `keep`, so a body that turns out bad on its last line leaves it as it was.
//
//   known and in place ──▶ matchLines (hot) ─┐
//   known elsewhere ──▶ LineIndex ───────────┼──▶ batch, lines
//   unknown ──▶ labels, relabel ──▶ series() ┘
import type { ScrapeConfig } from '../config/scrape-config.ts'
import { FloatReader } from '../format/text-float.ts'
import {
  ENTRY_END, ENTRY_SAMPLE, ENTRY_TYPE, FAMILY_OTHER, TextParser, type ExpositionFormat,
} from '../format/text-parser.ts'
import { ExemplarColumns } from '../model/exemplar.ts'
import type { Labels } from '../model/labels.ts'
import type { Appender } from '../../storage/interface.ts'
import type { ScrapeCache } from './cache.ts'
import { LineIndex, NEW_LINE, type LineKey } from './line-index.ts'
import { equalLength, matchLines, type MatchState } from './line-match.ts'
import {
  FAMILY_MASK, FAMILY_SHIFT, KIND_MASK, LINE_COMMENT, LINE_CREATED, LINE_DROPPED, LINE_LONG_SAMPLE, LINE_SAMPLE, LINE_TYPE,
  LINE_UNKNOWN, LineTable, PREFIX_SHIFT, TRACKED, lineInfo,
} from './line-table.ts'
import { ScrapeError, storedLabels } from './sample-labels.ts'
import { startTimesOf } from './start-times.ts'
import type { ScrapeBatch } from './scrape-batch.ts'
import { NewSeries } from './new-series.ts'
import type { SeriesOwners } from './series-owners.ts'

/** A table's width for the bytes before a value. */
const PREFIX_MAX = (1 << 26) - 1
const TAB = 0x09
const SPACE = 0x20
const BRACE_OPEN = 0x7b
const BRACE_CLOSE = 0x7d
/** As the store: see REJECT_FUTURE. */
const AHEAD_MS_MAX = 600_000
/** Scratch beyond this is given back after the body that needed it (20 B per line). */
const KEEP_LINES = 1 << 17

/** What a body held, for `scrape_*` and the counters. */
export interface BodyCounts {
  /** Samples in the body. */
  scraped: number
  /** … after metric_relabel_configs. */
  kept: number
  /** Series that the cache did not know, failed scrapes included, up to the sample limit. */
  seriesAdded: number
  /** Samples skipped because their series came before in the body. */
  duplicates: number
  /** Samples skipped because the store makes no more series. */
  overSeriesLimit: number
  overNewSeriesLimit: number
  /** Samples skipped because they would begin a series in the future. */
  inFuture: number
}

export interface BodyRules {
  targetLabels: Labels
  config: ScrapeConfig
}

interface PendingSeries {
  labels: Labels
  /** Places in the batch, in the line table and among the exemplars that wait for the ref; -1 for no exemplar. */
  sample: number
  line: number
  exemplar: number
}

export class BodyReader {
  /** Of the body read last; void after `read` threw. */
  readonly exemplars: ExemplarColumns = new ExemplarColumns()
  /** Of the body read last; after `read` threw, what was counted up to there. */
  readonly counts: BodyCounts = { scraped: 0, kept: 0, seriesAdded: 0, duplicates: 0, overSeriesLimit: 0, overNewSeriesLimit: 0, inFuture: 0 }
  readonly #appender: Appender
  readonly #maker: NewSeries
  #tried: ReadonlySet<number> | null = null
  readonly #parser = new TextParser()
  readonly #readsStartTimes: boolean
  readonly #floats = new FloatReader()
  readonly #index: LineIndex
  readonly #lines = new LineTable()
  readonly #noLines = new LineTable()
  readonly #key: LineKey = { view: new DataView(new ArrayBuffer(0)), from: 0, length: 0, family: FAMILY_OTHER }
  #foundBits: Uint8Array = new Uint8Array(0)
  #dropped = 0
  #tracked = 0
  #hasTimedRepeats = false
  #sampleLimit = Infinity
  #isOverLimit = false
  /** 1 while the labels of a new series are judged: a sample that fails there was scraped, but is not kept. */
  #judged = 0
  /** New series, made only once the whole body has proved good: a target that fails leaves nothing in the store. */
  #pending: PendingSeries[] = []

  /** `readsStartTimes`: `_created` lines are no samples of their own. */
  constructor(appender: Appender, owners: SeriesOwners, { hashSeed, readsStartTimes }: { hashSeed: number; readsStartTimes: boolean }) {
    this.#appender = appender
    this.#maker = new NewSeries(appender, owners)
    this.#index = new LineIndex(hashSeed)
    this.#readsStartTimes = readsStartTimes
  }

  /**
   * Appends the samples of `body`, which ends in a newline, to `batch`, then markers for series that vanished since
   * the last body. Throws ExpositionError for a bad body and ScrapeError for exceeded limits or bad labels; the batch
   * is void then. Call `keep` once the batch is stored.
   */
  read(cache: ScrapeCache, body: Uint8Array, format: ExpositionFormat, rules: BodyRules, batch: ScrapeBatch): void {
    const state = this.#begin(cache, body, format, batch)
    const { counts } = this
    this.#sampleLimit = rules.config.limits.samples || Infinity
    this.#parser.reset(body, body.length, format)
    try {
      do {
        if (state.lastLine < state.last.count) matchLines(state, this.#floats)
      } while (this.#knownInPlace(state, rules) || this.#otherLine(state, rules))
    } finally {
      counts.scraped = state.scraped + this.#judged
      counts.kept = state.scraped - state.dropped - this.#dropped
    }
    if (this.isOverSampleLimit(batch)) throw new ScrapeError('SAMPLE_LIMIT', 'sample limit exceeded')
    if (this.#pending.length > 0) this.#makePending(cache, rules, batch)
    if (this.#hasTimedRepeats) batch.groupBySeries()
    if (cache.isLive && state.trackedFound !== cache.trackedCount) this.#markVanished(cache, batch)
    this.#tracked += state.trackedFound
  }

  /** When series of the body that `read` took last began, Unix ms, by ref; null where it does not say, or is not asked. */
  startTimes(body: Uint8Array): ReadonlyMap<number, number> | null {
    return this.#readsStartTimes ? startTimesOf(body, this.#lines) : null
  }

  /** Whether the body read last held more samples than it may; it was read on, for what scrape_* tell of it. */
  isOverSampleLimit(batch: ScrapeBatch): boolean {
    return this.#isOverLimit || batch.count > this.#sampleLimit
  }

  /** Makes the cache remember the new series of the body on which `read` threw last. */
  keepTried(cache: ScrapeCache): void {
    const { view } = this.#key
    const keys = this.#pending.filter(({ line }) => (this.#lines.infos[line]! & KIND_MASK) !== LINE_UNKNOWN).map(({ line }) => {
      return this.#index.longHash(view, this.#lines.startOf(line), this.#lines.infos[line]! >>> PREFIX_SHIFT)
    })
    cache.noteTried(keys)
    this.#pending = []
  }

  /** Makes the cache remember the body that `read` took last. */
  keep(cache: ScrapeCache, body: Uint8Array, format: ExpositionFormat): void {
    cache.replace(body, format, this.#lines, this.#tracked)
    if (this.#lines.capacity > KEEP_LINES) this.#lines.clear()
    if (this.#foundBits.length > KEEP_LINES) this.#foundBits = new Uint8Array(0)
  }

  #begin(cache: ScrapeCache, body: Uint8Array, format: ExpositionFormat, batch: ScrapeBatch): MatchState {
    const { counts } = this
    counts.scraped = counts.kept = counts.seriesAdded = counts.duplicates = counts.overSeriesLimit = counts.overNewSeriesLimit = counts.inFuture = 0
    this.#lines.count = 0
    this.#dropped = 0
    this.#tracked = 0
    this.#hasTimedRepeats = false
    this.#isOverLimit = false
    this.#judged = 0
    this.#pending = []
    this.exemplars.clear()
    this.#tried = cache.tried
    this.#key.view = viewOf(body)
    return {
      bytes: body, view: this.#key.view, length: body.length, isOpenMetrics: format === 'openmetrics',
      pos: 0, family: FAMILY_OTHER, lastView: cache.view,
      last: cache.mustRelearn || cache.format !== format ? this.#noLines : cache.lines,
      lastLine: 0, lines: this.#lines, batch, scraped: 0, dropped: 0, trackedFound: 0, found: null,
    }
  }

  /** Reads a sample whose prefix stands where it stood last time, but with a timestamp or exemplar, or for the first time without. */
  #knownInPlace(state: MatchState, rules: BodyRules): boolean {
    const { last, lastLine } = state
    if (lastLine >= last.count || (state.found !== null && state.found[lastLine] !== 0)) return false
    const info = last.infos[lastLine]!
    const kind = info & KIND_MASK
    const prefix = info >>> PREFIX_SHIFT
    if (kind !== LINE_SAMPLE && kind !== LINE_LONG_SAMPLE && kind !== LINE_DROPPED) return false
    if (((info >>> FAMILY_SHIFT) & FAMILY_MASK) !== state.family || state.pos + prefix >= state.length) return false
    if (equalLength(state.lastView, last.startOf(lastLine), state.view, state.pos, prefix) < prefix) return false
    // More blanks or labels follow: not this prefix after all.
    const c = state.bytes[state.pos + prefix]!
    if (c === SPACE || c === TAB || c === BRACE_OPEN) return false
    this.#parser.readSuffix(state.pos + prefix - (state.isOpenMetrics ? 1 : 0))
    this.#foundAgain(state, lastLine, rules)
    return true
  }

  /** Parses the line at `state.pos`; false at the body's end. */
  #otherLine(state: MatchState, rules: BodyRules): boolean {
    const parser = this.#parser
    parser.pos = state.pos
    parser.family = state.family
    const entry = parser.next()
    if (entry === ENTRY_END) return false
    if (entry === ENTRY_SAMPLE) {
      if (this.#readsStartTimes && parser.isCreated) this.#takeCreated(state)
      else this.#lookUp(state, rules)
      return true
    }
    state.family = parser.family
    state.pos = parser.pos
    state.lines.push(parser.pos, lineInfo(entry === ENTRY_TYPE ? LINE_TYPE : LINE_COMMENT, parser.family, false, 0), 0, 0)
    // A comment in a comment's place has replaced it.
    if (state.lastLine < state.last.count && (state.last.infos[state.lastLine]! & KIND_MASK) <= LINE_TYPE) state.lastLine++
    return true
  }

  #takeCreated(state: MatchState): void {
    const { pos, value } = this.#parser
    state.lines.push(pos, lineInfo(LINE_CREATED, state.family, false, 0), 0, value)
    state.pos = pos
    if (state.lastLine < state.last.count && (state.last.infos[state.lastLine]! & KIND_MASK) === LINE_CREATED) state.lastLine++
  }

  /** Takes a sample that the parser read, by its prefix. */
  #lookUp(state: MatchState, rules: BodyRules): void {
    if (state.found === null) this.#buildIndex(state)
    const prefix = this.#parser.valueAt - state.pos
    const before = state.bytes[this.#parser.valueAt - 1]
    if (prefix > PREFIX_MAX || (before !== SPACE && before !== TAB && before !== BRACE_CLOSE)) {
      this.#newSeries(state, rules, LINE_UNKNOWN)
      return
    }
    const key = this.#key
    key.from = state.pos
    key.length = prefix
    key.family = state.family
    const hash = this.#index.hash(key.view, key.from, key.length, key.family)
    const line = this.#index.find(hash, key, state.last, state.lastView, state.lines)
    if (line >= 0 && line < NEW_LINE && state.found![line] === 0) {
      this.#foundAgain(state, line, rules)
    } else if (line >= 0) {
      const isNew = line >= NEW_LINE
      this.#repeated(state, isNew ? state.lines : state.last, isNew ? line - NEW_LINE : line, rules)
    } else {
      const at = state.lines.count
      this.#newSeries(state, rules, this.#plainKind())
      if ((state.lines.infos[at]! & KIND_MASK) !== LINE_UNKNOWN) this.#index.add(hash, NEW_LINE + at)
    }
  }

  #buildIndex(state: MatchState): void {
    const { last, lastLine, lines } = state
    if (this.#foundBits.length < last.count) this.#foundBits = new Uint8Array(last.count + 64)
    this.#foundBits.fill(0, 0, last.count)
    state.found = this.#foundBits
    this.#index.reset(last.count - lastLine + lines.count)
    this.#index.addAll(last, lastLine, state.lastView, 0)
    this.#index.addAll(lines, 0, state.view, NEW_LINE)
  }

  /** The sample the parser read is line `line` of the last body; what follows is expected to follow again. */
  #foundAgain(state: MatchState, line: number, rules: BodyRules): void {
    const info = state.last.infos[line]!
    if (state.found !== null) state.found[line] = 1
    state.lastLine = line + 1
    if ((info & KIND_MASK) === LINE_DROPPED) {
      this.#take(state, LINE_DROPPED, 0, false, info >>> PREFIX_SHIFT)
      return
    }
    const isTracked = this.#isTracked(rules)
    if (isTracked) {
      if ((info & TRACKED) !== 0) state.trackedFound++
      else this.#tracked++
    }
    this.#append(state.batch, state.last.refs[line]!, rules)
    this.#take(state, this.#plainKind(), state.last.refs[line]!, isTracked, info >>> PREFIX_SHIFT)
  }

  #newSeries(state: MatchState, rules: BodyRules, kind: number): void {
    const { batch } = state
    const prefix = kind === LINE_UNKNOWN ? 0 : this.#parser.valueAt - state.pos
    this.#judged = 1
    const labels = storedLabels(this.#parser.labels(), rules.targetLabels, rules.config)
    this.#judged = 0
    if (labels === null) {
      this.#take(state, kind === LINE_UNKNOWN ? LINE_UNKNOWN : LINE_DROPPED, 0, false, prefix)
      if (kind === LINE_UNKNOWN) this.#dropped++
      return
    }
    if (batch.count >= this.#sampleLimit || this.#isInFuture(batch, rules)) {
      if (batch.count >= this.#sampleLimit) this.#isOverLimit = true
      else this.counts.inFuture++
      this.#take(state, LINE_UNKNOWN, 0, false, 0)
      return
    }
    const isTracked = this.#isTracked(rules)
    if (isTracked) this.#tracked++
    if (kind !== LINE_UNKNOWN && !this.#wasTried(state.pos, prefix)) this.counts.seriesAdded++
    this.#pending.push({ labels, sample: batch.count, line: state.lines.count, exemplar: this.#nextExemplar() })
    this.#append(batch, 0, rules)
    this.#take(state, kind, 0, isTracked, prefix)
  }

  /** No series is made for a sample that the store would refuse, and none counted as added. */
  #isInFuture(batch: ScrapeBatch, { config }: BodyRules): boolean {
    return this.#parser.hasTime && config.honorTimestamps && this.#parser.timeMs > batch.t + AHEAD_MS_MAX
  }

  #wasTried(from: number, length: number): boolean {
    return this.#tried !== null && this.#tried.has(this.#index.longHash(this.#key.view, from, length))
  }

  /** The same series again: skipped, unless it brings a time of its own. */
  #repeated(state: MatchState, table: LineTable, line: number, rules: BodyRules): void {
    if ((table.infos[line]! & KIND_MASK) === LINE_DROPPED) {
      this.#dropped++
    } else if (this.#parser.hasTime && rules.config.honorTimestamps) {
      const pending = table.refs[line] === 0 ? this.#pending.find((one) => one.line === line) : undefined
      if (pending !== undefined) this.#pending.push({ labels: pending.labels, sample: state.batch.count, line, exemplar: this.#nextExemplar() })
      this.#append(state.batch, table.refs[line]!, rules)
      this.#hasTimedRepeats = true
    } else {
      this.counts.duplicates++
    }
    this.#take(state, LINE_UNKNOWN, 0, false, 0)
  }

  #append(batch: ScrapeBatch, ref: number, rules: BodyRules): void {
    const parser = this.#parser
    if (batch.count >= this.#sampleLimit) {
      this.#isOverLimit = true
      return
    }
    const isTimed = parser.hasTime && rules.config.honorTimestamps
    if (isTimed) batch.pushAt(ref, parser.value, parser.timeMs)
    else batch.push(ref, parser.value)
    if (this.#hasExemplar()) this.exemplars.push(parser.exemplar, ref, isTimed ? parser.timeMs : batch.t)
  }

  #hasExemplar(): boolean {
    return this.#parser.hasExemplar && this.#appender.exemplars !== null
  }

  /** The place that the exemplar of the line the parser read will have, -1 if there is none. */
  #nextExemplar(): number {
    return this.#hasExemplar() ? this.exemplars.count : -1
  }

  /** Notes the line the parser read, and goes on behind it. */
  #take(state: MatchState, kind: number, ref: number, isTracked: boolean, prefix: number): void {
    state.scraped++
    if (kind === LINE_DROPPED) state.dropped++
    state.lines.push(this.#parser.pos, lineInfo(kind, state.family, isTracked, prefix), ref, this.#parser.value)
    state.pos = this.#parser.pos
  }

  #plainKind(): number {
    return this.#parser.pos === this.#parser.valueEnd + 1 ? LINE_SAMPLE : LINE_LONG_SAMPLE
  }

  /** Series with times of their own are not marked when they vanish, unless asked for. */
  #isTracked({ config }: BodyRules): boolean {
    return !(this.#parser.hasTime && config.honorTimestamps) || config.trackTimestampsStaleness
  }

  /** Makes the new series and puts their refs where they belong; takes out samples of those the store did not make. */
  #makePending(cache: ScrapeCache, { config }: BodyRules, batch: ScrapeBatch): void {
    const lines = this.#lines
    const made = this.#maker
    made.begin()
    for (const { labels, sample, line, exemplar } of this.#pending) {
      const ref = made.refOf(labels, cache, config.limits.newSeries, batch.t)
      if (exemplar >= 0) this.exemplars.refs[exemplar] = ref
      batch.refs[sample] = ref
      lines.refs[line] = ref
      if (ref !== 0) continue
      if ((lines.infos[line]! & TRACKED) !== 0) this.#tracked--
      if ((lines.infos[line]! & KIND_MASK) !== LINE_UNKNOWN) this.counts.seriesAdded--
      lines.infos[line] = LINE_UNKNOWN
    }
    this.#pending = []
    this.counts.overSeriesLimit = made.overStore
    this.counts.overNewSeriesLimit = made.overHour
    if (made.overStore + made.overHour > 0) batch.dropWithoutRef()
  }

  #markVanished(cache: ScrapeCache, batch: ScrapeBatch): void {
    const gone = cache.liveRefs()
    const { infos, refs, count } = this.#lines
    for (let i = 0; i < count; i++) if ((infos[i]! & TRACKED) !== 0) gone.delete(refs[i]!)
    for (const ref of gone) batch.pushStale(ref)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
