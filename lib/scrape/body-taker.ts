// What becomes of one sample of a scraped body: the known series' row, a new series, a repeated one, or nothing. Both
// readers of bodies (body-reader.ts, entry-reader.ts) hand their samples over here. Serves all targets in turn; nothing of
// the cache changes before `keep`, so a body that turns out bad on its last line leaves it as it was.
import type { ScrapeConfig } from '../config/scrape-config.ts'
import type { HistogramReading } from '../format/exposition-entry.ts'
import { FAMILY_OTHER } from '../format/metric-family.ts'
import type { RawExemplar } from '../model/exemplar.ts'
import { ExemplarColumns } from '../model/exemplar.ts'
import type { FloatHistogram } from '../model/histogram.ts'
import type { Labels } from '../model/labels.ts'
import type { Appender } from '../../storage/interface.ts'
import type { CachedFormat, ScrapeCache } from './cache.ts'
import { limitedHistogram } from './histogram-limits.ts'
import { LineIndex, NEW_LINE, type LineKey } from './line-index.ts'
import type { MatchState } from './line-match.ts'
import {
  KIND_MASK, LINE_DROPPED, LINE_UNKNOWN, LineTable, PREFIX_SHIFT, TRACKED, lineInfo,
} from './line-table.ts'
import { NewSeries } from './new-series.ts'
import { ScrapeError, storedLabels, type LabelReader } from './sample-labels.ts'
import type { ScrapeBatch } from './scrape-batch.ts'
import type { SeriesOwners } from './series-owners.ts'

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
  histograms: HistogramReading
}

/** The sample at hand; one object, filled anew for each. */
export interface TakenSample {
  value: number
  histogram: FloatHistogram | null
  /** Why there is no histogram though there should be one; '' otherwise. */
  fault: string
  hasTime: boolean
  timeMs: number
  /** The first `exemplarCount` are the sample's. */
  exemplars: RawExemplar[]
  exemplarCount: number
  /** Its line: length of what identifies the series, kind, index behind it, what the table keeps as its value. */
  prefix: number
  kind: number
  end: number
  kept: number
}

interface PendingSeries {
  labels: Labels
  /** Places in the batch and in the line table. */
  sample: number
  line: number
  /** Exemplars that wait for the ref: from, and how many. */
  exemplar: number
  exemplarCount: number
}

export class BodyTaker {
  readonly sample: TakenSample = {
    value: 0, histogram: null, fault: '', hasTime: false, timeMs: 0, exemplars: [], exemplarCount: 0, prefix: 0, kind: 0, end: 0, kept: 0,
  }
  /** Of the body read last; void after its reader threw. */
  readonly exemplars: ExemplarColumns = new ExemplarColumns()
  /** Of the body read last; after its reader threw, what was counted up to there. */
  readonly counts: BodyCounts = { scraped: 0, kept: 0, seriesAdded: 0, duplicates: 0, overSeriesLimit: 0, overNewSeriesLimit: 0, inFuture: 0 }
  readonly lines: LineTable = new LineTable()
  readonly index: LineIndex
  readonly key: LineKey = { view: new DataView(new ArrayBuffer(0)), from: 0, length: 0, family: FAMILY_OTHER }
  /** Whether a native histogram of the body read last had more buckets than it may. */
  isOverBucketLimit = false
  readonly #appender: Appender
  readonly #maker: NewSeries
  readonly #noLines = new LineTable()
  #tried: ReadonlySet<number> | null = null
  #foundBits: Uint8Array = new Uint8Array(0)
  #dropped = 0
  #tracked = 0
  #hasTimedRepeats = false
  #sampleLimit = Infinity
  #isOverLimit = false
  /** 1 while a sample is judged: one that fails there was scraped, but is not kept. */
  #judged = 0
  /** New series, made only once the whole body has proved good: a target that fails leaves nothing in the store. */
  #pending: PendingSeries[] = []
  /** Of the first of them, by their lines: those that were looked through for a repeated one. */
  readonly #pendingByLine = new Map<number, PendingSeries>()
  #pendingIndexed = 0

