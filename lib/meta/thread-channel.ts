// How calls reach the file: through a thread of its own, which SQLite's syncs hold instead of main.
import { Worker } from 'node:worker_threads'
import type { Timer } from '../std/clock.ts'
import { closedOutcome, type Channel, type ChannelOptions } from './channel.ts'
import type { Call, Outcome } from './request.ts'
import type { FromMeta, MetaWorkerData, ToMeta } from './worker.ts'

/** Between the end of a thread and the start of the next. */
const RESTART_MS = 1000

interface Sent {
  call: Call
  resolve: (outcome: Outcome) => void
}

/** A thread that dies is started again and given anew what it has not answered: every call may be carried out twice. */
export class ThreadChannel implements Channel {
  readonly #options: ChannelOptions & { workerUrl: URL }
  readonly #unanswered = new Map<number, Sent>()
  #worker: Worker | null
  #restart: Timer | null = null
  #onClosed: (() => void) | null = null
  #lastId = 0
  #isClosed = false

  constructor(options: ChannelOptions & { workerUrl: URL }) {
    this.#options = options
    this.#worker = this.#start()
  }

  send(call: Call): Promise<Outcome> {
    if (this.#isClosed) return Promise.resolve(closedOutcome(call))
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#unanswered.set(id, { call, resolve })
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
    let failure = ''
    worker.on('message', (message: FromMeta) => this.#onMessage(message))
    worker.on('error', (error: unknown) => (failure = error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => this.#onExit(failure))
    for (const [id, { call }] of this.#unanswered) worker.postMessage({ kind: 'call', id, call } satisfies ToMeta)
    return worker
  }

  #onMessage(message: FromMeta): void {
    switch (message.kind) {
      case 'outcome':
        this.#unanswered.get(message.id)?.resolve(message.outcome)
        this.#unanswered.delete(message.id)
        break
      case 'commit':
        this.#options.metrics.committed(message.report)
        break
      case 'warn':
        this.#options.logger.error(message.message)
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
    logger.error('the thread of the relational store has ended and is started again', { err: failure, delay_ms: RESTART_MS })
    this.#restart = clock.after(RESTART_MS, () => {
      this.#restart = null
      this.#worker = this.#start()
    })
  }
}
