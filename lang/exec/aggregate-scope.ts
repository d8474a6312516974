// What every aggregation works with.
import type { Span } from '../parse/ast.ts'
import type { Annotations } from './annotations.ts'
import type { Budget } from './budget.ts'
import type { HistogramTable } from './histogram-table.ts'
import type { LabelTable } from './label-table.ts'
import type { Steps } from './operator.ts'

export interface AggregateScope {
  steps: Steps
  budget: Budget
  labels: LabelTable
  histograms: HistogramTable
  annotations: Annotations
  /** What annotations speak of: the aggregated expression, the whole aggregation for topk and bottomk. */
  at: Span
}
