// Queries in the main thread: with --threads=0.
import { Engine, type EngineOptions } from '../lang/engine.ts'
import type { QueryJob, QueryReply } from '../lang/job.ts'
import type { Database } from '../storage/database.ts'
import { SLOT_COUNT } from '../storage/head/shared-heap.ts'
import { StoreQueryable } from '../storage/store-querier.ts'
import type { StoppableRunner } from './runners.ts'

/** Reader slot of the main thread, the last one; the pool gives its workers slots from 0 up. */
const MAIN_SLOT = SLOT_COUNT - 1

/** Evaluates in the main thread, one query at a time: for tiny machines and for embedding. */
export class InlineRunner implements StoppableRunner {
  readonly #engine: Engine
  readonly #queryable: StoreQueryable

  constructor(options: Partial<EngineOptions>, db: Database) {
    this.#engine = new Engine(options)
    this.#queryable = new StoreQueryable(db.handle(), MAIN_SLOT)
  }

  run(job: QueryJob): Promise<QueryReply> {
    return Promise.resolve(this.#engine.run(job, this.#queryable))
  }

  stop(): Promise<void> {
    this.#queryable.close()
    return Promise.resolve()
  }
}
