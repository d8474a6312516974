// The share URL of the query page, the codec of it. Parameters are Prometheus 3's (`g0.expr`, `g0.range_input`, ...),
// because every generatorURL and runbook in the world uses them; the old ones are read too (`tab=0`, `step_input`
// in seconds). What this page does not use itself is kept, so that a link passes through it unharmed.
// Decoding what was encoded gives the same state (property-tested).
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from './time-text.ts'

export type Tab = 'graph' | 'table'
export type Density = 'low' | 'medium' | 'high'
/** How far the points lie apart: by the range and a density, or a step in ms (> 0). */
export type Resolution =
  | { readonly type: 'auto'; readonly density: Density }
  | { readonly type: 'fixed' | 'custom'; readonly stepMs: number }

/** One query panel as a link carries it. */
export interface PanelOptions {
  readonly expr: string
  readonly tab: Tab
  /** Width of the graph's window in ms, > 0. */
  readonly rangeMs: number
  /** Right edge of the graph and moment of the table (Unix ms); null follows the present. */
  readonly endMs: number | null
  readonly resolution: Resolution
  /** The graph's vertical axis starts at zero. */
  readonly isZeroBased: boolean
  /** Parameters of other UIs, without the `gN.` prefix, in the order they came. */
  readonly extra: readonly (readonly [name: string, value: string])[]
}

export const DEFAULT_PANEL: PanelOptions = {
  expr: '', tab: 'graph', rangeMs: 3_600_000, endMs: null,
  resolution: { type: 'auto', density: 'medium' }, isZeroBased: false, extra: [],
}

const PANEL_PARAM = /^g(\d{1,3})\.([a-z_]+)$/
const OWN = new Set([
  'expr', 'tab', 'range_input', 'end_input', 'moment_input', 'step_input', 'res_type', 'res_density', 'res_step', 'y_axis_min',
])
/** Points over the range, per density; Prometheus' numbers. */
const POINTS: Readonly<Record<Density, number>> = { low: 100, medium: 250, high: 750 }
/** The API refuses more points per series. */
const POINTS_MAX = 11_000

/** Panels of a query string (`?g0.expr=...`), in the order of their numbers; empty when it names none. */
export function decodePanels(search: string): PanelOptions[] {
  const byIndex = new Map<number, [string, string][]>()
  for (const [key, value] of new URLSearchParams(search)) {
    const match = PANEL_PARAM.exec(key)
    if (!match) continue
    const index = Number(match[1])
    const params = byIndex.get(index) ?? []
    params.push([match[2]!, value])
    byIndex.set(index, params)
  }
  return [...byIndex].sort(([a], [b]) => a - b).map(([, params]) => decodePanel(params))
}

function decodePanel(params: readonly [string, string][]): PanelOptions {
  const get = new Map(params)
  const rangeMs = parseDuration(get.get('range_input') ?? '')
  const time = get.get('end_input') || get.get('moment_input') || ''
  return {
    expr: get.get('expr') ?? '',
    tab: decodeTab(get.get('tab')),
    rangeMs: rangeMs ? rangeMs : DEFAULT_PANEL.rangeMs,
    endMs: parseTimestamp(time, 'UTC') ?? null,
    resolution: decodeResolution(get),
    isZeroBased: get.get('y_axis_min') === '0',
    extra: params.filter(([name, value]) => !OWN.has(name) || (name === 'y_axis_min' && value !== '0' && value !== '')),
  }
}

/** Links without a tab open the graph, as this page does; Prometheus' numbers mean 0 graph, 1 table. */
function decodeTab(text: string | undefined): Tab {
  return text === 'table' || text === '1' ? 'table' : 'graph'
}

function decodeResolution(get: ReadonlyMap<string, string>): Resolution {
  const type = get.get('res_type')
  const stepMs = parseDuration(get.get('res_step') ?? '')
  if ((type === 'fixed' || type === 'custom') && stepMs) return { type, stepMs }
  const step = get.get('step_input') ?? ''
  const inputMs = /^\d+(\.\d+)?$/.test(step) ? Math.round(Number(step) * 1000) : parseDuration(step)
  if (type === undefined && inputMs) return { type: 'custom', stepMs: inputMs }
  const density = get.get('res_density')
  return { type: 'auto', density: density === 'low' || density === 'high' ? density : 'medium' }
}

/** The query string (without `?`) of panels; stable order, so equal states give equal links. */
export function encodePanels(panels: readonly PanelOptions[]): string {
  const params = new URLSearchParams()
  panels.forEach((panel, i) => {
    const set = (name: string, value: string): void => params.append(`g${i}.${name}`, value)
    set('expr', panel.expr)
    set('tab', panel.tab)
    set('range_input', formatDuration(panel.rangeMs))
    if (panel.endMs !== null) {
      const time = formatTimestamp(panel.endMs, 'UTC')
      set('end_input', time)
      set('moment_input', time)
    }
    set('res_type', panel.resolution.type)
    if (panel.resolution.type === 'auto') set('res_density', panel.resolution.density)
    else set('res_step', formatDuration(panel.resolution.stepMs))
    if (panel.isZeroBased) set('y_axis_min', '0')
    for (const [name, value] of panel.extra) set(name, value)
  })
  // Colons, slashes and commas may stand in a query as they are, and links stay readable.
  return params.toString().replace(/%3A/g, ':').replace(/%2F/g, '/').replace(/%2C/g, ',')
}

/** Step in ms for a range: whole seconds above one second, and never more points than the API takes. */
export function stepOf(resolution: Resolution, rangeMs: number): number {
  const leastMs = Math.max(1, Math.ceil(rangeMs / (POINTS_MAX - 1)))
  if (resolution.type !== 'auto') return Math.max(resolution.stepMs, leastMs)
  return Math.max(1000, Math.floor(rangeMs / POINTS[resolution.density] / 1000) * 1000)
}

/** The points of a graph: first, last (both inclusive, Unix ms) and their distance. */
export interface RangeGrid {
  startMs: number
  endMs: number
  stepMs: number
}

/**
 * The grid for a panel. Following the present, points lie on multiples of the step, so that a refresh adds points at
 * the right and leaves the others where they are (rates would jitter otherwise); a fixed end is taken to the letter.
 */
export function gridOf(panel: PanelOptions, nowMs: number): RangeGrid {
  const stepMs = stepOf(panel.resolution, panel.rangeMs)
  if (panel.endMs !== null) return { startMs: panel.endMs - panel.rangeMs, endMs: panel.endMs, stepMs }
  const endMs = Math.floor(nowMs / stepMs) * stepMs
  return { startMs: endMs - Math.floor(panel.rangeMs / stepMs) * stepMs, endMs, stepMs }
}
