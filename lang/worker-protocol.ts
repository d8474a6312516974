// What passes between the pool (main thread) and a query worker. One job at a time; replies travel by transfer, small ones as a copy.
import type { QueryJob } from './job.ts'

export interface WorkerSeat {
  /** The worker's reader slot: at most one living worker has it. */
  slot: number
  /** Shared memory; element 0 is non-zero while nobody waits for the running job. */
  canceled: Int32Array
}

/** Main to worker, once and before all else: what it serves from. */
export interface SeatMessage {
  seat: WorkerSeat
  /** For its entry file. */
  data: unknown
}

/** Main to worker. */
export interface JobMessage {
  id: number
  job: QueryJob
}

/** Worker to main: once `ready` when it can take jobs, then one reply per job. A text is one of bytes, in Latin-1. */
export type WorkerMessage =
  | { kind: 'ready' }
  | { kind: 'reply'; id: number; status: number; body: Uint8Array | string }
