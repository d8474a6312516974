// Proof that no query text crashes, hangs or gets an internal error: mutated queries, parsed and evaluated in a thread
// of their own, so that one that never ends can be named.
import { Worker } from 'node:worker_threads'
import { mutatedQuery } from '../support/mutated-query.ts'
import type { QueryLoss } from './query-checks.ts'

export interface QueryReport {
  queries: number
  /** Evaluations by HTTP status. */
  statuses: ReadonlyMap<number, number>
  slowestMs: number
  losses: readonly QueryLoss[]
}

export interface QueryProofOptions {
  count: number
  seed: number
  print: (line: string) => void
}

/** What the thread shares with its watcher: how many queries it has begun. */
export interface QueryThreadData {
  count: number
  seed: number
  begun: Int32Array
}

/** A query still running after this is taken for endless. */
const ENDLESS_MS = 20_000
const WATCH_MS = 1000
const PRINT_MS = 10_000

/** Runs the proof; losses are in the report. */
export function runQueries({ count, seed, print }: QueryProofOptions): Promise<QueryReport> {
  const begun = new Int32Array(new SharedArrayBuffer(4))
  const workerData: QueryThreadData = { count, seed, begun }
  const worker = new Worker(new URL('./query-thread.ts', import.meta.url), { workerData, resourceLimits: { maxOldGenerationSizeMb: 1024 } })
  return new Promise((resolve) => {
    let last = 0
    let lastMs = performance.now()
    let printedMs = lastMs
    const lose = (why: string): void => {
      clearInterval(watch)
      const index = Math.max(0, Atomics.load(begun, 0) - 1)
      resolve({ queries: index + 1, statuses: new Map(), slowestMs: performance.now() - lastMs, losses: [{ query: mutatedQuery(seed, index), why }] })
      void worker.terminate()
    }
    const watch = setInterval(() => {
      const now = performance.now()
      const done = Atomics.load(begun, 0)
      if (done !== last) {
        last = done
        lastMs = now
      } else if (now - lastMs > ENDLESS_MS) lose(`does not end within ${ENDLESS_MS} ms`)
      if (now - printedMs > PRINT_MS) {
        printedMs = now
        print(`${done} of ${count}`)
      }
    }, WATCH_MS)
    worker.once('message', (report: QueryReport) => {
      clearInterval(watch)
      resolve(report)
    })
    worker.once('error', (error) => lose(`ends the thread: ${error instanceof Error ? error.message : String(error)}`))
  })
}
