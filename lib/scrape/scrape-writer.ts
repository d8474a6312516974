// Stores the outcome of one scrape as one batch: the body's samples, markers for what vanished, `up` and scrape_*.
// A failed scrape stores nothing of its body, marks all series of the target, and says up = 0.
import { ExpositionError, type ExpositionFormat } from '../format/exposition-entry.ts'
import { EXEMPLAR_OUT_OF_ORDER } from '../model/exemplar.ts'
import { getLabel } from '../model/labels.ts'
import { DiskError } from '../std/fs.ts'
import { LogError, SeriesLimitError } from '../../storage/errors.ts'
import { REJECT_DUPLICATE, REJECT_OUT_OF_ORDER, STORED, type Appender } from '../../storage/interface.ts'
import { HttpError } from '../std/http.ts'
import type { Logger } from '../std/log.ts'
import { BodyReader, type BodyReading } from './body-reader.ts'
import { BodyTaker, type BodyRules } from './body-taker.ts'
import type { ScrapeCache } from './cache.ts'
import { EntryReader } from './entry-reader.ts'
import { ScrapeError, reportLabels } from './sample-labels.ts'
import { ScrapeBatch } from './scrape-batch.ts'
import type { ScrapeMetrics } from './scrape-metrics.ts'
import type { SeriesOwners } from './series-owners.ts'

/** Order of ScrapeCache.reportRefs; the last three only with extra_scrape_metrics. */
const REPORT_NAMES: readonly string[] = [
  'up', 'scrape_duration_seconds', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling', 'scrape_series_added',
  'scrape_timeout_seconds', 'scrape_sample_limit', 'scrape_body_size_bytes',
]
const PLAIN_REPORTS = 5

/** What a scrape brought. */
export interface ScrapeOutcome {
  cache: ScrapeCache
  rules: BodyRules
  /** Unix ms of the scrape, aligned. */
  t: number
  /** Decoded; null where `error` says why there is none. */
  body: Uint8Array | null
  format: ExpositionFormat
  error: Error | null
  timeoutMs: number
  /** Seconds from the start of the scrape until now. */
  durationSeconds: () => number
}

export interface WriterOptions extends BodyReading {
  /** Is told of targets whose series are left out; without one only metrics tell. */
  logger?: Logger
}

/** One per manager; not reentrant, and all its work is synchronous. */
export class ScrapeWriter {
  readonly #appender: Appender
  readonly #owners: SeriesOwners
  readonly #metrics: ScrapeMetrics
  readonly #logger: Logger | null
  readonly #taker: BodyTaker
  readonly #bodies: BodyReader
  readonly #entries: EntryReader
  readonly #batch = new ScrapeBatch()
  #forgetEpoch = 0
  /** Samples of the body in the batch, once all are. */
  #bodySamples = -1

  constructor(appender: Appender, owners: SeriesOwners, metrics: ScrapeMetrics, hashSeed: number, options: WriterOptions) {
    this.#appender = appender
    this.#owners = owners
    this.#metrics = metrics
    this.#logger = options.logger ?? null
    this.#taker = new BodyTaker(appender, owners, hashSeed)
    this.#bodies = new BodyReader(this.#taker, options)
    this.#entries = new EntryReader(this.#taker, options)
  }

  /**
   * Returns why the scrape counts as failed, or null. Readers see what was stored when it returns. While the disk lets the
   * store take nothing, nothing of the scrape is stored, and the cache stays as it was: what vanishes meanwhile is marked later.
   */
  write(outcome: ScrapeOutcome): Error | null {
    this.#bodySamples = -1
    try {
      return this.#store(outcome)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      this.#metrics.storeRefused.inc({ reason: error.reason }, this.#bodySamples < 0 ? this.#batch.count : this.#bodySamples)
      // The store says so itself, once and not for each target.
      if (error.reason === 'disk_reserve' || error.reason === 'disk_error') return error
      throw error
    }
  }

