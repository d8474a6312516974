// The query workers' pool, on the main thread: takes jobs, gives whole replies, never evaluates anything itself.
//
//   run ─▶ queue ─▶ the first worker to be idle, of those there are and of new ones ─▶ reply
//
// The first worker starts with the pool, others on demand up to the maximum, and end when idle. A start takes longer than most
// queries: who waits takes whichever worker is free or ready first. A job estimated heavy never takes the last free place,
// so that quick ones pass. A stuck query costs its worker and nothing else.
import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { QueryJob, QueryReply } from './job.ts'
import { PoolWorker } from './pool-worker.ts'
import { QueryEstimates } from './query-estimate.ts'
import { PoolMetrics } from './pool-metrics.ts'
import { errorReply } from './reply/envelope.ts'

/** A query expected to take longer leaves one place free for others. */
const HEAVY_MS = 100

export interface QueryPoolOptions {
  /** A thread for one more worker (startQueryThread). */
  startThread: () => Worker
  /** Structured-cloned to every worker beside its seat. */
  workerData: unknown
  /** Threads at most; max(2, cores) is right. */
  maxWorkers: number
  /** Queries running at once, at most; more wait. */
  maxConcurrent: number
  /** Queries waiting, at most; more are refused. */
  maxQueued: number
  /** A query that waited this long is answered 503. */
  queueTimeoutMs: number
  /** A worker without work ends after this, but for one. */
  idleMs: number
  clock: Clock
  logger: Logger
  metrics: Metrics
  /** A worker's thread has ended: what its slot pinned can be freed. */
  onWorkerGone: (slot: number) => void
}

interface Asked {
  job: QueryJob
  /** Monotonic ms. */
  sinceMs: number
  signal: AbortSignal | undefined
  resolve: (reply: QueryReply) => void
  reject: (reason: unknown) => void
}

interface Waiting {
  asked: Asked
  timer: Timer
  onAbort: () => void
}

export class QueryPool {
  readonly #options: QueryPoolOptions
  readonly #workers = new Map<number, PoolWorker>()
  readonly #idleTimers = new Map<PoolWorker, Timer>()
  readonly #estimates = new QueryEstimates()
  readonly #metrics: PoolMetrics
  #queue: Waiting[] = []
  #running = 0
  #isStopping = false

