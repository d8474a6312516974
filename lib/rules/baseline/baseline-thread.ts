// Evaluates baselines of anomaly rules, one after the other, in a thread of its own beside the rules': started when one is asked for,
// ended when none has been for a while. What a thread that died, or took too long, had under way is asked for again by the rules.
import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../std/clock.ts'
import type { BaselineAnswer, BaselineAsk } from './awaited-past.ts'

/** The next quarter of an hour is a new thread's. */
const IDLE_MS = 10_000
/** Beyond the time that the thread gives a query itself. */
const GRACE_MS = 10_000
const HEAP_MIB_MAX = 1024

export interface BaselineThreadOptions {
  /** Entry file: calls serveBaselines. */
  workerUrl: URL
  /** Structured-cloned to the thread. */
  workerData: object
  clock: Clock
  /** A query ends after this by itself; a thread that takes longer is ended. */
  queryTimeoutMs: number
  /** The thread has ended: what its slot pinned can be freed. */
  onGone: () => void
}

interface Asked {
  ask: BaselineAsk
  answer: (answer: BaselineAnswer) => void
}

export class BaselineThread {
  readonly #options: BaselineThreadOptions
  #waiting: Asked[] = []
  #current: Asked | null = null
  #worker: Worker | null = null
  /** Of the query under way, or of idleness. */
  #timer: Timer | null = null
  /** For idleness: its slot is the next thread's when it is gone. */
  #isEnding = false
  #isStopped = false

  constructor(options: BaselineThreadOptions) {
    this.#options = options
  }

  /** `answer` is called once, later; never after `stop`. */
  ask(ask: BaselineAsk, answer: (answer: BaselineAnswer) => void): void {
    this.#waiting.push({ ask, answer })
    if (this.#current === null) this.#next()
  }

  /** Whoever asked is no more. */
  forget(): void {
    this.#waiting = []
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#worker?.terminate()
  }

  #next(): void {
    const { clock, queryTimeoutMs } = this.#options
    if (this.#isStopped || this.#isEnding) return
    this.#timer?.cancel()
    this.#current = this.#waiting.shift() ?? null
    if (this.#current === null) {
      this.#timer = clock.after(IDLE_MS, () => this.#end(), true)
      return
    }
    this.#worker ??= this.#start()
    this.#worker.postMessage(this.#current.ask)
    this.#timer = clock.after(queryTimeoutMs + GRACE_MS, () => void this.#worker?.terminate(), true)
  }

  #end(): void {
    if (this.#worker === null) return
    this.#isEnding = true
    void this.#worker.terminate()
  }

  #start(): Worker {
    const { workerUrl, workerData, onGone } = this.#options
    const worker = new Worker(workerUrl, { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX } })
    let failure = 'the thread of baselines was ended: it took too long'
    worker.on('message', (answer: BaselineAnswer) => this.#answered(answer))
    worker.on('error', (error: unknown) => (failure = error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => {
      this.#worker = null
      this.#isEnding = false
      onGone()
      if (this.#current !== null) this.#answered({ ...this.#current.ask, rows: null, error: failure })
      else if (this.#waiting.length > 0) this.#next()
    })
    return worker
  }

  #answered(answer: BaselineAnswer): void {
    const { answer: give } = this.#current!
    this.#current = null
    if (!this.#isStopped) give(answer)
    this.#next()
  }
}
