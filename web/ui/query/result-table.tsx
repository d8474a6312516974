// The table of an instant answer: sortable, labels in columns, values as the server wrote them.
import { useComputed, useSignal, type ReadonlySignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { LabelText } from '../widgets/label-text.tsx'
import { useRowWindow } from '../widgets/virtual-rows.ts'
import { labelValue, ownLabels, seriesText, type LabelSet } from './label-set.ts'
import type { PanelResult } from './panel.ts'
import { sortRows, tableRows, type TableRow, type TableSorting } from './table-rows.ts'

type TableResult = Extract<PanelResult, { kind: 'table' }>

const ROW_HEIGHT = 28

export function ResultTable({ result }: { result: ReadonlySignal<TableResult | null> }): JSX.Element | null {
  const sorting = useSignal<TableSorting | null>(null)
  const table = useComputed(() => (result.value ? tableRows(result.value.data) : null))
  const rows = useComputed(() => (table.value ? sortRows(table.value.rows, sorting.value) : []))
  const body = useRef<HTMLTableSectionElement>(null)
  const view = useRowWindow(body, rows.value.length, ROW_HEIGHT)
  const now = table.value
  if (!now || rows.value.length === 0) return null
  const columns = now.columns ?? ['series']
  const width = columns.length + 1
  const pad = (height: number): JSX.Element | null =>
    height > 0 ? <tr aria-hidden="true" class="pad"><td colSpan={width} style={{ height: `${height}px` }} /></tr> : null
  return (
    <div class="table-wrap">
      {now.common.length > 0 && <p class="common"><span class="muted">All: </span><LabelText labels={now.common} /></p>}
      <table class={`data ${view.isVirtual ? 'is-virtual' : ''}`} aria-label="Result" aria-rowcount={rows.value.length + 1}>
        <thead>
          <tr>
            {columns.map((name) => <SortHeader key={name} name={name} text={name === '__name__' ? 'metric' : name} sorting={sorting.value} onSort={(next) => (sorting.value = next)} />)}
            <SortHeader name="" text="Value" sorting={sorting.value} onSort={(next) => (sorting.value = next)} />
          </tr>
        </thead>
        <tbody ref={body}>
          {pad(view.padTop)}
          {rows.value.slice(view.first, view.last).map((row) => <Row key={seriesText(row.labels)} row={row} columns={now.columns} common={now.common} />)}
          {pad(view.padBottom)}
        </tbody>
      </table>
    </div>
  )
}

interface SortHeaderProps {
  name: string
  text: string
  sorting: TableSorting | null
  onSort: (sorting: TableSorting | null) => void
}

/** First press: numbers largest first, texts from A; second: the other way; third: as the server sent them. */
function SortHeader({ name, text, sorting, onSort }: SortHeaderProps): JSX.Element {
  const isOn = sorting?.by === name
  const firstAscending = name !== ''
  const next = !isOn ? { by: name, isAscending: firstAscending } : sorting.isAscending === firstAscending ? { by: name, isAscending: !firstAscending } : null
  return (
    <th scope="col" class={name === '' ? 'number' : ''} aria-sort={!isOn ? 'none' : sorting.isAscending ? 'ascending' : 'descending'}>
      <button type="button" class="sort" onClick={() => onSort(next)}>{text}</button>
    </th>
  )
}

function Row({ row, columns, common }: { row: TableRow; columns: readonly string[] | null; common: LabelSet }): JSX.Element {
  return (
    <tr>
      {columns === null
        ? <td><LabelText labels={ownLabels(row.labels, common)} /></td>
        : columns.map((name) => <td class="mono" key={name}>{labelValue(row.labels, name)}</td>)}
      <td class="number value">{row.value}</td>
    </tr>
  )
}
