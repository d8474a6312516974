// One query worker as the pool sees it: a thread, its slot, and the job it is at. Ends in exactly one `onGone`.
import type { Worker } from 'node:worker_threads'
import { assert } from '../lib/std/assert.ts'
import type { Clock, Timer } from '../lib/std/clock.ts'
import { errorReply } from './reply/envelope.ts'
import type { QueryJob, QueryReply } from './job.ts'
import type { JobMessage, SeatMessage, WorkerMessage } from './worker-protocol.ts'

/** How long past its deadline, or past its asker's going, a query may run before its worker is terminated. */
const GRACE_MS = 1000

export interface PoolWorkerOptions {
  /** A thread that nobody else has (startQueryThread). */
  thread: Worker
  /** Structured-cloned to the worker beside its seat. */
  workerData: unknown
  slot: number
  clock: Clock
  /** It can serve from now on. */
  onReady: () => void
  /** The thread has ended, and why; its slot is free. */
  onGone: (worker: PoolWorker, why: string) => void
}

interface Running {
  id: number
  resolve: (reply: QueryReply) => void
  /** Monotonic ms at which its worker is terminated, and why. */
  killAtMs: number
  why: 'timeout' | 'canceled'
}

export class PoolWorker {
  readonly slot: number
  readonly #options: PoolWorkerOptions
  readonly #worker: Worker
  readonly #canceled: Int32Array
  #running: Running | null = null
  /** Goes off at `#watchAtMs` or before any job's end, and is armed again for a later one: quick jobs need none of their own. */
  #watchdog: Timer | null = null
  #watchAtMs = 0
  #lastId = 0
  #failure: Error | null = null
  #why = 'idle'
  #isEnding = false
  /** Has started up and can serve: not so if its entry file fails. */
  isReady = false
  /** Monotonic ms of the last job's end. */
  idleSinceMs: number

  constructor(options: PoolWorkerOptions) {
    this.#options = options
    this.slot = options.slot
    this.idleSinceMs = options.clock.monotonic()
    this.#canceled = new Int32Array(new SharedArrayBuffer(4))
    this.#worker = options.thread
    this.#worker.ref()
    this.#worker.on('message', (message: WorkerMessage) => this.#onMessage(message))
    this.#worker.on('error', (error: unknown) => (this.#failure = error instanceof Error ? error : new Error(String(error))))
    this.#worker.on('exit', () => this.#onExit())
    const message: SeatMessage = { seat: { slot: options.slot, canceled: this.#canceled }, data: options.workerData }
    this.#worker.postMessage(message)
  }

  get isIdle(): boolean {
    return this.#running === null && !this.#isEnding
  }

  /** Runs a job; resolves with its reply, or with an error reply if the worker has to die for it. */
  run(job: QueryJob): Promise<QueryReply> {
    assert(this.isIdle, `query worker ${this.slot} is busy`)
    Atomics.store(this.#canceled, 0, 0)
    const id = ++this.#lastId
    const killAtMs = this.#options.clock.monotonic() + job.timeoutMs + GRACE_MS
    const reply = new Promise<QueryReply>((resolve) => (this.#running = { id, resolve, killAtMs, why: 'timeout' }))
    this.#watch(killAtMs)
    const message: JobMessage = { id, job }
    this.#worker.postMessage(message)
    return reply
  }

  /** Nobody waits for the running job any more: it ends at its next batch, or with its worker. */
  cancel(): void {
    const running = this.#running
    if (running === null) return
    Atomics.store(this.#canceled, 0, 1)
    running.killAtMs = this.#options.clock.monotonic() + GRACE_MS
    running.why = 'canceled'
    this.#watch(running.killAtMs)
  }

  #watch(atMs: number): void {
    if (this.#watchdog !== null && this.#watchAtMs <= atMs) return
    this.#watchdog?.cancel()
    this.#watchAtMs = atMs
    const { clock } = this.#options
    this.#watchdog = clock.after(atMs - clock.monotonic(), () => {
      this.#watchdog = null
      const running = this.#running
      if (running === null) return
      if (clock.monotonic() < running.killAtMs) this.#watch(running.killAtMs)
      else void this.end(running.why, errorReply('timeout', 'query timed out in query execution'))
    }, true)
  }

  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Ends the thread, its running job answered with `reply`; resolves when it is gone. */
  async end(why: string, reply: QueryReply): Promise<void> {
    this.#isEnding = true
    this.#answer(reply)
    this.#why = why
    this.#watchdog?.cancel()
    await this.#worker.terminate()
  }

  #answer(reply: QueryReply): void {
    const running = this.#running
    if (running === null) return
    this.#running = null
    this.idleSinceMs = this.#options.clock.monotonic()
    running.resolve(reply)
  }

  #onMessage(message: WorkerMessage): void {
    if (message.kind === 'ready') {
      this.isReady = true
      this.#options.onReady()
      return
    }
    if (this.#running?.id !== message.id) return
    const { status, body } = message
    this.#answer({ status, body: typeof body === 'string' ? Buffer.from(body, 'latin1') : body })
  }

  #onExit(): void {
    const failure = this.#failure
    if (!this.#isEnding) this.#why = failure === null ? 'exit' : 'crash'
    this.#isEnding = true
    this.#answer(crashReply(failure))
    this.#options.onGone(this, failure === null ? this.#why : `${this.#why}: ${failure.message}`)
  }
}

function crashReply(failure: Error | null): QueryReply {
  if (failure !== null && 'code' in failure && failure.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return errorReply('execution', 'query needs more memory than a query worker has')
  }
  return errorReply('internal', `query worker ended while evaluating this query${failure === null ? '' : `: ${failure.message}`}`)
}
