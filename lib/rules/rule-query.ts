// How rules ask: one instant query, its elements as values. The engine is this thread's own, over the head as it is now.
import type { Engine } from '../../lang/engine.ts'
import type { Kept } from '../../lang/exec/window-contract.ts'
import { QueryError } from '../../lang/exec/query-error.ts'
import type { InstantElement } from '../../lang/instant-elements.ts'
import { ParseError } from '../../lang/parse/parse-error.ts'
import type { Queryable } from '../../storage/interface.ts'

/** A query that gave no answer; the message is the engine's. */
export class RuleQueryError extends Error {
  readonly code = 'RULE_QUERY'
}

/** What the query compares with is being made: all stays as it is until then. */
export class RuleWaitError extends Error {
  readonly code = 'RULE_WAITS'
}

/** Evaluates at a time (Unix ms). Throws RuleQueryError, RuleWaitError. */
export type QueryFunc = (expr: string, timeMs: number) => InstantElement[]

/** The same, what is kept not read anew. */
export type WindowQueryFunc = (expr: string, timeMs: number, kept?: Kept) => InstantElement[]

export function engineQuery(engine: Engine, queryable: Queryable, limits: { timeoutMs: number; lookbackMs: number }): WindowQueryFunc {
  return (query, timeMs, kept) => {
    try {
      return engine.instant({ kind: 'instant', query, timeMs, ...limits, limit: 0, stats: '' }, queryable, kept)
    } catch (error) {
      if (error instanceof QueryError || error instanceof ParseError) throw new RuleQueryError(error.message, { cause: error })
      // Stack and memory have their bounds, too: a query beyond them costs itself, not the rules after it.
      if (error instanceof RangeError) throw new RuleQueryError(`query needs more than there is: ${error.message}`, { cause: error })
      throw error
    }
  }
}
