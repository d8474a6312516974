// http_sd_configs: targets from a server that gives them as JSON, asked at the refresh interval. While it gives none, or what is no
// list of targets, those it gave last stay. Source: prometheus discovery/http/http.go.
import { TargetFileError, readTargetAnswer } from '../lib/config/target-file.ts'
import type { HttpSdConfig } from '../lib/config/scrape-config.ts'
import type { TargetGroup } from '../lib/model/target-group.ts'
import { sleep, type Clock } from '../lib/std/clock.ts'
import { HttpClient, HttpError } from '../lib/std/http.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Discoverer, Emit } from './discoverer.ts'

/** Some hundred thousand targets. */
const ANSWER_BYTES_MAX = 64 << 20
const ANSWER_BYTES_HINT = 64 << 10
const JSON_TYPE = /^application\/json(;\s*charset=("utf-8"|utf-8))?$/i
/** Reading a large list pauses this often, and this long, for what else the thread does. */
const SLICE_MS = 10
const PAUSE_MS = 5

export interface HttpDiscovererOptions {
  config: HttpSdConfig
  clock: Clock
  logger: Logger
  version: string
  /** Called each time that no list came. */
  onError: () => void
}

/** The server's answer is none; for people. */
class AnswerError extends Error {
  readonly code = 'SD_ANSWER'
}

export class HttpDiscoverer implements Discoverer {
  readonly #options: HttpDiscovererOptions
  readonly #url: URL
  readonly #headers: Readonly<Record<string, string>>
  #known: readonly TargetGroup[] = []

  constructor(options: HttpDiscovererOptions) {
    const { config, version } = options
    this.#options = options
    this.#url = new URL(config.url)
    this.#headers = {
      accept: 'application/json', 'accept-encoding': 'gzip', 'user-agent': `Monitor/${version}`,
      'x-prometheus-refresh-interval-seconds': String(config.refreshIntervalMs / 1000),
    }
  }

  async run(emit: Emit, signal: AbortSignal): Promise<void> {
    const { config, clock } = this.#options
    const client = new HttpClient(config.http, clock, config.refreshIntervalMs)
    try {
      while (!signal.aborted) {
        await this.#refresh(client, emit, signal)
        await sleep(clock, config.refreshIntervalMs, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await client.close()
    }
  }

  async #refresh(client: HttpClient, emit: Emit, signal: AbortSignal): Promise<void> {
    const { config, logger, onError } = this.#options
    try {
      const groups = await this.#ask(client, signal)
      emit([...groups, ...this.#known.slice(groups.length).map((group) => ({ ...group, targets: [] }))])
      this.#known = groups
    } catch (error) {
      if (signal.aborted || !(error instanceof HttpError || error instanceof AnswerError || error instanceof TargetFileError)) throw error
      onError()
      logger.repeated('error', 'cannot get a list of targets; those that it gave last stay in force', { url: config.url, err: error, again_in_seconds: config.refreshIntervalMs / 1000 }, config.url)
    }
  }

  async #ask(client: HttpClient, signal: AbortSignal): Promise<TargetGroup[]> {
    const { config, clock } = this.#options
    const response = await client.get({ url: this.#url, headers: this.#headers, timeoutMs: config.refreshIntervalMs, signal, bodyBytesMax: ANSWER_BYTES_MAX, bodyBytesHint: ANSWER_BYTES_HINT })
    const { status, statusText, contentType } = response
    const text = Buffer.from(response.body).toString()
    client.release(response)
    if (status !== 200) throw new AnswerError(`server returned HTTP status ${statusText}`)
    if (!JSON_TYPE.test(contentType.trim())) throw new AnswerError(`unsupported content type ${JSON.stringify(contentType.slice(0, 200))}; want application/json`)
    const work = readTargetAnswer(text, config.url)
    for (let untilMs = clock.monotonic() + SLICE_MS; ;) {
      const step = work.next()
      if (step.done === true) return step.value
      if (clock.monotonic() < untilMs) continue
      await sleep(clock, PAUSE_MS, signal)
      untilMs = clock.monotonic() + SLICE_MS
    }
  }
}
