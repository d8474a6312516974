// Entry file of the thread that evaluates baselines of anomaly rules.
import { parentPort, workerData } from 'node:worker_threads'
import { Engine } from '../lang/engine.ts'
import { serveBaselines } from '../lib/rules/baseline/serve-baselines.ts'
import { assert } from '../lib/std/assert.ts'
import { StoreQueryable, type StoreHandle } from '../storage/store-querier.ts'
import type { EngineSettings } from './engine-options.ts'

export interface BaselineWorkerData {
  handle: StoreHandle
  slot: number
  engine: EngineSettings
  timeoutMs: number
  lookbackMs: number
}

assert(parentPort !== null, 'baseline-worker.ts runs as a worker')
const { handle, slot, engine, timeoutMs, lookbackMs } = workerData as BaselineWorkerData
serveBaselines(parentPort, { engine: new Engine(engine), queryable: new StoreQueryable(handle, slot), timeoutMs, lookbackMs })
