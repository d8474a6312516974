// The legend of a graph: one row per line with its statistics, sortable; labels that all lines share are said once.
// A click shows a line alone, Ctrl+click hides or shows it; hovering a row picks its line out.
import { useComputed, useSignal, type ReadonlySignal, type Signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { scheme } from '../shell/settings.ts'
import { LabelText } from '../widgets/label-text.tsx'
import { useRowWindow } from '../widgets/virtual-rows.ts'
import type { GraphFacts } from './graph-facts.ts'
import { ownLabels } from './label-set.ts'
import { rowsByStat, type StatName } from './matrix.ts'
import { formatShort } from './number-format.ts'
import { LINE_COLORS, LINE_DASHES, type LineStyle } from './series-color.ts'

const STATS: readonly StatName[] = ['min', 'max', 'avg', 'last']
const ROW_HEIGHT = 24

export interface LegendProps {
  facts: ReadonlySignal<GraphFacts | null>
  /** Texts of the series hidden; survives refreshes. */
  hidden: Signal<ReadonlySet<string>>
  onHover: (row: number | null) => void
}

interface Sorting {
  by: StatName | null
  isAscending: boolean
}

/** The style of a line as a short stroke. */
function Swatch({ style }: { style: LineStyle }): JSX.Element {
  return (
    <svg class="swatch-line" viewBox="0 0 18 4" width="18" height="4" aria-hidden="true">
      <line x1="0" y1="2" x2="18" y2="2" stroke={LINE_COLORS[scheme.value][style.color]} stroke-dasharray={LINE_DASHES[style.dash]!.join(' ')} />
    </svg>
  )
}

/** Hidden set after a click: alone, or all again when it was alone already; with `isToggle` just this one changes. */
function afterClick(hidden: ReadonlySet<string>, all: readonly string[], clicked: string, isToggle: boolean): Set<string> {
  if (isToggle) {
    const next = new Set(hidden)
    if (!next.delete(clicked)) next.add(clicked)
    return next.size >= all.length ? new Set() : next
  }
  const wasAlone = !hidden.has(clicked) && all.every((text) => text === clicked || hidden.has(text))
  return wasAlone ? new Set() : new Set(all.filter((text) => text !== clicked))
}

export function Legend({ facts, hidden, onHover }: LegendProps): JSX.Element | null {
  const sorting = useSignal<Sorting>({ by: null, isAscending: false })
  const rows = useComputed(() => {
    const now = facts.value
    if (!now) return []
    const { by, isAscending } = sorting.value
    if (!by) return [...now.plan.rows]
    const drawn = new Set(now.plan.rows)
    const sorted = rowsByStat(now.stats, by).filter((row) => drawn.has(row))
    return isAscending ? sorted.reverse() : sorted
  })
  const body = useRef<HTMLTableSectionElement>(null)
  const view = useRowWindow(body, rows.value.length, ROW_HEIGHT)
  const now = facts.value
  if (!now || rows.value.length === 0) return null
  const all = now.plan.rows.map((row) => now.texts[row]!)
  const sortBy = (by: StatName): void => {
    const old = sorting.peek()
    sorting.value = old.by !== by ? { by, isAscending: false } : old.isAscending ? { by: null, isAscending: false } : { by, isAscending: true }
  }
  return (
    <table class={`legend ${view.isVirtual ? 'is-virtual' : ''}`} aria-label="Legend" onMouseLeave={() => onHover(null)}>
      <thead>
        <tr>
          <th scope="col">{now.common.length > 0 ? <span class="legend-common"><LabelText labels={now.common} /></span> : 'Series'}</th>
          {STATS.map((stat) => (
            <th scope="col" class="number" key={stat} aria-sort={sorting.value.by !== stat ? 'none' : sorting.value.isAscending ? 'ascending' : 'descending'}>
              <button type="button" class="sort" onClick={() => sortBy(stat)}>{stat}</button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        {view.padTop > 0 && <tr aria-hidden="true" class="pad"><td colSpan={5} style={{ height: `${view.padTop}px` }} /></tr>}
        {rows.value.slice(view.first, view.last).map((row) => (
          <LegendRow
            key={now.texts[row]} facts={now} row={row} isHidden={hidden.value.has(now.texts[row]!)} onHover={onHover}
            onClick={(isToggle) => (hidden.value = afterClick(hidden.peek(), all, now.texts[row]!, isToggle))}
          />
        ))}
        {view.padBottom > 0 && <tr aria-hidden="true" class="pad"><td colSpan={5} style={{ height: `${view.padBottom}px` }} /></tr>}
      </tbody>
    </table>
  )
}

interface LegendRowProps {
  facts: GraphFacts
  row: number
  isHidden: boolean
  onHover: (row: number) => void
  onClick: (isToggle: boolean) => void
}

function LegendRow({ facts, row, isHidden, onHover, onClick }: LegendRowProps): JSX.Element {
  const stats = facts.stats[row]!
  return (
    <tr class={isHidden ? 'is-hidden' : ''} onMouseEnter={() => onHover(row)}>
      <td>
        <button
          type="button" class="legend-series" aria-pressed={!isHidden} title="Click: show alone. Ctrl+click: show or hide."
          onClick={(event) => onClick(event.ctrlKey || event.metaKey)}
        >
          <Swatch style={facts.styles[row]!} /><LabelText labels={ownLabels(facts.matrix.labels[row]!, facts.common)} empty={facts.common.length > 0 ? 'value' : '{}'} />
        </button>
      </td>
      {STATS.map((stat) => <td class="number" key={stat} title={String(stats[stat])}>{Number.isNaN(stats[stat]) ? '' : formatShort(stats[stat])}</td>)}
    </tr>
  )
}
