// One query: expression, tabs, controls, result, and every state a result can be in (ui.md calls them loading, empty,
// error, stale). Nothing moves while it loads: old data stays, a thin bar runs on the edge.
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { Icon } from '../widgets/icons.tsx'
import { Popover } from '../widgets/popover.tsx'
import { ChartView } from './chart-view.tsx'
import { EmptyResult } from './empty-result.tsx'
import { ExpressionField } from './expression-field.tsx'
import { countOf } from './number-format.ts'
import { queryHistory, type Panel, type PanelError, type PanelResult } from './panel.ts'
import { ResultTable } from './result-table.tsx'
import { ResolutionControl, TimeControls } from './time-controls.tsx'
import { formatSpan } from './time-text.ts'
import type { Tab } from './url-state.ts'

export interface QueryPanelProps {
  panel: Panel
  /** Place on the page, from 0. */
  index: number
  /** Absent for the only panel. */
  onRemove?: () => void
}

/** True once `sinceMs` lies `delayMs` back; false again as soon as it is null. */
function useDelayed(panel: Panel, delayMs: number): { readonly value: boolean } {
  const isLate = useSignal(false)
  useSignalEffect(() => {
    isLate.value = false
    if (panel.runningSince.value === null) return undefined
    const timer = setTimeout(() => (isLate.value = true), delayMs)
    return () => clearTimeout(timer)
  })
  return isLate
}

export function QueryPanel({ panel, index, onRemove }: QueryPanelProps): JSX.Element {
  const isLoading = useDelayed(panel, 150)
  const isSlow = useDelayed(panel, 2000)
  const { tab } = panel.options.value
  const id = `panel-${panel.id}`
  return (
    <section class="panel" aria-label={`Query ${index + 1}`} aria-busy={panel.runningSince.value !== null}>
      <div class="query-bar">
        <ExpressionField panel={panel} isFirst={index === 0} />
        <HistoryButton panel={panel} />
        {isSlow.value
          ? <button type="button" class="button run-button" onClick={() => panel.cancel()}>Cancel</button>
          : <button type="button" class="button primary run-button" onClick={() => panel.submit()}>Run</button>}
      </div>
      <div class={`loading-bar ${isLoading.value ? 'is-on' : ''}`} />
      <div class="panel-bar">
        <div class="tabs" role="tablist" aria-label="View">
          <TabButton panel={panel} tab="graph" text="Graph" />
          <TabButton panel={panel} tab="table" text="Table" />
        </div>
        <Summary panel={panel} />
        <div class="controls">
          {tab === 'graph' && <ZeroButton panel={panel} />}
          {tab === 'graph' && <ResolutionControl panel={panel} />}
          <TimeControls panel={panel} />
          {onRemove && <button type="button" class="button icon-button" aria-label="Remove query" title="Remove query" onClick={onRemove}><Icon name="close" /></button>}
        </div>
      </div>
      <div class="result" role="tabpanel" id={`${id}-result`} aria-labelledby={`${id}-${tab}`}>
        {panel.isCancelled.value && (
          <p class="notice" role="status"><span>Cancelled{panel.result.value && ': what is shown is from before'}.</span><button type="button" class="button" onClick={() => void panel.run()}>Run again</button></p>
        )}
        {panel.error.value && <ErrorNotice error={panel.error.value} />}
        <ResultView panel={panel} />
      </div>
    </section>
  )
}

function TabButton({ panel, tab, text }: { panel: Panel; tab: Tab; text: string }): JSX.Element {
  const isOn = panel.options.value.tab === tab
  const id = `panel-${panel.id}`
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
    const other = event.currentTarget instanceof HTMLElement ? event.currentTarget.parentElement?.querySelector<HTMLElement>('[aria-selected=false]') : null
    other?.focus()
    other?.click()
  }
  return (
    <button
      type="button" role="tab" class="tab" id={`${id}-${tab}`} aria-selected={isOn} aria-controls={`${id}-result`} tabIndex={isOn ? 0 : -1}
      onKeyDown={onKeyDown} onClick={() => !isOn && panel.change({ tab })}
    >{text}</button>
  )
}

