// Entry file of a thread that replays one rule over what is stored, and ends.
import { parentPort, workerData } from 'node:worker_threads'
import { Engine } from '../lang/engine.ts'
import { backtest, BacktestError, type BacktestJob } from '../lib/rules/backtest.ts'
import { BACKTEST_MS_MAX, type BacktestAnswer } from '../lib/rules/backtest-thread.ts'
import { assert } from '../lib/std/assert.ts'
import { systemClock } from '../lib/std/clock.ts'
import { StoreQueryable, type StoreHandle } from '../storage/store-querier.ts'
import type { EngineSettings } from './engine-options.ts'

export interface BacktestWorkerData {
  handle: StoreHandle
  slot: number
  engine: EngineSettings
  lookbackMs: number
}

assert(parentPort !== null, 'backtest-worker.ts runs as a worker')
const { handle, slot, engine, lookbackMs, job } = workerData as BacktestWorkerData & { job: BacktestJob }
const queryable = new StoreQueryable(handle, slot)
const answer = ((): BacktestAnswer => {
  try {
    return { result: backtest(job, { engine: new Engine(engine), queryable, clock: systemClock, lookbackMs, timeoutMs: BACKTEST_MS_MAX, features: engine.features ?? {} }) }
  } catch (error) {
    if (error instanceof BacktestError) return { error: error.message }
    throw error
  } finally {
    queryable.close()
  }
})()
parentPort.postMessage(answer)
