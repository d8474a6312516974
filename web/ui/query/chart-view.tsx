// The graph of a panel: loads the chart chunk, hands it what to draw, shows the legend below and says what is not
// drawn.
import { useComputed, useSignal, useSignalEffect, type ReadonlySignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import { scheme, zone } from '../shell/settings.ts'
import type { Chart } from './chart.ts'
import { graphFacts, type GraphFacts } from './graph-facts.ts'
import { Legend } from './legend.tsx'
import { LINES_ON_REQUEST_MAX } from './matrix.ts'
import { countOf, formatCount } from './number-format.ts'
import type { Panel, PanelResult } from './panel.ts'

type GraphResult = Extract<PanelResult, { kind: 'graph' }>

export function ChartView({ panel, result }: { panel: Panel; result: ReadonlySignal<GraphResult | null> }): JSX.Element {
  const host = useRef<HTMLDivElement>(null)
  const chart = useSignal<Chart | null>(null)
  const failure = useSignal('')
  const reading = useSignal('')
  const wantsAll = useSignal(false)
  const hidden = useSignal<ReadonlySet<string>>(new Set())
  const zoomedFrom = useRef<{ rangeMs: number; endMs: number | null }[]>([])
  const facts = useComputed(() => (result.value ? graphFacts(result.value.matrix, wantsAll.value) : null))

  useEffect(() => {
    let isGone = false
    import('./chart.ts').then(({ Chart }) => {
      if (isGone || !host.current) return
      chart.value = new Chart(host.current, {
        onZoom: (startMs, endMs) => {
          const { rangeMs, endMs: oldEnd } = panel.options.peek()
          zoomedFrom.current.push({ rangeMs, endMs: oldEnd })
          const wholeEnd = Math.ceil(endMs / 1000) * 1000
          panel.change({ rangeMs: Math.max(1000, Math.ceil((wholeEnd - startMs) / 1000) * 1000), endMs: wholeEnd })
        },
        onZoomBack: () => {
          const from = zoomedFrom.current.pop()
          if (from) panel.change(from)
        },
        onRead: (text) => (reading.value = text),
      })
    }, (error: unknown) => (failure.value = `The chart could not be loaded: ${String(error)}`))
    return () => {
      isGone = true
      chart.peek()?.destroy()
    }
  }, [])
  useSignalEffect(() => {
    const now = facts.value
    const shown = result.value
    if (!chart.value || !now || !shown) return
    const hiddenRows = new Set(now.plan.rows.filter((row) => hidden.value.has(now.texts[row]!)))
    chart.value.draw({
      matrix: now.matrix, plan: now.plan, styles: now.styles, hiddenRows, scheme: scheme.value, isUtc: zone.value === 'UTC',
      isZeroBased: panel.options.value.isZeroBased, windowMs: shown.windowMs, extent: shownExtent(now, hiddenRows),
    })
  })
  return (
    <div class="graph">
      <div
        class="chart" ref={host} tabIndex={0} role="img" data-testid="chart"
        aria-label="Graph. Arrow keys read values; drag to zoom, double click to zoom back."
      />
      <div class="visually-hidden" aria-live="polite">{reading}</div>
      {failure.value && <p class="notice notice-error" role="alert">{failure}</p>}
      {facts.value && <NotDrawn facts={facts.value} onAll={() => (wantsAll.value = true)} />}
      <Legend facts={facts} hidden={hidden} onHover={(row) => chart.peek()?.highlight(row)} />
    </div>
  )
}

/** Extent of the lines on show: isolating a small line brings it to full height. */
function shownExtent(facts: GraphFacts, hiddenRows: ReadonlySet<number>): readonly [number, number] {
  if (hiddenRows.size === 0 && !isPartial(facts)) return facts.extent
  if (facts.plan.hasDensity) return facts.extent
  let min = NaN
  let max = NaN
  for (const row of facts.plan.rows) {
    if (hiddenRows.has(row)) continue
    const stats = facts.stats[row]!
    if (!(stats.min >= min) && Number.isFinite(stats.min)) min = stats.min
    if (!(stats.max <= max) && Number.isFinite(stats.max)) max = stats.max
  }
  return [min, max]
}

const isPartial = (facts: GraphFacts): boolean => facts.plan.rows.length < facts.matrix.labels.length

function NotDrawn({ facts, onAll }: { facts: GraphFacts; onAll: () => void }): JSX.Element | null {
  const count = facts.matrix.labels.length
  const histograms = facts.matrix.histogramCount
  const drawn = facts.plan.rows.length
  if (!isPartial(facts) && histograms === 0) return null
  return (
    <p class="notice" role="status">
      {facts.plan.hasDensity && `${countOf(count, 'series', 'series')}: all as density, the ${formatCount(drawn)} largest as lines.`}
      {isPartial(facts) && !facts.plan.hasDensity && `${countOf(count, 'series', 'series')}: the ${formatCount(drawn)} largest are drawn, ${formatCount(count - drawn)} are not.`}
      {isPartial(facts) && count <= LINES_ON_REQUEST_MAX && <button type="button" class="button" onClick={onAll}>Draw all</button>}
      {histograms > 0 && ` ${countOf(histograms, 'native histogram')} not drawn.`}
    </p>
  )
}
