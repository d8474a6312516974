// A query thread's entry file: an engine over the shared head, answering jobs from main.
import { parentPort, workerData } from 'node:worker_threads'
import { Engine, type EngineOptions } from '../lang/engine.ts'
import { serveQueries } from '../lang/worker.ts'
import type { WorkerSeat } from '../lang/worker-protocol.ts'
import { assert } from '../lib/std/assert.ts'
import { HeadQueryable, type HeadHandle } from '../storage/head/head-querier.ts'

/** What main hands to each worker; the pool adds its seat. */
export interface QueryWorkerData {
  handle: HeadHandle
  engine: Partial<Omit<EngineOptions, 'clock'>>
  pool: WorkerSeat
}

assert(parentPort !== null, 'query-worker.ts runs as a worker')
const data = workerData as QueryWorkerData
serveQueries(parentPort, new Engine(data.engine), new HeadQueryable(data.handle, data.pool.slot), data.pool)
