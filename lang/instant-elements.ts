// The result of an instant query as plain values, for those who go on working with it instead of sending it.
import type { FloatHistogram } from '../lib/model/histogram.ts'
import { EMPTY_LABELS, type Labels } from '../lib/model/labels.ts'
import type { QueryResult } from './exec/evaluate.ts'
import type { HistogramTable } from './exec/histogram-table.ts'
import type { LabelTable } from './exec/label-table.ts'
import { ABSENT, HISTOGRAM } from './exec/operator.ts'
import { ExecutionError } from './exec/query-error.ts'

export interface InstantElement {
  labels: Labels
  /** 0 where it is a histogram. */
  value: number
  histogram: FloatHistogram | null
}

/** In the order of the result. Throws ExecutionError for a text or a range vector. */
export function elementsOf(result: QueryResult, labels: LabelTable, histograms: HistogramTable): InstantElement[] {
  if (result.kind === 'scalar') return [{ labels: EMPTY_LABELS, value: result.value, histogram: null }]
  if (result.kind !== 'rows') throw new ExecutionError('rule result is not a vector or scalar')
  const { series, values, kinds } = result.rows
  const elements: InstantElement[] = []
  for (let s = 0; s < series.length; s++) {
    if (kinds[s] === ABSENT) continue
    const isHistogram = kinds[s] === HISTOGRAM
    elements.push({
      labels: labels.labels(series[s]!), value: isHistogram ? 0 : values[s]!, histogram: isHistogram ? histograms.get(values[s]!) : null,
    })
  }
  return elements
}
