// A query thread's entry file: an engine over the shared head, answering jobs from main.
import { parentPort } from 'node:worker_threads'
import { Engine } from '../lang/engine.ts'
import { serveQueries } from '../lang/worker.ts'
import { assert } from '../lib/std/assert.ts'
import type { Querier, Queryable } from '../storage/interface.ts'
import { StoreQueryable, type StoreHandle } from '../storage/store-querier.ts'
import type { EngineSettings } from './engine-options.ts'

const WARM_UP = 'sum by (job) (rate(up{job=~"a.+"}[5m])) / on (job) group_left () vector(1) > bool 0'

/** What main hands to each worker. */
export interface QueryWorkerData {
  handle: StoreHandle
  engine: EngineSettings
}

/** To warm up over while the store is being opened. */
const NOTHING: Queryable = {
  querier: (): Querier => ({
    select: () => ({ refs: new Uint32Array(0), next: () => null }),
    symbolOf: () => 0, textOf: () => '', labelsOf: () => 0, labelNames: () => [], labelValues: () => [], seriesRefs: () => new Uint32Array(0),
    cardinality: () => ({ series: 0, pairs: 0, chunks: 0, minT: Infinity, maxT: -Infinity, seriesByMetric: [], valuesByLabel: [], bytesByLabel: [], seriesByPair: [] }),
    close: () => {},
  }),
}

/** Modules, parser tables and compiled code: without this the first query of a worker would pay some 0.3 s for them. */
function warmUp(engine: Engine, queryable: Queryable): void {
  engine.run({ kind: 'range', query: WARM_UP, startMs: 0, endMs: 60_000, stepMs: 1000, timeoutMs: 1000, lookbackMs: 300_000, limit: 0, stats: '' }, queryable)
}

assert(parentPort !== null, 'query-worker.ts runs as a worker')
warmUp(new Engine(), NOTHING)
serveQueries(parentPort, (data, seat) => {
  const { handle, engine: options } = data as QueryWorkerData
  const engine = new Engine(options)
  const queryable = new StoreQueryable(handle, seat.slot)
  warmUp(engine, queryable)
  return { engine, queryable }
})
