// All that graph and legend have to know of a matrix, worked out once per result: statistics, styles, shared labels,
// extent, and which series become lines.
import { commonLabels, seriesText, type LabelSet } from './label-set.ts'
import { planDrawing, rowOf, seriesStats, type DrawPlan, type Matrix, type SeriesStats } from './matrix.ts'
import { assignLineStyles, type LineStyle } from './series-color.ts'

export interface GraphFacts {
  matrix: Matrix
  /** By row, as all the arrays here. */
  stats: readonly SeriesStats[]
  texts: readonly string[]
  styles: readonly LineStyle[]
  common: LabelSet
  plan: DrawPlan
  /** Finite extent of all series, [NaN, NaN] without any. */
  extent: readonly [min: number, max: number]
}

export function graphFacts(matrix: Matrix, wantsAll: boolean): GraphFacts {
  const stats = matrix.labels.map((_, row) => seriesStats(rowOf(matrix, row)))
  const plan = planDrawing(stats, wantsAll)
  // Styles are given to what is drawn; thousands of series would only share them out at random.
  const drawnStyles = assignLineStyles(plan.rows.map((row) => matrix.labels[row]!))
  const styles: LineStyle[] = matrix.labels.map(() => ({ color: 0, dash: 0 }))
  plan.rows.forEach((row, i) => (styles[row] = drawnStyles[i]!))
  return {
    matrix, stats, plan, styles,
    texts: matrix.labels.map(seriesText),
    common: commonLabels(matrix.labels),
    extent: finiteExtent(matrix.values),
  }
}

/** Smallest and largest finite value, NaN for none. */
function finiteExtent(values: Float64Array): [number, number] {
  let min = NaN
  let max = NaN
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isFinite(value)) continue
    if (!(value >= min)) min = value
    if (!(value <= max)) max = value
  }
  return [min, max]
}
