// One target's scrapes, one per interval, on a monotonic schedule whose ticks lie at fixed places of the wall clock:
//
//   wall clock   0        interval       2×interval
//                ├────────┼──────────────┼───────
//   ticks           ↑offset     ↑               ↑      offset = hash(target) ^ seed, mod interval
//
// A timestamp is the tick's own time where the timer was late by at most 2 ms (1 % of short intervals), so that
// columns of timestamps stay regular; else the true time. After prometheus scrape/scrape.go.
import type { ScrapeConfig } from '../config/scrape-config.ts'
import type { ExpositionFormat } from '../format/exposition-entry.ts'
import { formatDuration } from '../model/duration.ts'
import type { Clock, Timer } from '../std/clock.ts'
import { HttpError, type AnswerMemory, type HttpClient, type HttpResponse } from '../std/http.ts'
import type { Logger } from '../std/log.ts'
import type { BodyRules } from './body-taker.ts'
import type { ScrapeCache } from './cache.ts'
import type { FailureLog } from './failure-log.ts'
import type { ScrapeMetrics } from './scrape-metrics.ts'
import { ResponseError, requestHeaders, responseFormat } from './scrape-request.ts'
import type { ScrapeWriter } from './scrape-writer.ts'
import { offsetMs, type Target } from './target.ts'

/** How late a tick may be and still carry its own time: keeps timestamps regular (prometheus #7846). */
const ALIGN_MS_MAX = 2
/** A wall clock that is this far off its course was set; the schedule's timestamps follow it. */
const CLOCK_STEP_MS = 50

/** What all loops share. */
export interface LoopContext {
  clock: Clock
  logger: Logger
  metrics: ScrapeMetrics
  writer: ScrapeWriter
  /** For what targets answer. */
  memory: AnswerMemory
  offsetSeed: number
  version: string
}

export type TargetHealth = 'unknown' | 'up' | 'down'

export class ScrapeLoop {
  readonly target: Target
  readonly cache: ScrapeCache
  health: TargetHealth = 'unknown'
  /** Of the last scrape; '' if it went well. */
  lastError = ''
  /** Start of the last scrape, Unix ms; 0 before the first. */
  lastScrapeMs = 0
  lastDurationMs = 0
  /** Where set, every scrape fails with it: the pool has too many targets. */
  forcedError: Error | null = null
  readonly #context: LoopContext
  readonly #config: ScrapeConfig
  readonly #client: HttpClient
  readonly #failureLog: FailureLog | null
  readonly #rules: BodyRules
  readonly #headers: Record<string, string>
  readonly #intervalText: string
  readonly #aborter = new AbortController()
  #timer: Timer | null = null
  #running: Promise<void> | null = null
  #isStopped = false
  /** Next tick on the monotonic scale. */
  #dueMs = 0
  /** The same tick on the wall clock. */
  #alignedMs = 0
  /** A tick that found the scrape before it under way, on the monotonic scale; it comes when that one ends. -1: none. */
  #heldMs = -1
  #lastStartMs = -1
  /** Content-Type of the last good answer, null before, and what it meant. */
  #knownType: string | null = null
  #knownFormat: ExpositionFormat = 'text'

  constructor(target: Target, config: ScrapeConfig, cache: ScrapeCache, client: HttpClient, context: LoopContext, failureLog: FailureLog | null = null) {
    this.target = target
    this.cache = cache
    this.#context = context
    this.#config = config
    this.#client = client
    this.#failureLog = failureLog
    this.#rules = { targetLabels: target.labels, config, histograms: target.histograms }
    this.#intervalText = formatDuration(target.intervalMs)
    this.#headers = requestHeaders(target, config, context.version)
  }

  start(): void {
    const { clock, offsetSeed } = this.#context
    const nowMs = clock.now()
    const waitMs = offsetMs(this.target, offsetSeed, nowMs)
    this.#dueMs = clock.monotonic() + waitMs
    this.#alignedMs = nowMs + waitMs
    this.#wait()
  }

  /** Ends the schedule and the scrape under way, which then leaves no trace. Resolves when nothing more will be written. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    if (this.#running === null) return
    this.#aborter.abort()
    await this.#running
  }

  /** Continues the history of the loop it replaces. */
  inherit(other: ScrapeLoop): void {
    this.health = other.health
    this.lastError = other.lastError
    this.lastScrapeMs = other.lastScrapeMs
    this.lastDurationMs = other.lastDurationMs
  }

