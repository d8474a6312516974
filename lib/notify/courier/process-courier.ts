// Carries messages by a process of its own. It outlives a kill -9 of this one by what it has under way, reads answers while this
// one's event loop is held, and takes the HTTP client and SMTP off it. Where none can be started, this process carries.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Clock, Timer } from '../../std/clock.ts'
import { HttpError, type HttpClientOptions } from '../../std/http.ts'
import type { Logger } from '../../std/log.ts'
import { SmtpError } from '../../std/smtp-error.ts'
import type { Refusal } from '../../std/smtp.ts'
import type { CarriedAnswer, CarriedMail, CarriedRequest, Courier, HttpRoute, Receipt } from './courier.ts'
import { LocalCourier } from './local-courier.ts'
import { COURIER_PROTOCOL, type CarriedError, type FromCourier, type ToCourier } from './messages.ts'

interface ProcessCourierOptions {
  /** The entry file of the process. */
  workerUrl: URL
  /** Where it keeps its log. */
  folder: string
  clock: Clock
  logger: Logger
}

/** An answer that is later than its own deadline by this much does not come any more. */
const LATE_MS = 5000
/** How often it is asked whether it lives, while it has anything under way; one that leaves so many without an answer hangs. */
const PING_MS = 5000
const PINGS_MAX = 3
/** A process that ends sooner is not started anew for a while. */
const HEALTHY_MS = 10_000
const PAUSE_MS = 30_000
/** Its nursery: what it makes is small and short-lived. */
const NODE_FLAGS = ['--max-semi-space-size=2']

interface Asked {
  receipt: Receipt | null
  /** The error where nobody knows how it went. */
  lost: (why: string) => Error
  resolve: (reply: CarriedAnswer | readonly Refusal[]) => void
  reject: (error: unknown) => void
}

interface OpenRoute {
  options: HttpClientOptions
  timeoutMs: number
}

export class ProcessCourier implements Courier {
  readonly #options: ProcessCourierOptions
  readonly #local: LocalCourier
  readonly #routes = new Map<number, OpenRoute>()
  readonly #asked = new Map<number, Asked>()
  #child: ChildProcess | null = null
  #startedMs = 0
  /** Monotonic ms before which none is started. */
  #pausedUntilMs = 0
  #ping: Timer | null = null
  /** Of the process as it is; without an answer. */
  #pings = 0
  #lastId = 0
  #isClosed = false

  constructor(options: ProcessCourierOptions) {
    this.#options = options
    this.#local = new LocalCourier(options.clock)
    this.#childNow()
  }

  /** Whether its process is there; else this one carries, and each message asks for it anew. */
  get isRunning(): boolean {
    return this.#child !== null
  }

