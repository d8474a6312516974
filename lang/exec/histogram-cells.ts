// What sum and avg keep of native histograms, per group and step, beside the float cells of accumulators.ts. Most
// queries have none: then nothing here is made. A cell that met floats and histograms, or exponential and custom
// buckets, has no result but a warning (prometheus promql/engine.go: aggregation).
import { HistogramMean } from '../../lib/model/histogram-mean.ts'
import { HistogramSum } from '../../lib/model/histogram-sum.ts'
import { compacted, HINT_NOT_RESET, HINT_RESET, histogramBytes, type FloatHistogram } from '../../lib/model/histogram.ts'
import { quote } from '../../lib/std/go-format.ts'
import type { AggregateScope } from './aggregate-scope.ts'
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
  /** null where a float came first: there is no result, and nothing to be said of more histograms. */
  fold: HistogramSum | HistogramMean | null
  hasReset: boolean
  hasNotReset: boolean
  /** Met exponential and custom buckets: nothing more is looked at. */
  isMixed: boolean
  hasFloat: boolean
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

  /**
   * Adds the histograms of a row to its group; `metric` is the series' name. `floats` are the kinds of all cells: FLOAT
   * where a float came before.
   */
  add(group: number, row: Row, floats: Uint8Array, metric: string): void {
    const width = this.#scope.steps.count
    for (let i = 0; i < width; i++) {
      if (row.kinds[row.at + i] !== HISTOGRAM) continue
      const c = group * width + i
      const histogram = this.#scope.histograms.get(row.values[row.at + i]!)
      const cell = this.#cells.get(c)
      if (cell !== undefined) this.#addTo(cell, histogram, floats[c] !== ABSENT, metric)
      else this.#cells.set(c, this.#started(histogram, floats[c] !== ABSENT))
    }
  }

  #started(histogram: FloatHistogram, hasFloat: boolean): Cell {
    const hints = { hasReset: histogram.hint === HINT_RESET, hasNotReset: histogram.hint === HINT_NOT_RESET }
    if (hasFloat) return { fold: null, isMixed: false, hasFloat, ...hints }
    // Each count of a running sum carries its compensation.
    this.#scope.budget.addBytes(2 * histogramBytes(histogram))
    const fold = this.#op === 'sum' ? new HistogramSum(histogram) : new HistogramMean(histogram)
    return { fold, isMixed: false, hasFloat, ...hints }
  }

  #addTo(cell: Cell, histogram: FloatHistogram, hasFloat: boolean, metric: string): void {
    const { annotations, at } = this.#scope
    if (cell.isMixed) return
    cell.hasFloat ||= hasFloat
    if (cell.fold === null) return
    cell.hasReset ||= histogram.hint === HINT_RESET
    cell.hasNotReset ||= histogram.hint === HINT_NOT_RESET
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
      // Floats behind what did not go together were not looked at.
      const hasFloat = cell.hasFloat || (!cell.isMixed && kinds[c] !== ABSENT)
      kinds[c] = ABSENT
      if (hasFloat) {
        annotations.warn('encountered a mix of histograms and floats for aggregation', at)
        continue
      }
      if (cell.isMixed || cell.fold === null) continue
      if (cell.hasReset && cell.hasNotReset) annotations.warn('conflicting counter resets during histogram aggregation', at)
      values[c] = histograms.put(compacted(cell.fold.result()))
      kinds[c] = HISTOGRAM
    }
  }
}
