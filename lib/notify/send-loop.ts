// What waits for one Alertmanager, and its sending: batch after batch, never two at once. A full queue loses its oldest; a
// batch that is refused is lost, too: the rules say it again within a minute. After prometheus notifier/sendloop.go.
import type { SentAlert } from '../model/alert.ts'
import { labelsToMap } from '../model/labels.ts'
import type { Clock } from '../std/clock.ts'
import { HttpError, type HttpClient } from '../std/http.ts'
import type { Logger } from '../std/log.ts'
import type { NotifyMetrics } from './notify-metrics.ts'

/** What an Alertmanager answers is not looked at. */
const ANSWER_BYTES_MAX = 1 << 20

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
  #queue: SentAlert[] = []
  #sending: Promise<void> | null = null
  #isStopped = false

  constructor(options: SendLoopOptions) {
    this.#options = options
    this.#headers = { 'content-type': 'application/json', 'user-agent': `Monitor/${options.version}` }
    options.metrics.add(options.url.href, () => this.#queue.length)
  }

  add(alerts: readonly SentAlert[]): void {
    if (this.#isStopped) return
    const { url, limits: { capacity }, logger, metrics } = this.#options
    const waiting = [...this.#queue, ...alerts]
    const excess = waiting.length - capacity
    if (excess > 0) {
      logger.warn('Alert notification queue full, dropping alerts', { alertmanager: url.href, count: excess })
      metrics.dropped(url.href, excess)
    }
    this.#queue = excess > 0 ? waiting.slice(excess) : waiting
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null))
  }

  /** Takes nothing more; resolves when what waits is sent, or `drainMs` have passed. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true
    const { clock, logger, metrics, url } = this.#options
    if (this.#sending !== null && drainMs > 0) {
      await Promise.race([this.#sending, new Promise<void>((resolve) => void clock.after(drainMs, resolve, true))])
    }
    if (this.#queue.length > 0) logger.warn('Alert notification queue not drained, dropping alerts', { alertmanager: url.href, count: this.#queue.length })
    this.#queue = []
    metrics.remove(url.href)
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, this.#options.limits.batch)
      this.#queue = this.#queue.slice(batch.length)
      await this.#send(batch)
    }
  }

  async #send(batch: readonly SentAlert[]): Promise<void> {
    const { url, client, timeoutMs, clock, logger, metrics } = this.#options
    const startedMs = clock.monotonic()
    try {
      const { status, statusText } = await client.post({
        url, headers: this.#headers, body: JSON.stringify(batch.map(alertJson)), timeoutMs, signal: null, bodyBytesMax: ANSWER_BYTES_MAX, bodyBytesHint: 0,
      })
      if (status < 200 || status > 299) throw new HttpError('STATUS', `bad response status ${statusText}`)
      metrics.sent(url.href, batch.length, (clock.monotonic() - startedMs) / 1000)
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      logger.error('Error sending alerts', { alertmanager: url.href, count: batch.length, err: error })
      metrics.failed(url.href, batch.length)
    }
  }
}

function alertJson({ labels, annotations, startsAtMs, endsAtMs, generatorUrl }: SentAlert): object {
  return {
    annotations: Object.fromEntries(annotations), endsAt: new Date(endsAtMs).toISOString(), startsAt: new Date(startsAtMs).toISOString(),
    generatorURL: generatorUrl, labels: Object.fromEntries(labelsToMap(labels)),
  }
}
