// What sum and avg keep of native histograms, per group and step, beside the float cells of accumulators.ts. Most
// queries have none: then nothing here is made. A cell that met floats and histograms, or exponential and custom
// buckets, has no result but a warning (prometheus promql/engine.go: aggregation).
import { HistogramMean } from '../../lib/model/histogram-mean.ts'
import { HistogramSum } from '../../lib/model/histogram-sum.ts'
import { HINT_NOT_RESET, HINT_RESET, histogramBytes, type FloatHistogram } from '../../lib/model/histogram.ts'
import { quote } from '../func/go-format.ts'
import type { AggregateScope } from './aggregate.ts'
import { ABSENT, HISTOGRAM } from './operator.ts'

/** Whether any of the first n points is a native histogram. */
export function hasHistograms(kinds: Uint8Array, n: number): boolean {
  // Fast path: the search for one byte is native.
  const at = kinds.indexOf(HISTOGRAM)
  return at >= 0 && at < n
}

/** Says that an aggregation of floats alone met histograms. */
export function ignoreHistograms(op: string, { annotations, at }: AggregateScope): void {
  annotations.info(`ignored histogram in ${op} aggregation`, at)
}

interface Cell {
  fold: HistogramSum | HistogramMean
  hasReset: boolean
  hasNotReset: boolean
  /** Met exponential and custom buckets. */
  isMixed: boolean
}

interface Row {
  values: Float64Array
  kinds: Uint8Array
  at: number
}

export class HistogramCells {
  readonly #op: 'sum' | 'avg'
  readonly #scope: AggregateScope
  readonly #cells = new Map<number, Cell>()

  constructor(op: 'sum' | 'avg', scope: AggregateScope) {
    this.#op = op
    this.#scope = scope
  }

  /** Adds the histograms of a row to its group; `metric` is the series' name. */
  add(group: number, row: Row, metric: string): void {
    const width = this.#scope.steps.count
    for (let i = 0; i < width; i++) {
      if (row.kinds[row.at + i] !== HISTOGRAM) continue
      const histogram = this.#scope.histograms.get(row.values[row.at + i]!)
      this.#addTo(group * width + i, histogram, metric)
    }
  }

  #addTo(c: number, histogram: FloatHistogram, metric: string): void {
    const { annotations, at, budget } = this.#scope
    const hasReset = histogram.hint === HINT_RESET
    const hasNotReset = histogram.hint === HINT_NOT_RESET
    const cell = this.#cells.get(c)
    if (cell === undefined) {
      // Each count of a running sum carries its compensation.
      budget.addBytes(2 * histogramBytes(histogram))
      const fold = this.#op === 'sum' ? new HistogramSum(histogram) : new HistogramMean(histogram)
      this.#cells.set(c, { fold, hasReset, hasNotReset, isMixed: false })
      return
    }
    if (cell.isMixed) return
    cell.hasReset ||= hasReset
    cell.hasNotReset ||= hasNotReset
    const met = cell.fold.add(histogram)
    if (met === null) {
      cell.isMixed = true
      annotations.warn(`vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${quote(metric)}`, at)
    } else if (met.isReconciled) {
      annotations.info('mismatched custom buckets were reconciled during aggregation', at)
    }
  }

  /** Puts the results among those of the floats, which are finished. */
  finish(values: Float64Array, kinds: Uint8Array): void {
    const { annotations, at, histograms } = this.#scope
    for (const [c, cell] of this.#cells) {
      if (kinds[c] !== ABSENT) {
        annotations.warn('encountered a mix of histograms and floats for aggregation', at)
        kinds[c] = ABSENT
        continue
      }
      if (cell.isMixed) continue
      if (cell.hasReset && cell.hasNotReset) annotations.warn('conflicting counter resets during histogram aggregation', at)
      values[c] = histograms.put(cell.fold.result())
      kinds[c] = HISTOGRAM
    }
  }
}