  #store(outcome: ScrapeOutcome): Error | null {
    const { cache, rules, t, format } = outcome
    const batch = this.#batch
    batch.reset(t)
    this.#checkRefs(cache)
    let { error } = outcome
    const body = outcome.body === null || format === 'protobuf' ? outcome.body : withFinalNewline(outcome.body)
    const hasSamples = error === null && body !== null && body.length > 0
    if (hasSamples) error = this.#read(cache, body, format, rules)
    if (error !== null) this.#countFailure(error)
    const isKept = hasSamples && error === null
    if (!isKept) {
      // A body that was refused half way has left samples behind.
      batch.reset(t)
      for (const ref of cache.liveRefs()) batch.pushStale(ref)
    }
    const bodySamples = (this.#bodySamples = batch.count)
    this.#report(outcome, error, hasSamples)
    const startTimes = isKept ? this.#startTimes(body, format, rules) : null
    if (startTimes !== null) batch.setStartTimes(startTimes)
    const refused = this.#appender.append(batch, batch.verdicts)
    if (isKept) {
      if (this.#taker.exemplars.count > 0) this.#storeExemplars()
      if (format === 'protobuf' || rules.histograms.convertsClassic) this.#entries.keep(cache, format)
      else this.#taker.keep(cache, body, format)
      cache.bodyBytes = body.length
    } else cache.isLive = false
    if (refused > 0) this.#countRefused(bodySamples)
    return error
  }

  /** Marks all that a removed target wrote last, `up` and its kin included, unless another target has taken a series over. */
  writeEnd(cache: ScrapeCache, t: number): void {
    const batch = this.#batch
    batch.reset(t)
    this.#checkRefs(cache)
    for (const ref of [...cache.liveRefs(), ...cache.reportRefs]) {
      if (ref !== 0 && this.#owners.owns(cache.ownerId, ref)) batch.pushStale(ref)
    }
    try {
      if (batch.count > 0) this.#appender.append(batch, batch.verdicts)
    } catch (error) {
      // Nobody waits for this; without markers the series end five minutes after their last sample.
      if (!(error instanceof LogError || error instanceof DiskError)) throw error
      this.#metrics.storeRefused.inc({ reason: error instanceof LogError ? error.reason : 'disk_error' }, batch.count)
    }
    cache.isLive = false
  }

  #checkRefs(cache: ScrapeCache): void {
    const { forgetting } = this.#appender
    if (forgetting === undefined) return
    cache.checkRefs(forgetting)
    if (forgetting.epoch === this.#forgetEpoch) return
    this.#forgetEpoch = forgetting.epoch
    this.#owners.forget((ref) => forgetting.isLive(ref))
  }

  #read(cache: ScrapeCache, body: Uint8Array, format: ExpositionFormat, rules: BodyRules): Error | null {
    try {
      if (format === 'protobuf' || rules.histograms.convertsClassic) this.#entries.read(cache, body, format, rules, this.#batch)
      else this.#bodies.read(cache, body, format, rules, this.#batch)
    } catch (error) {
      if (!(error instanceof ExpositionError || error instanceof ScrapeError)) throw error
      if (this.#taker.isOverSampleLimit(this.#batch)) this.#metrics.overSampleLimit.inc()
      if (this.#taker.isOverBucketLimit) this.#metrics.overBucketLimit.inc()
      this.#taker.keepTried(cache)
      return error
    }
    const { duplicates, overSeriesLimit, overNewSeriesLimit, inFuture } = this.#taker.counts
    if (inFuture > 0) this.#metrics.outOfBounds.inc(inFuture)
    if (duplicates > 0) this.#metrics.duplicates.inc(duplicates)
    if (overSeriesLimit > 0) {
      this.#metrics.overSeriesLimit.inc(overSeriesLimit)
      this.#tellLeftOut('new series are left out, as there are as many in memory as may be: raise storage.limits.active_series, or have targets expose fewer', overSeriesLimit, rules)
    }
    if (overNewSeriesLimit > 0) {
      this.#metrics.overNewSeriesLimit.inc(overNewSeriesLimit)
      this.#tellLeftOut('a target has more new series in an hour than it may, and they are left out: see which label makes them, or raise new_series_limit of its job', overNewSeriesLimit, rules)
    }
    return null
  }

  /** The target is up all the same, and the metrics are of all targets. */
  #tellLeftOut(msg: string, samples: number, { targetLabels }: BodyRules): void {
    const job = getLabel(targetLabels, 'job')
    this.#logger?.repeated('warn', msg, { job, instance: getLabel(targetLabels, 'instance'), samples }, job)
  }

  #startTimes(body: Uint8Array, format: ExpositionFormat, { histograms }: BodyRules): ReadonlyMap<number, number> | null {
    return format === 'protobuf' || histograms.convertsClassic ? this.#entries.startTimes() : this.#bodies.startTimes(body)
  }

  /**
   * What is wrong with an exemplar fails no scrape. Native histograms show the same ones again and again: only if all of a
   * series' are out of order are they told of.
   */
  #storeExemplars(): void {
    const { exemplars } = this.#taker
    const { refs, verdicts, count } = exemplars
    this.#appender.exemplars?.append(exemplars)
    for (let from = 0, end = 0; from < count; from = end) {
      let late = 0
      for (end = from; end < count && refs[end] === refs[from]; end++) if (verdicts[end] === EXEMPLAR_OUT_OF_ORDER) late++
      if (late === end - from) this.#metrics.exemplarsOutOfOrder.inc(late)
    }
  }

