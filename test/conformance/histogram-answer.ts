// The whole native histograms of an answer: the reply shows buckets but neither schema nor hint, so the query is
// evaluated once more and its rows are read before they become JSON.
import { systemClock } from '../../lib/std/clock.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import { formatLabels, type Labels } from '../../lib/model/labels.ts'
import { DEFAULT_ENGINE_OPTIONS } from '../../lang/engine.ts'
import { Annotations } from '../../lang/exec/annotations.ts'
import { Budget } from '../../lang/exec/budget.ts'
import { evaluate } from '../../lang/exec/evaluate.ts'
import { HistogramTable } from '../../lang/exec/histogram-table.ts'
import { LabelTable } from '../../lang/exec/label-table.ts'
import { HISTOGRAM } from '../../lang/exec/operator.ts'
import type { QueryScope } from '../../lang/exec/query-scope.ts'
import type { EngineFeatures } from '../../lang/parse/ast.ts'
import { parseExpr } from '../../lang/parse/parse.ts'
import type { Queryable } from '../../storage/interface.ts'
import type { HistogramReader } from './answer.ts'

/** Times in Unix ms, stepMs 0 for an instant query at startMs. */
export interface Question {
  expr: string
  startMs: number
  endMs: number
  stepMs: number
}

export interface QuestionSettings {
  features: EngineFeatures
  lookbackMs: number
  subqueryStepMs: number
}

/** Evaluates when the first histogram is asked for. */
export function histogramsOf(question: Question, queryable: Queryable, settings: QuestionSettings): HistogramReader {
  let found: Map<string, FloatHistogram> | null = null
  return (labels, timeMs) => {
    found ??= evaluated(question, queryable, settings)
    const histogram = found.get(keyOf(labels, timeMs))
    if (histogram === undefined) throw new Error(`no histogram of ${formatLabels(labels)} at ${timeMs}`)
    return histogram
  }
}

function keyOf(labels: Labels, timeMs: number): string {
  return `${JSON.stringify(labels)} ${timeMs}`
}

function evaluated({ expr, startMs, endMs, stepMs }: Question, queryable: Queryable, settings: QuestionSettings): Map<string, FloatHistogram> {
  const querier = queryable.querier()
  const labels = new LabelTable(querier)
  const budget = new Budget({ ...DEFAULT_ENGINE_OPTIONS, deadlineMs: Infinity, clock: systemClock })
  const scope: QueryScope = {
    ...settings, query: expr, explainer: null, tier: null, tierUse: null, kept: null, querier, labels, budget, histograms: new HistogramTable(budget), annotations: new Annotations(expr), isRangeQuery: stepMs > 0,
  }
  const count = stepMs > 0 ? Math.floor((endMs - startMs) / stepMs) + 1 : 1
  const result = evaluate(parseExpr(expr, settings.features), { startMs, stepMs, count }, { startMs, endMs, stepMs }, scope)
  const found = new Map<string, FloatHistogram>()
  if (result.kind === 'rows') {
    const { series, kinds, values } = result.rows
    kinds.forEach((kind, at) => {
      const key = keyOf(labels.labels(series[Math.floor(at / count)]!), startMs + (at % count) * stepMs)
      if (kind === HISTOGRAM) found.set(key, scope.histograms.get(values[at]!))
    })
  } else if (result.kind === 'matrix') {
    for (const { set, t, h } of result.series) {
      h?.forEach((histogram, i) => histogram !== null && found.set(keyOf(labels.labels(set), t[i]!), histogram))
    }
  }
  querier.close()
  return found
}
