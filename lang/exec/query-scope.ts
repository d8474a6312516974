// What all parts of one query share.
import type { EngineFeatures } from '../parse/ast.ts'
import type { Querier } from '../../storage/interface.ts'
import type { Annotations } from './annotations.ts'
import type { Budget } from './budget.ts'
import type { HistogramTable } from './histogram-table.ts'
import type { LabelTable } from './label-table.ts'

export interface QueryScope {
  readonly querier: Querier
  readonly labels: LabelTable
  readonly histograms: HistogramTable
  readonly annotations: Annotations
  readonly budget: Budget
  readonly features: EngineFeatures
  readonly lookbackMs: number
  readonly isRangeQuery: boolean
  /** Resolution of subqueries that name none. */
  readonly subqueryStepMs: number
}

/** Labels that speak of the metric itself and go where its values no longer are the metric's. */
const METRIC_LABELS = ['__name__', '__type__', '__unit__'] as const

/**
 * Drops the metric's name from sets at once, where an operator loses it. (Delayed name removal would mark sets here
 * instead and drop at the end of the query.)
 */
export function nameDropper(labels: LabelTable): (set: number) => number {
  const names = new Set(METRIC_LABELS.map((name) => labels.intern(name)))
  return (set) => labels.drop(set, names)
}
