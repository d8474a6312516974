// Where jobs on blocks are done: in a thread of their own that ends when no more come, or in this one.
import { Worker, type MessagePort } from 'node:worker_threads'
import type { Clock, Timer } from '../lib/std/clock.ts'
import { explainDisk } from '../lib/std/disk-advice.ts'
import { armFaultPoint, armedFaultPoint } from '../lib/std/fault-point.ts'
import { DiskError } from '../lib/std/fs.ts'
import { LogError } from './errors.ts'
import { closeSlot } from './head/arena.ts'
import { SharedHeap } from './head/shared-heap.ts'
import type { BlockJob, JobReply, JobRunner } from './block-jobs.ts'
import type { StoreHandle } from './store-querier.ts'

/** What a thread is given; `workerData` of its entry file. */
export interface JobSeat {
  handle: StoreHandle
  slot: number
}

/** A thread without a job ends after this; longer than it ever rests. */
const KEPT_MS = 15_000
/** Nobody waits for what these make: queries and scrapes beside them are to have the processor, and its caches. */
const PACED: ReadonlySet<BlockJob['kind']> = new Set<BlockJob['kind']>(['compact', 'expire', 'tier', 'tier-compact', 'hours'])
/** Such a job is followed by a rest of so many times as long as it took, so that all of them take a quarter of a core. */
const REST_TIMES = 3
const REST_MS_MAX = 10_000

/** In this thread: for machines that have one core, and for tests. */
export class InlineJobs implements JobRunner {
  readonly #handle: StoreHandle
  readonly #slot: number
  readonly #clock: Clock
  tookMs: number = 0

  constructor(handle: StoreHandle, slot: number, clock: Clock) {
    this.#handle = handle
    this.#slot = slot
    this.#clock = clock
  }

  async run(job: BlockJob): Promise<JobReply> {
    const startMs = this.#clock.monotonic()
    const reply = await runHere(this.#handle, this.#slot, job)
    this.tookMs = this.#clock.monotonic() - startMs
    return reply
  }

  hurry(): void {
    // Nothing rests here.
  }

  /** A job here ends by itself; who closes awaits it. */
  close(): Promise<void> {
    return Promise.resolve()
  }
}

interface Asker {
  resolve: (reply: JobReply) => void
  reject: (reason: unknown) => void
}

/**
 * Jobs come in rows: a cut brings stretches of tiers, hours and compactions after it, and each in a thread of its own would
 * have the same code compiled anew. A thread without a job ends soon; between the rows it takes no memory.
 */
export class WorkerJobs implements JobRunner {
  readonly #url: URL
  readonly #handle: StoreHandle
  readonly #slot: number
  readonly #clock: Clock
  #worker: Worker | null = null
  #asker: Asker | null = null
  #keeping: Timer | null = null
  tookMs: number = 0
  /** Monotonic ms up to which it rests. */
  #restUntilMs = -Infinity
  /** Ends its rest. */
  #wake: (() => void) | null = null
  #isClosed = false
  /** Of the last thread that was told to: then its slot is free. */
  #ended: Promise<void> = Promise.resolve()

  /** `url`: an entry file that calls serveJobs. */
  constructor(url: URL, handle: StoreHandle, slot: number, clock: Clock) {
    this.#url = url
    this.#handle = handle
    this.#slot = slot
    this.#clock = clock
  }

  async run(job: BlockJob): Promise<JobReply> {
    const restMs = this.#restUntilMs - this.#clock.monotonic()
    if (restMs > 0 && PACED.has(job.kind)) await this.#restFor(restMs)
    if (this.#isClosed) throw new Error('the store is closed')
    this.#keeping?.cancel()
    await this.#ended
    const startMs = this.#clock.monotonic()
    const worker = this.#worker ??= this.#start()
    worker.ref()
    try {
      return await new Promise<JobReply>((resolve, reject) => {
        this.#asker = { resolve, reject }
        worker.postMessage({ job, faultPoint: armedFaultPoint() } satisfies JobRequest)
      })
    } catch (error) {
      // What it holds open is not known.
      await this.#end()
      throw error
    } finally {
      this.#asker = null
      this.#worker?.unref()
      this.tookMs = this.#clock.monotonic() - startMs
      if (PACED.has(job.kind)) this.#restUntilMs = this.#clock.monotonic() + Math.min(REST_MS_MAX, REST_TIMES * this.tookMs)
      this.#keeping = this.#clock.after(KEPT_MS, () => void this.#end(), true)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.hurry()
    this.#keeping?.cancel()
    await this.#end()
  }

  hurry(): void {
    this.#restUntilMs = -Infinity
    this.#wake?.()
  }

  #restFor(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(ms, () => this.#wake?.())
      this.#wake = () => {
        timer.cancel()
        this.#wake = null
        resolve()
      }
    })
  }

  #start(): Worker {
    const worker = new Worker(this.#url, { workerData: { handle: this.#handle, slot: this.#slot } satisfies JobSeat })
    worker.on('message', (answer: JobAnswer) => ('reply' in answer ? this.#asker?.resolve(answer.reply) : this.#asker?.reject(answer.isOfDisk ? new LogError(answer.failure, 'disk_error') : new Error(answer.failure))))
    worker.on('error', (error) => this.#asker?.reject(error))
    worker.on('exit', (code) => {
      if (this.#worker === worker) this.#worker = null
      this.#asker?.reject(new Error(`the thread of the job ended with code ${code}`))
    })
    return worker
  }

  #end(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    this.#ended = this.#ended.then(() => worker?.terminate()).then(() => closeSlot(new SharedHeap(this.#handle.memory), this.#slot))
    return this.#ended
  }
}

interface JobRequest {
  job: BlockJob
  /** Armed in the thread, '' for none. */
  faultPoint: string
}

/** `isOfDisk`: the disk refused something. */
type JobAnswer = { reply: JobReply } | { failure: string; isOfDisk: boolean }

/** In the jobs' thread: does what comes, one after the other, answers, and lets `tidy` give back what the job has left. */
export function serveJobs(port: MessagePort, { handle, slot }: JobSeat, tidy: () => void = () => {}): void {
  port.on('message', ({ job, faultPoint }: JobRequest) => {
    armFaultPoint(faultPoint)
    void runHere(handle, slot, job).then(
      (reply): JobAnswer => ({ reply }),
      (error: unknown): JobAnswer => (error instanceof DiskError ? { failure: explainDisk(error), isOfDisk: true } : { failure: error instanceof Error ? error.message : String(error), isOfDisk: false }),
    ).then((answer) => port.postMessage(answer)).then(tidy)
  })
}

/** What does jobs is loaded by who does them: a start need not wait for it. */
async function runHere(handle: StoreHandle, slot: number, job: BlockJob): Promise<JobReply> {
  const { runBlockJob } = await import('./block-jobs.ts')
  return runBlockJob(handle, slot, job)
}
