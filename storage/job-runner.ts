// Where jobs on blocks are done: in a thread of its own that begins and ends with the job, or in this one.
import { Worker, type MessagePort } from 'node:worker_threads'
import { armFaultPoint, armedFaultPoint } from '../lib/std/fault-point.ts'
import { closeSlot } from './head/arena.ts'
import { SharedHeap } from './head/shared-heap.ts'
import { runBlockJob, type BlockJob, type JobReply, type JobRunner } from './block-jobs.ts'
import type { StoreHandle } from './store-querier.ts'

/** What a thread is given; `workerData` of its entry file. */
export interface JobSeat {
  handle: StoreHandle
  slot: number
  job: BlockJob
  /** Armed in the thread, '' for none. */
  faultPoint: string
}

/** In this thread: for machines that have one core, and for tests. */
export class InlineJobs implements JobRunner {
  readonly #handle: StoreHandle
  readonly #slot: number

  constructor(handle: StoreHandle, slot: number) {
    this.#handle = handle
    this.#slot = slot
  }

  run(job: BlockJob): Promise<JobReply> {
    return runBlockJob(this.#handle, this.#slot, job)
  }

  /** A job here ends by itself; who closes awaits it. */
  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** A job's thread is worth its start: there are some in two hours, and between them it takes no memory. */
export class WorkerJobs implements JobRunner {
  readonly #url: URL
  readonly #handle: StoreHandle
  readonly #slot: number
  #worker: Worker | null = null

  /** `url`: an entry file that calls serveJob. */
  constructor(url: URL, handle: StoreHandle, slot: number) {
    this.#url = url
    this.#handle = handle
    this.#slot = slot
  }

  async run(job: BlockJob): Promise<JobReply> {
    const seat: JobSeat = { handle: this.#handle, slot: this.#slot, job, faultPoint: armedFaultPoint() }
    const worker = new Worker(this.#url, { workerData: seat })
    this.#worker = worker
    try {
      return await new Promise<JobReply>((resolve, reject) => {
        worker.once('message', (answer: JobAnswer) => ('reply' in answer ? resolve(answer.reply) : reject(new Error(answer.failure))))
        worker.once('error', reject)
        worker.once('exit', (code) => reject(new Error(`the thread of the job ended with code ${code}`)))
      })
    } finally {
      await worker.terminate()
      closeSlot(new SharedHeap(this.#handle.memory), this.#slot)
      this.#worker = null
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }
}

type JobAnswer = { reply: JobReply } | { failure: string }

/** In the job's thread: does it and answers. */
export async function serveJob(port: MessagePort, { handle, slot, job, faultPoint }: JobSeat): Promise<void> {
  armFaultPoint(faultPoint)
  let answer: JobAnswer
  try {
    answer = { reply: await runBlockJob(handle, slot, job) }
  } catch (error) {
    answer = { failure: error instanceof Error ? error.message : String(error) }
  }
  port.postMessage(answer)
}
