// The metadata thread: has the file, answers calls, ends when told to.
import type { MessagePort } from 'node:worker_threads'
import { systemClock } from '../std/clock.ts'
import { GroupCommit } from './group-commit.ts'
import type { Call, CommitReport, Outcome } from './request.ts'

export interface MetaWorkerData {
  folder: string
}

/** Main to worker. */
export type ToMeta =
  | { kind: 'call'; id: number; call: Call }
  /** After all that came before it. */
  | { kind: 'close' }

/** Worker to main. */
export type FromMeta =
  /** It can serve. */
  | { kind: 'ready' }
  | { kind: 'outcome'; id: number; outcome: Outcome }
  | { kind: 'commit'; report: CommitReport }
  | { kind: 'warn'; message: string }

/** Serves until it is told to close. */
export function serveMeta(port: MessagePort, { folder }: MetaWorkerData): void {
  const send = (message: FromMeta): void => port.postMessage(message)
  const commit = new GroupCommit({ folder, warn: (message) => send({ kind: 'warn', message }) }, systemClock, {
    onOutcome: (id, outcome) => send({ kind: 'outcome', id, outcome }),
    onCommit: (report) => send({ kind: 'commit', report }),
  })
  port.on('message', (message: ToMeta) => {
    if (message.kind === 'call') return commit.add(message.id, message.call)
    commit.close()
    // The thread ends, as nothing else keeps it.
    port.close()
  })
  send({ kind: 'ready' })
}
