// The worker's side of the pool: takes its seat, then jobs from a port, and answers each. The entry file of a worker makes
// the engine and its view of the store once it has the seat.
import type { MessagePort } from 'node:worker_threads'
import { systemClock } from '../lib/std/clock.ts'
import type { Queryable } from '../storage/interface.ts'
import type { Engine } from './engine.ts'
import { Rehearsal } from './rehearsal.ts'
import type { JobMessage, SeatMessage, WorkerMessage, WorkerSeat } from './worker-protocol.ts'

/** Up to here a copy as a text costs both threads less than memory that changes hands. */
const COPIED_BYTES_MAX = 8192

/** What a worker answers from. */
export interface QueryGround {
  engine: Engine
  queryable: Queryable
}

/** Serves until the port closes or the worker is terminated. `open` takes what the pool has for the entry file. */
export function serveQueries(port: MessagePort, open: (data: unknown, seat: WorkerSeat) => QueryGround): void {
  let answer: ((message: JobMessage) => void) | null = null
  port.on('message', (message: SeatMessage | JobMessage) => {
    if ('job' in message) return answer!(message)
    answer = answerer(port, open(message.data, message.seat), message.seat)
    port.postMessage({ kind: 'ready' } satisfies WorkerMessage)
  })
}

function answerer(port: MessagePort, { engine, queryable }: QueryGround, seat: WorkerSeat): (message: JobMessage) => void {
  const rehearsal = new Rehearsal(engine, queryable, systemClock)
  port.on('close', () => rehearsal.stop())
  return ({ id, job }) => {
    const { status, body } = engine.run(job, queryable, seat.canceled)
    const isCopied = body.length <= COPIED_BYTES_MAX
    const message: WorkerMessage = { kind: 'reply', id, status, body: isCopied ? textOf(body) : body }
    // The buffer travels whole, whatever part of it the body is.
    port.postMessage(message, !isCopied && body.buffer instanceof ArrayBuffer ? [body.buffer] : [])
    rehearsal.answered()
  }
}

function textOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1')
}