  #report(outcome: ScrapeOutcome, error: Error | null, wasRead: boolean): void {
    const { cache, rules } = outcome
    const { counts } = this.#taker
    const { config } = rules
    const count = config.extraScrapeMetrics ? REPORT_NAMES.length : PLAIN_REPORTS
    // -1 says that the body was over its limit and its size is not known.
    const isCut = outcome.error instanceof HttpError && outcome.error.code === 'BODY_TOO_LARGE'
    for (let i = 0; i < count; i++) {
      if (cache.reportRefs[i] === 0) cache.reportRefs[i] = this.#reportRef(REPORT_NAMES[i]!, outcome)
    }
    const push = (i: number, value: number): void => {
      if (cache.reportRefs[i] !== 0) this.#batch.push(cache.reportRefs[i]!, value)
    }
    push(0, error === null ? 1 : 0)
    push(1, outcome.durationSeconds())
    push(2, wasRead ? counts.scraped : 0)
    push(3, wasRead ? counts.kept : 0)
    push(4, wasRead ? counts.seriesAdded : 0)
    if (!config.extraScrapeMetrics) return
    push(5, outcome.timeoutMs / 1000)
    push(6, config.limits.samples)
    push(7, isCut ? -1 : (outcome.body?.length ?? 0))
  }

  #reportRef(name: string, { cache, rules }: ScrapeOutcome): number {
    try {
      const ref = this.#appender.series(reportLabels(name, rules.targetLabels))
      this.#owners.claim(ref, cache.ownerId)
      return ref
    } catch (error) {
      if (!(error instanceof SeriesLimitError)) throw error
      this.#metrics.overSeriesLimit.inc()
      return 0
    }
  }

  #countFailure(error: Error): void {
    if (error instanceof HttpError && error.code === 'BODY_TOO_LARGE') this.#metrics.overBodyLimit.inc()
    if (error instanceof ScrapeError && error.code === 'LABEL_LIMIT') this.#metrics.overLabelLimits.inc()
  }

  /** `up` and its kin are not counted: a target that exposes its own `up` wins silently. */
  #countRefused(bodySamples: number): void {
    const { verdicts } = this.#batch
    for (let i = 0; i < bodySamples; i++) {
      const verdict = verdicts[i]!
      if (verdict === STORED) continue
      if (verdict === REJECT_OUT_OF_ORDER) this.#metrics.outOfOrder.inc()
      else if (verdict === REJECT_DUPLICATE) this.#metrics.duplicates.inc()
      else this.#metrics.outOfBounds.inc()
    }
  }
}

function withFinalNewline(body: Uint8Array): Uint8Array {
  if (body.length === 0 || body[body.length - 1] === 0x0a) return body
  const longer = new Uint8Array(body.length + 1)
  longer.set(body)
  longer[body.length] = 0x0a
  return longer
}
