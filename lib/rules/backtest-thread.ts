// Replays rules in a thread of its own, which ends with its answer: one at a time, so that tests never take more than a core.
import { Worker } from 'node:worker_threads'
import type { Clock } from '../std/clock.ts'
import { BacktestError, type BacktestJob, type BacktestResult } from './backtest.ts'

/** What one replay may take; the thread is ended a little later. */
export const BACKTEST_MS_MAX = 30_000
const GRACE_MS = 5000
const WAITING_MAX = 4
const HEAP_MIB_MAX = 1024

export interface BacktestOptions {
  /** Entry file: answers with a BacktestAnswer. */
  workerUrl: URL
  /** Structured-cloned to the thread, beside the job. */
  workerData: object
  clock: Clock
  /** The thread has ended: what its slot pinned can be freed. */
  onGone: () => void
}

export type BacktestAnswer = { result: BacktestResult } | { error: string }

export class BacktestThread {
  readonly #options: BacktestOptions
  #last: Promise<unknown> = Promise.resolve()
  #waitingCount = 0
  #worker: Worker | null = null
  #isStopped = false

  constructor(options: BacktestOptions) {
    this.#options = options
  }

  /** Rejects with BacktestError. */
  run(job: BacktestJob): Promise<BacktestResult> {
    if (this.#waitingCount >= WAITING_MAX) return Promise.reject(new BacktestError('other rules are being tested; try again in a minute'))
    this.#waitingCount++
    const done = this.#last.then(() => this.#inThread(job)).finally(() => this.#waitingCount--)
    this.#last = done.catch(() => {})
    return done
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#worker?.terminate()
    await this.#last
  }

  #inThread(job: BacktestJob): Promise<BacktestResult> {
    const { workerUrl, workerData, clock, onGone } = this.#options
    if (this.#isStopped) return Promise.reject(new BacktestError('the server is stopping'))
    return new Promise((resolve, reject) => {
      const worker = new Worker(workerUrl, { workerData: { ...workerData, job }, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX } })
      this.#worker = worker
      let failure = 'the test was ended'
      const timer = clock.after(BACKTEST_MS_MAX + GRACE_MS, () => {
        failure = `replaying takes longer than ${BACKTEST_MS_MAX / 1000} s; give a shorter range, a longer step, or filters`
        void worker.terminate()
      }, true)
      worker.once('message', (answer: BacktestAnswer) => {
        if ('result' in answer) resolve(answer.result)
        else failure = answer.error
      })
      worker.once('error', (error: unknown) => (failure = error instanceof Error ? error.message : String(error)))
      worker.once('exit', () => {
        timer.cancel()
        this.#worker = null
        onGone()
        // Without effect where the answer came.
        reject(new BacktestError(failure))
      })
    })
  }
}
