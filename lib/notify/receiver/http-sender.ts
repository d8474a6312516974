// How messages go over HTTP: one client a receiver, one deadline a request, and Alertmanager's verdicts on what comes back: 2xx
// is delivered, 5xx and 429 may go better later (after Retry-After where it is said), the rest will not.
import type { HttpClientConfig } from '../../config/http-client.ts'
import { HttpError, type HttpMethod } from '../../std/http.ts'
import { isGood, type HttpRoute, type Receipt, type Word } from '../courier/courier.ts'
import { DeliveryError } from '../receiver.ts'
import type { ReceiverGround } from './ground.ts'

export interface Outgoing {
  method?: HttpMethod
  url: string
  headers?: Readonly<Record<string, string>>
  contentType?: string
  /** null: no body. */
  body: string | Uint8Array | null
  /**
   * For the last request of a try: with the head of a 2xx it is delivered, and what fails of the body is left out; where there is a
   * `word`, once the body says so.
   */
  receipt?: Receipt
  word?: Word
}

export interface Answer {
  status: number
  contentType: string
  text: string
}

/** What a service says of a failure is cut to this in messages. */
const WORDS_CHARS_MAX = 300
const PRIVATE_HINT = ', which `webhook_allow_private: false` of global forbids'
/** A Retry-After beyond this is no plan for an alert. */
const RETRY_AFTER_MS_MAX = 3_600_000

export class HttpSender {
  readonly #route: HttpRoute
  readonly #ground: ReceiverGround

  constructor(http: HttpClientConfig, ground: ReceiverGround, timeoutMs: number) {
    this.#route = ground.courier.http({ ...http, isPrivateRefused: !ground.isPrivateAllowed }, timeoutMs)
    this.#ground = ground
  }

  /** Sends JSON and takes any 2xx for delivered. Rejects with DeliveryError, or the signal's reason. */
  json(url: string, body: unknown, signal: AbortSignal, more: Pick<Outgoing, 'headers' | 'receipt' | 'word'> = {}): Promise<Answer> {
    return this.send({ url, ...more, contentType: 'application/json', body: JSON.stringify(body) }, signal)
  }

  async send(outgoing: Outgoing, signal: AbortSignal, retriedStatuses: readonly number[] = [429]): Promise<Answer> {
    const answer = await this.exchange(outgoing, signal)
    const { status, text, retryAfterMs } = answer
    if (isGood(status)) return answer
    const isRetryable = status >= 500 || retriedStatuses.includes(status)
    const words = status >= 300 && status <= 399 ? `redirected to ${answer.location}: put that address into the configuration` : text
    throw new DeliveryError(`unexpected status code ${status}${words === '' ? '' : `: ${words.slice(0, WORDS_CHARS_MAX)}`}`, { isRetryable, retryAfterMs })
  }

  /** Any status is an answer. */
  async exchange(outgoing: Outgoing, signal: AbortSignal): Promise<Answer & { retryAfterMs: number; location: string }> {
    const { method = 'POST', contentType, headers = {}, body, receipt = null, word = null } = outgoing
    signal.throwIfAborted()
    const url = URL.parse(outgoing.url)
    if (url === null || !/^https?:$/.test(url.protocol)) throw new DeliveryError('the URL to send to is none; it must begin with http:// or https://', { isRetryable: false })
    try {
      const { retryAfter, ...answer } = await this.#route.send({
        url: url.href, method, body, word,
        headers: { 'user-agent': `Monitor/${this.#ground.version}`, ...(contentType !== undefined && { 'content-type': contentType }), ...headers },
      }, signal, receipt)
      return { ...answer, retryAfterMs: retryAfterMs(retryAfter, this.#ground.clock.now()) }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof HttpError)) throw error
      // The URL may hold a secret: only its host is told.
      const isRefused = error.message.startsWith('refused:')
      throw new DeliveryError(`${url.host}: ${error.message}${isRefused ? PRIVATE_HINT : ''}`, { isRetryable: !isRefused, cause: error })
    }
  }

  async close(): Promise<void> {
    await this.#route.close()
  }
}

/** Seconds or a date; 0 for anything else. */
export function retryAfterMs(header: string, nowMs: number): number {
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX) : 0
}