  constructor(options: QueryPoolOptions) {
    this.#options = options
    this.#metrics = new PoolMetrics(options.metrics, options.maxConcurrent, {
      running: () => this.#running, queued: () => this.#queue.length, workers: () => this.#workers.size,
    })
    this.#startWorker()
  }

  /**
   * The whole reply, errors included. Rejects only with the signal's reason once it aborts; the query then ends at
   * its next batch.
   */
  run(job: QueryJob, signal?: AbortSignal): Promise<QueryReply> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    if (this.#isStopping) return Promise.resolve(shuttingDown())
    if (this.#queue.length >= this.#options.maxQueued) {
      this.#metrics.refused('queue_full')
      return Promise.resolve(errorReply('unavailable', `too many queries are waiting: ${this.#queue.length}`))
    }
    return new Promise((resolve, reject) => {
      const asked: Asked = { job, signal, resolve, reject, sinceMs: this.#options.clock.monotonic() }
      // Fast path: nobody waits, and there is a place.
      const worker = this.#queue.length === 0 && this.#hasPlaceFor(job) ? this.#idleWorker() : null
      if (worker !== null) void this.#serve(asked, worker)
      else this.#wait(asked)
    })
  }

  /** Ends all workers; waiting and running queries are answered 503. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const waiting of this.#queue) {
      this.#leaveQueue(waiting)
      waiting.asked.resolve(shuttingDown())
    }
    for (const timer of this.#idleTimers.values()) timer.cancel()
    await Promise.all(Array.from(this.#workers.values(), (worker) => worker.end('stop', shuttingDown())))
  }

  #wait(asked: Asked): void {
    const { clock, queueTimeoutMs } = this.#options
    const { job, signal } = asked
    const waiting: Waiting = {
      asked,
      timer: clock.after(Math.min(queueTimeoutMs, job.timeoutMs), () => this.#giveUp(waiting)),
      onAbort: () => {
        this.#leaveQueue(waiting)
        asked.reject(signal?.reason)
      },
    }
    signal?.addEventListener('abort', waiting.onAbort, { once: true })
    this.#queue.push(waiting)
    this.#dispatch()
  }

  /** Hands waiting jobs to workers, in order but for heavy ones that must wait, and starts workers for those that are left. */
  #dispatch(): void {
    if (this.#isStopping) return
    let left = 0
    for (let i = 0; i < this.#queue.length && this.#freePlaces() > 0;) {
      const waiting = this.#queue[i]!
      const hasPlace = this.#hasPlaceFor(waiting.asked.job)
      const worker = hasPlace ? this.#idleWorker() : null
      if (worker === null) {
        i++
        if (hasPlace) left++
        continue
      }
      this.#leaveQueue(waiting)
      void this.#serve(waiting.asked, worker)
    }
    for (const worker of this.#workers.values()) if (worker.isIdle && !worker.isReady) left--
    while (left-- > 0 && this.#startWorker() !== null);
  }

  #hasPlaceFor(job: QueryJob): boolean {
    const free = this.#freePlaces()
    return free > 1 || (free === 1 && !this.#mayNotTakeLast(job))
  }

  /** Queries that could start now, on idle workers and on such as may still be started. */
  #freePlaces(): number {
    const { maxWorkers, maxConcurrent } = this.#options
    let free = maxWorkers - this.#workers.size
    for (const worker of this.#workers.values()) if (worker.isIdle) free++
    return Math.min(free, maxConcurrent - this.#running)
  }

  /** While none is ready yet, the jobs go to those that start: should they fail, the jobs are told. */
  #idleWorker(): PoolWorker | null {
    let starting: PoolWorker | null = null
    let isOneReady = false
    for (const worker of this.#workers.values()) {
      if (worker.isReady && worker.isIdle) return worker
      if (worker.isIdle) starting ??= worker
      isOneReady ||= worker.isReady && !worker.isEnding
    }
    return isOneReady ? null : starting ?? this.#startWorker()
  }

  #startWorker(): PoolWorker | null {
    const { maxWorkers, startThread, workerData, clock } = this.#options
    let slot = 0
    while (this.#workers.has(slot)) slot++
    if (slot >= maxWorkers) return null
    const worker = new PoolWorker({
      thread: startThread(), workerData, slot, clock, onReady: () => this.#dispatch(), onGone: (gone, why) => this.#onGone(gone, why),
    })
    this.#workers.set(slot, worker)
    return worker
  }

  async #serve(asked: Asked, worker: PoolWorker): Promise<void> {
    const { clock } = this.#options
    const { job, signal, sinceMs } = asked
    const startedMs = clock.monotonic()
    const waitedMs = startedMs - sinceMs
    this.#running++
    const onAbort = (): void => {
      worker.cancel()
      asked.reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const reply = await worker.run({ ...job, timeoutMs: Math.max(1, job.timeoutMs - waitedMs) })
    this.#running--
    signal?.removeEventListener('abort', onAbort)
    const tookMs = clock.monotonic() - startedMs
    // What was canceled took as long as its asker's patience, which says nothing.
    if (signal?.aborted !== true) this.#estimates.learn(job, tookMs)
    this.#metrics.served(job.kind, reply.status, { waitedMs, tookMs })
    asked.resolve(reply)
    if (!this.#idleTimers.has(worker) && worker.isIdle) this.#armIdleTimer(worker, this.#options.idleMs)
    this.#dispatch()
  }

  /** The timer stays through the jobs that come meanwhile: arming one for each would cost more than a small query. */
  #armIdleTimer(worker: PoolWorker, delayMs: number): void {
    const { clock, idleMs } = this.#options
    this.#idleTimers.set(worker, clock.after(delayMs, () => {
      this.#idleTimers.delete(worker)
      if (!worker.isIdle) return
      const leftMs = worker.idleSinceMs + idleMs - clock.monotonic()
      if (leftMs > 0) return this.#armIdleTimer(worker, leftMs)
      const living = this.#workers.values().reduce((count, other) => count + (other.isEnding ? 0 : 1), 0)
      if (living > 1) void worker.end('idle', shuttingDown())
    }, true))
  }

  #onGone(worker: PoolWorker, why: string): void {
    this.#idleTimers.get(worker)?.cancel()
    this.#idleTimers.delete(worker)
    this.#workers.delete(worker.slot)
    this.#options.onWorkerGone(worker.slot)
    this.#metrics.gone(why.split(':')[0]!)
    if (this.#isStopping) return
    if (why !== 'idle') this.#options.logger.warn('query worker ended', { slot: worker.slot, reason: why })
    // One that never got ready would only fail again: its like is started for the next query, which then tells.
    if (this.#workers.size === 0 && worker.isReady) this.#startWorker()
    if (this.#workers.size === 0 || worker.isReady) this.#dispatch()
  }

  #leaveQueue(waiting: Waiting): void {
    waiting.timer.cancel()
    waiting.asked.signal?.removeEventListener('abort', waiting.onAbort)
    this.#queue = this.#queue.filter((other) => other !== waiting)
  }

  #giveUp(waiting: Waiting): void {
    this.#leaveQueue(waiting)
    this.#metrics.refused('queue_timeout')
    waiting.asked.resolve(errorReply('timeout', `query timed out in query queue${this.#whyHeavyWaits(waiting.asked.job)}`))
  }

  /** What a user would not guess who sees an idle worker. */
  #whyHeavyWaits(job: QueryJob): string {
    if (this.#freePlaces() === 0 || !this.#mayNotTakeLast(job)) return ''
    return `: it is expected to take more than ${HEAVY_MS} ms, and the last of ${this.#options.maxWorkers} query workers is kept for shorter ones`
  }

  #mayNotTakeLast(job: QueryJob): boolean {
    return this.#options.maxWorkers > 1 && this.#estimates.estimateMs(job) > HEAVY_MS
  }
}

function shuttingDown(): QueryReply {
  return errorReply('unavailable', 'server is shutting down')
}
