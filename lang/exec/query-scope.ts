// What all parts of one query share.
import type { EngineFeatures } from '../parse/ast.ts'
import type { Querier } from '../../storage/interface.ts'
import type { TierName } from '../../storage/tier/bucket.ts'
import type { Annotations } from './annotations.ts'
import type { Budget } from './budget.ts'
import type { Explainer } from './explain.ts'
import type { HistogramTable } from './histogram-table.ts'
import type { Kept } from './window-contract.ts'
import { marked, type LabelTable } from './label-table.ts'
import type { TierUse } from './tier-use.ts'

export interface QueryScope {
  /** The text that spans speak of. */
  readonly query: string
  readonly querier: Querier
  readonly labels: LabelTable
  readonly histograms: HistogramTable
  readonly annotations: Annotations
  readonly budget: Budget
  readonly features: EngineFeatures
  readonly lookbackMs: number
  readonly isRangeQuery: boolean
  /** Measures every node; null where nobody asked. */
  readonly explainer: Explainer | null
  /** Resolution of subqueries that name none. */
  readonly subqueryStepMs: number
  /** The tier that was asked for by name. */
  readonly tier: TierName | null
  /** Counts what comes from which tier; null where the store has none. */
  readonly tierUse: TierUse | null
  /** Of an instant query: what need not be read; null where nothing is kept. */
  readonly kept: Kept | null
}

/** Labels that speak of the metric itself and go where its values no longer are the metric's. */
const METRIC_LABELS = ['__name__', '__type__', '__unit__'] as const

/**
 * What an operator does to sets whose values are no longer the metric's. At once it drops the name; delayed
 * (promql-delayed-name-removal) it marks the set, and `nameRemover` drops the name at the end of the query.
 */
export function nameDropper(labels: LabelTable, isDelayed: boolean): (set: number) => number {
  const { names, drop } = metricLabels(labels)
  if (!isDelayed) return drop
  return (set) => (labels.hasAny(set, names) ? marked(set) : set)
}

/** Drops the metric labels of any set, marked or not. */
export function nameRemover(labels: LabelTable): (set: number) => number {
  return metricLabels(labels).drop
}

interface MetricLabels {
  generation: number
  names: ReadonlySet<number>
  drop: (set: number) => number
}

/** Each query asks for them. */
const known = new WeakMap<LabelTable, MetricLabels>()

function metricLabels(labels: LabelTable): MetricLabels {
  let found = known.get(labels)
  if (found?.generation !== labels.generation) {
    const names = new Set(METRIC_LABELS.map((name) => labels.intern(name)))
    found = { generation: labels.generation, names, drop: labels.dropping(names) }
    known.set(labels, found)
  }
  return found
}
