// The real parser and engine as what `.test` files are run against, all experimental features and delayed name removal
// switched on, with promqltest's settings: lookback 5 m, subqueries without a step 1 m.
import { Engine } from '../../lang/engine.ts'
import type { Expr } from '../../lang/parse/ast.ts'
import { ENGINE_FEATURE_NAMES, engineFeatures } from '../../lang/parse/features.ts'
import { parseExpr } from '../../lang/parse/parse.ts'
import type { Queryable } from '../../storage/interface.ts'
import { answerOf, type Answer } from './answer.ts'
import { histogramsOf, type Question } from './histogram-answer.ts'

const COMMON = { timeoutMs: 30_000, limit: 0, lookbackMs: 300_000, stats: '' } as const
const SUBQUERY_STEP_MS = 60_000
// promqltest leaves this one off: with it, what counts as a counter is told by a label that its series do not have.
const FEATURES = { ...engineFeatures(ENGINE_FEATURE_NAMES.keys()), typeAndUnitLabels: false }

/** What a `.test` file is run against. */
export interface Subject {
  evaluate(question: Question, queryable: Queryable): Answer
  parse(expr: string): Expr
}

export function engineSubject(): Subject {
  const engine = new Engine({ features: FEATURES, subqueryStepMs: SUBQUERY_STEP_MS })
  return {
    evaluate(question: Question, queryable: Queryable): Answer {
      const { expr, startMs, endMs, stepMs } = question
      const job = stepMs > 0
        ? { ...COMMON, kind: 'range' as const, query: expr, startMs, endMs, stepMs }
        : { ...COMMON, kind: 'instant' as const, query: expr, timeMs: startMs }
      const body = new TextDecoder().decode(engine.run(job, queryable).body)
      return answerOf(body, histogramsOf(question, queryable, {
        features: FEATURES, lookbackMs: COMMON.lookbackMs, subqueryStepMs: SUBQUERY_STEP_MS,
      }))
    },
    parse: (text: string): Expr => parseExpr(text, FEATURES),
  }
}
