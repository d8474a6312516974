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
    // A copy only if the bytes lie in a larger or shared buffer, which would not travel.
    const own = body.buffer instanceof ArrayBuffer && body.length === body.buffer.byteLength
      ? new Uint8Array(body.buffer)
      : new Uint8Array(body)
    send({ kind: 'reply', id, status, body: own }, [own.buffer])
  })
  send({ kind: 'ready' }, [])
}
