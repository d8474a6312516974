// The threads of query workers. The first begins to load with the program, beside the main thread.
import type { Worker } from 'node:worker_threads'
import { startQueryThread } from '../lang/query-thread.ts'

const ENTRY = new URL('./query-worker.ts', import.meta.url)

export class QueryThreads {
  #first: Worker | null = null

  /** Begins with the thread that will be taken first. */
  begin(): void {
    this.#first = startQueryThread(ENTRY)
  }

  /** A thread for one worker. */
  take(): Worker {
    const first = this.#first
    this.#first = null
    // The id of one that has ended is -1.
    return first !== null && first.threadId >= 0 ? first : startQueryThread(ENTRY)
  }
}
