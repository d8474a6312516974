// Carries messages from this process.
import type { Clock } from '../../std/clock.ts'
import { HttpClient, HttpError, type HttpClientOptions, type HttpResponse } from '../../std/http.ts'
import type { Refusal } from '../../std/smtp.ts'
import { isGood, type CarriedAnswer, type CarriedMail, type CarriedRequest, type Courier, type HttpRoute, type Receipt, type Word } from './courier.ts'

const ANSWER_BYTES_MAX = 1 << 20

export class LocalCourier implements Courier {
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  http(options: HttpClientOptions, timeoutMs: number): HttpRoute {
    return new LocalRoute(options, timeoutMs, this.#clock)
  }

  async mail({ server, timeoutMs, ...mail }: CarriedMail, signal: AbortSignal, receipt: Receipt | null): Promise<readonly Refusal[]> {
    // nodemailer is loaded where there is a mail.
    const { sendMail } = await import('../../std/smtp.ts')
    const refused = await sendMail(server, mail, { clock: this.#clock, timeoutMs, signal })
    if (refused.length === 0) receipt?.onTaken(false)
    return refused
  }

  close(): void {
    // Each route closes its own connections.
  }
}

class LocalRoute implements HttpRoute {
  readonly #client: HttpClient
  readonly #timeoutMs: number

  constructor(options: HttpClientOptions, timeoutMs: number, clock: Clock) {
    this.#client = new HttpClient(options, clock, timeoutMs)
    this.#client.prepareToSend()
    this.#timeoutMs = timeoutMs
  }

  async send({ url, method, headers, body, word }: CarriedRequest, signal: AbortSignal, receipt: Receipt | null): Promise<CarriedAnswer> {
    /** Says all that counts: what becomes of the body does not matter. */
    let decided: CarriedAnswer | null = null
    const onHead = ({ status, location, contentType, retryAfter }: HttpResponse): void => {
      const isTaken = isGood(status) && word === null && receipt !== null
      if (isTaken || !isGood(status)) decided = { status, location, contentType, retryAfter, text: '' }
      if (isTaken) receipt.onTaken(false)
    }
    try {
      const limits = { bodyBytesMax: ANSWER_BYTES_MAX, bodyBytesHint: 0, isEveryBodyKept: true, onHead }
      const response = await this.#client.send({ url: new URL(url), method, headers, body, signal, timeoutMs: this.#timeoutMs, ...limits })
      const text = Buffer.from(response.body).toString('utf8')
      this.#client.release(response)
      const { status, location, contentType, retryAfter } = response
      if (word !== null && isGood(status) && saysSo(text, word)) receipt?.onTaken(false)
      return { status, location, contentType, retryAfter, text }
    } catch (error) {
      if (error instanceof HttpError && decided !== null) return decided
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}

function saysSo(answer: string, { field, value, text }: Word): boolean {
  if (text !== undefined && answer === text) return true
  try {
    const parsed: unknown = JSON.parse(answer)
    return typeof parsed === 'object' && parsed !== null && (parsed as Readonly<Record<string, unknown>>)[field] === value
  } catch {
    // No JSON: the receiver says what is wrong with it.
    return false
  }
}