  #wait(): void {
    const { clock } = this.#context
    this.#timer = clock.after(Math.max(0, this.#dueMs - clock.monotonic()), () => this.#tick())
  }

  #tick(): void {
    const { intervalMs } = this.target
    const { clock, metrics } = this.#context
    const dueMs = this.#dueMs
    // A process that was stopped, or a machine that slept, leaves out what it missed.
    // Timers may also fire a fraction of a ms early.
    const missed = Math.max(0, Math.floor((clock.monotonic() - dueMs) / intervalMs))
    if (missed > 0) metrics.skipped.inc(missed)
    this.#dueMs += intervalMs * (missed + 1)
    this.#alignedMs += intervalMs * (missed + 1)
    // A timeout as long as the interval ends a scrape in the moment of the next one.
    if (this.#running === null) this.#run(dueMs)
    else if (this.#heldMs < 0) this.#heldMs = dueMs
    else metrics.skipped.inc()
    this.#wait()
  }

  #run(dueMs: number): void {
    this.#running = this.#scrape(this.#timestamp(dueMs)).finally(() => {
      this.#running = null
      const heldMs = this.#heldMs
      this.#heldMs = -1
      if (heldMs >= 0 && !this.#isStopped) this.#run(heldMs)
    })
  }

  /** Unix ms of the scrape that starts now, for the tick that was due at `dueMs`. */
  #timestamp(dueMs: number): number {
    const { clock } = this.#context
    const nowMs = clock.now()
    const lateMs = clock.monotonic() - dueMs
    const tickMs = nowMs - lateMs
    const laterMs = this.#dueMs - dueMs
    if (Math.abs(tickMs - (this.#alignedMs - laterMs)) > CLOCK_STEP_MS) this.#alignedMs = Math.round(tickMs + laterMs)
    const alignedMs = Math.round(this.#alignedMs - laterMs)
    const tolerance = Math.min(ALIGN_MS_MAX, this.target.intervalMs / 100)
    return Math.abs(nowMs - alignedMs) <= tolerance + 1 && lateMs <= tolerance ? alignedMs : nowMs
  }

  async #scrape(t: number): Promise<void> {
    const { clock, writer, metrics } = this.#context
    const startMs = clock.monotonic()
    if (this.#lastStartMs >= 0) {
      metrics.intervalLength.observe(this.#intervalText, (startMs - this.#lastStartMs) / 1000, startMs)
    }
    this.#lastStartMs = startMs
    const outcome = {
      cache: this.cache, rules: this.#rules, t, timeoutMs: this.target.timeoutMs, body: null as Uint8Array | null,
      format: 'text' as ExpositionFormat, error: null as Error | null,
      durationSeconds: () => (clock.monotonic() - startMs) / 1000,
    }
    let response: HttpResponse | null = null
    try {
      response = await this.#fetch()
      outcome.format = this.#formatOf(response)
      outcome.body = response.body
    } catch (error) {
      if (error instanceof HttpError) outcome.error = new HttpError(error.code, `Get "${shownUrl(this.target.url)}": ${error.message}`, error)
      else if (error instanceof ResponseError || error === this.forcedError) outcome.error = error as Error
      else throw error
    }
    if (this.#isStopped) return
    let error: Error | null
    try {
      error = writer.write(outcome)
    } catch (failure) {
      // The store refused: the scrape is lost, the next one tries again.
      error = failure instanceof Error ? failure : new Error(String(failure))
      this.#context.logger.repeated('error', 'cannot store scrape', { job: this.#config.jobName, target: shownUrl(this.target.url), err: error })
    }
    if (response !== null) this.#client.release(response)
    this.#note(t, error, clock.monotonic() - startMs)
  }

  /** A target's Content-Type is the same nearly always; reading it takes 1 % of a scrape. */
  #formatOf(response: HttpResponse): ExpositionFormat {
    if (response.status === 200 && response.contentType === this.#knownType) return this.#knownFormat
    const format = responseFormat(response, this.#config)
    this.#knownType = response.contentType
    this.#knownFormat = format
    return format
  }

  #fetch(): Promise<HttpResponse> {
    if (this.forcedError !== null) return Promise.reject(this.forcedError)
    return this.#client.get({
      url: this.target.url, headers: this.#headers, timeoutMs: this.target.timeoutMs, signal: this.#aborter.signal,
      bodyBytesMax: this.#config.limits.bodySizeBytes, bodyBytesHint: this.cache.bodyBytes,
    })
  }

  #note(t: number, error: Error | null, durationMs: number): void {
    this.lastScrapeMs = t
    this.lastDurationMs = durationMs
    this.lastError = error === null ? '' : error.message
    this.health = error === null ? 'up' : 'down'
    if (error === null) return
    const fields = { job: this.#config.jobName, target: shownUrl(this.target.url), err: error }
    this.#context.logger.debug('scrape failed', fields)
    this.#failureLog?.write(t, fields)
  }
}

/** Without user name and password. */
export function shownUrl(url: URL): string {
  if (url.username === '' && url.password === '') return url.href
  const shown = new URL(url)
  shown.username = shown.password = ''
  return shown.href
}