function ZeroButton({ panel }: { panel: Panel }): JSX.Element {
  const { isZeroBased } = panel.options.value
  return (
    <button type="button" class="button" aria-pressed={isZeroBased} title="Start the vertical axis at zero" onClick={() => panel.restyle({ isZeroBased: !isZeroBased })}>From 0</button>
  )
}

function HistoryButton({ panel }: { panel: Panel }): JSX.Element {
  return (
    <Popover class="button icon-button" label="Query history" align="end" face={<Icon name="history" />}>
      {(close) => queryHistory.value.length === 0
        ? <p class="muted card-form">Queries you run are listed here, in this browser only.</p>
        : (
          <ul class="history">
            {queryHistory.value.map((expr) => (
              <li key={expr}>
                <button
                  type="button" onClick={() => {
                    panel.draft.value = expr
                    close()
                    panel.submit()
                  }}
                >{expr}</button>
              </li>
            ))}
          </ul>
        )}
    </Popover>
  )
}

/** Series or rows of a result. */
export function sizeOf(result: PanelResult): number {
  if (result.kind === 'graph') return result.matrix.labels.length + result.matrix.histogramCount
  const { data } = result
  return data.resultType === 'vector' || data.resultType === 'matrix' ? data.result.length : 1
}

function Summary({ panel }: { panel: Panel }): JSX.Element {
  const result = panel.result.value
  const text = result && result.kind === panel.options.value.tab
    ? `${countOf(sizeOf(result), 'series', 'series')} · ${formatSpan(result.tookMs)}` : ''
  return <span class="summary" data-testid="summary">{text}</span>
}

function ResultView({ panel }: { panel: Panel }): JSX.Element {
  const result = panel.result.value
  const { tab, expr } = panel.options.value
  const graph = useComputed(() => (panel.result.value?.kind === 'graph' ? panel.result.value : null))
  const table = useComputed(() => (panel.result.value?.kind === 'table' ? panel.result.value : null))
  const isStale = panel.error.value !== null
  if (expr === '') return <EmptyResult kind="blank" panel={panel} />
  if (!result || result.kind !== tab) return isStale || panel.isCancelled.value ? <></> : <div class={`skeleton ${tab}`} />
  return (
    <div class={isStale ? 'is-stale' : ''}>
      {result.notes.map((note) => <p class="notice notice-warning" role="status" key={note}>{note}</p>)}
      {sizeOf(result) === 0
        ? <EmptyResult kind="empty" panel={panel} key={result.expr} />
        : tab === 'graph' ? <ChartView panel={panel} result={graph} /> : <ResultTable result={table} />}
    </div>
  )
}

const TITLES = new Map([
  ['bad_data', 'The query is not valid'], ['execution', 'The query could not be carried out'], ['timeout', 'The query took too long'],
  ['canceled', 'The query was cancelled'], ['unavailable', 'The server is not ready yet'], ['network', 'No connection'], ['internal', 'The server failed'],
])

function ErrorNotice({ error }: { error: PanelError }): JSX.Element {
  const isCopied = useSignal(false)
  const copy = (): void => void navigator.clipboard.writeText(error.message).then(() => (isCopied.value = true), () => (isCopied.value = false))
  return (
    <div class="notice notice-error" role="alert" data-testid="query-error">
      <div>
        <strong>{TITLES.get(error.code) ?? 'The answer could not be read'}</strong>
        <p class="error-text">{error.message}</p>
      </div>
      <button type="button" class="button icon-button" aria-label="Copy the error" title={isCopied.value ? 'Copied' : 'Copy'} onClick={copy}><Icon name="copy" /></button>
    </div>
  )
}
