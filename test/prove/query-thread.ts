// The thread of the proof in queries.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { mutatedQuery } from '../support/mutated-query.ts'
import type { QueryReport, QueryThreadData } from './queries.ts'
import { QueryChecks, type QueryLoss } from './query-checks.ts'

/** Enough to see what is wrong. */
const LOSSES_MAX = 100

const { count, seed, begun } = workerData as QueryThreadData
const checks = new QueryChecks()
const losses: QueryLoss[] = []
let done = 0
for (; done < count && losses.length < LOSSES_MAX; done++) {
  Atomics.store(begun, 0, done + 1)
  const loss = checks.check(mutatedQuery(seed, done), done)
  if (loss !== null) losses.push(loss)
}
const report: QueryReport = { queries: done, statuses: checks.statuses, slowestMs: checks.slowestMs, losses }
parentPort!.postMessage(report)
