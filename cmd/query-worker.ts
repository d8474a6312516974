// A query thread's entry file: an engine over the shared head, answering jobs from main.
import { parentPort, workerData } from 'node:worker_threads'
import { Engine, type EngineOptions } from '../lang/engine.ts'
import { serveQueries } from '../lang/worker.ts'
import type { WorkerSeat } from '../lang/worker-protocol.ts'
import { assert } from '../lib/std/assert.ts'
import { StoreQueryable, type StoreHandle } from '../storage/store-querier.ts'

const WARM_UP = 'sum by (job) (rate(up{job=~"a.+"}[5m])) / on (job) group_left () vector(1) > bool 0'

/** What main hands to each worker; the pool adds its seat. */
export interface QueryWorkerData {
  handle: StoreHandle
  engine: Partial<Omit<EngineOptions, 'clock'>>
  pool: WorkerSeat
}

assert(parentPort !== null, 'query-worker.ts runs as a worker')
const data = workerData as QueryWorkerData
const engine = new Engine(data.engine)
const queryable = new StoreQueryable(data.handle, data.pool.slot)
// Modules, parser tables and compiled code: without this the first query of a worker would pay some 0.3 s for them.
engine.run({ kind: 'range', query: WARM_UP, startMs: 0, endMs: 60_000, stepMs: 1000, timeoutMs: 1000, lookbackMs: 300_000, limit: 0, stats: '' }, queryable)
serveQueries(parentPort, engine, queryable, data.pool)
