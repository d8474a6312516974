// A range result as columns: one Float64Array for all series, row by row, on the grid that was asked for. Made in the
// worker (range-worker.ts), read by chart and legend. Absent points and NaN samples are both NaN: neither is drawn
// nor counted.
import { labelSetOf, type LabelSet } from './label-set.ts'
import type { RangeGrid } from './url-state.ts'

export interface Matrix {
  readonly grid: RangeGrid
  readonly labels: readonly LabelSet[]
  /** Points per series: (endMs - startMs) / stepMs + 1, rounded down. */
  readonly pointCount: number
  /** `labels.length * pointCount`; series i is at `i * pointCount`. */
  readonly values: Float64Array
  /** Series that came as native histograms only; nothing of them is drawn. */
  readonly histogramCount: number
}

/** One series of a `matrix` result of the API. */
export interface ApiSeries {
  metric: Record<string, string>
  values?: [unixSeconds: number, value: string][]
  histograms?: unknown[]
}

/** Number of a sample as the API writes it. */
export function parseValue(text: string): number {
  if (text === '+Inf') return Infinity
  if (text === '-Inf') return -Infinity
  return Number(text)
}

/** Columns of an API result. Points that lie off the grid by more than half a step are dropped. */
export function matrixOf(result: readonly ApiSeries[], grid: RangeGrid): Matrix {
  const pointCount = Math.floor((grid.endMs - grid.startMs) / grid.stepMs) + 1
  const drawn = result.filter((series) => series.values !== undefined)
  const values = new Float64Array(drawn.length * pointCount).fill(NaN)
  drawn.forEach((series, row) => {
    const base = row * pointCount
    for (const [seconds, text] of series.values!) {
      const at = Math.round((seconds * 1000 - grid.startMs) / grid.stepMs)
      if (at >= 0 && at < pointCount) values[base + at] = parseValue(text)
    }
  })
  return {
    grid, pointCount, values,
    labels: drawn.map((series) => labelSetOf(series.metric)),
    histogramCount: result.length - drawn.length,
  }
}

/** The matrix of one series row, a view: not a copy. */
export function rowOf(matrix: Matrix, row: number): Float64Array {
  return matrix.values.subarray(row * matrix.pointCount, (row + 1) * matrix.pointCount)
}

/** What a legend says of a line; all NaN when it has no point. Infinities count for min, max and last, not for avg. */
export interface SeriesStats {
  min: number
  max: number
  avg: number
  last: number
}

export type StatName = keyof SeriesStats

export function seriesStats(values: Float64Array): SeriesStats {
  let min = NaN
  let max = NaN
  let last = NaN
  let sum = 0
  let finiteCount = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    if (!(value >= min)) min = value
    if (!(value <= max)) max = value
    last = value
    if (Number.isFinite(value)) {
      sum += value
      finiteCount++
    }
  }
  return { min, max, avg: finiteCount === 0 ? NaN : sum / finiteCount, last }
}

/** Rows sorted by a statistic, largest first; rows without a value come last, ties keep their order. */
export function rowsByStat(stats: readonly SeriesStats[], name: StatName): number[] {
  const key = (row: number): number => (Number.isNaN(stats[row]![name]) ? -Infinity : stats[row]![name])
  return stats.map((_, row) => row).sort((a, b) => (key(a) === key(b) ? a - b : key(b) - key(a)))
}

/** Lines drawn without asking, and on request; above, drawing and hovering would make the page stall. */
export const LINES_MAX = 300
export const LINES_ON_REQUEST_MAX = 2000
/** Above LINES_ON_REQUEST_MAX only so many lines are drawn over the density picture. */
const LINES_OVER_DENSITY = 20

/** Rows to draw as lines, in the order of the result, and whether the rest shows as density. */
export interface DrawPlan {
  rows: readonly number[]
  hasDensity: boolean
}

/** Which series become lines: all of a small result, else the largest by their maximum. */
export function planDrawing(stats: readonly SeriesStats[], wantsAll: boolean): DrawPlan {
  const count = stats.length
  if (count <= LINES_MAX || (wantsAll && count <= LINES_ON_REQUEST_MAX)) return { rows: stats.map((_, i) => i), hasDensity: false }
  const hasDensity = count > LINES_ON_REQUEST_MAX
  const rows = rowsByStat(stats, 'max').slice(0, hasDensity ? LINES_OVER_DENSITY : LINES_MAX).sort((a, b) => a - b)
  return { rows, hasDensity }
}
