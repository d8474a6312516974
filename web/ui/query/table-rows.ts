// An instant answer as rows of a table: one column per label that differs, the value last; and their sorting.
import type { InstantData } from '../api/queries.ts'
import { commonLabels, labelNames, labelSetOf, labelValue, ownLabels, seriesText, type LabelSet } from './label-set.ts'
import { parseValue } from './matrix.ts'

export interface TableRow {
  labels: LabelSet
  /** The server's text; several lines of `value @seconds` for a range. */
  value: string
  /** For sorting; NaN for what is not one number. */
  number: number
}

export interface TableRows {
  rows: readonly TableRow[]
  /** Labels of all rows. */
  common: LabelSet
  /** Columns, one per label name; null when there are too many and the labels stand in one. */
  columns: readonly string[] | null
}

/** More label columns than this do not fit a screen. */
const COLUMNS_MAX = 8

export function tableRows(data: InstantData): TableRows {
  const rows = rowsOf(data)
  const sets = rows.map((row) => row.labels)
  const common = commonLabels(sets)
  const names = labelNames(sets.map((labels) => ownLabels(labels, common)))
  return { rows, common, columns: names.length <= COLUMNS_MAX ? names : null }
}

function rowsOf(data: InstantData): TableRow[] {
  switch (data.resultType) {
    case 'vector':
      return data.result.map(({ metric, value, histogram }) => {
        const labels = labelSetOf(metric)
        if (value) return { labels, value: value[1], number: parseValue(value[1]) }
        const text = histogram ? `histogram: count ${histogram[1].count}, sum ${histogram[1].sum}` : ''
        return { labels, value: text, number: histogram ? parseValue(histogram[1].count) : NaN }
      })
    case 'matrix':
      return data.result.map(({ metric, values = [], histograms = [] }) => {
        const lines = values.map(([seconds, value]) => `${value} @${seconds}`)
        if (histograms.length > 0) lines.push(`${histograms.length} histogram samples`)
        return { labels: labelSetOf(metric), value: lines.join('\n'), number: values.length > 0 ? parseValue(values.at(-1)![1]) : NaN }
      })
    case 'scalar':
      return [{ labels: [], value: data.result[1], number: parseValue(data.result[1]) }]
    case 'string':
      return [{ labels: [], value: data.result[1], number: NaN }]
  }
}

/** `''` sorts by value, `'series'` by all labels, another text by that label; numbers inside labels count as numbers. */
export interface TableSorting {
  by: string
  isAscending: boolean
}

const collator = new Intl.Collator('en', { numeric: true })

/** The rows in order; without sorting as the server sent them (which `sort()` and `topk` mean to be kept). NaN last. */
export function sortRows(rows: readonly TableRow[], sorting: TableSorting | null): readonly TableRow[] {
  if (!sorting) return rows
  const sign = sorting.isAscending ? 1 : -1
  if (sorting.by === '') {
    return rows.toSorted((a, b) => {
      if (Number.isNaN(a.number) || Number.isNaN(b.number)) return Number(Number.isNaN(a.number)) - Number(Number.isNaN(b.number))
      return a.number === b.number ? 0 : a.number < b.number ? -sign : sign
    })
  }
  const key = (row: TableRow): string => (sorting.by === 'series' ? seriesText(row.labels) : labelValue(row.labels, sorting.by))
  return rows.toSorted((a, b) => sign * collator.compare(key(a), key(b)))
}
