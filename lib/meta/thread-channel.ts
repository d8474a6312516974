// How calls reach the file: through a thread of its own, which SQLite's syncs hold instead of main.
import { Worker } from 'node:worker_threads'
import type { Timer } from '../std/clock.ts'
import { closedOutcome, type Channel, type ChannelOptions } from './channel.ts'
import type { Call, Outcome } from './request.ts'
import type { FromMeta, MetaWorkerData, ToMeta } from './worker.ts'

/** Between the end of a thread and the start of the next, doubled each time. */
const RESTART_MS = 1000
const RESTART_MS_MAX = 30_000
/** A thread that has lived so long died of something new. */
const HEALTHY_MS = 60_000
/** A call that so many threads have died over, or could not be started for, is refused. */
const TRIES_MAX = 3

interface Sent {
  call: Call
  /** Threads that ended before they answered it. */
  deaths: number
  resolve: (outcome: Outcome) => void
}

/**
 * A thread that dies is started again and given anew what it has not answered: every call may be carried out twice. Where
 * none can be started (a broken file, no memory) calls are refused at once, until one starts after all.
 */
export class ThreadChannel implements Channel {
  readonly #options: ChannelOptions & { workerUrl: URL }
  readonly #unanswered = new Map<number, Sent>()
  #worker: Worker | null
  #restart: Timer | null = null
  #restartMs = RESTART_MS
  #startedMs = 0
  /** Threads that ended before they were ready, since the last that was. */
  #failedStarts = 0
  #failure = ''
  #onClosed: (() => void) | null = null
  #lastId = 0
  #isClosed = false

  constructor(options: ChannelOptions & { workerUrl: URL }) {
    this.#options = options
    this.#worker = this.#start()
  }

  send(call: Call): Promise<Outcome> {
    if (this.#isClosed) return Promise.resolve(closedOutcome(call))
    if (this.#failedStarts >= TRIES_MAX) return Promise.resolve(this.#refusal(call))
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#unanswered.set(id, { call, deaths: 0, resolve })
      this.#post({ kind: 'call', id, call })
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#restart?.cancel()
    this.#worker ??= this.#start()
    const closed = new Promise<void>((resolve) => (this.#onClosed = resolve))
    this.#post({ kind: 'close' })
    await closed
  }

  #post(message: ToMeta): void {
    this.#worker?.postMessage(message)
  }

  #start(): Worker {
    const { workerUrl, folder } = this.#options
    const worker = new Worker(workerUrl, { workerData: { folder } satisfies MetaWorkerData })
    this.#startedMs = this.#options.clock.monotonic()
    this.#failedStarts++
    let failure = ''
    worker.on('message', (message: FromMeta) => this.#onMessage(message))
    worker.on('error', (error: unknown) => (failure = error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => this.#onExit(failure))
    for (const [id, { call }] of this.#unanswered) worker.postMessage({ kind: 'call', id, call } satisfies ToMeta)
    return worker
  }

  #onMessage(message: FromMeta): void {
    switch (message.kind) {
      case 'ready':
        this.#failedStarts = 0
        break
      case 'outcome':
        this.#unanswered.get(message.id)?.resolve(message.outcome)
        this.#unanswered.delete(message.id)
        break
      case 'commit':
        this.#options.metrics.committed(message.report)
        break
      case 'warn':
        this.#options.logger.repeated('error', message.message, {})
    }
  }

  #onExit(failure: string): void {
    const { logger, clock } = this.#options
    this.#worker = null
    if (this.#onClosed !== null) {
      // What it did not come to is said to be not kept.
      for (const { call, resolve } of this.#unanswered.values()) resolve(closedOutcome(call))
      this.#unanswered.clear()
      this.#onClosed()
      return
    }
    this.#failure = failure
    for (const [id, sent] of this.#unanswered) {
      if (++sent.deaths < TRIES_MAX) continue
      sent.resolve(this.#refusal(sent.call))
      this.#unanswered.delete(id)
    }
    if (clock.monotonic() - this.#startedMs > HEALTHY_MS) this.#restartMs = RESTART_MS
    const what = this.#failedStarts === 0 ? 'has ended' : 'could not start'
    logger.error(`the thread of the relational store ${what} and is started again`, { err: failure, delay_ms: this.#restartMs })
    this.#restart = clock.after(this.#restartMs, () => {
      this.#restart = null
      this.#worker = this.#start()
    })
    this.#restartMs = Math.min(2 * this.#restartMs, RESTART_MS_MAX)
  }

  #refusal({ method }: Call): Outcome {
    const why = this.#failedStarts === 0 ? 'ended while it was at it' : 'does not start'
    return { value: null, error: `cannot ${method}: the thread of the relational store ${why} (${this.#failure}); it is tried again` }
  }
}
