// The rules' entry file: an engine over the shared head, and the groups that it evaluates.
import { parentPort, workerData } from 'node:worker_threads'
import { Engine } from '../lang/engine.ts'
import type { RestoreLimits } from '../lib/rules/restore.ts'
import { serveRules } from '../lib/rules/worker.ts'
import { assert } from '../lib/std/assert.ts'
import { systemClock } from '../lib/std/clock.ts'
import { Logger, type LogFormat, type LogLevel } from '../lib/std/log.ts'
import { StoreQueryable, type StoreHandle } from '../storage/store-querier.ts'
import type { EngineSettings } from './engine-options.ts'

export interface RulesWorkerData {
  handle: StoreHandle
  slot: number
  engine: EngineSettings
  timeoutMs: number
  lookbackMs: number
  restoreLimits: RestoreLimits
  resendMs: number
  log: { level: LogLevel; format: LogFormat }
}

assert(parentPort !== null, 'rules-worker.ts runs as a worker')
const data = workerData as RulesWorkerData
serveRules(parentPort, {
  engine: new Engine(data.engine), queryable: new StoreQueryable(data.handle, data.slot), features: data.engine.features ?? {},
  restoreLimits: data.restoreLimits, resendMs: data.resendMs, timeoutMs: data.timeoutMs, lookbackMs: data.lookbackMs, clock: systemClock, logger: new Logger(data.log).with('rules'),
})