  constructor(appender: Appender, owners: SeriesOwners, hashSeed: number) {
    this.#appender = appender
    this.#maker = new NewSeries(appender, owners)
    this.index = new LineIndex(hashSeed)
  }

  /** Starts a body of those bytes. */
  begin(cache: ScrapeCache, format: CachedFormat, { config }: BodyRules, batch: ScrapeBatch, { bytes, view }: Pick<MatchState, 'bytes' | 'view'>): MatchState {
    const { counts } = this
    counts.scraped = counts.kept = counts.seriesAdded = counts.duplicates = counts.overSeriesLimit = counts.overNewSeriesLimit = counts.inFuture = 0
    this.lines.count = 0
    this.#dropped = 0
    this.#tracked = 0
    this.#hasTimedRepeats = false
    this.#sampleLimit = config.limits.samples || Infinity
    this.#isOverLimit = false
    this.isOverBucketLimit = false
    this.#judged = 0
    this.#pending = []
    this.#pendingByLine.clear()
    this.#pendingIndexed = 0
    this.exemplars.clear()
    this.#tried = cache.tried
    this.key.view = view
    return {
      bytes, view, length: bytes.length, isOpenMetrics: format === 'openmetrics', pos: 0, family: FAMILY_OTHER, lastView: cache.view,
      last: cache.mustRelearn || cache.format !== format ? this.#noLines : cache.lines,
      lastLine: 0, lines: this.lines, batch, scraped: 0, dropped: 0, trackedFound: 0, found: null, kernel: null,
    }
  }

  /** Counts what was read, also of a body that was read in part only. */
  count(state: MatchState): void {
    const { counts } = this
    counts.scraped = state.scraped + this.#judged
    counts.kept = state.scraped - state.dropped - this.#dropped
  }

  /** The body is whole: makes its new series, marks those that have vanished. Throws ScrapeError where it is over a limit. */
  finish(cache: ScrapeCache, state: MatchState, rules: BodyRules): void {
    const { batch } = state
    if (this.isOverSampleLimit(batch)) throw new ScrapeError('SAMPLE_LIMIT', `sample limit exceeded (more than ${this.#sampleLimit} samples: sample_limit)`)
    if (this.isOverBucketLimit) throw new ScrapeError('BUCKET_LIMIT', 'histogram bucket limit exceeded (native_histogram_bucket_limit)')
    if (this.#pending.length > 0) this.#makePending(cache, rules, batch)
    if (this.#hasTimedRepeats) batch.groupBySeries()
    if (cache.isLive && state.trackedFound !== cache.trackedCount) this.#markVanished(cache, batch)
    this.#tracked += state.trackedFound
  }

  /** The sample at hand could not even be read: it does not count. */
  uncount(): void {
    this.#judged = 0
  }

  /** Whether the body read last held more samples than it may; it was read on, for what scrape_* tell of it. */
  isOverSampleLimit(batch: ScrapeBatch): boolean {
    return this.#isOverLimit || batch.count > this.#sampleLimit
  }

  /** Makes the cache remember the new series of the body whose reader threw last. */
  keepTried(cache: ScrapeCache): void {
    const { view } = this.key
    const keys = this.#pending.filter(({ line }) => (this.lines.infos[line]! & KIND_MASK) !== LINE_UNKNOWN).map(({ line }) => {
      return this.index.longHash(view, this.lines.startOf(line), this.lines.infos[line]! >>> PREFIX_SHIFT)
    })
    cache.noteTried(keys)
    this.#pending = []
  }

