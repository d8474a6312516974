// The worker's side of the pool: takes jobs from a port, answers each. The entry file of a worker makes the engine
// and its view of the store, then calls serveQueries.
import type { MessagePort } from 'node:worker_threads'
import { systemClock } from '../lib/std/clock.ts'
import type { Queryable } from '../storage/interface.ts'
import type { Engine } from './engine.ts'
import { Rehearsal } from './rehearsal.ts'
import type { JobMessage, WorkerMessage, WorkerSeat } from './worker-protocol.ts'

/** Serves until the port closes or the worker is terminated. */
export function serveQueries(port: MessagePort, engine: Engine, queryable: Queryable, seat: WorkerSeat): void {
  const rehearsal = new Rehearsal(engine, queryable, systemClock)
  const send = (message: WorkerMessage, transfer: ArrayBuffer[]): void => port.postMessage(message, transfer)
  port.on('message', ({ id, job }: JobMessage) => {
    const { status, body } = engine.run(job, queryable, seat.canceled)
    // The buffer travels whole, whatever part of it the body is.
    send({ kind: 'reply', id, status, body }, body.buffer instanceof ArrayBuffer ? [body.buffer] : [])
    rehearsal.answered()
  })
  port.on('close', () => rehearsal.stop())
  send({ kind: 'ready' }, [])
}
