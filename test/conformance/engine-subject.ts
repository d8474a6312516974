// The real parser and engine as what `.test` files are run against, all experimental syntax switched on, with
// promqltest's settings: lookback 5 m, subqueries without a step 1 m.
import { Engine } from '../../lang/engine.ts'
import type { Expr } from '../../lang/parse/ast.ts'
import { ALL_FEATURES, parseExpr } from '../../lang/parse/parse.ts'
import { ParseError } from '../../lang/parse/parse-error.ts'
import type { Queryable } from '../../storage/interface.ts'
import { answerOf, type Answer } from './answer.ts'
import type { Subject } from './run-file.ts'
import type { EvalCommand } from './test-file.ts'

const COMMON = { timeoutMs: 30_000, limit: 0, lookbackMs: 300_000, stats: '' } as const

export function engineSubject(): Subject {
  const engine = new Engine({ features: ALL_FEATURES, subqueryStepMs: 60_000 })
  return {
    evaluate({ expr, startMs, endMs, stepMs }: EvalCommand, queryable: Queryable): Answer {
      const job = stepMs > 0
        ? { ...COMMON, kind: 'range' as const, query: expr, startMs, endMs, stepMs }
        : { ...COMMON, kind: 'instant' as const, query: expr, timeMs: startMs }
      return answerOf(new TextDecoder().decode(engine.run(job, queryable).body))
    },
    parse(text: string): Expr | null {
      try {
        return parseExpr(text, ALL_FEATURES)
      } catch (error) {
        if (error instanceof ParseError) return null
        throw error
      }
    },
  }
}
