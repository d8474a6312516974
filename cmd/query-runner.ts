// Who evaluates queries: a pool of workers, or with --threads=0 the main thread itself.
import { QueryPool } from '../lang/pool.ts'
import type { Config } from '../lib/config/scrape-config.ts'
import type { Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import type { Metrics } from '../lib/std/metrics.ts'
import type { Database } from '../storage/database.ts'
import { engineSettings, queryThreads } from './engine-options.ts'
import type { Flags } from './flags.ts'
import type { QueryThreads } from './query-threads.ts'
import type { QueryWorkerData } from './query-worker.ts'
import type { StoppableRunner } from './runners.ts'

interface Ground {
  clock: Clock
  logger: Logger
  metrics: Metrics
  db: Database
  threads: QueryThreads
}

/** A page of dashboards waits; a flood is refused. */
const QUEUED_MAX = 500
const QUEUE_TIMEOUT_MS = 10_000
const WORKER_IDLE_MS = 60_000

export async function makeQueryRunner(flags: Flags, config: Config, ground: Ground): Promise<StoppableRunner> {
  const engine = engineSettings(flags, config)
  if (flags.threads === 0) {
    // Else main need not load what evaluates.
    const { InlineRunner } = await import('./inline-runner.ts')
    return new InlineRunner({ ...engine, clock: ground.clock }, ground.db)
  }
  return new QueryPool({
    startThread: () => ground.threads.take(),
    workerData: { handle: ground.db.handle(), engine } satisfies QueryWorkerData,
    maxWorkers: queryThreads(flags),
    maxConcurrent: flags.queriesMax,
    maxQueued: QUEUED_MAX,
    queueTimeoutMs: QUEUE_TIMEOUT_MS,
    idleMs: WORKER_IDLE_MS,
    clock: ground.clock, logger: ground.logger, metrics: ground.metrics,
    onWorkerGone: (slot) => ground.db.releaseSlot(slot),
  })
}
