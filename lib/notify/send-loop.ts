// What waits for one Alertmanager, and its sending: batch after batch, never two at once. A full queue loses its oldest. After
// prometheus notifier/sendloop.go, which loses what cannot be sent until the rules say it again within a minute: a page has no
// longer. Here it is tried again, and so is what an Alertmanager has taken that began anew since.
import type { SentAlert } from '../model/alert.ts'
import { fingerprint } from '../model/fingerprint.ts'
import { labelsToMap } from '../model/labels.ts'
import { sleep, type Clock } from '../std/clock.ts'
import { HttpError, type HttpClient } from '../std/http.ts'
import type { Logger } from '../std/log.ts'
import { AlertmanagerMemory } from './alertmanager-memory.ts'
import type { NotifyMetrics } from './notify-metrics.ts'

/** What an Alertmanager answers is not looked at. */
const ANSWER_BYTES_MAX = 1 << 20
/** Before what could not be sent is tried again: twice as long each time, up to the second. */
const RETRY_MS = 500
const RETRY_MS_MAX = 5000

export interface QueueLimits {
  /** Alerts that may wait. */
  capacity: number
  /** Alerts in a request. */
  batch: number
}

export interface SendLoopOptions {
  url: URL
  client: HttpClient
  timeoutMs: number
  limits: QueueLimits
  version: string
  clock: Clock
  logger: Logger
  metrics: NotifyMetrics
}

export class SendLoop {
  readonly #options: SendLoopOptions
  readonly #headers: Readonly<Record<string, string>>
  readonly #memory: AlertmanagerMemory
  /** By episode, in order: of one that is told again while it waits the latest word counts. */
  #queue = new Map<string, SentAlert>()
  /** Taken from the queue, and no answer yet. */
  #underWay: ReadonlyMap<string, SentAlert> = new Map()
  #sending: Promise<void> | null = null
  readonly #stopped = new AbortController()

  constructor(options: SendLoopOptions) {
    this.#options = options
    this.#headers = { 'content-type': 'application/json', 'user-agent': `Monitor/${options.version}` }
    this.#memory = new AlertmanagerMemory({ ...options, headers: this.#headers, capacity: options.limits.capacity, onForgotten: (alerts) => this.#tellAgain(alerts) })
    options.metrics.add(options.url.href, () => this.#queue.size)
  }

  add(alerts: readonly SentAlert[]): void {
    if (this.#stopped.signal.aborted) return
    for (const alert of alerts) this.#queue.set(episodeKey(alert), alert)
    this.#dropExcess()
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null))
  }

  /** Takes nothing more; resolves when what waits is sent, cannot be, or `drainMs` have passed. */
  async stop(drainMs: number): Promise<void> {
    this.#stopped.abort()
    this.#memory.stop()
    const { clock, logger, metrics, url } = this.#options
    if (this.#sending !== null && drainMs > 0) {
      await Promise.race([this.#sending, new Promise<void>((resolve) => void clock.after(drainMs, resolve, true))])
    }
    if (this.#queue.size > 0) logger.warn('Alert notification queue not drained, dropping alerts', { alertmanager: url.href, count: this.#queue.size })
    this.#queue.clear()
    metrics.remove(url.href)
  }

  #dropExcess(): void {
    const { url, limits: { capacity }, logger, metrics } = this.#options
    const excess = this.#queue.size - capacity
    if (excess <= 0) return
    logger.repeated('warn', 'Alert notification queue full, dropping alerts', { alertmanager: url.href, count: excess }, url.href)
    metrics.dropped(url.href, excess)
    for (const key of this.#queue.keys()) if (this.#queue.size > capacity) this.#queue.delete(key)
  }

  #tellAgain(alerts: readonly SentAlert[]): void {
    this.#options.logger.info('Alertmanager began anew, telling it again what fires', { alertmanager: this.#options.url.href, count: alerts.length })
    const isKnown = (key: string): boolean => this.#queue.has(key) || this.#underWay.has(key)
    // What waits, or is under way, is later: an end must not be followed by what was said before it.
    this.add(alerts.filter((alert) => !isKnown(episodeKey(alert))))
  }

  async #sendAll(): Promise<void> {
    for (let retryMs = RETRY_MS; this.#queue.size > 0;) {
      const batch = new Map(this.#queue.entries().take(this.#options.limits.batch))
      for (const key of batch.keys()) this.#queue.delete(key)
      this.#underWay = batch
      const isOver = await this.#send([...batch.values()])
      this.#underWay = new Map()
      if (isOver) {
        retryMs = RETRY_MS
        continue
      }
      // What came meanwhile is later.
      this.#queue = new Map([...batch, ...this.#queue])
      this.#dropExcess()
      const { signal } = this.#stopped
      if (signal.aborted) return
      await sleep(this.#options.clock, retryMs, signal).catch(() => undefined) // A stop: the last try is made at once.
      retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)
    }
  }

  /** Whether that is over: it was taken, or never will be. */
  async #send(batch: readonly SentAlert[]): Promise<boolean> {
    const { url, client, timeoutMs, clock, logger, metrics } = this.#options
    const startedMs = clock.monotonic()
    let isRetried = true
    try {
      const { status, statusText } = await client.post({
        url, headers: this.#headers, body: JSON.stringify(batch.map(alertJson)), timeoutMs, signal: null, bodyBytesMax: ANSWER_BYTES_MAX, bodyBytesHint: 0,
      })
      isRetried = status >= 500 || status === 429
      if (status < 200 || status > 299) throw new HttpError('STATUS', `bad response status ${statusText}`)
      this.#memory.add(batch)
      metrics.sent(url.href, batch.length, (clock.monotonic() - startedMs) / 1000)
      return true
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      metrics.failed(url.href, batch.length)
      if (!isRetried) metrics.dropped(url.href, batch.length)
      logger.repeated('error', 'Error sending alerts', { alertmanager: url.href, count: batch.length, retried: isRetried, err: error }, url.href)
      return !isRetried
    }
  }
}

/** An alert that comes again after its end is another. */
function episodeKey({ labels, startsAtMs }: SentAlert): string {
  return `${fingerprint(labels)} ${startsAtMs}`
}

function alertJson({ labels, annotations, startsAtMs, endsAtMs, generatorUrl }: SentAlert): object {
  return {
    annotations: Object.fromEntries(annotations), endsAt: new Date(endsAtMs).toISOString(), startsAt: new Date(startsAtMs).toISOString(),
    generatorURL: generatorUrl, labels: Object.fromEntries(labelsToMap(labels)),
  }
}
