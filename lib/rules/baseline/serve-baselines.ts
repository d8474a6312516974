// The thread of baselines: each is an instant query, whose rows go back by transfer.
import type { MessagePort } from 'node:worker_threads'
import type { Engine } from '../../../lang/engine.ts'
import { QueryError } from '../../../lang/exec/query-error.ts'
import { ParseError } from '../../../lang/parse/parse-error.ts'
import type { Queryable } from '../../../storage/interface.ts'
import { buffersOf, type BaselineAnswer, type BaselineAsk } from './awaited-past.ts'

export interface BaselineSeat {
  engine: Engine
  queryable: Queryable
  timeoutMs: number
  lookbackMs: number
}

/** Serves until the thread is terminated. */
export function serveBaselines(port: MessagePort, seat: BaselineSeat): void {
  port.on('message', (ask: BaselineAsk) => {
    const answer = answerOf(ask, seat)
    port.postMessage(answer, buffersOf(answer))
  })
}

function answerOf(ask: BaselineAsk, { engine, queryable, timeoutMs, lookbackMs }: BaselineSeat): BaselineAnswer {
  try {
    const rows = engine.packed({ kind: 'instant', query: ask.text, timeMs: ask.atMs, timeoutMs, lookbackMs, limit: 0, stats: '' }, queryable)
    return { ...ask, rows, error: rows === null ? 'its baseline is no vector of floats' : '' }
  } catch (error) {
    if (error instanceof QueryError || error instanceof ParseError) return { ...ask, rows: null, error: `its baseline: ${error.message}` }
    throw error
  }
}
