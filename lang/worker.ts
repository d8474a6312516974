// The worker's side of the pool: takes jobs from a port, answers each. The entry file of a worker makes the engine
// and its view of the store, then calls serveQueries.
import type { MessagePort } from 'node:worker_threads'
import type { Queryable } from '../storage/interface.ts'
import type { Engine } from './engine.ts'
import type { JobMessage, WorkerMessage, WorkerSeat } from './worker-protocol.ts'

/** Serves until the port closes or the worker is terminated. */
export function serveQueries(port: MessagePort, engine: Engine, queryable: Queryable, seat: WorkerSeat): void {
  const send = (message: WorkerMessage, transfer: ArrayBuffer[]): void => port.postMessage(message, transfer)
  port.on('message', ({ id, job }: JobMessage) => {
    const { status, body } = engine.run(job, queryable, seat.canceled)
    // The buffer travels whole, whatever part of it the body is.
    send({ kind: 'reply', id, status, body }, body.buffer instanceof ArrayBuffer ? [body.buffer] : [])
  })
  send({ kind: 'ready' }, [])
}