  http(options: HttpClientOptions, timeoutMs: number): HttpRoute {
    const route = ++this.#lastId
    this.#routes.set(route, { options, timeoutMs })
    // One that is started now is told with the others.
    if (this.#child === null) this.#childNow()
    else this.#child.send({ kind: 'open', route, options, timeoutMs } satisfies ToCourier)
    let local: HttpRoute | null = null
    return {
      send: async (request: CarriedRequest, signal: AbortSignal, receipt: Receipt | null) => {
        const child = this.#childNow()
        if (child === null) return await (local ??= this.#local.http(options, timeoutMs)).send(request, signal, receipt)
        const message = { kind: 'http' as const, route, request, told: receipt?.told ?? null, hasReceipt: receipt !== null }
        return await this.#ask(child, message, { signal, receipt, timeoutMs, lost: (why) => new HttpError('CLOSED', why) }) as CarriedAnswer
      },
      close: async () => {
        this.#routes.delete(route)
        if (this.#child?.connected === true) this.#child.send({ kind: 'shut', route } satisfies ToCourier)
        await local?.close()
      },
    }
  }

  async mail(mail: CarriedMail, signal: AbortSignal, receipt: Receipt | null): Promise<readonly Refusal[]> {
    const child = this.#childNow()
    if (child === null) return await this.#local.mail(mail, signal, receipt)
    const message = { kind: 'mail' as const, mail, told: receipt?.told ?? null }
    return await this.#ask(child, message, { signal, receipt, timeoutMs: mail.timeoutMs, lost: (why) => new SmtpError('connect', why, 0) }) as readonly Refusal[]
  }

  close(): void {
    this.#isClosed = true
    this.#ping?.cancel()
    const child = this.#child
    this.#child = null
    if (child?.connected === true) child.disconnect()
    for (const { reject, lost } of this.#asked.values()) reject(lost('Monitor ends'))
    this.#asked.clear()
  }

  async #ask(
    child: ChildProcess, message: Omit<Extract<ToCourier, { kind: 'http' }>, 'id'> | Omit<Extract<ToCourier, { kind: 'mail' }>, 'id'>,
    { signal, receipt, timeoutMs, lost }: { signal: AbortSignal; timeoutMs: number } & Pick<Asked, 'receipt' | 'lost'>,
  ): Promise<CarriedAnswer | readonly Refusal[]> {
    signal.throwIfAborted()
    const id = ++this.#lastId
    let timer: Timer | null = null
    let onAbort = (): void => {}
    try {
      return await new Promise((resolve, reject) => {
        onAbort = () => reject(signal.reason as Error)
        signal.addEventListener('abort', onAbort, { once: true })
        timer = this.#options.clock.after(timeoutMs + LATE_MS, () => reject(lost('the process that sends does not answer')), true)
        this.#asked.set(id, { receipt, lost, resolve, reject })
        this.#ping ??= this.#watch()
        // A message that cannot be handed over is one whose process ends, which all hear of that wait for it.
        child.send({ ...message, id } satisfies ToCourier, () => {})
      })
    } finally {
      this.#asked.delete(id)
      timer!.cancel()
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** The process, started if there is none; null where this one must carry. */
  #childNow(): ChildProcess | null {
    const { workerUrl, folder, clock, logger } = this.#options
    if (this.#child !== null || this.#isClosed || clock.monotonic() < this.#pausedUntilMs) return this.#child
    this.#pings = 0
    this.#startedMs = clock.monotonic()
    let child: ChildProcess
    try {
      // Its output goes nowhere: whoever reads this process's would else wait for an end that comes later.
      child = fork(fileURLToPath(workerUrl), [folder, COURIER_PROTOCOL], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: NODE_FLAGS })
    } catch (error) {
      // What the system lacks for a moment, such as memory, Node throws.
      this.#pausedUntilMs = clock.monotonic() + PAUSE_MS
      logger.repeated('error', 'the process that sends messages cannot be started: this one sends until it can', { err: error instanceof Error ? error : String(error) })
      return null
    }
    this.#child = child
    child.on('message', (message: FromCourier) => this.#onMessage(message))
    // Each message that cannot be handed over is an error of its own.
    child.on('error', (error) => this.#onEnd(child, error.message))
    child.once('exit', (code, signal) => this.#onEnd(child, signal ?? `exit code ${code}`))
    if (!child.channel) {
      this.#onEnd(child, 'there was no connection to be had to it')
      return null
    }
    child.unref()
    child.channel.unref()
    for (const [route, open] of this.#routes) child.send({ kind: 'open', route, ...open } satisfies ToCourier)
    return child
  }

  /** Turns of this process's event loop count, not time: it may have been held itself. */
  #watch(): Timer {
    return this.#options.clock.after(PING_MS, () => {
      this.#ping = null
      const child = this.#child
      if (child === null || this.#asked.size === 0) return
      if (this.#pings === PINGS_MAX) {
        this.#onEnd(child, 'it hangs and is ended')
        child.kill('SIGKILL')
        return
      }
      this.#pings++
      child.send({ kind: 'ping' } satisfies ToCourier, () => {})
      this.#ping = this.#watch()
    }, true)
  }

  #onMessage(message: FromCourier): void {
    if (message.kind === 'pong') {
      this.#pings = 0
      return
    }
    if (message.kind === 'warn') {
      this.#options.logger.repeated('warn', 'cannot note what people were told before the store has it; a kill amid that may tell them again', { err: message.message })
      return
    }
    const asked = this.#asked.get(message.id)
    if (asked === undefined) return
    if (message.kind === 'failed') {
      asked.reject(errorOf(message.error))
      return
    }
    if (message.isKept !== null) asked.receipt?.onTaken(message.isKept)
    asked.resolve(message.kind === 'answer' ? message.answer : message.refused)
  }

  /** What it had under way is tried again: nobody knows how it went. */
  #onEnd(child: ChildProcess, why: string): void {
    const { clock, logger } = this.#options
    if (this.#child !== child) return
    this.#child = null
    logger.error('the process that sends messages has ended; another one takes its place', { err: why })
    if (clock.monotonic() - this.#startedMs < HEALTHY_MS) this.#pausedUntilMs = clock.monotonic() + PAUSE_MS
    for (const { reject, lost } of this.#asked.values()) reject(lost(`the process that sends has ended (${why})`))
  }
}

function errorOf(error: CarriedError): Error {
  switch (error.kind) {
    case 'http': return new HttpError(error.code, error.message)
    case 'smtp': return new SmtpError(error.stage, error.message, error.replyCode)
    case 'other': return new Error(error.message)
  }
}