  /** Makes the cache remember the body that was read last. */
  keep(cache: ScrapeCache, body: Uint8Array, format: CachedFormat): void {
    cache.replace(body, format, this.lines, this.#tracked)
    if (this.lines.capacity > KEEP_LINES) this.lines.clear()
    if (this.#foundBits.length > KEEP_LINES) this.#foundBits = new Uint8Array(0)
  }

  /** Takes the sample by its prefix, which `key` names. */
  lookUp(state: MatchState, rules: BodyRules, labels: LabelReader): void {
    if (state.found === null) this.#buildIndex(state)
    const { key } = this
    const hash = this.index.hash(key.view, key.from, key.length, key.family)
    const line = this.index.find(hash, key, state.last, state.lastView, state.lines)
    if (line >= 0 && line < NEW_LINE && state.found![line] === 0) {
      this.foundAgain(state, line, rules)
    } else if (line >= 0) {
      const isNew = line >= NEW_LINE
      this.#repeated(state, isNew ? state.lines : state.last, isNew ? line - NEW_LINE : line, rules)
    } else {
      const at = state.lines.count
      this.newSeries(state, rules, labels)
      if ((state.lines.infos[at]! & KIND_MASK) !== LINE_UNKNOWN) this.index.add(hash, NEW_LINE + at)
    }
  }

  /** The sample is line `line` of the last body; what follows is expected to follow again. */
  foundAgain(state: MatchState, line: number, rules: BodyRules): void {
    const info = state.last.infos[line]!
    if (state.found !== null) state.found[line] = 1
    state.lastLine = line + 1
    if ((info & KIND_MASK) === LINE_DROPPED) {
      this.#take(state, LINE_DROPPED, 0, false)
      return
    }
    const isTracked = this.#isTracked(rules)
    if (isTracked) {
      if ((info & TRACKED) !== 0) state.trackedFound++
      else this.#tracked++
    }
    this.#append(state.batch, state.last.refs[line]!, rules)
    this.#take(state, this.sample.kind, state.last.refs[line]!, isTracked)
  }

  newSeries(state: MatchState, rules: BodyRules, reader: LabelReader): void {
    const { batch } = state
    const { kind, prefix } = this.sample
    this.#judged = 1
    const labels = storedLabels(reader, rules.targetLabels, rules.config)
    this.#judged = 0
    if (labels === null) {
      this.#take(state, kind === LINE_UNKNOWN ? LINE_UNKNOWN : LINE_DROPPED, 0, false)
      if (kind === LINE_UNKNOWN) this.#dropped++
      return
    }
    if (!this.#limitHistogram(rules) || batch.count >= this.#sampleLimit || this.#isInFuture(batch, rules)) {
      if (batch.count >= this.#sampleLimit) this.#isOverLimit = true
      else if (!this.isOverBucketLimit) this.counts.inFuture++
      this.#takeUnknown(state)
      return
    }
    this.#checkHistogram()
    const isTracked = this.#isTracked(rules)
    if (isTracked) this.#tracked++
    if (kind !== LINE_UNKNOWN && !this.#wasTried(state.pos, prefix) && !this.isOverBucketLimit) this.counts.seriesAdded++
    this.#push(labels, state.lines.count, batch, rules)
    this.#take(state, kind, 0, isTracked)
  }

  #push(labels: Labels, line: number, batch: ScrapeBatch, rules: BodyRules): void {
    const one = { labels, sample: batch.count, line, exemplar: this.exemplars.count, exemplarCount: 0 }
    this.#pending.push(one)
    this.#append(batch, 0, rules)
    one.exemplarCount = this.exemplars.count - one.exemplar
  }

  #buildIndex(state: MatchState): void {
    const { last, lastLine, lines } = state
    if (this.#foundBits.length < last.count) this.#foundBits = new Uint8Array(last.count + 64)
    this.#foundBits.fill(0, 0, last.count)
    state.found = this.#foundBits
    this.index.reset(last.count - lastLine + lines.count)
    this.index.addAll(last, lastLine, state.lastView, 0)
    this.index.addAll(lines, 0, state.view, NEW_LINE)
  }

  /** No series is made for a sample that the store would refuse, and none counted as added. */
  #isInFuture(batch: ScrapeBatch, { config }: BodyRules): boolean {
    return this.sample.hasTime && config.honorTimestamps && this.sample.timeMs > batch.t + AHEAD_MS_MAX
  }

  #wasTried(from: number, length: number): boolean {
    return this.#tried !== null && this.#tried.has(this.index.longHash(this.key.view, from, length))
  }

  /** The same series again: skipped, unless it brings a time of its own. */
  #repeated(state: MatchState, table: LineTable, line: number, rules: BodyRules): void {
    if ((table.infos[line]! & KIND_MASK) === LINE_DROPPED) {
      this.#dropped++
    } else if (this.sample.hasTime && rules.config.honorTimestamps) {
      const pending = table.refs[line] === 0 ? this.#pendingOf(line) : undefined
      if (pending === undefined) this.#append(state.batch, table.refs[line]!, rules)
      else this.#push(pending.labels, line, state.batch, rules)
      this.#hasTimedRepeats = true
    } else {
      this.counts.duplicates++
    }
    this.#takeUnknown(state)
  }

  /** Looked through once for all repeated ones: a body may bring each of its series at two times. */
  #pendingOf(line: number): PendingSeries | undefined {
    for (; this.#pendingIndexed < this.#pending.length; this.#pendingIndexed++) {
      const one = this.#pending[this.#pendingIndexed]!
      this.#pendingByLine.set(one.line, one)
    }
    return this.#pendingByLine.get(line)
  }

  #append(batch: ScrapeBatch, ref: number, rules: BodyRules): void {
    const { sample } = this
    if (!this.#limitHistogram(rules)) return
    if (batch.count >= this.#sampleLimit) {
      this.#isOverLimit = true
      return
    }
    this.#checkHistogram()
    const isTimed = sample.hasTime && rules.config.honorTimestamps
    if (isTimed) batch.pushAt(ref, sample.value, sample.timeMs)
    else batch.push(ref, sample.value)
    if (sample.histogram !== null) batch.setHistogram(sample.histogram)
    if (sample.exemplarCount === 0 || this.#appender.exemplars === null) return
    for (let i = 0; i < sample.exemplarCount; i++) this.exemplars.push(sample.exemplars[i]!, ref, isTimed ? sample.timeMs : batch.t)
  }

  /** Makes the sample's histogram as coarse as it must be; false where it cannot be made coarse enough. */
  #limitHistogram({ config, histograms }: BodyRules): boolean {
    const { sample } = this
    if (sample.histogram === null) return true
    sample.histogram = limitedHistogram(sample.histogram, histograms.schemaMax, config.nativeHistogramBucketLimit)
    if (sample.histogram === null) this.isOverBucketLimit = true
    return sample.histogram !== null
  }

  /** A histogram that the store would refuse fails the scrape. */
  #checkHistogram(): void {
    if (this.sample.fault === '') return
    this.#judged = 1
    throw new ScrapeError('BAD_HISTOGRAM', this.sample.fault)
  }

  #take(state: MatchState, kind: number, ref: number, isTracked: boolean): void {
    this.#note(state, lineInfo(kind, state.family, isTracked, this.sample.prefix), ref)
    if (kind === LINE_DROPPED) state.dropped++
  }

  #takeUnknown(state: MatchState): void {
    this.#note(state, lineInfo(LINE_UNKNOWN, state.family, false, 0), 0)
  }

  /** Notes the sample's line, and goes on behind it. */
  #note(state: MatchState, info: number, ref: number): void {
    const { end, kept } = this.sample
    state.scraped++
    state.lines.push(end, info, ref, kept)
    state.pos = end
  }

  /** Series with times of their own are not marked when they vanish, unless asked for. */
  #isTracked({ config }: BodyRules): boolean {
    return !(this.sample.hasTime && config.honorTimestamps) || config.trackTimestampsStaleness
  }

  /** Makes the new series and puts their refs where they belong; takes out samples of those the store did not make. */
  #makePending(cache: ScrapeCache, { config }: BodyRules, batch: ScrapeBatch): void {
    const { lines } = this
    const made = this.#maker
    made.begin()
    for (const { labels, sample, line, exemplar, exemplarCount } of this.#pending) {
      const ref = made.refOf(labels, cache, config.limits.newSeries, batch.t)
      for (let i = 0; i < exemplarCount; i++) this.exemplars.refs[exemplar + i] = ref
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
    const { infos, refs, count } = this.lines
    for (let i = 0; i < count; i++) if ((infos[i]! & TRACKED) !== 0) gone.delete(refs[i]!)
    for (const ref of gone) batch.pushStale(ref)
  }
}
